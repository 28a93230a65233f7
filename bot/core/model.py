"""The nouns of the trade: credits, readings, rules, episodes and notices, all frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Field(StrEnum):
    """What the provider counts, by its name on the wire."""

    CREDIT_SMS = "creditSms"
    CREDIT_SMS_ECO = "creditSmsECO"
    CREDIT_HLR = "creditHlr"
    TO_SEND = "toSend"
    BALANCE = "balance"


class Level(IntEnum):
    """How bad it is, in order; `EMPTY` means that nothing can be sent any more."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    EMPTY = 3


class Cause(StrEnum):
    """Why an account could not be read (the codes: the provider's "Codes d'erreur" page)."""

    NETWORK = "network"
    TIMEOUT = "timeout"
    SERVER_FAULT = "server_fault"
    RATE_LIMITED = "rate_limited"
    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"
    NOT_FOUND = "not_found"
    DENIED = "denied"
    DEGRADED = "degraded"
    FIELD_MISSING = "field_missing"
    FIELD_NOT_A_NUMBER = "field_not_a_number"
    KEY_MISSING = "key_missing"
    KEY_WRONG = "key_wrong"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_BLOCKED = "account_blocked"
    API_REFUSED = "api_refused"
    ADDRESS_REFUSED = "address_refused"
    NO_CREDIT = "no_credit"
    REFUSED = "refused"


TOLD_AT_ONCE = frozenset(
    {
        Cause.DENIED,
        Cause.KEY_MISSING,
        Cause.KEY_WRONG,
        Cause.ACCOUNT_DISABLED,
        Cause.ACCOUNT_BLOCKED,
        Cause.API_REFUSED,
        Cause.ADDRESS_REFUSED,
        Cause.NO_CREDIT,
    }
)
"""Failures that waiting does not heal: the channel hears of them at the first one."""

WORTH_RETRYING = frozenset({Cause.NETWORK, Cause.TIMEOUT, Cause.SERVER_FAULT})
"""Failures that a second try within the same poll may heal."""


@dataclass(frozen=True)
class Failure:
    """Why one reading failed, with what the person who mends it needs to know."""

    cause: Cause
    field: str = ""
    status: int = 0
    code: str = ""

    @property
    def level(self) -> Level:
        """How bad it is: "insufficient credit" probably means that nothing is sent any more."""
        return Level.CRITICAL if self.cause is Cause.NO_CREDIT else Level.WARNING


@dataclass(frozen=True)
class Credits:
    """What the provider says is left; amounts are exact, absent ones are not in the mapping."""

    amounts: Mapping[Field, Decimal]
    currency: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "amounts", MappingProxyType(dict(self.amounts)))

    @property
    def empty(self) -> bool:
        """Whether nothing can be sent any more."""
        return any(self.amounts.get(name, Decimal(1)) <= 0 for name in (Field.BALANCE, Field.CREDIT_SMS))

    @property
    def sms_price(self) -> Decimal | None:
        """What one SMS costs, derived: every count is `floor(balance / unit price)`."""
        count = self.amounts.get(Field.CREDIT_SMS)
        balance = self.amounts.get(Field.BALANCE)
        return balance / count if balance is not None and count is not None and balance > 0 < count else None


@dataclass(frozen=True)
class Reading:
    """A good reading of one account; `began_at` (UTC) is when the provider was asked."""

    began_at: datetime
    credits: Credits


@dataclass(frozen=True)
class Rule:
    """Fires when the field's value is strictly below the threshold."""

    field: Field
    level: Level
    threshold: Decimal
    source: str


@dataclass(frozen=True)
class Account:
    """One prepaid account to watch; its key lives with the provider's client, never here."""

    name: str
    channel: str
    rules: tuple[Rule, ...] = ()

    @property
    def needed(self) -> frozenset[Field]:
        """The fields without which a reading of this account cannot be judged."""
        return frozenset({Field.BALANCE, *(rule.field for rule in self.rules)})


@dataclass(frozen=True)
class Firing:
    """A rule that has fired and has not ended, with the threshold it was judged by."""

    field: Field
    level: Level
    threshold: Decimal


class Trouble(StrEnum):
    """What an episode is about."""

    LOW = "low"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Mute:
    """Reminders kept silent by a person (a Slack user id): an ack until the end, a snooze for a while."""

    by: str
    at: datetime
    until: datetime
    snoozed: bool = False


@dataclass(frozen=True)
class Rise:
    """Money seen to come in, at least: spending between two readings hides a part of it."""

    amount: Decimal
    at: datetime


class Ending(StrEnum):
    """How an episode ended; all but the first by a change of configuration, told by an edit alone."""

    RECOVERED = "recovered"
    NOT_CONFIGURED = "not_configured"
    MOVED = "moved"


@dataclass(frozen=True)
class Episode:
    """One trouble of one account, from its beginning until its end."""

    id: str
    account: str
    trouble: Trouble
    channel: str
    level: Level
    opened_at: datetime
    ended_at: datetime | None = None
    firing: tuple[Firing, ...] = ()
    failure: Failure | None = None
    topped_up: Decimal = Decimal(0)
    rise: Rise | None = None
    mute: Mute | None = None
    pinged_at: datetime | None = None
    remind_at: datetime | None = None
    ending: Ending = Ending.RECOVERED
    moved_to: str = ""
    thresholds_changed: tuple[tuple[Decimal, Decimal], ...] = ()


@dataclass(frozen=True)
class Watch:
    """All that is remembered of one account between two polls."""

    failures: int = 0
    failing_since: datetime | None = None
    reading: Reading | None = None
    low: Episode | None = None
    unreadable: Episode | None = None

    @property
    def level(self) -> Level:
        """The level of the account's credits, as last read."""
        return self.low.level if self.low else Level.OK

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """The open episodes, the graver kind first."""
        return tuple(episode for episode in (self.low, self.unreadable) if episode)


@dataclass(frozen=True)
class Policy:
    """The settings of judging: when to tell, when a rule ends, how often to remind (zero: never)."""

    unreadable_after: int = 3
    rearm_margin: Decimal = Decimal("0.10")
    reminder_warning: timedelta = timedelta(hours=24)
    reminder_critical: timedelta = timedelta(hours=4)


@dataclass(frozen=True)
class AccountStatus:
    """An account as a person sees it: the reading (live or last good), or why there is none."""

    account: Account
    watch: Watch
    reading: Reading | None
    failure: Failure | None = None
