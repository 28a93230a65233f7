"""The simulated world behind the provider: a prepaid account that drains, and what a person does to it."""

import asyncio
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

Clock = Callable[[], datetime]
Mode = Literal["fine", "slow", "error", "html", "degraded", "wrong_key"]
MODES: tuple[Mode, ...] = get_args(Mode)

# One wallet buys all three: the vendor's sample counts are the floor of the balance over these unit prices.
PRICE_PREMIUM = Decimal("0.038")
PRICE_ECO = Decimal("0.023")
PRICE_HLR = Decimal("0.005")
SAMPLE_BALANCE = Decimal("10225.119")

_GRAIN = Decimal("0.001")
_MICROSECOND = timedelta(microseconds=1)
_TOP_UP = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?")
_TOP_UP_LIMIT = 1_000_000


@dataclass(frozen=True)
class Wallet:
    """What a prepaid account holds at one moment."""

    balance: Decimal
    to_send: int = 0
    currency: str = "EUR"

    def buys(self, price: Decimal) -> int:
        """Return how many pieces the balance buys at a unit price."""
        return max(0, int(self.balance // price))

    def after(self, ordered: int) -> "Wallet":
        """Return the wallet once so many premium SMS were ordered: those it cannot pay for wait."""
        sent = min(ordered, self.buys(PRICE_PREMIUM))
        waiting = self.to_send + ordered - sent
        return replace(self, balance=self.balance - sent * PRICE_PREMIUM, to_send=waiting)

    def figures(self) -> Mapping[str, str]:
        """Return the figures under the provider's names, each as text."""
        return {
            "creditSms": str(self.buys(PRICE_PREMIUM)),
            "creditSmsECO": str(self.buys(PRICE_ECO)),
            "creditHlr": str(self.buys(PRICE_HLR)),
            "toSend": str(self.to_send),
            "balance": f"{self.balance:f}",
            "currency": self.currency,
        }


class PrepaidAccount:
    """A prepaid account whose wallet is a function of time: it drains by `drain` SMS per second."""

    def __init__(
        self, clock: Clock, *, balance: Decimal = SAMPLE_BALANCE, to_send: int = 0, drain: int = 0
    ) -> None:
        self._clock = clock
        self._wallet = Wallet(_money(balance), to_send)
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
        self._wallet = replace(self._wallet, balance=_money(Decimal(0)))

    def top_up(self, amount: Decimal) -> None:
        """Add money; the SMS that wait go on waiting, so the balance rises by exactly this amount."""
        money = _money(amount)
        if money <= 0:
            raise ValueError("a top-up is above zero")
        self._settle()
        self._wallet = replace(self._wallet, balance=self._wallet.balance + money)

    def _settle(self) -> None:
        now = self._clock()
        # A clock set back sends nothing, and nothing comes back.
        elapsed = max(0, (now - self._settled_at) // _MICROSECOND)
        whole, self._begun = divmod(self._begun + elapsed * self._drain, 1_000_000)
        self._wallet = self._wallet.after(whole)
        self._settled_at = now


class DemoWorld:
    """What the demo's page shows and does: the account, its drain, and the mood of the provider."""

    def __init__(self, account: PrepaidAccount, *, mode: Mode = "fine", tick: float = 1.0) -> None:
        self.account = account
        self.mode: Mode = mode
        self.version = 0
        self._tick = tick
        self._shown = account.figures()
        self._news = asyncio.Event()

    def figures(self) -> Mapping[str, str]:
        """Return the present figures of the account under the provider's names, each as text."""
        return self.account.figures()

    def settings(self) -> Mapping[str, Any]:
        """Return what the page has set: how the provider answers, and the SMS that leave per second."""
        return {"provider": self.mode, "drain": self.account.drain}

    def apply(self, change: object) -> None:
        """Make exactly one change, such as `{"burn": 1000}`; a ValueError says why it is refused."""
        if not isinstance(change, Mapping) or len(change) != 1:
            raise ValueError(f"one change at a time, such as {{'burn': 1000}}, not {reprlib.repr(change)}")
        ((name, value),) = change.items()
        match name:
            case "burn":
                self.account.burn(_whole_number(name, value, 1, 1_000_000))
            case "empty":
                if value is not True:
                    raise ValueError(f"empty: only true is understood, not {reprlib.repr(value)}")
                self.account.empty()
            case "top_up":
                self.account.top_up(_top_up(value))
            case "drain":
                self.account.drain = _whole_number(name, value, 0, 1000)
            case "provider":
                self.mode = _mode(value)
            case _:
                raise ValueError(
                    f"unknown change {reprlib.repr(name)}: known are burn, empty, top_up, drain, provider"
                )
        self._announce()

    async def changed(self, since: int) -> int:
        """Wait until the version is above `since` and return it; a draining account changes once a tick."""
        while self.version <= since:
            news = self._news
            try:
                async with asyncio.timeout(self._tick if self.account.drain else None):
                    await news.wait()
            except TimeoutError:
                if self.figures() != self._shown:
                    self._announce()
        return self.version

    def _announce(self) -> None:
        self._shown = self.figures()
        self.version += 1
        # A fresh event for the next change: those who wait on the old one are all woken, none twice.
        self._news.set()
        self._news = asyncio.Event()


def _money(amount: Decimal) -> Decimal:
    if not amount.is_finite() or amount != amount.quantize(_GRAIN):
        raise ValueError(f"the provider counts money in thousandths, not {amount}")
    return amount.quantize(_GRAIN)


def _whole_number(name: str, value: object, least: int, most: int) -> int:
    # By exact type: True is an int to Python, and 1.0 is equal to 1.
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name}: a whole number from {least:,} to {most:,}, not {reprlib.repr(value)}")
    return value


def _top_up(value: object) -> Decimal:
    if isinstance(value, str) and _TOP_UP.fullmatch(value):
        amount = Decimal(value)
        if 0 < amount <= _TOP_UP_LIMIT:
            return amount
    raise ValueError(
        f'top_up: an amount such as "100" or "12.500", above 0 and up to {_TOP_UP_LIMIT:,},'
        f" not {reprlib.repr(value)}"
    )


def _mode(value: object) -> Mode:
    for mode in MODES:
        if value == mode:
            return mode
    raise ValueError(f"provider: one of {', '.join(MODES)}, not {reprlib.repr(value)}")
