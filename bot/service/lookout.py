"""The facts by which health is judged, gathered in bounded time however many ask for them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.core.health import Facts, Overview, faults
from bot.ports import Clock, Overviews, StoreAway
from bot.service import Service
from bot.service.cancelling import cancel

LOOK_SECONDS = 1.0
"""How long a probe waits for the database."""

HOPELESS_SECONDS = 3.0
"""After so long a look that hangs is given up for the next: what it waits for may be well again."""

WELL = timedelta(seconds=1)
"""While all is well, what the database said is good for so long: probes cannot load it."""

AMISS = timedelta(seconds=0.1)
"""While something is amiss: a fault that is over is not told, at up to ten looks a second."""


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
        self._away: StoreAway | None = None
        self._looked_at: datetime | None = None
        self._kept = AMISS
        self._looking: asyncio.Task[None] | None = None
        self._began = 0.0

    async def facts(self, *, fresh: bool = False) -> Facts:
        """Return the facts as of now; with `fresh` the database is asked once more in any case."""
        asked_at = self._clock.now()
        oldest = asked_at if fresh else asked_at - self._kept
        # A look that was under way may be older than what is asked for.
        for _ in range(2):
            if not _within(oldest, self._clock.now(), self._looked_at):
                await self._look()
        away = self._away or self._service.away
        facts = Facts(
            accounts=tuple(account.name for account in self._service.accounts),
            interval=self._service.poll_interval,
            started_at=self._service.judged_since,
            pulse=self._service.pulse,
            slack=await self._slack(),
            overview=self._overview if _within(oldest, self._clock.now(), self._looked_at) else None,
            away=away.cause if away else None,
            away_detail=away.detail if away else "",
        )
        self._kept = AMISS if faults(facts, self._clock.now()) else WELL
        return facts

    async def close(self) -> None:
        """End the look under way."""
        if self._looking:
            await cancel({self._looking})

    async def _look(self) -> None:
        time = asyncio.get_running_loop().time
        if self._looking and time() - self._began > HOPELESS_SECONDS:
            await cancel({self._looking})
        if self._looking is None:
            self._began = time()
            self._looking = asyncio.create_task(self._ask())
            self._looking.add_done_callback(self._looked)
        # One that takes long goes on: asking beside it would only load a database that is in trouble.
        await asyncio.wait({self._looking}, timeout=max(self._began + LOOK_SECONDS - time(), 0))

    def _looked(self, look: asyncio.Task[None]) -> None:
        if self._looking is look:
            self._looking = None

    async def _ask(self) -> None:
        began_at = self._clock.now()
        try:
            self._overview = await self._overviews.overview(self._service.watched, began_at)
            self._away = None
        except StoreAway as error:
            self._overview, self._away = None, error
        self._looked_at = began_at


def _within(oldest: datetime, now: datetime, at: datetime | None) -> bool:
    """Whether it is young enough; what lies in the future is of a clock that was set back since."""
    return at is not None and oldest <= at <= now
