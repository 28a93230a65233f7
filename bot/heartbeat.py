"""The outside dead-man's switch: whoever misses the heartbeat raises the alarm."""

import asyncio
from collections.abc import Callable

import aiohttp
import structlog

from bot.connecting import cause_of, patience
from bot.core.health import Silence, silence
from bot.ports import Clock
from bot.service.cancelling import cancel
from bot.service.lookout import Lookout
from bot.service.observer import Observer

log = structlog.get_logger()

BEAT_SECONDS = 10.0


class Heartbeat:
    """Asks for an address, which is a secret, after completed polls; owns the requests under way.

    `why` says in words what an error means and what to do about it.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        lookout: Lookout,
        clock: Clock,
        observer: Observer,
        why: Callable[[str], str],
        seconds: float = BEAT_SECONDS,
    ) -> None:
        self._session = session
        self._url = url
        self._lookout = lookout
        self._clock = clock
        self._observer = observer
        self._why = why
        self._seconds = seconds
        self._beating: set[asyncio.Task[None]] = set()

    def beat_soon(self) -> None:
        """Beat without making the caller wait, where there is an address."""
        if not self._url:
            return
        task = asyncio.create_task(self._beat())
        self._beating.add(task)
        task.add_done_callback(self._beating.discard)

    async def close(self) -> None:
        """End what is under way: nobody waits for it on the way out."""
        await cancel(self._beating)

    async def _beat(self) -> None:
        try:
            withheld = silence(await self._lookout.facts(fresh=True), self._clock.now())
            if withheld is Silence.NOT_LEADING:
                return  # the lease was given away since the poll
            if withheld:
                log.warning("heartbeat.withheld", why=withheld.value)
                self._observer.heartbeat("withheld")
                return
            error = await self._sent()
        except Exception as fault:  # noqa: BLE001 - the last stop; its kind alone, its text may hold the address
            error = type(fault).__name__
        if error:
            why = self._why(error)
            log.warning("heartbeat.failed", error=error, **({"why": why} if why else {}))
        self._observer.heartbeat("failed" if error else "sent", error)

    async def _sent(self) -> str:
        """Ask for the address, following no redirect; return what went wrong, if anything did."""
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.get(
                    self._url, allow_redirects=False, timeout=patience(self._seconds)
                ) as response,
            ):
                return "" if 200 <= response.status < 300 else f"HTTP {response.status}"
        except (aiohttp.ClientError, OSError) as error:
            return cause_of(error).value
