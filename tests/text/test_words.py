from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.core.command import NotUnderstood, Verb
from bot.core.model import (
    AccountStatus,
    Cause,
    Credits,
    Episode,
    Failure,
    Field,
    Firing,
    Level,
    Policy,
    Reading,
    Rule,
    Trouble,
    Watch,
)
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
            ["999 SMS left, below the critical threshold of 1,000. Fine again from 1,100."],
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
    level = Level.EMPTY if left.empty else max(rule.level for rule in rules)
    firing = tuple(Firing(rule.field, rule.level, rule.threshold) for rule in rules)
    episode = replace(opened(Trouble.LOW, 4999), level=level, firing=firing)
    assert list(WORDS.facts(episode, left)) == facts


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


def test_the_end_of_silence_names_the_account_and_the_figures() -> None:
    episode, last = ended_by(WRONG_KEY, 9000)
    assert WORDS.title(episode) == "Account sms can be read again"
    assert WORDS.end(episode, last, told_late=False)[0] == "9,000 SMS, 342.00 EUR left."


def test_an_open_episode_has_no_end() -> None:
    assert WORDS.end(opened(Trouble.LOW, 4999), reading(), told_late=True) == ()


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


def test_without_thresholds_the_bot_says_what_it_still_warns_of() -> None:
    for said in (WORDS.hello([account()], timedelta(minutes=5)), *WORDS.rules(account())):
        assert "only when it is empty or cannot be read" in said


def test_the_rules_in_force_say_where_they_end_and_where_they_come_from() -> None:
    assert WORDS.rules(account(WARNING, MONEY)) == (
        "warning below 5,000 SMS, ends at 5,500 (`CREDIT_SMS_WARNING`)",
        "critical below a balance of 50.10, ends at 55.11 (`BALANCE_CRITICAL`)",
    )


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


def test_slack_s_refusals_are_said_in_plain_words() -> None:
    assert "invite" in WORDS.slack_error("not_in_channel")
    assert WORDS.slack_error("some_new_error") == "Slack refuses with some_new_error"


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
            episode, ended_at=at(5), topped_up=Decimal(5), thresholds_changed=((Decimal(2), Decimal(1)),)
        )
        words.title(ended)
        words.end(ended, everything, told_late=False)
        words.end(ended, everything, told_late=True)
    words.title(opened(Trouble.UNREADABLE, NO_CREDIT))
    for name in Field:
        fired = Firing(name, Level.WARNING, Decimal(1))
        words.facts(replace(low, firing=(fired,)), ALL)
        words.facts(replace(low, firing=(replace(fired, threshold=Decimal(99)),)), ALL)
        words.rule(fired)
    for cause in Cause:
        words.cause(Failure(cause))
        words.mend(Failure(cause))
    words.facts(replace(low, level=Level.EMPTY), ALL)
    words.cannot_read_since(everything)
    words.last_reading(everything)
    words.aged_reading(everything, at(5))
    words.read_at(everything)
    words.account("sms")
    words.hello([WATCHED, account()], timedelta(minutes=5))
    words.rules(WATCHED)
    words.rules(account())
    words.usage(["sms"])
    words.not_understood(NotUnderstood("x", "help"))
    words.slack_error("new")
    words.say.went_wrong.format(reference="1")
    for watch, failure in ((known(4999), None), (known(9000), DOWN)):
        status = AccountStatus(WATCHED, watch, everything, failure)
        words.status_title(status)
        words.rule_states(status)
    unfilled = {sentence for sentence in sentences(ENGLISH) if sentence.has_holes} - Sentence.filled
    assert unfilled == {ENGLISH.time}  # Slack fills it in


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
