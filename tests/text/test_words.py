import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.core.access import Access, Verdict
from bot.core.command import NoDuration, NotUnderstood, Verb
from bot.core.gap import Gap
from bot.core.model import Field, Level, Policy, Product, Rule, SubAccounts
from bot.core.notice import OpenAlert, Reason, Telling, Undelivered
from bot.core.reading import Cause, Credits, Failure, Held, Reading, SubAccount
from bot.core.unusable import Unusable
from bot.core.watch import (
    AccountStatus,
    Ending,
    Episode,
    Firing,
    Member,
    Mute,
    Rise,
    ThresholdChange,
    Trouble,
    Watch,
)
from bot.ports import StoreAway
from bot.text import Words
from bot.text.catalogue import Catalogue
from bot.text.en import ENGLISH
from bot.text.figures import Figures
from tests.samples import (
    CRITICAL,
    DOWN,
    NO_CREDIT,
    NOW,
    POLICY,
    WARNING,
    WATCHED,
    WRONG_KEY,
    Outcome,
    account,
    at,
    credit,
    judged,
    known,
    lived,
    opened,
    reading,
    rule,
)

FIGURES = Figures("en", ZoneInfo("Europe/Paris"))
WORDS = Words(ENGLISH, FIGURES, POLICY)
ALL = Credits({name: Decimal(number) for number, name in enumerate(Field, 3)}, "EUR")
MONEY = rule(Level.CRITICAL, "50.10", Field.BALANCE)


# Figures in words


def test_the_table_says_every_figure_and_the_price() -> None:
    sample = Credits({Field.CREDIT_SMS: Decimal(4812), Field.BALANCE: Decimal("182.869")}, "EUR")
    assert WORDS.table(sample) == (
        ("SMS left", "4,812"),
        ("Economy SMS left", "not given"),
        ("HLR look-ups left", "not given"),
        ("Waiting to leave", "not given"),
        ("Balance", "182.86 EUR"),
        ("Price per SMS", "0.0380 EUR"),
    )
    assert WORDS.everything(sample) == "4,812 SMS, 182.86 EUR, 0.0380 EUR per SMS"


def test_zero_is_shown_as_zero_and_missing_as_not_given() -> None:
    shown = dict(WORDS.table(Credits({Field.BALANCE: Decimal(0), Field.CREDIT_SMS: Decimal(0)}, "EUR")))
    assert (shown["SMS left"], shown["Balance"]) == ("0", "0.00 EUR")
    assert (shown["Waiting to leave"], shown["Price per SMS"]) == ("not given", "not given")


@pytest.mark.parametrize(
    ("sms", "balance", "price"),
    [
        ("4812", "182.869", "0.0380 EUR"),
        ("0", "5", None),
        ("5", "0", None),
        ("5", "-1", None),
        ("-5", "-1", None),
    ],
)
def test_a_price_is_said_where_there_is_one(sms: str, balance: str, price: str | None) -> None:
    said = WORDS.everything(credit(sms, balance))
    assert (f"{price} per SMS" in said) if price else ("per SMS" not in said)


def test_the_currency_of_somebody_else_is_escaped_wherever_it_is_said() -> None:
    hostile = replace(ALL, currency="<!here>{x}")
    episode = replace(opened(Trouble.LOW, 4999), ended_at=at(9), topped_up=Decimal(5))
    low = replace(opened(Trouble.LOW, 4999), firing=(Firing(Field.BALANCE, Level.WARNING, Decimal(9)),))
    said = [
        WORDS.everything(hostile),
        *(value for _, value in WORDS.table(hostile)),
        *WORDS.end(episode, Reading(NOW, hostile), told_late=False),
        *WORDS.facts(low, hostile),
        WORDS.aged_reading(Reading(NOW, hostile), at(1)),
        WORDS.last_reading(Reading(NOW, hostile)),
    ]
    assert "<!here>" not in " ".join(said)
    assert "&lt;!here&gt;{x}" in " ".join(said)


# Low


@pytest.mark.parametrize(
    ("sms", "balance", "rules", "facts"),
    [
        (
            "4812", "342", (WARNING,),
            ["4,812 SMS left, below the warning threshold of 5,000. Fine again from 5,500."],
        ),
        ("5100", "342", (WARNING,), ["5,100 SMS left: above 5,000, ends at 5,500."]),
        ("5000", "342", (WARNING,), ["5,000 SMS left: above 5,000, ends at 5,500."]),
        (
            "999", "342", (WARNING, CRITICAL),
            ["999 SMS left, below the critical threshold of 1,000. Fine again from 5,500."],
        ),
        (
            "4812", "50.099", (WARNING, MONEY),
            [
                "50.09 EUR left, below the critical threshold of 50.10 EUR. Fine again from 55.11 EUR.",
                "4,812 SMS left, below the warning threshold of 5,000. Fine again from 5,500.",
            ],
        ),
        (
            "0", "342", (WARNING, CRITICAL),
            ["Nothing can be sent any more: 0 SMS, 342.00 EUR left. Top up to send again."],
        ),
        ("7", "-0.5", (), ["Nothing can be sent any more: 7 SMS, -0.500 EUR left. Top up to send again."]),
    ],
)  # fmt: skip
def test_a_low_episode_says_what_is_left_what_fired_and_where_it_ends(
    sms: str, balance: str, rules: tuple[Rule, ...], facts: list[str]
) -> None:
    left = credit(sms, balance)
    level = Level.EMPTY if left.at_zero else max(rule.level for rule in rules)
    firing = tuple(Firing(rule.field, rule.level, rule.threshold) for rule in rules)
    used_up = tuple(Firing(name, Level.EMPTY, Decimal(0)) for name in left.at_zero)
    episode = replace(opened(Trouble.LOW, 4999), level=level, firing=firing + used_up)
    assert list(WORDS.facts(episode, left)) == facts


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (
            credit(1, "0.04"),
            "Only 1 SMS, 0.040 EUR left, not enough: it counts as used up below 10 SMS.",
        ),
        (
            Credits({Field.BALANCE: Decimal("0.5")}, "EUR"),
            "Only 0.500 EUR left, not enough: it counts as used up below 1.00 EUR.",
        ),
    ],
)
def test_a_used_up_account_with_some_cents_says_that_they_are_not_enough(left: Credits, said: str) -> None:
    assert WORDS.facts(opened(Trouble.LOW, 0), left) == (said,)


def test_the_margin_that_is_said_is_the_one_that_is_judged_by() -> None:
    words = Words(ENGLISH, FIGURES, Policy(rearm_margin=Decimal("0.5")))
    assert words.facts(opened(Trouble.LOW, 4999), credit(5000))[0].endswith("ends at 7,500.")


@pytest.mark.parametrize(
    ("level", "title"),
    [
        (Level.WARNING, "SMS credits are low"),
        (Level.CRITICAL, "SMS credits are critically low"),
        (Level.EMPTY, "SMS credits are used up"),
    ],
)
def test_the_title_names_the_level(level: Level, title: str) -> None:
    assert WORDS.title(replace(opened(Trouble.LOW, 4999), level=level)) == title


# Ends


def ended_by(*outcomes: int | str | Failure | Reading) -> tuple[Episode, Reading | None]:
    step = lived(*outcomes)[-1]
    return next(episode for episode in step.touched if episode.ended_at), step.watch.reading


def test_the_end_says_the_figures_the_duration_and_what_was_topped_up() -> None:
    episode, last = ended_by(
        reading(4999, "30"), reading(4990, "29", minute=1), reading(9000, "342.5", minute=125)
    )
    since = WORDS.time(at(0))
    assert WORDS.title(episode) == "SMS credits are fine again"
    assert WORDS.end(episode, last, told_late=False) == (
        "9,000 SMS, 342.50 EUR left.",
        f"It lasted 2 hr 5 min, since {since}.",
        "Topped up: at least 313.50 EUR.",
    )


def test_an_end_without_a_top_up_claims_none() -> None:
    episode, last = ended_by(4999, 9000)
    assert len(WORDS.end(episode, last, told_late=False)) == 2


def test_an_end_that_could_not_be_told_in_time_says_so() -> None:
    episode, last = ended_by(4999, 9000)
    since, until = WORDS.time(at(0)), WORDS.time(at(1))
    assert WORDS.end(episode, last, told_late=True)[1] == (
        f"It lasted from {since} to {until} and could not be told earlier."
    )


def test_an_end_by_a_changed_threshold_says_so() -> None:
    step = judged(known(4000, watched=account(WARNING)), 4000, 1, account(rule(Level.WARNING, 1000)))
    said = WORDS.end(step.touched[0], step.watch.reading, told_late=False)
    assert said[-1] == "Threshold changed from 5,000 to 1,000."


def test_a_changed_threshold_of_money_is_said_to_the_cent() -> None:
    before = known(reading(9000, "45"), watched=account(MONEY))
    step = judged(
        before, reading(9000, "45", minute=1), 1, account(rule(Level.CRITICAL, "44.95", Field.BALANCE))
    )
    said = WORDS.end(step.touched[0], step.watch.reading, told_late=False)
    assert said[-1] == "Threshold changed from 50.1 EUR to 44.95 EUR."


def test_the_end_of_silence_names_the_account_and_the_figures() -> None:
    episode, last = ended_by(WRONG_KEY, 9000)
    assert WORDS.title(episode) == "Account sms can be read again"
    assert WORDS.end(episode, last, told_late=False)[0] == "9,000 SMS, 342.00 EUR left."


def test_an_open_episode_has_no_end() -> None:
    assert WORDS.end(opened(Trouble.LOW, 4999), reading(), told_late=True) == ()


# Beside the news

MUTED = replace(opened(Trouble.LOW, 4999), mute=Mute("U0A", at(1), at(61)))


@pytest.mark.parametrize(
    ("snoozed", "said"),
    [
        (False, "<@U0A> has it since {at}: no reminders until it ends, or {until}."),
        (True, "<@U0A> snoozed it {at}: no reminders until {until}."),
    ],
)
def test_who_keeps_an_alert_silent_is_named_with_the_time_it_ends(snoozed: bool, said: str) -> None:
    episode = replace(MUTED, mute=Mute("U0A", at(1), at(61), snoozed))
    expected = said.format(at=WORDS.time(at(1)), until=WORDS.time(at(61)))
    assert WORDS.standing(episode, credit()) == (expected,)


@pytest.mark.parametrize(
    ("firing", "left", "said"),
    [
        (
            (Firing(Field.BALANCE, Level.WARNING, Decimal(200)),),
            credit(9000, 160),
            "still 40.00 EUR below 200.00 EUR.",
        ),
        (
            (Firing(Field.CREDIT_SMS, Level.WARNING, Decimal(5000)),),
            credit(4000),
            "still 1,000 SMS below 5,000.",
        ),
        (
            (
                Firing(Field.CREDIT_SMS, Level.CRITICAL, Decimal(5000)),
                Firing(Field.BALANCE, Level.CRITICAL, Decimal(50)),
                Firing(Field.BALANCE, Level.WARNING, Decimal(200)),
            ),
            credit(900, 34),
            "still 166.00 EUR below 200.00 EUR.",
        ),
    ],
)
def test_a_top_up_that_is_not_enough_says_how_much_is_missing(
    firing: tuple[Firing, ...], left: Credits, said: str
) -> None:
    episode = replace(opened(Trouble.LOW, 4999), firing=firing, rise=Rise(Decimal(100), at(2)))
    assert WORDS.standing(episode, left) == (f"+100.00 EUR {WORDS.time(at(2))}, {said}",)


def test_a_top_up_into_the_band_is_not_enough_yet_either() -> None:
    episode = replace(opened(Trouble.LOW, 4999), rise=Rise(Decimal(100), at(2)))
    assert WORDS.standing(episode, credit(5100)) == (f"+100.00 EUR {WORDS.time(at(2))}: not enough yet.",)


def test_the_next_reminder_is_announced_only_where_one_is_due() -> None:
    low = opened(Trouble.LOW, 4999)
    assert WORDS.next_reminder(low) == f"next reminder {WORDS.time(at(24 * 60))}"
    assert WORDS.next_reminder(MUTED) == ""
    assert WORDS.next_reminder(replace(low, remind_at=None)) == ""


def test_what_is_open_is_told_with_its_facts_and_when_the_next_word_comes() -> None:
    watch = known(4999)
    assert watch.low
    alert = OpenAlert(watch.low, watch, Telling(at(0)))
    assert WORDS.alert(alert) == (
        f"*SMS credits are low* (sms), since {WORDS.time(at(0))}.",
        "4,999 SMS left, below the warning threshold of 5,000. Fine again from 5,500.",
        f"Last posted {WORDS.time(at(0))} in <#C0123456789>. Next reminder {WORDS.time(at(24 * 60))}.",
    )
    off = replace(WORDS, policy=Policy(reminder_warning=timedelta(0), reminder_critical=timedelta(0)))
    assert off.alert(replace(alert, episode=replace(watch.low, remind_at=None)))[-1].endswith(
        "No reminder comes: they are switched off for this level."
    )
    assert WORDS.alert(replace(alert, episode=MUTED))[-2] == WORDS.standing(MUTED, credit())[0]


def test_an_open_alert_of_silence_says_how_many_polls_have_failed() -> None:
    watch = known(DOWN, DOWN, DOWN, DOWN)
    assert watch.unreadable
    assert "Failed polls in a row: 4." in WORDS.alert(OpenAlert(watch.unreadable, watch))


def test_who_snoozed_it_does_not_have_it() -> None:
    assert MUTED.mute
    snoozed = replace(MUTED, mute=replace(MUTED.mute, snoozed=True))
    assert WORDS.decided(Reason.MUTED_ALREADY, snoozed) == (
        f"SMS credits are low: <@U0A> snoozed it already, until {WORDS.time(at(61))}."
    )


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            Reason.MUTED,
            (
                "SMS credits are low: no reminders until {until}. "
                "I still post if it gets worse, and when it ends."
            ),
        ),
        (Reason.MUTED_ALREADY, "SMS credits are low: <@U0A> has it already, since {at}."),
        (Reason.RESUMED, "SMS credits are low: reminders go on."),
        (Reason.NOT_MUTED, "SMS credits are low: reminders are on already."),
    ],
)
def test_a_decision_is_answered_with_what_it_changed(reason: Reason, said: str) -> None:
    expected = said.format(at=WORDS.time(at(1)), until=WORDS.time(at(61)))
    assert WORDS.decided(reason, MUTED) == expected


def test_a_press_on_an_old_copy_is_told_when_the_alert_ended_and_an_unknown_one_that_it_is_unknown() -> None:
    ended = replace(MUTED, ended_at=at(9))
    assert WORDS.decided(Reason.NOT_OPEN, ended) == f"SMS credits are low: ended {WORDS.time(at(9))}."
    assert WORDS.decided(Reason.NOT_OPEN, None).startswith("I do not know this alert")


def test_an_alert_closed_by_the_configuration_says_where_it_went_or_that_it_is_watched_no_more() -> None:
    gone = replace(MUTED, ended_at=at(9), ending=Ending.NOT_CONFIGURED)
    assert WORDS.closed(gone) == "This is no longer watched: the configuration was changed."
    moved = replace(gone, ending=Ending.MOVED, moved_to="C9")
    assert WORDS.closed(moved) == "This alert goes on in <#C9>."


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (Gap(NOW), "I have not read anything since {since}, so I cannot warn: look at my log."),
        (Gap(NOW, at(90)), "I read again: nothing was read from {since} to {until}."),
        (
            Gap(NOW, at(90), stopped=True),
            "Nothing was read from {since} to {until}: the bot was not running.",
        ),
        (
            Gap(NOW, at(90), jumped=True),
            (
                "By my clock nothing was read from {since} to {until}: "
                "my machine slept, or its clock was set ahead."
            ),
        ),
    ],
)
def test_not_watching_is_said_with_its_times(gap: Gap, said: str) -> None:
    assert WORDS.gap(gap) == said.format(since=WORDS.time(NOW), until=WORDS.time(at(90)))


def test_what_is_not_delivered_comes_with_the_reason_and_the_mend() -> None:
    assert WORDS.undelivered([Undelivered("C9", NOW, "not_in_channel")]) == (
        f"Since {WORDS.time(NOW)} I cannot post in <#C9>: "
        "the bot is not in the channel: type /invite @smscredits there."
    )
    assert "<!here>" not in WORDS.undelivered([Undelivered("C9", NOW, "<!here>")])


def test_channels_that_wait_for_the_same_reason_are_named_together_since_the_first_of_them() -> None:
    waiting = [Undelivered(f"C{number}", at(-number), "not_in_channel") for number in range(1, 6)]
    said = WORDS.undelivered(waiting)
    assert said.startswith(
        f"Since {WORDS.time(at(-5))} I cannot post in <#C1>, <#C2>, <#C3>, and 2 more: the bot"
    )


def test_a_snooze_without_a_duration_is_answered_with_examples() -> None:
    said = WORDS.no_duration(NoDuration("snooze <!here> `x`"))
    assert said.startswith("“snooze &lt;!here&gt; 'x'” has no duration")
    assert "`/smscredits snooze 2h`" in said


# Unreadable


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_said_in_words_with_its_mend(cause: Cause) -> None:
    failure = Failure(cause, field="creditSms<>", status=418, code="<!here>")
    episode = replace(opened(Trouble.UNREADABLE, WRONG_KEY), failure=failure)
    said = WORDS.facts(episode, None)
    assert said == (WORDS.cause(failure), WORDS.mend(failure))
    for sentence in said:
        assert sentence.endswith((".", ".)"))
        assert not {"{", "}"} & set(sentence)
        assert "<!" not in sentence


@pytest.mark.parametrize("cause", Cause)
def test_what_is_not_known_of_a_failure_is_a_question_mark_and_never_a_zero(cause: Cause) -> None:
    said = WORDS.cause(Failure(cause, field="balance"))
    assert "HTTP 0" not in said
    assert "code )" not in said


def test_a_missing_field_is_named() -> None:
    assert "`creditSms`" in WORDS.cause(Failure(Cause.FIELD_MISSING, field="creditSms"))


@pytest.mark.parametrize(
    ("failure", "title"),
    [
        (WRONG_KEY, "Account sms cannot be read"),
        (NO_CREDIT, "Account sms is probably empty"),
    ],
)
def test_insufficient_credit_is_not_told_as_any_other_failure(failure: Failure, title: str) -> None:
    assert WORDS.title(opened(Trouble.UNREADABLE, failure)) == title


def test_an_address_that_is_not_allowed_comes_with_the_ways_to_mend_it() -> None:
    mend = WORDS.mend(Failure(Cause.ADDRESS_REFUSED))
    assert "static-address add-on" in mend
    assert "Lift the restriction" in mend


def test_old_figures_are_marked_as_old() -> None:
    assert WORDS.cannot_read_since(reading()) == f"Last read {WORDS.time(NOW)}; cannot be read since."
    assert WORDS.aged_reading(reading(), at(65)).startswith("Last good reading, 1 hr 5 min old: 9,000 SMS, ")
    assert WORDS.last_reading(reading()) == f"Last good reading: 9,000 SMS, 342.00 EUR, {WORDS.time(NOW)}."


def test_without_any_reading_none_is_made_up() -> None:
    none = "There is no earlier reading."
    assert WORDS.aged_reading(None, NOW) == WORDS.last_reading(None) == none
    assert WORDS.facts(opened(Trouble.LOW, 4999), None) == (none,)
    assert WORDS.cannot_read_since(None) == ""


# What is watched


def test_the_greeting_says_what_is_watched_how_often_and_by_which_thresholds() -> None:
    assert WORDS.hello([WATCHED], timedelta(minutes=5)) == (
        "I watch the SMS Partner account sms for this channel, every 5 min: "
        "warning below 5,000 SMS, critical below 1,000 SMS."
    )


def test_the_greeting_of_a_few_accounts_has_a_line_for_each() -> None:
    parent = replace(account(MONEY, name="marketing"), subaccounts=SubAccounts((MONEY,)))
    mail = replace(account(name="news"), product=Product.MAIL)
    of_money = "critical below a balance of 50.10 in the account's currency"
    assert WORDS.hello([parent, mail], timedelta(minutes=5)).split("\n") == [
        "I watch 2 accounts for this channel, every 5 min:",
        f"• marketing (SMS Partner): {of_money}; each sub-account: {of_money}.",
        f"• news (Mail Partner): {ENGLISH.hello_no_rules}.",
    ]


def test_without_thresholds_the_bot_says_what_it_still_warns_of() -> None:
    for said in (WORDS.hello([account()], timedelta(minutes=5)), *WORDS.rules(account())):
        assert re.search(r"I warn only .* is empty or cannot be read", said)


def test_the_rules_in_force_say_where_they_end_and_where_they_come_from() -> None:
    assert WORDS.rules(account(WARNING, MONEY), "EUR") == (
        "warning below 5,000 SMS, ends at 5,500 (`CREDIT_SMS_WARNING`)",
        "critical below a balance of 50.10 EUR, ends at 55.11 EUR (`BALANCE_CRITICAL`)",
    )


def test_every_rule_about_money_says_its_unit_the_configured_one_before_the_one_that_was_read() -> None:
    parent = replace(account(MONEY, name="marketing"), subaccounts=SubAccounts((MONEY,)))
    minutes = timedelta(minutes=5)
    read = {"marketing": reading()}
    assert WORDS.hello([parent], minutes, read).count("a balance of 50.10 EUR") == 2
    assert [rule.count("50.10 EUR") for rule in WORDS.rules(parent, "EUR")] == [1, 1]
    in_francs = replace(parent, currency="XOF")
    assert WORDS.hello([in_francs], minutes, read).count("a balance of 50.10 XOF") == 2
    assert [rule.count("55.11 XOF") for rule in WORDS.rules(in_francs, "EUR")] == [1, 1]
    assert WORDS.rule_states(AccountStatus(parent, Watch(), reading())) == (
        "critical below a balance of 50.10 EUR: fine",
    )


@pytest.mark.parametrize(
    ("listed", "mend"),
    [
        (False, "Set `CURRENCY=XOF` and the thresholds, if that is right; until then nothing is judged."),
        (True, 'Set `currency = "XOF"` and the thresholds, if that is right; until then nothing is judged.'),
    ],
)
def test_money_in_another_unit_says_both_units_and_what_to_set(listed: bool, mend: str) -> None:
    failure = Failure(Cause.CURRENCY, amount=Decimal("7477.81"), unit="XOF", instead="EUR")
    watched = replace(account(), listed=listed)
    assert WORDS.cause(failure, watched) == "SMS Partner now counts in XOF (7,477.81 XOF) instead of EUR."
    assert WORDS.mend(failure, watched) == mend


def test_a_sub_account_in_another_unit_is_named_with_both() -> None:
    failure = Failure(
        Cause.CURRENCY, "balance", listing=True, amount=Decimal(9), unit="XOF", instead="EUR", subaccount="7"
    )
    assert WORDS.cause(failure) == "SMS Partner counts sub-account `7` in XOF (9.00 XOF) instead of EUR."
    mend = "Its balance is not judged until it is in EUR again; all others are as usual."
    assert WORDS.mend(failure) == mend


@pytest.mark.parametrize(
    ("sms", "states"),
    [
        (9000, ["warning below 5,000 SMS: fine", "critical below 1,000 SMS: fine"]),
        (4999, ["*warning below 5,000 SMS: low*", "critical below 1,000 SMS: fine"]),
        (999, ["*warning below 5,000 SMS: low*", "*critical below 1,000 SMS: low*"]),
    ],
)
def test_the_answer_tells_of_each_rule_whether_it_has_fired(sms: int, states: list[str]) -> None:
    status = AccountStatus(WATCHED, known(sms), reading(sms))
    assert list(WORDS.rule_states(status)) == states


@pytest.mark.parametrize(
    ("watch", "failure", "title"),
    [
        (known(9000), None, "sms: fine"),
        (known(4999), None, "sms: warning"),
        (known(999), None, "sms: critical"),
        (known(0), None, "sms: empty"),
        (known(0), DOWN, "sms cannot be read now"),
        (Watch(), DOWN, "sms cannot be read now"),
    ],
)
def test_the_title_of_the_answer_never_takes_unreadable_for_a_level(
    watch: Watch, failure: Failure | None, title: str
) -> None:
    assert WORDS.status_title(AccountStatus(WATCHED, watch, watch.reading, failure)) == title


# Commands


def test_the_list_of_commands_holds_all_that_works_and_nothing_else() -> None:
    typed = [command for command, _ in WORDS.commands(["sms"])]
    assert typed == [
        "/smscredits",
        "/smscredits ACCOUNT",
        *(f"/smscredits {verb}" for verb in Verb if verb is not Verb.SHOW),
    ]
    assert all(f"`{command}`" in WORDS.usage(["sms"]) for command in typed)


@pytest.mark.parametrize(
    ("typed", "nearest", "said"),
    [
        ("hepl", "help", "I do not know “hepl”. Did you mean `/smscredits help`?"),
        ("xyzzy", "", "I do not know “xyzzy”."),
        ("<!channel> `x`", "", "I do not know “&lt;!channel&gt; 'x'”."),
        ("{0}", "", "I do not know “{0}”."),
        ("x" * 500, "", f"I do not know “{'x' * 80}”."),
    ],
)
def test_a_text_that_is_no_command_is_quoted_without_its_power(typed: str, nearest: str, said: str) -> None:
    assert WORDS.not_understood(NotUnderstood(typed, nearest)) == said


def test_whoever_may_not_ask_is_told_why_and_whom_to_ask_with_the_id_to_pass_on() -> None:
    access = Access(frozenset({"U0ALICE"}), frozenset({"C0BETA", "C0ALPHA"}))
    person = WORDS.refused(Verdict.PERSON_NOT_LISTED, "U0BRUNO", "C0RANDOM", access)
    assert "Ask whoever runs this bot to add your id to `ALLOWED_USERS`: `U0BRUNO`." in person
    channel = WORDS.refused(Verdict.CHANNEL_NOT_LISTED, "U0BRUNO", "C0RANDOM", access)
    assert channel.startswith("I do not answer in this channel, but in <#C0ALPHA>, <#C0BETA>. ")
    assert channel.endswith("to add this channel's id to `ALLOWED_CHANNELS`: `C0RANDOM`.")


def test_of_many_channels_where_the_bot_answers_some_are_named() -> None:
    access = Access(channels=frozenset(f"C0{number:04}" for number in range(30)))
    said = WORDS.refused(Verdict.CHANNEL_NOT_LISTED, "U0BRUNO", "<!channel>", access)
    assert said.count("<#C0") == 12
    assert "<#C00011>, and 18 more. To use me" in said
    assert "<!channel>" not in said


def test_slack_s_refusals_are_said_in_plain_words() -> None:
    assert "invite" in WORDS.slack_error("not_in_channel")
    assert WORDS.slack_error("some_new_error") == "Slack refuses with some_new_error"


# Products


@pytest.mark.parametrize(
    ("product", "title", "provider"),
    [
        (Product.SMS, "SMS credits are low", "SMS Partner"),
        (Product.VOICE, "Voice credits are low", "Voice Partner"),
        (Product.MAIL, "Mail credits are low", "Mail Partner"),
    ],
)
def test_each_product_is_called_by_its_name(product: Product, title: str, provider: str) -> None:
    watched = replace(account(), product=product, key_source="KEY_MARKETING")
    assert WORDS.title(replace(opened(Trouble.LOW, 4999), product=product)) == title
    assert WORDS.cause(DOWN, watched) == f"{provider} cannot be reached."
    assert WORDS.mend(WRONG_KEY, watched).endswith("and set `KEY_MARKETING`.")
    assert f"the {provider} account sms" in WORDS.hello([watched], timedelta(minutes=5))


def test_with_several_accounts_the_news_begin_with_the_name() -> None:
    several = replace(WORDS, accounts={"sms": WATCHED, "voice": WATCHED})
    assert several.title(opened(Trouble.LOW, 4999)) == "sms: SMS credits are low"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 sec"),
        (66, "1 min 6 sec"),
        (5 * 3600 + 55 * 60 + 66, "5 hr 56 min 6 sec"),
        (7200, "2 hr"),
        (100 * 3600, "100 hr"),
    ],
)
def test_speaking_time_is_said_in_hours_minutes_and_seconds(seconds: int, said: str) -> None:
    left = Credits({Field.BALANCE: Decimal(19), Field.SPEAKING_MOBILE: Decimal(seconds)}, "€")
    assert dict(WORDS.table(left, Product.VOICE))["Speaking time to mobiles"] == said
    assert WORDS.everything(left) == f"19.00 €, {said} to mobiles"


def test_each_product_s_table_shows_its_own_figures_and_nothing_is_summed() -> None:
    left = {product: [label for label, _ in WORDS.table(ALL, product)] for product in Product}
    assert left[Product.VOICE] == [
        "Balance", "Speaking time to mobiles", "Speaking time to landlines", "Voicemail drops left",
    ]  # fmt: skip
    assert left[Product.MAIL] == ["Mails left", "Balance"]
    assert "Mails left" not in left[Product.SMS]


# Sub-accounts

SUB_RULES = (rule(Level.WARNING, 20, Field.BALANCE), rule(Level.CRITICAL, 5, Field.BALANCE))


def of(identity: str, level: Level, threshold: int) -> Firing:
    return Firing(Field.BALANCE, level, Decimal(threshold), identity)


def low_subaccounts() -> list[tuple[Episode, Credits]]:
    """Return an episode of sub-accounts alone, and one of the account too."""
    listed = (
        SubAccount("7", Decimal("3.209"), "EUR"),
        SubAccount("8", Decimal(0), "EUR"),
        SubAccount("9", Decimal("21.5"), "EUR"),
        SubAccount("10"),
        SubAccount("11", Decimal(500), "EUR"),
        SubAccount("12"),
        SubAccount("13", Decimal("0.04"), "EUR"),
    )
    firing = (
        of("7", Level.WARNING, 20), of("7", Level.CRITICAL, 5), of("8", Level.EMPTY, 0),
        of("9", Level.WARNING, 20), of("10", Level.WARNING, 20),
        of("12", Level.EMPTY, 0), of("13", Level.EMPTY, 0),
    )  # fmt: skip
    alone = replace(opened(Trouble.LOW, 4999), account="marketing", level=Level.EMPTY, firing=firing)
    own = replace(alone, firing=(*opened(Trouble.LOW, 4999).firing, *firing))
    left = replace(credit(4999), subaccounts=listed)
    return [(alone, left), (own, left)]


def test_each_subaccount_in_trouble_is_a_line_the_worst_first() -> None:
    alone, own = low_subaccounts()
    lines = (
        "`marketing/8`: 0.00 EUR left, nothing can be sent any more.",
        "`marketing/13`: 0.040 EUR left, not enough: it counts as used up below 1.00 EUR.",
        "`marketing/12`: balance not given any more; it was empty.",
        "`marketing/7`: 3.20 EUR left, below the critical threshold of 5.00 EUR.",
        "`marketing/9`: 21.50 EUR left, above 20.00 EUR, ends at 22.00 EUR.",
        "`marketing/10`: balance not given any more; it was below 20.00.",
    )
    assert WORDS.facts(*alone) == lines
    own_line = "4,999 SMS left, below the warning threshold of 5,000. Fine again from 5,500."
    assert WORDS.facts(*own) == (own_line, *lines)
    assert WORDS.title(alone[0]) == "Sub-account credits are used up"
    assert WORDS.title(own[0]) == "Sub-account credits are used up", "the account itself can still send"
    assert WORDS.title(replace(own[0], level=Level.WARNING)) == "SMS credits are low"


def test_of_a_thousand_subaccounts_in_trouble_ten_are_named() -> None:
    listed = tuple(SubAccount(str(number), Decimal(number), "EUR") for number in range(1, 1001))
    firing = tuple(of(one.id, Level.WARNING, 2000) for one in listed)
    episode = replace(opened(Trouble.LOW, 4999), firing=firing)
    *lines, last = WORDS.facts(episode, replace(credit(), subaccounts=listed))
    assert [line.split(":")[0] for line in lines] == [f"`sms/{number}`" for number in range(1, 11)]
    assert last == "and 990 more."


def test_subaccounts_as_bad_as_each_other_are_said_as_people_count_them() -> None:
    listed = tuple(SubAccount(identity, Decimal(3), "EUR") for identity in ("10", "9", "101", "2"))
    firing = tuple(of(one.id, Level.CRITICAL, 5) for one in listed)
    episode = replace(opened(Trouble.LOW, 4999), firing=firing)
    lines = WORDS.facts(episode, replace(credit(), subaccounts=listed))
    assert [line.split("`")[1] for line in lines] == ["sms/2", "sms/9", "sms/10", "sms/101"]


def test_a_strange_id_or_e_mail_of_a_subaccount_neither_pings_nor_formats() -> None:
    said = WORDS.subaccount(SubAccount("`<!here>`", Decimal(3), "EUR", "<@U1>`*a*"), "marketing")
    assert said == "`marketing/'&lt;!here&gt;'`: 3.00 EUR (`&lt;@U1&gt;'*a*`)"


# Names of every direction


def test_a_right_to_left_name_stays_at_its_place_beside_figures_and_ids() -> None:
    name = "\u05d4\u05ea\u05e8\u05d0\u05d5\u05ea"
    isolated = f"\u2068{name}\u2069"
    watched = account(WARNING, name=name)
    words = Words(ENGLISH, FIGURES, POLICY, {name: watched, "sms": WATCHED})
    status = AccountStatus(watched, known(5500, watched=watched), reading(5500))
    assert words.compact(status, NOW) == f"*{isolated}*: fine. 5,500 SMS, 342.00 EUR"
    assert words.subaccount(SubAccount("101", Decimal(3), "EUR"), name) == f"`{isolated}/101`: 3.00 EUR"
    assert words.title(replace(opened(Trouble.LOW, 4999), account=name)) == f"{isolated}: SMS credits are low"
    assert words.named([watched, WATCHED]) == f"{isolated}, sms"
    meant = words.not_understood(NotUnderstood("ack x", f"ack {name}"))
    assert meant.endswith(f"Did you mean `/smscredits \u2068ack {name}\u2069`?")


# Accounts that share an episode


def group_episodes() -> list[Episode]:
    """Return an episode that accounts of one host share, while it lasts and when all was read again."""
    late = Failure(Cause.TIMEOUT)
    members = (Member("one", at(0), DOWN), Member("two", at(1), late), Member("three", at(0), DOWN, at(4)))
    lasting = replace(
        opened(Trouble.UNREADABLE, WRONG_KEY), account="api.smspartner.fr@C1", failure=DOWN, members=members
    )
    healed = tuple(replace(member, until=at(9)) for member in members)
    return [lasting, replace(lasting, members=healed, ended_at=at(9))]


def test_accounts_of_one_host_that_fails_are_told_together_each_by_its_name() -> None:
    lasting, over = group_episodes()
    assert WORDS.title(lasting) == "2 accounts cannot be read from api.smspartner.fr"
    assert WORDS.facts(lasting, None) == (
        "SMS Partner cannot be reached.",
        WORDS.mend(DOWN),
        f"`one` since {WORDS.time(at(0))}.",
        f"`two` since {WORDS.time(at(1))}: SMS Partner does not answer in time.",
        f"`three` was read again {WORDS.time(at(4))}.",
    )
    assert WORDS.title(over) == "3 accounts can be read again from api.smspartner.fr"
    assert f"`two` could not be read from {WORDS.time(at(1))} to {WORDS.time(at(9))}." in WORDS.end(
        over, None, told_late=False
    )
    assert WORDS.account(lasting.account) == "several accounts"
    split = replace(over, ending=Ending.SPLIT)
    assert WORDS.closed(split) == "What still cannot be read has alerts of its own now."


def test_one_account_of_a_host_that_fails_alone_is_told_by_its_name() -> None:
    lasting, over = (replace(episode, members=episode.members[:1]) for episode in group_episodes())
    assert WORDS.title(lasting) == "Account one cannot be read"
    assert WORDS.title(over) == "Account one can be read again"
    assert WORDS.whose(lasting) == "Account one"
    cause = ("SMS Partner cannot be reached.", WORDS.mend(DOWN))
    assert WORDS.facts(lasting, None) == (*cause, "There is no earlier reading.")
    last, now = {"one": reading(5500, 220)}, {"one": reading(5400, 216, minute=9)}
    assert WORDS.facts(lasting, None, last) == (*cause, WORDS.last_reading(last["one"]))
    assert WORDS.end(over, None, now, told_late=False) == (
        "5,400 SMS, 216.00 EUR left.",
        f"It lasted 9 min, since {WORDS.time(at(0))}.",
    )


def test_accounts_that_share_an_episode_are_told_each_with_its_last_figures() -> None:
    lasting, over = group_episodes()
    last = {"one": reading(5500, 220), "three": reading(9000, minute=4)}
    assert WORDS.facts(lasting, None, last)[2:] == (
        f"`one` since {WORDS.time(at(0))}. Last good reading: 5,500 SMS, 220.00 EUR, {WORDS.time(at(0))}.",
        f"`two` since {WORDS.time(at(1))}: SMS Partner does not answer in time.",
        f"`three` was read again {WORDS.time(at(4))}.",
    )
    until = WORDS.time(at(9))
    assert WORDS.end(over, None, {"one": reading(5400, 216)}, told_late=False)[-3:-1] == (
        f"`one` could not be read from {WORDS.time(at(0))} to {until}. 5,400 SMS, 216.00 EUR left.",
        f"`two` could not be read from {WORDS.time(at(1))} to {until}.",
    )


def unlisted_episodes() -> list[Episode]:
    """Return the same where the lists of sub-accounts fail: all of them, all but one, and at the end."""
    unlisted = replace(DOWN, listing=True)
    lasting, over = group_episodes()
    one, *others = (replace(member, failure=unlisted) for member in lasting.members)
    return [
        replace(lasting, members=(one, *others), failure=unlisted),
        replace(lasting, members=(replace(one, failure=DOWN), *others)),
        replace(over, members=tuple(replace(member, failure=unlisted) for member in over.members)),
    ]


def test_lists_of_subaccounts_that_fail_are_not_told_as_accounts_that_cannot_be_read() -> None:
    lists, mixed, over = unlisted_episodes()
    assert WORDS.title(lists) == "Sub-accounts of 2 accounts cannot be listed from api.smspartner.fr"
    assert WORDS.facts(lists, None)[0] == (
        "The accounts themselves are read, but not the lists of their sub-accounts."
    )
    assert WORDS.title(mixed) == "1 account cannot be read from api.smspartner.fr"
    assert WORDS.facts(mixed, None)[3] == (
        f"`two` since {WORDS.time(at(1))}: it is read, but not the list of its sub-accounts."
    )
    assert WORDS.title(over) == "Sub-accounts of 3 accounts can be listed again from api.smspartner.fr"
    assert WORDS.end(over, None, told_late=False)[-1] == (
        f"Sub-accounts of `three` could not be listed from {WORDS.time(at(0))} to {WORDS.time(at(9))}."
    )


@pytest.mark.parametrize(
    ("field", "title", "facts", "end"),
    [
        (
            "data",
            "Sub-accounts of sms cannot be listed",
            (
                "The account itself is read, but not the list of its sub-accounts. "
                "SMS Partner's answer lacks `data`. "
                "I judge its sub-accounts by what was last listed until it is back."
            ),
            "Sub-accounts of sms can be listed again",
        ),
        (
            "balance",
            "Balances of sub-accounts of sms cannot be read",
            (
                "The account and the list of its sub-accounts are read, but not every balance on it. "
                "SMS Partner gives a sub-account without `balance`, or with one that is no number. "
                "Sub-accounts without one are judged again once it is back; all others are as usual."
            ),
            "Balances of sub-accounts of sms can be read again",
        ),
    ],
)
def test_a_list_that_lacks_something_is_told_with_what_is_judged_all_the_same(
    field: str, title: str, facts: str, end: str
) -> None:
    failure = Failure(Cause.FIELD_MISSING, field=field, listing=True)
    lasting = Episode("1", "sms", Trouble.UNREADABLE, "C0ALERTS", Level.WARNING, at(0), failure=failure)
    assert WORDS.title(lasting) == title
    assert " ".join(WORDS.facts(lasting, None)[:3]) == facts
    assert WORDS.title(replace(lasting, ended_at=at(9))) == end


@pytest.mark.parametrize(
    ("products", "provider"),
    [
        ((Product.VOICE, Product.VOICE), "Voice Partner"),
        ((Product.SMS, Product.VOICE), "The provider"),
    ],
)
def test_where_one_host_serves_several_products_none_of_them_is_blamed_alone(
    products: tuple[Product, ...], provider: str
) -> None:
    lasting, _ = group_episodes()
    names = [member.account for member in lasting.members]
    known_ = {
        name: replace(account(name=name), product=product)
        for name, product in zip(names, products, strict=False)
    }
    said = replace(WORDS, accounts=known_).facts(lasting, None)
    assert said[0] == f"{provider} cannot be reached."


# The catalogue


class Sentence(str):
    """A template that remembers that it was filled in."""

    __slots__ = ()
    filled: set[str] = set()  # noqa: RUF012 - shared by all on purpose

    @classmethod
    def of(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: cls(template) for key, template in value.items()}
        return cls(value)

    def format(self, *args: object, **kwargs: object) -> str:
        self.filled.add(str(self))
        return super().format(*args, **kwargs)

    @property
    def has_holes(self) -> bool:
        return any(name is not None for _, name, _, _ in Formatter().parse(self))


def sentences(catalogue: Catalogue) -> Iterator[Sentence]:
    for field in fields(catalogue):
        value = Sentence.of(getattr(catalogue, field.name))
        yield from value.values() if isinstance(value, dict) else [value]


def fill_in_what_stands_beside(words: Words, low: Episode) -> None:
    rose = replace(low, rise=Rise(Decimal(5), NOW), remind_at=at(5))
    acked = replace(rose, mute=Mute("U1", NOW, at(60)))
    snoozed = replace(rose, mute=Mute("U1", NOW, at(60), snoozed=True))
    for episode in (rose, acked, snoozed):
        words.alert(OpenAlert(episode, known(4999)))
        words.alert(OpenAlert(episode, known(4999, 5100)))
        words.since(episode)
        for reason in words.say.decided:
            words.decided(reason, episode)
    for trouble in Trouble:
        words.missed(trouble, Level.CRITICAL, NOW)
    words.closed(replace(low, ended_at=NOW, ending=Ending.MOVED, moved_to="C2"))
    for gap in (Gap(NOW), Gap(NOW, at(90)), Gap(NOW, at(90), stopped=True), Gap(NOW, at(90), jumped=True)):
        words.gap(gap)
    words.undelivered([Undelivered("C2", NOW, "not_in_channel")])
    words.no_duration(NoDuration("snooze soon"))


def fill_in_what_many_accounts_need(words: Words) -> None:
    for product in Product:
        watched = replace(account(), product=product, name=product.value)
        words.rules(watched)
        words.hello([watched] * 4, timedelta(minutes=5))
        for trouble in Trouble:
            episode = opened(trouble, 4999 if trouble is Trouble.LOW else WRONG_KEY)
            words.title(replace(episode, product=product))
            words.reminder(episode)
            words.title(replace(episode, product=product, ended_at=at(9)))
    parent = replace(account(MONEY, name="marketing"), subaccounts=SubAccounts((MONEY,)))
    words.rules(parent)
    several = replace(words, accounts={"marketing": parent, "sms": WATCHED})
    words.asking(WATCHED)
    words.wait_until(replace(DOWN, wait_until=at(5)), NOW)
    for episode, left in low_subaccounts():
        several.title(episode)
        words.facts(episode, left)
        words.title(episode)
    words.subaccount(SubAccount("7", Decimal(3), "EUR", "a@b.example"), "marketing")
    unlisted = replace(opened(Trouble.UNREADABLE, WRONG_KEY), failure=Failure(Cause.TIMEOUT, listing=True))
    unbalanced = replace(unlisted, failure=Failure(Cause.FIELD_MISSING, field="balance", listing=True))
    for episode in (unlisted, unbalanced, *group_episodes(), *unlisted_episodes()):
        words.title(episode)
        words.title(replace(episode, ended_at=at(9)))
        words.facts(episode, None)
        words.end(replace(episode, ended_at=at(9)), None, told_late=False)
    words.more(3)
    words.counted(1)
    silent = known(WRONG_KEY)
    for telling in (Telling(NOW), Telling(waits_since=NOW), Telling(NOW, NOW, "timeout", at(5))):
        words.alert(OpenAlert(silent.episodes[0], silent, telling))
    for cause in Unusable:
        words.database_lost(StoreAway(cause, "smscredits_notice"))
    words.database_away(StoreAway(Unusable.REFUSED))
    words.counting(WATCHED, known(9000, DOWN))
    fine = AccountStatus(WATCHED, known(9000), reading())
    words.compact(fine, at(1))
    words.compact(replace(fine, failure=DOWN), at(1))
    of_the_list = replace(DOWN, listing=True)
    failing = Watch(failures=1, failing_since=at(0), failure=of_the_list)
    words.last_listed(AccountStatus(WATCHED, failing, None))
    words.unlisted(
        replace(fine, reading=Reading(NOW, replace(credit(), unlisted=replace(DOWN, listing=True))))
    )
    words.compact(replace(fine, watch=replace(fine.watch, low=low_subaccounts()[0][0])), at(1))
    gone = replace(low_subaccounts()[0][0], ended_at=at(9))
    words.end(gone, reading(), told_late=False)
    words.ended_title(gone, reading())
    words.rest([fine, fine])
    words.rest([fine, replace(fine, failure=DOWN)])
    for why in Held:
        words.held_back(replace(fine, held_back=why), at(1))
        words.held_back(replace(fine, held_back=why, reading=None), at(1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (ThresholdChange(Decimal(5000), Decimal(1000)), "5,000 to 1,000"),
        (ThresholdChange(Decimal("0.050"), Decimal("200.5"), "EUR", "EUR"), "0.05 EUR to 200.5 EUR"),
        (ThresholdChange(Decimal(50), Decimal(3000), "EUR", "F<CFA"), "50 EUR to 3,000 F&lt;CFA"),
        (ThresholdChange(Decimal(50), Decimal(60), "", "XOF"), "50 to 60 XOF"),
    ],
)
def test_a_changed_threshold_is_said_with_its_units(change: ThresholdChange, said: str) -> None:
    ended = replace(opened(Trouble.LOW, 4999), ended_at=at(5), thresholds_changed=(change,))
    assert f"Threshold changed from {said}." in WORDS.end(ended, Reading(NOW, ALL), told_late=False)


def test_every_sentence_with_holes_is_filled_in_somewhere() -> None:
    recorded = {field.name: Sentence.of(getattr(ENGLISH, field.name)) for field in fields(ENGLISH)}
    words = Words(replace(ENGLISH, **recorded), FIGURES, POLICY)
    Sentence.filled.clear()
    low, silent = opened(Trouble.LOW, 4999), opened(Trouble.UNREADABLE, WRONG_KEY)
    everything = Reading(NOW, ALL)
    for episode in (low, silent):
        for level in Level:
            if level is not Level.OK:
                words.title(replace(episode, level=level))
        ended = replace(
            episode,
            ended_at=at(5),
            topped_up=Decimal(5),
            thresholds_changed=(ThresholdChange(Decimal(2), Decimal(1)),),
        )
        words.title(ended)
        words.end(ended, everything, told_late=False)
        words.end(ended, everything, told_late=True)
    words.title(opened(Trouble.UNREADABLE, NO_CREDIT))
    for name in Field:
        fired = Firing(name, Level.WARNING, Decimal(1))
        words.facts(replace(low, firing=(fired,)), ALL)
        words.facts(replace(low, firing=(replace(fired, threshold=Decimal(99)),)), ALL)
        words.rule(fired, "")
    for cause in Cause:
        words.cause(Failure(cause))
        words.mend(Failure(cause))
    words.cause(Failure(Cause.CURRENCY, listing=True, subaccount="7"))
    words.mend(Failure(Cause.CURRENCY, listing=True, subaccount="7"))
    words.facts(opened(Trouble.LOW, 0), ALL)
    words.facts(opened(Trouble.LOW, 0), credit(0))
    words.cannot_read_since(everything)
    words.last_reading(everything)
    words.aged_reading(everything, at(5))
    words.read_at(everything)
    words.without_buttons(low)
    words.without_buttons(replace(low, mute=Mute("U1", at(0), at(9))))
    words.not_mentioned("<!here>")
    words.account("sms")
    words.hello([WATCHED], timedelta(minutes=5))
    words.hello([WATCHED, account()], timedelta(minutes=5))
    words.rules(WATCHED)
    words.rules(account())
    words.usage(["sms"])
    words.not_understood(NotUnderstood("x", "help"))
    words.slack_error("new")
    for verdict in Verdict:
        words.refused(verdict, "U0BRUNO", "C0RANDOM", Access())
    words.say.went_wrong.format(reference="1")
    words.say.socket_mode_refused.format("invalid_auth")
    fill_in_what_stands_beside(words, low)
    fill_in_what_many_accounts_need(words)
    for watch, failure in ((known(4999), None), (known(9000), DOWN)):
        status = AccountStatus(WATCHED, watch, everything, failure)
        words.status_title(status)
        words.status_title(replace(status, asking=True))
        words.rule_states(status)
    unfilled = {sentence for sentence in sentences(ENGLISH) if sentence.has_holes} - Sentence.filled
    assert unfilled == {ENGLISH.time, ENGLISH.time_to_the_second}  # Slack fills them in


OPEN_LISTS = {"slack_errors"}
"""An error that Slack adds has its own sentence."""


@pytest.mark.parametrize(
    "name",
    [field.name for field in fields(ENGLISH) if isinstance(getattr(ENGLISH, field.name), Mapping)],
)
def test_a_language_that_leaves_a_sentence_out_does_not_import(name: str) -> None:
    if name in OPEN_LISTS:
        replace(ENGLISH, slack_errors={})
        return
    complete: Mapping[Any, str] = getattr(ENGLISH, name)
    for left_out in complete:
        short: Any = {key: value for key, value in complete.items() if key is not left_out}
        with pytest.raises(ValueError, match=f"en: {name} lacks"):
            replace(ENGLISH, **{name: short})


# What `/smscredits alerts` says


def said_of(telling: Telling, *outcomes: Outcome, mute: Mute | None = None, policy: Policy = POLICY) -> str:
    """Return what is said of the graver open alert after polling once a minute."""
    watch = known(*outcomes, policy=policy)
    episode = replace(watch.episodes[0], mute=mute)
    return "\n".join(Words(ENGLISH, FIGURES, policy).alert(OpenAlert(episode, watch, telling)))


@pytest.mark.parametrize(
    ("telling", "says", "does_not_say"),
    [
        (Telling(NOW), ["Last posted <!date^1784721900^"], ["waiting", "just being posted"]),
        (Telling(), [], ["Last posted", "waiting", "just being posted"]),
        (
            Telling(waits_since=NOW),
            ["A message about it is just being posted in <#C0123456789>."],
            ["Last posted"],
        ),
        (
            Telling(waits_since=NOW, error="not_in_channel", retry_at=at(5)),
            [
                "A message for <#C0123456789> has been waiting since <!date^",
                "CEST>: the bot is not in the channel",
                "/invite",
                "Next try",
            ],
            ["Last posted"],
        ),
        (
            Telling(NOW, at(1), "timeout", at(5)),
            ["Last posted <!date^1784721900^", "has been waiting since"],
            ["just being posted"],
        ),
    ],
)
def test_an_open_alert_says_when_and_where_it_was_told_or_why_it_was_not(
    telling: Telling, says: list[str], does_not_say: list[str]
) -> None:
    said = said_of(telling, 4999)
    assert "*SMS credits are low* (sms), since <!date^1784721900^" in said
    assert "below the warning threshold of 5,000" in said
    assert [words for words in says if words not in said] == []
    assert [words for words in does_not_say if words in said] == []


@pytest.mark.parametrize(
    ("outcome", "policy", "mute", "next_word"),
    [
        (4999, POLICY, None, "Next reminder <!date^1784808300^"),
        (999, POLICY, None, "Next reminder <!date^1784736300^"),
        (999, Policy(reminder_critical=timedelta(0)), None, "No reminder comes: they are switched off"),
        (4999, Policy(reminder_critical=timedelta(0)), None, "Next reminder"),
        (4999, POLICY, Mute("U1", NOW, at(60)), "<@U1> has it since"),
        (4999, POLICY, Mute("U1", NOW, at(60), snoozed=True), "no reminders until <!date^1784725500^"),
    ],
)
def test_an_open_alert_says_when_the_next_word_comes(
    outcome: int, policy: Policy, mute: Mute | None, next_word: str
) -> None:
    said = said_of(Telling(NOW), outcome, policy=policy, mute=mute)
    assert next_word in said
    assert ("reminder" in said.lower().replace("no reminders until", "")) is (mute is None)


def test_an_account_whose_failures_are_counted_says_that_it_is_not_told_yet() -> None:
    assert WORDS.counting(WATCHED, known(9000, DOWN, DOWN)) == (
        "*sms*: 2 of 3 failed polls in a row since <!date^1784721960^{date_short_pretty} at {time}|"
        "22 Jul 2026, 14:06 CEST>, not posted yet. SMS Partner cannot be reached."
    )


# How an account stands


@pytest.mark.parametrize(
    ("watch", "reading_", "said"),
    [
        (Watch(), None, "*sms*: cannot be read. There is no earlier reading."),
        (
            known(9000, WRONG_KEY),
            reading(9000),
            (
                "*sms*: cannot be read. SMS Partner says that the API key is wrong (code 10). "
                "Last good reading, 1 hr old: 9,000 SMS, 342.00 EUR."
            ),
        ),
        (known(9000), reading(9000), "*sms*: fine. Last good reading, 1 hr old: 9,000 SMS, 342.00 EUR."),
    ],
)
def test_an_account_that_was_not_asked_now_is_as_it_was_known_and_never_fine_unread(
    watch: Watch, reading_: Reading | None, said: str
) -> None:
    status = AccountStatus(WATCHED, watch, reading_, held_back=Held.LIMIT)
    assert WORDS.compact(status, at(60)) == said
    assert ("fine" in WORDS.status_title(status)) is ("fine" in said)


def test_an_empty_sub_account_makes_its_parent_neither_empty_nor_low() -> None:
    episode, left = low_subaccounts()[0]
    status = AccountStatus(WATCHED, Watch(low=episode), Reading(NOW, left))
    assert WORDS.status_title(status) == "sms: fine, sub-accounts: empty"


def test_a_low_sub_account_that_is_gone_has_not_recovered() -> None:
    episode = replace(low_subaccounts()[0][0], firing=(of("7", Level.WARNING, 20),), ended_at=at(9))
    assert WORDS.ended_title(episode, reading()) == "marketing: Sub-accounts that were low are gone"
    assert (
        WORDS.end(episode, reading(), told_late=False)[0]
        == "`marketing/7` is no longer listed by the provider."
    )
    there = Reading(NOW, replace(credit(), subaccounts=(SubAccount("7", Decimal(50)),)))
    assert WORDS.ended_title(episode, there) == "Sub-account credits are fine again"
