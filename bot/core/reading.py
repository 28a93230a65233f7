"""What asking the provider comes to: the credits of a good reading, or why there is none; all frozen."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from bot.core.model import Field, Level


class Held(StrEnum):
    """Why the provider was not asked."""

    LIMIT = "limit"
    STORE_AWAY = "store_away"


class Cause(StrEnum):
    """Why an account could not be read (the codes: the provider's "Codes d'erreur" page)."""

    NAME_UNKNOWN = "name_unknown"
    NAME_NOT_RESOLVED = "name_not_resolved"
    CONNECTION_REFUSED = "connection_refused"
    NO_ROUTE = "no_route"
    CONNECT_TIMEOUT = "connect_timeout"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_OF_ANOTHER = "certificate_of_another"
    TLS = "tls"
    BROKEN_OFF = "broken_off"
    NOT_HTTP = "not_http"
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
    CURRENCY = "currency"
    REFUSED = "refused"
    STATE_UNREADABLE = "state_unreadable"
    NOT_ASKED = "not_asked"


CONNECTION = frozenset(
    {
        Cause.NAME_UNKNOWN,
        Cause.NAME_NOT_RESOLVED,
        Cause.CONNECTION_REFUSED,
        Cause.NO_ROUTE,
        Cause.CONNECT_TIMEOUT,
        Cause.CERTIFICATE_UNTRUSTED,
        Cause.CERTIFICATE_SELF_SIGNED,
        Cause.CERTIFICATE_EXPIRED,
        Cause.CERTIFICATE_OF_ANOTHER,
        Cause.TLS,
        Cause.BROKEN_OFF,
        Cause.NOT_HTTP,
        Cause.NETWORK,
    }
)
"""Ways in which a host is not reached: they concern it, and no account of its."""

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
        Cause.CURRENCY,
    }
)
"""Failures that waiting does not heal: the channel hears of them at the first one."""

HEALING = CONNECTION | frozenset(
    {
        Cause.TIMEOUT,
        Cause.SERVER_FAULT,
        Cause.RATE_LIMITED,
        Cause.NOT_ASKED,
        Cause.NOT_JSON,
        Cause.DEGRADED,
    }
)
"""Failures of the provider's, that heal by themselves: accounts of one host and channel share an episode."""

WORTH_RETRYING = frozenset(
    {
        Cause.NAME_NOT_RESOLVED,
        Cause.CONNECTION_REFUSED,
        Cause.NO_ROUTE,
        Cause.CONNECT_TIMEOUT,
        Cause.BROKEN_OFF,
        Cause.NOT_HTTP,
        Cause.NETWORK,
        Cause.TIMEOUT,
        Cause.SERVER_FAULT,
    }
)
"""Failures that a second try within the same poll may heal: no certificate gets better by asking again."""


@dataclass(frozen=True)
class Failure:
    """Why one reading failed, with what the person who mends it needs to know.

    `listing`: the account itself was read, but the list of its sub-accounts was not. `wait_until` (UTC): the
    provider asked not to be asked again before; it makes no other failure of it. Of money in another unit: so
    much (`amount`), in this `unit` `instead` of that one, of this `subaccount` if it is one.
    """

    cause: Cause
    field: str = ""
    status: int = 0
    code: str = ""
    listing: bool = False
    wait_until: datetime | None = dataclasses.field(default=None, compare=False)
    amount: Decimal | None = None
    unit: str = ""
    instead: str = ""
    subaccount: str = ""

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


COUNTS = (Field.CREDIT_SMS, Field.CREDIT_MAIL)
"""What can be sent, by product; speaking times are no count."""

ENOUGH: Mapping[Field, Decimal] = {
    Field.CREDIT_SMS: Decimal(10),
    Field.CREDIT_MAIL: Decimal(10),
    Field.BALANCE: Decimal(1),
}
"""From so much on what was used up is so no more: cents that go up and down are no recovery."""


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
    def count(self) -> Field | None:
        """What an account that was used up is judged by; none where only money is counted."""
        return next((name for name in COUNTS if name in self.amounts), None)

    @property
    def enough(self) -> bool:
        """Whether an account that was used up can send again, by more than a few cents."""
        needed = ENOUGH[self.count or Field.BALANCE]
        return self.amounts[Field.BALANCE] > 0 and self.amounts[self.count or Field.BALANCE] >= needed

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
