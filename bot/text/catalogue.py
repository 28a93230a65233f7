"""What a language has to say; one that leaves a sentence out does not import."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from bot.core.command import Verb
from bot.core.model import Cause, Field, Level, Trouble


@dataclass(frozen=True)
class Catalogue:
    """Every sentence of one language, as templates for `str.format`."""

    locale: str
    provider: str

    fields: Mapping[Field, str]
    amounts: Mapping[Field, str]
    thresholds: Mapping[Field, str]
    levels: Mapping[Level, str]
    not_given: str
    price_label: str
    price: str

    low_titles: Mapping[Level, str]
    unreadable_title: str
    no_credit_title: str
    ended_titles: Mapping[Trouble, str]
    time: str

    below: str
    in_band: str
    ends_at: str
    left: str
    used_up: str
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

    causes: Mapping[Cause, str]
    mends: Mapping[Cause, str]

    hello: str
    hello_no_rules: str
    rule: str
    rule_fired: str
    rule_fine: str
    rule_source: str
    thresholds_title: str
    no_rules: str

    status_title: str
    asking: str
    failed_title: str
    aged_reading: str
    usage: str
    help_title: str
    commands: Mapping[Verb, str]
    account_command: str
    not_understood: str
    nearest: str
    went_wrong: str

    slack_errors: Mapping[str, str]
    slack_error_unknown: str

    def __post_init__(self) -> None:
        for name, kind in _COMPLETE.items():
            missing = [member for member in kind if member not in getattr(self, name)]
            if missing:
                raise ValueError(f"{self.locale}: {name} lacks {missing}")


_COMPLETE: Mapping[str, Iterable[Enum]] = {
    "fields": Field,
    "amounts": Field,
    "thresholds": Field,
    "levels": Level,
    "low_titles": [level for level in Level if level is not Level.OK],
    "ended_titles": Trouble,
    "causes": Cause,
    "mends": Cause,
    "commands": Verb,
}
