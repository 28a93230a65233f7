"""Every message that can be sent keeps Slack's limits, and its text says what its blocks show."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.core.command import NotUnderstood
from bot.core.model import (
    Account,
    AccountStatus,
    Cause,
    Credits,
    Due,
    Edit,
    Episode,
    Failure,
    Field,
    Firing,
    Kind,
    Level,
    Policy,
    Reading,
    Rule,
    Trouble,
    Watch,
)
from bot.demo.blockkit import faults
from bot.slack.blocks import Blocks, Message
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
RULES = tuple(
    Rule(field, level, Decimal(threshold), f"{field.name}_{level.name}")
    for field, level, threshold in (
        (Field.CREDIT_SMS, Level.WARNING, "5000"),
        (Field.CREDIT_SMS, Level.CRITICAL, "1000"),
        (Field.BALANCE, Level.WARNING, "200.50"),
        (Field.BALANCE, Level.CRITICAL, "0.999"),
    )
)
ACCOUNT = Account("sms", "C0ALERTS", RULES)
WORDS = Words(ENGLISH, Figures("en", ZoneInfo("Europe/Paris")), Policy())
BLOCKS = Blocks(WORDS, (ACCOUNT,), timedelta(minutes=5), "https://my.smspartner.fr/", "<!subteam^S0123>")

CREDITS = [
    Credits({Field.BALANCE: Decimal("-0.005")}),
    Credits({Field.BALANCE: Decimal("0.038"), Field.CREDIT_SMS: Decimal(1)}, "€"),
    Credits({name: Decimal(999_999_999_999_999) for name in Field}, "<!here>&"),
    Credits({name: Decimal(12) for name in Field}, "EUR"),
]
WATCHES = [Watch(reading=Reading(NOW - timedelta(hours=3), credits_)) for credits_ in CREDITS]
FIRING = tuple(Firing(rule.field, rule.level, rule.threshold) for rule in RULES)


def low(level: Level = Level.WARNING, ended_at: datetime | None = None) -> Episode:
    firing = tuple(rule for rule in FIRING if rule.level <= level)
    opened = NOW - timedelta(hours=2, minutes=5)
    return Episode(
        id="a1b2c3",
        account="sms",
        trouble=Trouble.LOW,
        channel="C0ALERTS",
        level=level,
        opened_at=opened,
        ended_at=ended_at,
        firing=firing,
        topped_up=Decimal("100.004"),
        thresholds_changed=((Decimal(5000), Decimal(1000)),),
    )


def unreadable(cause: Cause, ended_at: datetime | None = None) -> Episode:
    failure = Failure(cause, field="creditSms", status=500, code="96")
    return Episode(
        "d4e5f6",
        "sms",
        Trouble.UNREADABLE,
        "C0ALERTS",
        failure.level,
        NOW,
        ended_at=ended_at,
        failure=failure,
    )


def due(episode: Episode, watch: Watch, kind: Kind = Kind.OPENED, root: str = "") -> Message:
    return BLOCKS.due(Due(kind, "C0ALERTS", NOW, (1,), episode, watch, root))


def episodes() -> list[Episode]:
    levels = (Level.WARNING, Level.CRITICAL, Level.EMPTY)
    lows = [low(level, ended_at) for level in levels for ended_at in (None, NOW)]
    return lows + [unreadable(cause, ended_at) for cause in Cause for ended_at in (None, NOW)]


def every_message() -> list[Message]:
    alerts = [
        message
        for episode in episodes()
        for watch in (Watch(), *WATCHES, replace(WATCHES[3], unreadable=unreadable(Cause.TIMEOUT)))
        for message in (
            due(episode, watch),
            due(episode, watch, Kind.WORSE, "1.2"),
            BLOCKS.living(Edit(episode, watch, "1.2", NOW)),
        )
    ]
    statuses = [
        AccountStatus(ACCOUNT, replace(watch, low=low()), watch.reading, failure)
        for watch in (Watch(), *WATCHES)
        for failure in (None, *(Failure(cause, code="10") for cause in Cause))
    ]
    answers = [BLOCKS.status((status,), NOW) for status in statuses if status.reading or status.failure]
    hello = BLOCKS.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,)))
    bare = Blocks(WORDS, (replace(ACCOUNT, rules=()),), timedelta(seconds=1), "https://x.example/")
    typed = [
        BLOCKS.not_understood(NotUnderstood(text, nearest))
        for text in ("<@U1> & `x`" * 100, "thresholdz")
        for nearest in ("", "thresholds")
    ]
    single = [
        BLOCKS.thresholds(),
        bare.thresholds(),
        BLOCKS.help(),
        BLOCKS.asking(),
        BLOCKS.went_wrong("ab12"),
    ]
    return [*alerts, *answers, hello, bare.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,))), *typed, *single]


def shown(block: object) -> str:
    if isinstance(block, dict):
        return " ".join(shown(value) for key, value in block.items() if key in {"text", "fields", "elements"})
    if isinstance(block, list):
        return " ".join(shown(part) for part in block)
    return block if isinstance(block, str) else ""


def test_slack_takes_every_message() -> None:
    messages = every_message()
    assert len(messages) > 900
    assert {
        message.text: faults(message.payload()) for message in messages if faults(message.payload())
    } == {}


def test_the_text_says_every_figure_that_the_blocks_show() -> None:
    for message in every_message():
        figures = re.findall(r"\d[\d,.]*\d|\d", shown(list(message.blocks)))
        missing = [figure for figure in figures if figure not in message.text]
        assert not missing, (missing, message.text)


def test_no_message_pings_but_by_the_mention_that_was_configured() -> None:
    for message in every_message():
        pings = re.findall(
            r"<!(?:here|channel|everyone)|<@|<!subteam\^\w+", message.text + shown(list(message.blocks))
        )
        assert set(pings) <= {"<!subteam^S0123"}


@pytest.mark.parametrize(
    ("level", "kind", "mentioned"),
    [
        (Level.WARNING, Kind.OPENED, False),
        (Level.CRITICAL, Kind.OPENED, True),
        (Level.EMPTY, Kind.OPENED, True),
        (Level.CRITICAL, Kind.WORSE, True),
        (Level.EMPTY, Kind.WORSE, True),
    ],
)
def test_who_is_on_call_is_mentioned_when_it_is_critical_or_worse(
    level: Level, kind: Kind, mentioned: bool
) -> None:
    message = due(low(level), WATCHES[3], kind)
    assert ("<!subteam^S0123>" in message.text) is mentioned
    assert ("<!subteam^S0123>" in shown(list(message.blocks))) is mentioned


def test_an_edit_and_an_end_mention_nobody() -> None:
    for message in (
        BLOCKS.living(Edit(low(Level.EMPTY), WATCHES[0], "1.2", NOW)),
        due(low(Level.CRITICAL, NOW), WATCHES[3], Kind.ENDED),
    ):
        assert "<!subteam" not in message.text + shown(list(message.blocks))


def test_an_unreadable_account_mentions_nobody_unless_it_is_probably_empty() -> None:
    assert "<!subteam" not in due(unreadable(Cause.KEY_WRONG), Watch()).text
    message = due(unreadable(Cause.NO_CREDIT), Watch())
    assert "<!subteam^S0123>" in message.text
    assert "top_up" in str(message.blocks)


def test_an_end_that_could_not_be_told_in_time_says_from_when_to_when() -> None:
    late = due(low(Level.CRITICAL, NOW), WATCHES[3], Kind.ENDED)
    assert "could not be told earlier" in late.text
    in_time = due(low(Level.CRITICAL, NOW), WATCHES[3], Kind.ENDED, root="1.2")
    assert "It lasted 2 hr 5 min" in in_time.text
    assert "Threshold changed from 5,000 to 1,000." in in_time.text
    assert "top_up" not in str(in_time.blocks)
