"""What the tests of the rules speak of: an account, its thresholds, and outcomes of reading it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.core.alert import step
from bot.core.model import Account, Field, Level, Policy, Rule
from bot.core.notice import Step
from bot.core.reading import Cause, Credits, Failure, Reading
from bot.core.watch import Episode, Trouble, Watch

NOW = datetime(2026, 7, 22, 12, 5, tzinfo=UTC)
POLICY = Policy()


ALPHABETS = (
    "marketing", "ünïçödé", "рассылка", "ειδοποίηση", "התראות",
    "الرسائل", "विपणन", "ข้อความ", "情報通知", "알림톡",
)  # fmt: skip


def named(number: int) -> str:
    """Return an account's name of 40 characters, the longest, in one alphabet after another."""
    return f"{number}-{ALPHABETS[number % len(ALPHABETS)] * 20}"[:40]


def at(minutes: float) -> datetime:
    """Return a time so many minutes after NOW."""
    return NOW + timedelta(minutes=minutes)


def rule(level: Level, threshold: str | int, name: Field = Field.CREDIT_SMS) -> Rule:
    """Return a rule on SMS, or on another field."""
    return Rule(name, level, Decimal(threshold), f"{name.name}_{level.name}")


WARNING = rule(Level.WARNING, 5000)
CRITICAL = rule(Level.CRITICAL, 1000)


def account(*rules: Rule, name: str = "sms", channel: str = "C0123456789") -> Account:
    """Return an account with these rules, or none."""
    return Account(name, channel, rules)


WATCHED = account(WARNING, CRITICAL)


def credit(sms: str | int = 9000, balance: str | int = 342, currency: str = "EUR") -> Credits:
    """Return what is left: SMS and money."""
    return Credits({Field.CREDIT_SMS: Decimal(sms), Field.BALANCE: Decimal(balance)}, currency)


def reading(sms: str | int = 9000, balance: str | int = 342, *, minute: float = 0) -> Reading:
    """Return a good reading made so many minutes after NOW."""
    return Reading(at(minute), credit(sms, balance))


DOWN = Failure(Cause.NETWORK)
WRONG_KEY = Failure(Cause.KEY_WRONG, status=200, code="10")
NO_CREDIT = Failure(Cause.NO_CREDIT, status=200, code="11")

Outcome = int | str | Failure | Reading
"""What a poll finds, for short: so many SMS left, a failure, or a whole reading."""


def judged(
    watch: Watch,
    outcome: Outcome,
    minute: float,
    watched: Account = WATCHED,
    policy: Policy = POLICY,
    *,
    now: float | None = None,
) -> Step:
    """Judge what one poll found so many minutes after NOW; at once, or (`now`) at another minute."""
    found = reading(outcome, minute=minute) if isinstance(outcome, int | str) else outcome
    began_at = found.began_at if isinstance(found, Reading) else at(minute)
    return step(watch, watched, found, began_at, began_at if now is None else at(now), policy)


def lived(*outcomes: Outcome, watched: Account = WATCHED, policy: Policy = POLICY) -> list[Step]:
    """Judge one poll a minute, from the very first on."""
    steps: list[Step] = []
    for minute, outcome in enumerate(outcomes):
        steps.append(judged(steps[-1].watch if steps else Watch(), outcome, minute, watched, policy))
    return steps


def known(*outcomes: Outcome, watched: Account = WATCHED, policy: Policy = POLICY) -> Watch:
    """Return what is remembered after polling once a minute."""
    return lived(*outcomes, watched=watched, policy=policy)[-1].watch


def opened(trouble: Trouble, *outcomes: Outcome) -> Episode:
    """Return the open episode of this kind after polling once a minute."""
    watch = known(*outcomes)
    episode = watch.low if trouble is Trouble.LOW else watch.unreadable
    assert episode is not None
    return episode
