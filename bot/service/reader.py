"""Accounts are read at the provider's, each once for everybody who asks meanwhile."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from bot.core.model import Account
from bot.core.reading import Cause, Failure, Held, Reading
from bot.ports import Clock, HeldBack, Source, Unreadable
from bot.service.cancelling import cancel

READ_SECONDS = 45
"""One reading of one account ends within this, tries and back-off included, once it is its turn."""

ACCOUNTS_PER_HOST = 32
"""So many accounts of a host are read at a time."""

Answer = tuple[datetime, Reading | Failure | Held]
"""When the provider was asked (UTC), and what came of it, or why it was not asked."""


class Reader:
    """Asks the provider; owns the readings in flight, and keeps each account's last good one."""

    def __init__(self, sources: Mapping[str, Source], clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._reading: dict[str, asyncio.Task[Answer]] = {}
        self._last: dict[str, Reading] = {}

    async def read(self, account: Account) -> Answer:
        """Read the account, or wait with the others for the reading on its way."""
        task = self._reading.get(account.name)
        if task is None:
            task = asyncio.create_task(self._ask(account))
            self._reading[account.name] = task
            task.add_done_callback(lambda _: self._reading.pop(account.name, None))
        return await asyncio.shield(task)

    def last(self, account: Account) -> Reading | None:
        """Return the last good reading that this process made."""
        return self._last.get(account.name)

    def forget_after(self, now: datetime) -> None:
        """Forget the readings that lie in the future, for the clock was set back."""
        self._last = {name: last for name, last in self._last.items() if last.began_at <= now}

    async def close(self) -> None:
        """End the readings in flight."""
        await cancel(self._reading.values())

    async def _ask(self, account: Account) -> Answer:
        source = self._sources[account.name]
        async with source.turn:
            return await self._ask_now(account, source)

    async def _ask_now(self, account: Account, source: Source) -> Answer:
        began_at = self._clock.now()
        try:
            async with asyncio.timeout(READ_SECONDS):
                credits_ = await source.read(account)
        except TimeoutError:
            return began_at, Failure(Cause.TIMEOUT)
        except Unreadable as error:
            return began_at, error.failure
        except HeldBack as error:
            return began_at, error.why
        reading = Reading(began_at, credits_)
        self._last[account.name] = reading
        return began_at, reading
