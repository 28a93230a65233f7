"""The nouns of the trade: credits, readings, rules, episodes and notices, all frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Product(StrEnum):
    """What an account sends; each product has its own host, key and wallet."""

    SMS = "sms"
    VOICE = "voice"
    MAIL = "mail"


class Field(StrEnum):
    """What the provider counts, by its name on the wire; speaking times are in seconds.

    Voice Partner's `credit` is money, so it is a balance here.
    """

    CREDIT_SMS = "creditSms"
    CREDIT_SMS_ECO = "creditSmsECO"
    CREDIT_HLR = "creditHlr"
    TO_SEND = "toSend"
    CREDIT_MAIL = "creditMail"
    BALANCE = "balance"
    SPEAKING_MOBILE = "tts"
    SPEAKING_FIXED = "tts_fixe"
    VOICE_MESSAGES = "voice.message"


FIELDS: Mapping[Product, tuple[Field, ...]] = {
    Product.SMS: (
        Field.CREDIT_SMS,
        Field.CREDIT_SMS_ECO,
        Field.CREDIT_HLR,
        Field.TO_SEND,
        Field.BALANCE,
    ),
    Product.VOICE: (Field.BALANCE, Field.SPEAKING_MOBILE, Field.SPEAKING_FIXED, Field.VOICE_MESSAGES),
    Product.MAIL: (Field.CREDIT_MAIL, Field.BALANCE),
}
"""What each product shows, in this order."""

RULED: Mapping[Product, tuple[Field, ...]] = {
    Product.SMS: (Field.CREDIT_SMS, Field.CREDIT_SMS_ECO, Field.CREDIT_HLR, Field.BALANCE),
    Product.VOICE: (Field.BALANCE,),
    Product.MAIL: (Field.CREDIT_MAIL, Field.BALANCE),
}
"""What a rule of each product may be about."""


class Level(IntEnum):
    """How bad it is, in order; `EMPTY` means that nothing can be sent any more."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    EMPTY = 3


class Held(StrEnum):
    """Why the provider was not asked."""

    LIMIT = "limit"
    STORE_AWAY = "store_away"


class Cause(StrEnum):
    """Why an account could not be read (the codes: the provider's "Codes d'erreur" page)."""

    NETWORK = "network"
    TIMEOUT = "timeout"
    SERVER_FAULT = "server_fault"
    RATE_LIMITED = "rate_limited"
    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    REDIRECT = "redirect"
    NOT_FOUND = "not_found"
    DENIED = "denied"
    DEGRADED = "degraded"
    INCOMPLETE = "incomplete"
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

HEALING = frozenset(
    {
        Cause.NETWORK,
        Cause.TIMEOUT,
        Cause.SERVER_FAULT,
        Cause.RATE_LIMITED,
        Cause.NOT_JSON,
        Cause.DEGRADED,
    }
)
"""Failures of the provider's, that heal by themselves: accounts of one host and channel share an episode."""

WORTH_RETRYING = frozenset({Cause.NETWORK, Cause.TIMEOUT, Cause.SERVER_FAULT})
"""Failures that a second try within the same poll may heal."""


@dataclass(frozen=True)
class Failure:
    """Why one reading failed, with what the person who mends it needs to know.

    `listing`: the account itself was read, but the list of its sub-accounts was not.
    """

    cause: Cause
    field: str = ""
    status: int = 0
    code: str = ""
    listing: bool = False

    @property
    def unbalanced(self) -> bool:
        """Whether the list of the sub-accounts came, but not the balance of each."""
        return self.listing and self.field == Field.BALANCE

    @property
    def level(self) -> Level:
        """How bad it is: "insufficient credit" probably means that nothing is sent any more."""
        probably_empty = self.cause is Cause.NO_CREDIT and not self.listing
        return Level.CRITICAL if probably_empty else Level.WARNING


@dataclass(frozen=True)
class SubAccount:
    """One sub-account as listed: its id there, what is left of its money (absent: not given or no number).

    `absences` counts the complete lists in a row that did not hold it any more.
    """

    id: str
    balance: Decimal | None = None
    currency: str = ""
    email: str = ""
    absences: int = 0


@dataclass(frozen=True)
class Credits:
    """What the provider says is left; amounts are exact, absent ones are not in the mapping.

    `unlisted` says why the sub-accounts could not be listed, though all else was read.
    """

    amounts: Mapping[Field, Decimal]
    currency: str = ""
    subaccounts: tuple[SubAccount, ...] = ()
    unlisted: Failure | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "amounts", MappingProxyType(dict(self.amounts)))

    @property
    def at_zero(self) -> tuple[Field, ...]:
        """What is used up, so that nothing can be sent any more."""
        needed = (Field.BALANCE, Field.CREDIT_SMS)
        return tuple(name for name in needed if self.amounts.get(name, Decimal(1)) <= 0)

    @property
    def empty(self) -> bool:
        """Whether nothing can be sent any more."""
        return bool(self.at_zero)

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
class SubAccounts:
    """How an account's sub-accounts are watched: by these rules on their balance, e-mails shown or not."""

    rules: tuple[Rule, ...] = ()
    emails: bool = False


@dataclass(frozen=True)
class Account:
    """One prepaid account to watch; its key lives with the provider's client, never here.

    `key_source` is the variable that holds the key. `group` ("host@channel") names those that share one
    episode when their provider's host fails; empty for one that is alone with its host and channel.
    """

    name: str
    channel: str
    rules: tuple[Rule, ...] = ()
    product: Product = Product.SMS
    subaccounts: SubAccounts | None = None
    key_source: str = "SMSPARTNER_API_KEY"
    group: str = ""

    @property
    def needed(self) -> frozenset[Field]:
        """The fields without which a reading of this account cannot be judged."""
        return frozenset({Field.BALANCE, *(rule.field for rule in self.rules)})


@dataclass(frozen=True)
class Firing:
    """A rule that has fired and has not ended, with the threshold it was judged by.

    Without a `subaccount` (its id) it is the account's own. *Empty* needs no rule: its threshold is zero,
    and it fires at zero too.
    """

    field: Field
    level: Level
    threshold: Decimal
    subaccount: str = ""


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


@dataclass(frozen=True)
class Member:
    """An account in the episode that a group shares: since when it fails and why, until it was read again."""

    account: str
    since: datetime
    failure: Failure
    until: datetime | None = None


class Ending(StrEnum):
    """How an episode ended; all but the first are told by an edit alone.

    The next two end by a change of configuration, the last because its accounts are told of in others now.
    """

    RECOVERED = "recovered"
    NOT_CONFIGURED = "not_configured"
    MOVED = "moved"
    SPLIT = "split"


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
    members: tuple[Member, ...] = ()
    product: Product = Product.SMS


@dataclass(frozen=True)
class Watch:
    """All that is remembered of one account (or of a group's episode) between two polls.

    `failure` is the last one of those that `failures` counts.
    """

    failures: int = 0
    failing_since: datetime | None = None
    failure: Failure | None = None
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
    """An account as a person sees it: the reading (live or last good), or why there is none.

    `held_back`: why the provider was not asked, if it was not: it allows only so many requests a minute, and
    nobody counts them while the database is away.
    """

    account: Account
    watch: Watch
    reading: Reading | None
    failure: Failure | None = None
    held_back: Held | None = None

    @property
    def trouble(self) -> Failure | None:
        """Why the account cannot be read, as far as is known: not asked now, it may have failed before."""
        return self.failure or (self.watch.failure if self.held_back and self.watch.failures else None)

    @property
    def unknown(self) -> bool:
        """Whether its present state is not known: then it is neither fine nor low."""
        return self.trouble is not None or self.reading is None

    @property
    def unlisted(self) -> Failure | None:
        """Why its sub-accounts could not be listed, though the account itself was read."""
        return self.reading.credits.unlisted if self.reading and not self.unknown else None

    @property
    def own_level(self) -> Level:
        """The level of the account itself, without its sub-accounts."""
        firing = self.watch.low.firing if self.watch.low else ()
        return max((one.level for one in firing if not one.subaccount), default=Level.OK)
