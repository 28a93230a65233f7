"""The accounts at the simulated provider: prepaid, draining, some with sub-accounts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, get_args

from bot.demo.tariffs import SMS, Tariff, Wallet, money

Clock = Callable[[], datetime]
Mode = Literal["fine", "slow", "error", "html", "degraded", "wrong_key"]
MODES: tuple[Mode, ...] = get_args(Mode)

SAMPLE_BALANCE = Decimal("10225.119")
NEW_BALANCE = Decimal(50)
"""What a sub-account that is added later begins with."""

_MICROSECOND = timedelta(microseconds=1)


class PrepaidAccount:
    """A prepaid account whose wallet is a function of time: it drains by `drain` SMS per second.

    `mode` is how the provider answers about it; `subaccounts` is nothing where the account has none.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "sms",
        balance: Decimal = SAMPLE_BALANCE,
        to_send: int = 0,
        drain: int = 0,
        tariff: Tariff = SMS,
        subaccounts: "SubAccounts | None" = None,
    ) -> None:
        self.name = name
        self.tariff = tariff
        self.mode: Mode = "fine"
        self.subaccounts = subaccounts
        self._clock = clock
        self._wallet = Wallet(money(balance), to_send, tariff)
        self._drain = drain
        self._settled_at = clock()
        # The part of the next SMS already due, in millionths: without it frequent looks would stop the drain.
        self._begun = 0

    @property
    def drain(self) -> int:
        """The SMS that leave per second."""
        return self._drain

    @drain.setter
    def drain(self, per_second: int) -> None:
        if per_second < 0:
            raise ValueError("an account cannot drain backwards")
        self._settle()
        self._drain = per_second

    def wallet(self) -> Wallet:
        """Return what the account holds now."""
        self._settle()
        return self._wallet

    def figures(self) -> Mapping[str, str]:
        """Return the present figures under the provider's names, each as text."""
        return self.wallet().figures()

    def burn(self, count: int) -> None:
        """Send so many premium SMS at once; those that the balance does not pay for wait."""
        if count < 0:
            raise ValueError("SMS cannot be unsent")
        self._settle()
        self._wallet = self._wallet.after(count)

    def empty(self) -> None:
        """Take all the money."""
        self._settle()
        self._wallet = replace(self._wallet, balance=money(Decimal(0)))

    def top_up(self, amount: Decimal) -> None:
        """Add money; the SMS that wait go on waiting, so the balance rises by exactly this amount."""
        added = money(amount)
        if added <= 0:
            raise ValueError("a top-up is above zero")
        self._settle()
        self._wallet = replace(self._wallet, balance=self._wallet.balance + added)

    def _settle(self) -> None:
        now = self._clock()
        # A clock set back sends nothing, and nothing comes back.
        elapsed = max(0, (now - self._settled_at) // _MICROSECOND)
        whole, self._begun = divmod(self._begun + elapsed * self._drain, 1_000_000)
        self._wallet = self._wallet.after(whole)
        self._settled_at = now


@dataclass(frozen=True)
class SubAccount:
    """A sub-account as the provider keeps it; its secrets are made up, and leak as the real ones do."""

    id: int
    account: PrepaidAccount
    created_at: datetime

    @property
    def email(self) -> str:
        """The login."""
        return f"team-{self.id}@example.com"

    @property
    def token(self) -> str:
        """A secret."""
        return f"demo-token-of-{self.id}"

    @property
    def api_key(self) -> str:
        """A secret."""
        return f"demo-key-of-{self.id}"


class SubAccounts:
    """The sub-accounts of one account, in the order of their ids."""

    def __init__(self, clock: Clock, balances: Iterable[Decimal] = (), *, first: int = 1) -> None:
        self._clock = clock
        self._next = first
        self._listed: dict[int, SubAccount] = {}
        for balance in balances:
            self.add(balance)

    def add(self, balance: Decimal = NEW_BALANCE) -> SubAccount:
        """Open one more."""
        account = PrepaidAccount(self._clock, name=str(self._next), balance=balance)
        added = SubAccount(self._next, account, self._clock())
        self._listed[added.id] = added
        self._next += 1
        return added

    def remove(self, identity: int) -> None:
        """Close one for ever; KeyError when there is none with this id."""
        del self._listed[identity]

    def __getitem__(self, identity: int) -> SubAccount:
        return self._listed[identity]

    def listed(self) -> tuple[SubAccount, ...]:
        """Return all that are open."""
        return tuple(self._listed.values())
