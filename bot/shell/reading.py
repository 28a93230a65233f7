"""Accounts read once, and judged by the raw thresholds: no margin, nothing remembered."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

import aiohttp

from bot.core import rules
from bot.core.currency import in_one_unit
from bot.core.listing import without_balances
from bot.core.model import Account, Level, Policy, Product
from bot.core.reading import Cause, Credits, Failure, Reading
from bot.core.watch import Firing
from bot.partner import ATTEMPTS, Partner, Waits
from bot.ports import Clock, Unreadable
from bot.service.reader import ACCOUNTS_PER_HOST
from bot.settings import Watched

READ_SECONDS = 45
"""One reading of one account ends within this, as the bot's own do."""


class State(IntEnum):
    """How an account stands, in the order of what a person has to look at first."""

    OK = 0
    WARNING = 1
    UNREADABLE = 2
    CRITICAL = 3
    EMPTY = 4

    @property
    def exit_code(self) -> int:
        """The exit code of `check` for this state."""
        return {State.WARNING: 1, State.CRITICAL: 2, State.EMPTY: 2, State.UNREADABLE: 3}.get(self, 0)


_STATES = {
    Level.OK: State.OK,
    Level.WARNING: State.WARNING,
    Level.CRITICAL: State.CRITICAL,
    Level.EMPTY: State.EMPTY,
}


@dataclass(frozen=True)
class Checked:
    """An account as read at a time (UTC): its credits and what fires, or why it could not be read.

    Both, where the account itself was read but its sub-accounts were not.
    """

    account: Account
    read_at: datetime
    credits: Credits | None = None
    firing: tuple[Firing, ...] = ()
    failure: Failure | None = None

    @property
    def state(self) -> State:
        """The worst of it."""
        unread = State.UNREADABLE if self.failure else State.OK
        return max(unread, _STATES[rules.level_of(self.firing)])

    def state_of(self, subaccount: str) -> State:
        """How one of the sub-accounts stands."""
        return _STATES[rules.level_of(tuple(one for one in self.firing if one.subaccount == subaccount))]


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the connections to the outside; every client bounds its own requests."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


def readings(
    watched: Sequence[Watched], opened: aiohttp.ClientSession, clock: Clock, *, once: bool = False
) -> tuple[Coroutine[None, None, Checked], ...]:
    """Return what reads each account, so many of a host at a time; `once` makes no second try anywhere.

    Voice Partner allows 5 requests a minute, of which the running bot makes 4: the one left is asked for
    once, and not counted in the database, which may not even be there.
    """
    turns = {one.api_url: asyncio.Semaphore(ACCOUNTS_PER_HOST) for one in watched}
    waits = Waits(clock)

    def source(one: Watched) -> Partner:
        key, product = one.api_key.get_secret_value(), one.account.product
        attempts = 1 if once or product is Product.VOICE else ATTEMPTS
        return Partner(
            opened, one.api_url, key, product, turn=turns[one.api_url], attempts=attempts, waits=waits
        )

    return tuple(_read(one.account, source(one), clock) for one in watched)


async def _read(account: Account, source: Partner, clock: Clock) -> Checked:
    async with source.turn:
        return await _read_now(account, source, clock)


async def _read_now(account: Account, source: Partner, clock: Clock) -> Checked:
    began_at = clock.now()
    try:
        async with asyncio.timeout(READ_SECONDS):
            return judged(account, Reading(began_at, await source.read(account)))
    except TimeoutError:
        return Checked(account, began_at, failure=Failure(Cause.TIMEOUT))
    except Unreadable as error:
        return Checked(account, began_at, failure=error.failure)


def held_against(checked: Checked, unit: str) -> Checked:
    """Return an account that was read as unreadable if its money is in another unit than it was last."""
    if checked.credits is None or checked.account.currency:
        return checked
    account = replace(checked.account, currency=unit)
    found = in_one_unit(Reading(checked.read_at, checked.credits), account, None)
    return Checked(checked.account, checked.read_at, failure=found) if isinstance(found, Failure) else checked


def judged(account: Account, reading: Reading) -> Checked:
    """Judge a reading by itself alone: its unit of money by the configured one, if there is one."""
    found = in_one_unit(reading, account, None)
    if isinstance(found, Failure):
        return Checked(account, reading.began_at, failure=found)
    reading = without_balances(found)
    credits_ = reading.credits
    firing = rules.firing((), account, reading, None, Policy())
    return Checked(account, reading.began_at, credits_, firing, credits_.unlisted)
