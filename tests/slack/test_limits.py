"""The biggest of everything that can be said is a message that Slack takes, and counts what it leaves out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

import pytest

from bot.core.command import NoDuration, NotUnderstood
from bot.core.model import RULED, Account, Field, Level, Policy, Product, Rule, SubAccounts
from bot.core.notice import Due, Edit, Kind, OpenAlert, Reason, Undelivered
from bot.core.reading import Cause, Credits, Failure, Held, Reading, SubAccount
from bot.core.watch import AccountStatus, Episode, Firing, Member, Mute, Rise, Trouble, Watch
from bot.demo.blockkit import faults
from bot.slack.blocks import Blocks, Message
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures
from tests.samples import named

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
MANY = 200
BIGGEST = Decimal(999_999_999_999_999)
HOST = f"{'x' * 60}@C0ALERTS"
LONGEST_ID = 40


@dataclass(frozen=True)
class Crowd:
    """Two hundred accounts of every product, as bad as they can be."""

    accounts: tuple[Account, ...]
    blocks: Blocks

    @cached_property
    def statuses(self) -> list[AccountStatus]:
        return [_status(account) for account in self.accounts]

    @property
    def alerts(self) -> list[OpenAlert]:
        return [OpenAlert(*one) for one in self.episodes]

    @property
    def episodes(self) -> list[tuple[Episode, Watch]]:
        return [(low, one.watch) for one in self.statuses if (low := one.watch.low)]


def _rules(product: Product, number: int) -> tuple[Rule, ...]:
    """Return every rule of a product, no account's like another's."""
    return tuple(
        Rule(field, level, BIGGEST - number, "SMSPARTNER_ACCOUNTS_FILE")
        for field in RULED[product]
        for level in (Level.WARNING, Level.CRITICAL)
    )


def _account(name: str, number: int) -> Account:
    product = tuple(Product)[number % 3]
    children = None if product is Product.VOICE else SubAccounts(_rules(Product.VOICE, number), emails=True)
    return Account(name, "C0ALERTS", _rules(product, number), product, children, "K" * 64, HOST)


CHILDREN = tuple(
    SubAccount(f"{number:0{LONGEST_ID}}", Decimal(number), "€" * 10, f"{'x' * 87}@example.com")
    for number in range(1, 101)
)


def _status(account: Account) -> AccountStatus:
    listed = CHILDREN if account.subaccounts else ()
    firing = [Firing(rule.field, rule.level, rule.threshold) for rule in account.rules]
    firing += [Firing(Field.BALANCE, Level.CRITICAL, BIGGEST, one.id) for one in listed]
    low = Episode(
        id=account.name,
        account=account.name,
        trouble=Trouble.LOW,
        channel="C0ALERTS",
        level=Level.CRITICAL,
        opened_at=NOW,
        firing=tuple(firing),
        rise=Rise(Decimal("100.004"), NOW),
        mute=Mute("U0ALICE", NOW, NOW + timedelta(days=3), snoozed=True),
        pinged_at=NOW,
        remind_at=NOW,
        product=account.product,
    )
    amounts = dict.fromkeys((*RULED[account.product], Field.SPEAKING_MOBILE), BIGGEST - 999)
    reading = Reading(NOW, Credits(amounts, "€" * 10, listed))
    return AccountStatus(account, Watch(reading=reading, low=low), reading)


def _crowd(names: list[str]) -> Crowd:
    accounts = tuple(_account(name, number) for number, name in enumerate(names))
    words = Words(
        ENGLISH,
        Figures("en", ZoneInfo("Europe/Paris")),
        Policy(),
        {account.name: account for account in accounts},
    )
    top_up, mention = dict.fromkeys(Product, "https://my.smspartner.fr/"), "<!subteam^S0123456789>"
    return Crowd(accounts, Blocks(words, accounts, timedelta(minutes=5), top_up, mention))


CROWDS = {
    "every alphabet": _crowd([named(number) for number in range(MANY)]),
    **{
        alphabet: _crowd([f"{alphabet * 20}"[:36] + f"-{number:03}" for number in range(MANY)])
        for alphabet in ("marketing", "ข้อความ", "情報通知", "الرسائل")
    },
}


def _shared(crowd: Crowd, *, over: bool = False) -> Episode:
    """Return the episode that all of them share, each with another cause than the first's."""
    causes = (Cause.SERVER_FAULT, Cause.NOT_JSON, Cause.RATE_LIMITED)
    members = tuple(
        Member(account.name, NOW, Failure(causes[number % 3], status=500), NOW if over else None)
        for number, account in enumerate(crowd.accounts)
    )
    failure = Failure(Cause.TIMEOUT)
    shared = Episode("1", HOST, Trouble.UNREADABLE, "C0ALERTS", Level.WARNING, NOW, failure=failure)
    return replace(shared, members=members, ended_at=NOW if over else None)


def _all_sharing(crowd: Crowd) -> OpenAlert:
    """Return the alert that all of them share, with what each had last."""
    readings = {one.account.name: one.reading for one in crowd.statuses if one.reading}
    return OpenAlert(_shared(crowd), Watch(failures=12), readings=readings)


def _counting(crowd: Crowd) -> list[tuple[Account, Watch]]:
    failing = Watch(failures=2, failing_since=NOW, failure=Failure(Cause.TIMEOUT))
    return [(account, failing) for account in crowd.accounts]


def _told(kind: Kind, crowd: Crowd, episode: Episode, watch: Watch) -> Message:
    due = Due(kind, "C0ALERTS", NOW, (1,), episode, watch, "1.2", worst=Level.EMPTY, repeat=True, rose=True)
    return crowd.blocks.due(due)


def _parent(crowd: Crowd, kind: Kind) -> Message:
    watch = crowd.statuses[0].watch
    assert watch.low
    assert len({one.subaccount for one in watch.low.firing if one.subaccount}) == 100
    return _told(kind, crowd, watch.low, watch)


def _edited(crowd: Crowd, episode: Episode, watch: Watch) -> Message:
    return crowd.blocks.living(Edit(episode, watch, "1.2", NOW))


def _silent(crowd: Crowd) -> list[AccountStatus]:
    failure = Failure(Cause.FIELD_NOT_A_NUMBER, field="creditSmsECO")
    return [replace(one, failure=failure) for one in crowd.statuses]


def _waiting(errors: int) -> list[Undelivered]:
    """Return two hundred channels to which Slack takes nothing, for so many reasons."""
    return [
        Undelivered(f"C{number:039}", NOW - timedelta(minutes=number), f"{number % errors:04}{'&' * 96}")
        for number in range(MANY)
    ]


WAITING = _waiting(MANY)

BIGGEST_OF_ALL: dict[str, Callable[[Crowd], Message]] = {
    "the bare answer, all low": lambda crowd: crowd.blocks.status(crowd.statuses, NOW),
    "the bare answer, all silent": lambda crowd: crowd.blocks.status(_silent(crowd), NOW),
    "the bare answer of three": lambda crowd: crowd.blocks.status(crowd.statuses[:3], NOW),
    "the bare answer of three silent": lambda crowd: crowd.blocks.status(_silent(crowd)[:3], NOW),
    "one account in detail": lambda crowd: crowd.blocks.status(crowd.statuses[:1], NOW),
    "one account held back": lambda crowd: crowd.blocks.status(
        [replace(crowd.statuses[1], held_back=Held.LIMIT)], NOW
    ),
    "behind what is undelivered": lambda crowd: crowd.blocks.with_undelivered(
        crowd.blocks.status(crowd.statuses, NOW), WAITING
    ),
    "alerts": lambda crowd: crowd.blocks.alerts(crowd.alerts),
    "alerts behind what is undelivered": lambda crowd: crowd.blocks.with_undelivered(
        crowd.blocks.alerts(crowd.alerts), WAITING
    ),
    "alerts of all that share one": lambda crowd: crowd.blocks.alerts(
        [_all_sharing(crowd)], _counting(crowd)
    ),
    "alerts of all that share one and are low": lambda crowd: crowd.blocks.alerts(
        [_all_sharing(crowd), *crowd.alerts], _counting(crowd)
    ),
    "help behind what is undelivered for one reason": lambda crowd: crowd.blocks.with_undelivered(
        crowd.blocks.help(), _waiting(1)
    ),
    "one account behind what is undelivered": lambda crowd: crowd.blocks.with_undelivered(
        crowd.blocks.status(crowd.statuses[:1], NOW), WAITING
    ),
    "three accounts behind what is undelivered": lambda crowd: crowd.blocks.with_undelivered(
        crowd.blocks.status(crowd.statuses[:3], NOW), WAITING
    ),
    "thresholds": lambda crowd: crowd.blocks.thresholds(),
    "help": lambda crowd: crowd.blocks.help(),
    "text that is no command": lambda crowd: crowd.blocks.not_understood(
        NotUnderstood("<&>`" * 1000, crowd.accounts[0].name)
    ),
    "a snooze without a duration": lambda crowd: crowd.blocks.no_duration(NoDuration("<&>`" * 1000)),
    "what was done to all": lambda crowd: crowd.blocks.decided(
        [(Reason.MUTED, episode) for episode, _ in crowd.episodes]
    ),
    "the greeting": lambda crowd: crowd.blocks.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,), repeat=True)),
    "the greeting of three": lambda crowd: replace(crowd.blocks, accounts=crowd.accounts[:3]).due(
        Due(Kind.HELLO, "C0ALERTS", NOW, (1,), repeat=True)
    ),
    "all silent together": lambda crowd: _told(Kind.OPENED, crowd, _shared(crowd), Watch()),
    "all still silent": lambda crowd: _told(Kind.REMINDER, crowd, _shared(crowd), Watch()),
    "all silent, edited": lambda crowd: _edited(crowd, _shared(crowd), Watch()),
    "all read again": lambda crowd: _told(Kind.ENDED, crowd, _shared(crowd, over=True), Watch()),
    "a parent with a hundred low": lambda crowd: _parent(crowd, Kind.OPENED),
    "a parent that became worse": lambda crowd: _parent(crowd, Kind.WORSE),
    "a parent recalled": lambda crowd: _parent(crowd, Kind.REMINDER),
    "a parent, edited": lambda crowd: _edited(crowd, *crowd.episodes[0]),
}


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("what", BIGGEST_OF_ALL)
def test_the_biggest_message_keeps_slacks_limits(what: str, crowd: str) -> None:
    message = BIGGEST_OF_ALL[what](CROWDS[crowd])
    assert faults(message.payload()) == ()


@pytest.mark.parametrize(
    ("what", "all_of_them", "shown"),
    [
        ("the bare answer, all low", MANY, r"^:rotating_light:"),
        ("the bare answer, all silent", MANY, r"^:grey_question:"),
        ("alerts", MANY, r"^\*\W?\d+-"),
        ("what was done to all", MANY, r": no reminders until"),
        ("all silent together", MANY, r"`\W?\d+-\S+` since"),
        ("all read again", MANY, r"`\W?\d+-\S+` could not be read"),
        ("a parent with a hundred low", 100, r"/0+\d+`:"),
        ("one account in detail", 100, r"\(`x+@example.com`\)"),
    ],
)
def test_what_is_left_out_is_counted(what: str, all_of_them: int, shown: str) -> None:
    said = BIGGEST_OF_ALL[what](CROWDS["every alphabet"]).text
    more = int(re.findall(r"and (\d+) more", said)[-1])
    assert len(re.findall(shown, said, re.MULTILINE)) + more == all_of_them


def test_three_accounts_of_which_too_much_could_be_said_are_a_line_each() -> None:
    said = BIGGEST_OF_ALL["the bare answer of three"](CROWDS["every alphabet"]).text
    assert [line[:16] for line in said.split("\n")[:-1]] == [":rotating_light:"] * 3


@pytest.mark.parametrize("crowd", CROWDS)
def test_the_alert_that_all_share_is_told_whatever_stands_beside_it(crowd: str) -> None:
    said = BIGGEST_OF_ALL["alerts of all that share one"](CROWDS[crowd]).text
    assert f"*{MANY} accounts cannot be read from {'x' * 60}*" in said
    assert "and 197 more." in said
    assert said.count("Last good reading") == 3
    assert "of 3 failed polls" in said


@pytest.mark.parametrize("crowd", CROWDS)
def test_an_alert_too_long_to_stand_beside_the_first_hides_none_that_fits(crowd: str) -> None:
    shared, long_ = _all_sharing(CROWDS[crowd]), CROWDS[crowd].alerts[0]
    short = replace(long_, episode=replace(long_.episode, firing=long_.episode.firing[:1]))
    said = CROWDS[crowd].blocks.alerts([short, long_, shared]).text
    assert f"*{MANY} accounts cannot be read from" in said
    assert said.endswith("\nand 1 more.")


@pytest.mark.parametrize("errors", [1, 2, 200])
def test_of_many_channels_that_are_not_told_some_are_named_and_the_others_are_counted(errors: int) -> None:
    crowd = CROWDS["every alphabet"]
    message = crowd.blocks.with_undelivered(crowd.blocks.help(), _waiting(errors))
    said = str(message.blocks[0]["text"]["text"])
    counted = sum(int(number) for number in re.findall(r"and (\d+) more", said))
    assert said.startswith(":warning: Since ")
    assert len(re.findall(r"<#C\d+>", said)) + counted == MANY
    assert "`/smscredits help`" in message.text
