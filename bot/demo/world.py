"""The simulated world behind the provider: its accounts, and what a person does to them."""

import asyncio
import re
import reprlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.demo.holdings import MODES, Mode, PrepaidAccount

__all__ = ["MODES", "DemoWorld", "Mode", "PrepaidAccount"]

_TOP_UP = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?")
_TOP_UP_LIMIT = 1_000_000
_MOST_SUBACCOUNTS = 200
_CHANGES = ("burn", "empty", "top_up", "drain", "provider", "every_provider", "add_subaccount", "remove")


class DemoWorld:
    """What the demo's page shows and does: the accounts, their drains, and the moods of the provider.

    Where a change names no account, the first one is meant.
    """

    def __init__(self, *accounts: PrepaidAccount, tick: float = 1.0) -> None:
        self._accounts = {account.name: account for account in accounts}
        self.account = accounts[0]
        self.version = 0
        self._tick = tick
        self._shown = self._all_figures()
        self._news = asyncio.Event()

    def holder(self, name: str) -> PrepaidAccount | None:
        """Return the account with this name."""
        return self._accounts.get(name)

    def figures(self) -> Mapping[str, str]:
        """Return the present figures of the first account under the provider's names, each as text."""
        return self.account.figures()

    def settings(self) -> Mapping[str, Any]:
        """Return what was set for the first account: the provider's mood, the SMS that leave per second."""
        return {"provider": self.account.mode, "drain": self.account.drain}

    def accounts(self) -> Sequence[Mapping[str, Any]]:
        """Return every account as the page shows it, with its figures and what was set for it."""
        return [_shown(account) for account in self._accounts.values()]

    def apply(self, change: object) -> None:
        """Make exactly one change, such as `{"burn": 1000}`; a ValueError says why it is refused.

        `{"account": "sms", "subaccount": 2, "burn": 100}` names what is changed.
        """
        said = change if isinstance(change, Mapping) else {}
        changes = {name: value for name, value in said.items() if name not in {"account", "subaccount"}}
        if len(changes) != 1:
            raise ValueError(f"one change at a time, such as {{'burn': 1000}}, not {reprlib.repr(change)}")
        ((name, value),) = changes.items()
        account = self._named(said["account"]) if "account" in said else self.account
        if "subaccount" in said:
            _change_subaccount(account, said["subaccount"], name, value)
        elif name == "every_provider":
            mode = _mode(value)
            for one in self._accounts.values():
                one.mode = mode
        else:
            _change(account, name, value)
        self._announce()

    async def changed(self, since: int) -> int:
        """Wait until the version is above `since` and return it; a draining account changes once a tick."""
        while self.version <= since:
            news = self._news
            drains = any(account.drain for account in self._accounts.values())
            try:
                async with asyncio.timeout(self._tick if drains else None):
                    await news.wait()
            except TimeoutError:
                if self._all_figures() != self._shown:
                    self._announce()
        return self.version

    def _named(self, name: object) -> PrepaidAccount:
        if isinstance(name, str) and name in self._accounts:
            return self._accounts[name]
        raise ValueError(f"account: there is none called {reprlib.repr(name)}")

    def _all_figures(self) -> Sequence[Mapping[str, str]]:
        return [account.figures() for account in self._accounts.values()]

    def _announce(self) -> None:
        self._shown = self._all_figures()
        self.version += 1
        # A fresh event for the next change: those who wait on the old one are all woken, none twice.
        self._news.set()
        self._news = asyncio.Event()


def _shown(account: PrepaidAccount) -> Mapping[str, Any]:
    children = None
    if account.subaccounts is not None:
        children = [
            {"id": one.id, "figures": dict(one.account.figures())} for one in account.subaccounts.listed()
        ]
    return {
        "name": account.name,
        "product": account.tariff.product,
        "piece": account.tariff.piece,
        "price": f"{account.tariff.price}",
        "figures": dict(account.figures()),
        "provider": account.mode,
        "drain": account.drain,
        "subaccounts": children,
    }


def _change(account: PrepaidAccount, name: object, value: object) -> None:
    match name:
        case "drain":
            account.drain = _whole_number("drain", value, 0, 1000)
        case "provider":
            account.mode = _mode(value)
        case "add_subaccount":
            _only_true(name, value)
            if account.subaccounts is None or len(account.subaccounts.listed()) >= _MOST_SUBACCOUNTS:
                raise ValueError(f"add_subaccount: {account.name} can have no more sub-accounts")
            account.subaccounts.add()
        case _:
            _change_money(account, name, value)


def _change_subaccount(account: PrepaidAccount, identity: object, name: object, value: object) -> None:
    children = account.subaccounts.listed() if account.subaccounts else ()
    if type(identity) is not int or identity not in {one.id for one in children}:
        raise ValueError(f"subaccount: {account.name} has none with the id {reprlib.repr(identity)}")
    assert account.subaccounts is not None  # noqa: S101 - it has children
    if name == "remove":
        _only_true(name, value)
        account.subaccounts.remove(identity)
    else:
        _change_money(account.subaccounts[identity].account, name, value)


def _change_money(account: PrepaidAccount, name: object, value: object) -> None:
    match name:
        case "burn":
            account.burn(_whole_number("burn", value, 1, 1_000_000))
        case "empty":
            _only_true(name, value)
            account.empty()
        case "top_up":
            account.top_up(_top_up(value))
        case _:
            raise ValueError(f"unknown change {reprlib.repr(name)} here: known are {', '.join(_CHANGES)}")


def _only_true(name: str, value: object) -> None:
    if value is not True:
        raise ValueError(f"{name}: only true is understood, not {reprlib.repr(value)}")


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
