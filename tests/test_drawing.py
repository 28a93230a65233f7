"""The life of an alert as docs/design.md draws it is the one that the code lives."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bot.core.alert import remind, step
from bot.core.model import Account, Field, Level, Policy, Rule
from bot.core.mute import Decision, decide
from bot.core.reading import Cause, Credits, Failure, Reading
from bot.core.watch import Watch

DESIGN = (Path(__file__).parent.parent / "docs/design.md").read_text()
START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = Account(
    "sms",
    "C0ALERTS",
    (
        Rule(Field.CREDIT_SMS, Level.WARNING, Decimal(100), "CREDIT_SMS_WARNING"),
        Rule(Field.CREDIT_SMS, Level.CRITICAL, Decimal(20), "CREDIT_SMS_CRITICAL"),
    ),
)
OUTCOMES: tuple[int | Cause, ...] = (0, 12, 50, 1000, Cause.TIMEOUT, Cause.KEY_WRONG)


def drawn(first: str) -> set[tuple[str, str]]:
    """Return the arrows of the state diagram that begins with this state."""
    diagrams = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", DESIGN, re.DOTALL)
    (diagram,) = [one for one in diagrams if f"[*] --> {first}\n" in one]
    return set(re.findall(r"^\s*(\w+) --> (\w+)", diagram, re.MULTILINE))


def lived() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return every change of level, and of readability, that any six outcomes in a row can bring about."""
    levels, readability = set(), set()
    states = [Watch()]
    for turn in range(1, 7):
        now = START + timedelta(minutes=turn)
        after = [(watch, _next(watch, outcome, now)) for watch in states for outcome in OUTCOMES]
        levels |= {(_level(a), _level(b)) for a, b in after if a.level != b.level}
        readability |= {(_readable(a), _readable(b)) for a, b in after if _readable(a) != _readable(b)}
        states = list({_key(watch): watch for _, watch in after}.values())
    return levels, readability


def _next(watch: Watch, outcome: int | Cause, now: datetime) -> Watch:
    if isinstance(outcome, Cause):
        return step(watch, ACCOUNT, Failure(outcome), now, now, Policy()).watch
    amounts = {Field.CREDIT_SMS: Decimal(outcome), Field.BALANCE: Decimal(outcome)}
    return step(watch, ACCOUNT, Reading(now, Credits(amounts)), now, now, Policy()).watch


def _key(watch: Watch) -> tuple[str, str, int]:
    return _level(watch), _readable(watch), watch.failures


def _level(watch: Watch) -> str:
    return watch.level.name.lower()


def _readable(watch: Watch) -> str:
    if watch.unreadable:
        return "unreadable"
    return "counting" if watch.failures else "readable"


def test_every_change_of_level_is_drawn_and_every_drawn_one_happens() -> None:
    assert drawn("ok") == lived()[0]


def test_every_change_of_readability_is_drawn_and_every_drawn_one_happens() -> None:
    assert drawn("readable") == lived()[1]


def test_every_change_of_a_mute_is_drawn_and_every_drawn_one_happens() -> None:
    policy = Policy()
    now = START + timedelta(minutes=1)
    warned, critical = (_next(Watch(), sms, now) for sms in (50, 5))
    acked, resumed = Decision("U1", now + timedelta(hours=1)), Decision("U1", None)
    snoozed = Decision("U1", now + timedelta(hours=2), snoozed=True)
    seen = set()
    for before in (warned, critical):
        muted = decide(before, _low(before), acked, now, policy).watch
        later = now + timedelta(minutes=5)
        for state in (before, muted):
            for after in (
                decide(state, _low(before), acked, later, policy).watch,
                decide(state, _low(before), snoozed, later, policy).watch,
                decide(state, _low(before), resumed, later, policy).watch,
                remind(state, now + timedelta(hours=25), policy).watch,
                _next(state, 0, later),
                _next(state, 50, later),
            ):
                if after.low != state.low:
                    seen.add((_mute(state), _mute(after)))
    assert seen == drawn("unmuted")


def _low(watch: Watch) -> str:
    return watch.low.id if watch.low else ""


def _mute(watch: Watch) -> str:
    return "muted" if watch.low and watch.low.mute else "unmuted"
