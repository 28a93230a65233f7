"""The facts by which health is judged, gathered in bounded time however many ask for them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.core.health import Facts, Overview
from bot.ports import Clock, Overviews, StoreAway
from bot.service import Service
from bot.service.cancelling import cancel

LOOK_SECONDS = 1.0
"""How long a probe waits for the database."""

FRESH = timedelta(seconds=3)
"""What the database said is good for so long: probes cannot load it."""


class Lookout:
    """Gathers facts; one look at the database at a time, shared by all who ask meanwhile."""

    def __init__(
        self, service: Service, overviews: Overviews, slack: Callable[[], Awaitable[bool]], clock: Clock
    ) -> None:
        self._service = service
        self._overviews = overviews
        self._slack = slack
        self._clock = clock
        self._overview: Overview | None = None
        self._away = ""
        self._asked_at: datetime | None = None
        self._answered_at: datetime | None = None
        self._looking: asyncio.Task[None] | None = None

    async def facts(self, *, fresh: bool = False) -> Facts:
        """Return the facts as of now; with `fresh` the database is asked once more in any case."""
        asked_at = self._clock.now()
        oldest = asked_at if fresh else asked_at - FRESH
        # A look that was under way may be older than what is asked for.
        for _ in range(2 if fresh else 1):
            if not _within(oldest, self._clock.now(), self._answered_at):
                await self._look(oldest)
        return Facts(
            accounts=tuple(account.name for account in self._service.accounts),
            interval=self._service.poll_interval,
            started_at=self._service.judged_since,
            pulse=self._service.pulse,
            slack=await self._slack(),
            overview=self._overview if _within(oldest, self._clock.now(), self._answered_at) else None,
            away=self._away,
        )

    async def close(self) -> None:
        """End the look under way."""
        if self._looking:
            await cancel({self._looking})

    async def _look(self, oldest: datetime) -> None:
        # One that takes long goes on, and one that failed is not repeated at once: asking again and again
        # would only load a database that is in trouble.
        if self._looking is None and not _within(oldest, self._clock.now(), self._asked_at):
            self._looking = asyncio.create_task(self._ask())
            self._looking.add_done_callback(self._looked)
        if self._looking:
            await asyncio.wait({self._looking}, timeout=LOOK_SECONDS)

    def _looked(self, _: asyncio.Task[None]) -> None:
        self._looking = None

    async def _ask(self) -> None:
        began_at = self._asked_at = self._clock.now()
        try:
            overview = await self._overviews.overview(self._service.watched, began_at)
        except StoreAway as error:
            self._away = str(error)
            return
        self._overview, self._answered_at, self._away = overview, began_at, ""


def _within(oldest: datetime, now: datetime, at: datetime | None) -> bool:
    """Whether it is young enough; what lies in the future is of a clock that was set back since."""
    return at is not None and oldest <= at <= now
