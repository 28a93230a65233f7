"""What a language has to say; one that leaves a sentence out does not import."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from bot.core.command import Verb
from bot.core.form import Embellishment
from bot.core.model import Field, Level, Product
from bot.core.mute import Choice
from bot.core.notice import Reason
from bot.core.reading import Cause, Held
from bot.core.unusable import Unusable
from bot.core.watch import Trouble


@dataclass(frozen=True)
class Catalogue:
    """Every sentence of one language, as templates for `str.format`."""

    locale: str
    providers: Mapping[Product, str]
    some_provider: str
    account_pages: Mapping[Product, str]
    key_pages: Mapping[Product, str]
    url_settings: Mapping[Product, str]

    fields: Mapping[Field, str]
    amounts: Mapping[Field, str]
    thresholds: Mapping[Field, str]
    levels: Mapping[Level, str]
    not_given: str
    price_label: str
    price: str

    credits: Mapping[Product, str]
    subaccount_credits: str
    named_title: str
    reminder_title: str
    low_titles: Mapping[Level, str]
    unreadable_title: str
    unlisted_title: str
    unbalanced_title: str
    no_credit_title: str
    group_title: str
    group_unlisted_title: str
    accounts_counted: Mapping[str, str]
    ended_titles: Mapping[Trouble, str]
    unlisted_ended_title: str
    unbalanced_ended_title: str
    group_ended_title: str
    group_listed_title: str
    time: str
    time_to_the_second: str

    below: str
    in_band: str
    subaccount_below: str
    subaccount_in_band: str
    subaccount_empty: str
    subaccount_still_empty: str
    subaccount_unknown: str
    subaccount_was_empty: str
    gone: str
    gone_title: str
    subaccount_fine: str
    subaccount_email: str
    and_more: str
    listing_failed: str
    balances_failed: str
    listings_failed: str
    member_failing: str
    member_failing_otherwise: str
    member_unlisted: str
    member_read: str
    member_was_failing: str
    member_was_unlisted: str
    since: str
    next_reminder: str
    acked: str
    snoozed: str
    rose: str
    rose_still_below: str
    missed: str
    missed_no_credit: str
    repeat: str
    moved: str
    not_configured: str
    split: str
    ends_at: str
    left: str
    used_up: str
    still_used_up: str
    lasted: str
    told_late: str
    topped_up: str
    threshold_changed: str
    cannot_read_since: str
    last_reading: str
    no_reading: str
    account: str
    read_at: str
    top_up: str
    ack: str
    snooze: str
    resume: str
    choices: Mapping[Choice, str]
    ack_by_command: str
    resume_by_command: str
    not_mentioned: str
    left_out: Mapping[Embellishment, str]

    decided: Mapping[Reason, str]
    snoozed_already: str
    unknown_alert: str
    nothing_open: str
    alerts_title: str
    alert: str
    group: str
    last_word: str
    not_delivered: str
    next_try: str
    being_told: str
    counting: str
    failed_polls: str
    no_reminder: str
    undelivered: str
    gap_stopped: str
    gap_jumped: str
    gap_running: str
    gap_over: str
    database_lost: str
    database_causes: Mapping[Unusable, str]
    database_mends: Mapping[Unusable, str]
    database_back: str
    test: str
    test_reply: str

    causes: Mapping[Cause, str]
    mends: Mapping[Cause, str]
    heartbeat: str
    balances_cause: str
    currency_cause: str
    currency_mend: str
    some_currency: str
    listing_mend: str
    balances_mend: str

    hello: str
    hello_several: str
    hello_account: str
    hello_many: str
    hello_products: Mapping[Product, str]
    subaccount_rules: str
    subaccount_no_rules: str
    hello_no_rules: str
    rule: str
    rule_fired: str
    rule_fine: str
    rule_source: str
    thresholds_title: str
    no_rules: str
    rule_settings: Mapping[Product, str]

    status_title: str
    worse_subaccounts: str
    compact: str
    rest_fine: str
    last_listed: str
    last_listed_before: str
    rest: str
    level_counted: str
    unreadable_level: str
    one_in_detail: str
    held_back: str
    held_back_unread: str
    held_back_why: Mapping[Held, str]
    wait_until: str
    asking: str
    asking_title: str
    asking_level: str
    reading: str
    looking_up: str
    failed_title: str
    aged_reading: str
    usage: str
    help_title: str
    commands: Mapping[Verb, str]
    account_command: str
    no_duration: str
    not_understood: str
    nearest: str
    went_wrong: str
    stopping: str
    unknown_press: str
    other_workspace: str
    workspace_not_given: str
    installation_unknown: str
    person_refused: str
    channel_refused: str
    database_away: str

    slack_errors: Mapping[str, str]
    slack_error_unknown: str
    socket_mode_refused: str

    def __post_init__(self) -> None:
        for name, kind in _COMPLETE.items():
            missing = [member for member in kind if member not in getattr(self, name)]
            if missing:
                raise ValueError(f"{self.locale}: {name} lacks {missing}")


_COMPLETE: Mapping[str, Iterable[Enum | str]] = {
    "providers": Product,
    "account_pages": Product,
    "key_pages": Product,
    "url_settings": Product,
    "credits": Product,
    "accounts_counted": ["one", "other"],
    "hello_products": Product,
    "rule_settings": Product,
    "fields": Field,
    "amounts": Field,
    "thresholds": Field,
    "levels": Level,
    "low_titles": [level for level in Level if level is not Level.OK],
    "ended_titles": Trouble,
    "causes": Cause,
    "mends": Cause,
    "commands": Verb,
    "choices": Choice,
    "left_out": Embellishment,
    "held_back_why": Held,
    "database_causes": Unusable,
    "database_mends": Unusable,
    "decided": [Reason.MUTED, Reason.MUTED_ALREADY, Reason.RESUMED, Reason.NOT_MUTED, Reason.NOT_OPEN],
}
