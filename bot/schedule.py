"""When: the APScheduler jobs that poll and deliver, and what they log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.core.model import Failure
from bot.ports import StoreAway
from bot.service import READ_SECONDS, Delivered, Delivery, Polled, Service
from bot.text import Words

log = structlog.get_logger()

DELIVER_EVERY = timedelta(seconds=5)
POLL_SECONDS = READ_SECONDS + 15
"""A poll that hangs is given up, for a hung job would block every later one."""

DELIVER_SECONDS = 60


class Schedule:
    """Runs the service's jobs, each with its own deadline, and owns those that are running."""

    def __init__(self, service: Service, words: Words, poll_interval: timedelta) -> None:
        self._service = service
        self._words = words
        self._poll_interval = poll_interval
        self._running: set[asyncio.Task[None]] = set()
        # In UTC: intervals must not jump with daylight saving. No misfire is dropped in silence.
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    @asynccontextmanager
    async def running(self, drain_seconds: float) -> AsyncIterator[None]:
        """Run the jobs, the first poll at once; at the end let those under way finish."""
        self._every(self._poll_interval, self.poll, POLL_SECONDS)
        self._every(DELIVER_EVERY, self.deliver, DELIVER_SECONDS)
        self._scheduler.start()
        self._spawn(self.poll, POLL_SECONDS)
        try:
            yield
        finally:
            self._scheduler.pause()
            if self._running:
                await asyncio.wait(self._running, timeout=drain_seconds)
            for task in self._running:
                task.cancel()
            self._scheduler.shutdown(wait=False)

    def deliver_soon(self) -> None:
        """Deliver what a command's reading made due, without making the person wait."""
        self._spawn(self.deliver, DELIVER_SECONDS)

    async def poll(self) -> None:
        """Read and judge every account, then tell what is due."""
        for polled in await self._service.poll():
            _log_poll(polled)
        await self.deliver()

    async def deliver(self) -> None:
        """Tell what is due."""
        for delivery in await self._service.deliver():
            self._log_delivery(delivery)

    def _every(self, interval: timedelta, job: Callable[[], Awaitable[None]], deadline: float) -> None:
        async def run() -> None:
            # Not awaited: an account that hangs must not keep the next cycle from reading the others.
            self._spawn(job, deadline)

        self._scheduler.add_job(run, "interval", seconds=interval.total_seconds(), id=job.__name__)

    def _spawn(self, job: Callable[[], Awaitable[None]], deadline: float) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(job, deadline))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _guarded(self, job: Callable[[], Awaitable[None]], deadline: float) -> None:
        name = job.__name__
        try:
            async with asyncio.timeout(deadline):
                await job()
        except TimeoutError:
            log.error("job.too_slow", job=name, seconds=deadline)
        except StoreAway as error:
            log.error("job.database_away", job=name, error=str(error))
        except Exception:  # the last stop: the next run must come whatever this one met
            log.exception("job.failed", job=name)

    def _log_delivery(self, delivery: Delivery) -> None:
        kind = delivery.kind.value if delivery.kind else "edit"
        about = {"kind": kind, "channel": delivery.channel, "episode": delivery.episode}
        if delivery.outcome in {Delivered.POSTED, Delivered.EDITED}:
            log.info("delivery.done", how=delivery.outcome.value, **about)
            return
        log.error(
            "delivery.waits" if delivery.retry_at else "delivery.not_edited",
            **about,
            error=delivery.error,
            mend=self._words.slack_error(delivery.error),
            retry_at=delivery.retry_at and delivery.retry_at.isoformat(timespec="seconds"),
        )


def _log_poll(polled: Polled) -> None:
    about = {"account": polled.account}
    if polled.outcome is None:
        log.info("poll.skipped", **about, why="the last reading is still on its way")
        return
    about["reasons"] = ",".join(polled.step.reasons) if polled.step else "database_away"
    if isinstance(polled.outcome, Failure):
        failure = polled.outcome
        log.warning(
            "poll.unreadable",
            **about,
            cause=failure.cause,
            status=failure.status,
            code=failure.code,
            field=failure.field,
        )
    elif polled.step is None:
        log.error("poll.not_judged", **about)
    else:
        log.info("poll.read", **about, level=polled.step.watch.level.name.lower())
