"""The nouns of the trade: what is sold and counted, how low it is, and what is watched; all frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum


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
    `currency` is its unit of money, if one is configured; `listed` says that it has an entry of its own,
    where that would stand.
    """

    name: str
    channel: str
    rules: tuple[Rule, ...] = ()
    product: Product = Product.SMS
    subaccounts: SubAccounts | None = None
    key_source: str = "SMSPARTNER_API_KEY"
    group: str = ""
    currency: str = ""
    listed: bool = False

    @property
    def needed(self) -> frozenset[Field]:
        """The fields without which a reading of this account cannot be judged."""
        return frozenset({Field.BALANCE, *(rule.field for rule in self.rules)})


@dataclass(frozen=True)
class Policy:
    """The settings of judging: when to tell, when a rule ends, how often to remind (zero: never)."""

    unreadable_after: int = 3
    rearm_margin: Decimal = Decimal("0.10")
    reminder_warning: timedelta = timedelta(hours=24)
    reminder_critical: timedelta = timedelta(hours=4)
