"""Accounts are read at the provider's, each once for everybody who asks meanwhile."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.asking import Outcome, in_place_of_poll, still_waits
from bot.core.model import Account
from bot.core.reading import Cause, Failure, Held, Reading
from bot.core.watch import Watch
from bot.ports import Clock, HeldBack, Source, Unreadable
from bot.service.cancelling import cancel

READ_SECONDS = 45
"""One reading of one account ends within this, tries and back-off included, once it is its turn."""

ACCOUNTS_PER_HOST = 32
"""So many accounts of a host are read at a time."""


@dataclass(frozen=True)
class _Flight:
    """A reading on its way, for a poll or for a command."""

    task: asyncio.Task[Outcome]
    polled: bool


class Reader:
    """Asks the provider; owns the readings in flight, and keeps what came of the last of each account."""

    def __init__(self, sources: Mapping[str, Source], clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._since = clock.now()
        self._flights: dict[str, _Flight] = {}
        self._newest: dict[str, Outcome] = {}
        self._last: dict[str, Reading] = {}
        self._counted_at: dict[str, datetime] = {}

    async def poll(self, account: Account) -> Outcome:
        """Ask the provider; where its limit holds that back, return what counts in its place.

        A reading on its way for a command serves where it is good: it was tried less often than a poll tries.
        """
        flight = self._under_way(account)
        outcome = await asyncio.shield(flight.task) if flight else None
        if outcome is None or (flight and not flight.polled and not isinstance(outcome.found, Reading)):
            outcome = await self._read(account, polled=True)
        if isinstance(outcome.found, Held):
            newest, counted_at = self._newest.get(account.name), self._counted_at.get(account.name)
            now = self._clock.now()
            outcome = in_place_of_poll(outcome.found, newest, counted_at, self._since, now) or outcome
        if not isinstance(outcome.found, Held):
            self._counted_at[account.name] = outcome.began_at
        return outcome

    async def ask(self, account: Account) -> Outcome:
        """Return the newest outcome if it is young enough, else ask, for a command."""
        return self.fresh(account) or await self._read(account, polled=False)

    def fresh(self, account: Account) -> Outcome | None:
        """Return the newest outcome if it is young enough to answer a command."""
        newest = self._newest.get(account.name)
        return newest if newest and newest.serves_at(self._clock.now()) else None

    def last(self, account: Account) -> Reading | None:
        """Return the last good reading that this process made."""
        return self._last.get(account.name)

    def asked_at(self, account: Account) -> datetime:
        """Return when this process last had an outcome of the account, or when it began."""
        newest = self._newest.get(account.name)
        return newest.began_at if newest else self._since

    def resume_waits(self, watches: Mapping[str, Watch]) -> None:
        """Go on with what the provider asked of another process, as it is stored."""
        now = self._clock.now()
        for name, watch in watches.items():
            failure = watch.failure
            source = self._sources.get(name)
            if source and failure and failure.wait_until and still_waits(failure.wait_until, now):
                source.wait(replace(failure, listing=False))

    def forget_after(self, now: datetime) -> None:
        """Forget what lies in the future, for the clock was set back."""
        self._since = min(self._since, now)
        self._last = {name: last for name, last in self._last.items() if last.began_at <= now}
        self._newest = {name: one for name, one in self._newest.items() if one.ended_at <= now}
        self._counted_at = {name: at for name, at in self._counted_at.items() if at <= now}

    async def close(self) -> None:
        """End the readings in flight."""
        await cancel(flight.task for flight in self._flights.values())

    def _under_way(self, account: Account) -> _Flight | None:
        flight = self._flights.get(account.name)
        return flight if flight and not flight.task.done() else None

    async def _read(self, account: Account, *, polled: bool) -> Outcome:
        """Read the account, or wait with the others for the reading on its way."""
        flight = self._under_way(account)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._ask(account, polled=polled)), polled)
            self._flights[account.name] = flight
        return await asyncio.shield(flight.task)

    async def _ask(self, account: Account, *, polled: bool) -> Outcome:
        source = self._sources[account.name]
        async with source.turn:
            began_at = self._clock.now()
            found = await _found(source, account, began_at, polled=polled)
        ended_at = self._clock.now()
        if isinstance(found, Held):
            return Outcome(began_at, ended_at, found, polled)
        outcome = Outcome(began_at, ended_at, found, polled)
        self._newest[account.name] = outcome
        if isinstance(found, Reading):
            self._last[account.name] = found
        return outcome


async def _found(
    source: Source, account: Account, began_at: datetime, *, polled: bool
) -> Reading | Failure | Held:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return Reading(began_at, await source.read(account, polled=polled))
    except TimeoutError:
        return Failure(Cause.TIMEOUT)
    except Unreadable as error:
        return error.failure
    except HeldBack as error:
        return error.why
