"""When: the APScheduler jobs that poll and deliver, what minds them, and what they log."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.core.clock import step_of
from bot.core.health import lateness
from bot.core.reading import Failure, Held
from bot.ports import Clock, NotLeading, StoreAway
from bot.service import Service
from bot.service.cancelling import CANCEL_SECONDS, cancel
from bot.service.courier import Delivered, Delivery
from bot.service.observer import Observer, Unobserved
from bot.service.polled import Polled
from bot.service.reader import ACCOUNTS_PER_HOST, READ_SECONDS
from bot.text import Words

log = structlog.get_logger()

DELIVER_EVERY = timedelta(seconds=5)
LEAD_EVERY = timedelta(seconds=2)
"""How often the clock and the poll are minded, and one that stands by looks whether it is to watch."""

RENEW_EVERY = timedelta(seconds=10)
LEAD_SECONDS = 60
STEP_DOWN_SECONDS = 2
PRUNE_EVERY = timedelta(minutes=10)
"""Not once a day: an interval begins anew at each start, and hosts restart daily."""

PRUNE_SECONDS = 120
POLL_SPARE_SECONDS = 15
"""Beyond what all readings may take: a poll that hangs is given up, for it would block every later one."""

DELIVER_SECONDS = 150
"""What has been begun must not be cut off in the middle."""


class Schedule:
    """Runs the service's jobs, each with its own deadline, and owns those that are running.

    APScheduler goes by the wall clock and would wait until it is again as late as it was, so what looks after
    it, and keeps the lease, is a plain task on the event loop's `steady` clock (seconds), which nobody sets.
    `completed` is called after each completed poll.
    """

    def __init__(
        self,
        service: Service,
        words: Words,
        clock: Clock,
        poll_interval: timedelta,
        observer: Observer | None = None,
        completed: Callable[[], None] = lambda: None,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._service = service
        self._observer = observer or Unobserved()
        self._completed = completed
        self._late = False
        self._clock = clock
        self._steady = steady or asyncio.get_running_loop().time
        self._ticked_at = clock.now(), self._steady()
        self._ticking: asyncio.Task[None] | None = None
        self._led_at: datetime | None = None
        self._looking = asyncio.Lock()
        self._words = words
        self._poll_interval = poll_interval
        turns = 1 + len(service.accounts) // ACCOUNTS_PER_HOST
        self._poll_seconds = READ_SECONDS * turns + POLL_SPARE_SECONDS
        self._running: set[asyncio.Task[None]] = set()
        self._delivery: asyncio.TimerHandle | None = None
        self._stopping = False
        # In UTC: intervals must not jump with daylight saving. No misfire is dropped in silence.
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        """Run the jobs, the first at once; nothing if the bot stops already."""
        if self._stopping:
            return
        self._arrange()
        self._scheduler.start()
        self._ticking = asyncio.create_task(self._tick_on())

    def stop(self) -> None:
        """Begin nothing new; what is under way goes on."""
        self._stopping = True
        if self._ticking:
            self._ticking.cancel()
        if self._delivery:
            self._delivery.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def drain(self, seconds: float) -> None:
        """Let what is under way finish, for so long at most, then give the lease back."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        await cancel(self._running)
        stepping_down = asyncio.create_task(self._guarded(self._service.step_down, STEP_DOWN_SECONDS))
        await asyncio.wait({stepping_down}, timeout=STEP_DOWN_SECONDS + CANCEL_SECONDS)

    def deliver_soon(self) -> None:
        """Deliver what a command's reading made due, without making the person wait."""
        self._spawn(self.deliver, DELIVER_SECONDS)

    async def _tick_on(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(LEAD_EVERY.total_seconds())

    def tick(self) -> None:
        """See whether the clock was set, then mind the poll and the lease."""
        try:
            self._mind_the_clock()
        except Exception:  # the last stop: nothing else would see that the schedule stands still
            log.exception("clock.not_minded")
        self._spawn(self.lead, LEAD_SECONDS)

    def _mind_the_clock(self) -> None:
        (wall, steady), now = self._ticked_at, (self._clock.now(), self._steady())
        self._ticked_at = now
        step = step_of(now[0] - wall, timedelta(seconds=now[1] - steady))
        if not step:
            return
        event = "clock.jumped_forward" if step > timedelta(0) else "clock.set_back"
        log.warning(event, seconds=round(abs(step).total_seconds()))
        self._led_at = None
        self._service.clock_was_set(step)
        self._arrange()
        self._spawn(self.poll, self._poll_seconds)

    async def lead(self) -> None:
        """Keep, take or pass the lease; whoever takes it polls at once.

        It also minds the poll: it polls nothing itself, so a poll that hangs does not hang it.
        """
        self._mind_the_poll()
        # One at a time: with a database that hangs they would only wait for each other.
        if self._looking.locked():
            return
        async with self._looking:
            await self._lead()

    async def _lead(self) -> None:
        led = self._service.leading
        if led and self._led_at and self._clock.now() - self._led_at < RENEW_EVERY:
            return
        if not await self._service.lead():
            if led:
                log.info("lease.passed")
            return
        self._led_at = self._clock.now()
        if not led:
            log.info("lease.taken")
            self._spawn(self._first_poll, self._poll_seconds)

    def _mind_the_poll(self) -> None:
        late = lateness(self._service.pulse, self._poll_interval, self._clock.now())
        if late and not self._late:
            log.error("poll.late", not_completed_for=int(late.total_seconds()))
        elif self._late and not late:
            log.info("poll.on_time")
        self._late = late is not None

    async def _first_poll(self) -> None:
        await self._cycle(self._clock.now() - self._poll_interval)

    async def poll(self) -> None:
        """Read and judge every account, then tell what is due."""
        await self._cycle()

    async def _cycle(self, unless_since: datetime | None = None) -> None:
        began_at, completed = self._steady(), self._service.polls_completed
        try:
            for polled in await self._service.poll(unless_since):
                _log_poll(polled)
                self._observer.polled(polled)
        finally:
            # One account that fails in a way of its own does not undo what was completed for the others.
            if self._service.polls_completed != completed:
                self._observer.cycle(timedelta(seconds=self._steady() - began_at))
                self._completed()
        self.deliver_soon()

    async def deliver(self) -> None:
        """Recall what is open for long, then tell what is due."""
        await self._service.remind()
        for delivery in await self._service.deliver(self._deliver_at):
            self._log_delivery(delivery)
            self._observer.delivered(delivery)

    def _deliver_at(self, at: datetime) -> None:
        """Deliver at a time, or earlier: then it is found out anew what is next."""
        loop = asyncio.get_running_loop()
        when = loop.time() + max((at - self._clock.now()).total_seconds(), 0)
        if self._stopping or (self._delivery and self._delivery.when() <= when):
            return
        if self._delivery:
            self._delivery.cancel()
        self._delivery = loop.call_at(when, self._come_back)

    def _come_back(self) -> None:
        self._delivery = None
        self.deliver_soon()

    def _arrange(self) -> None:
        """Have each job run anew at its interval, counted from now."""
        self._every(self._poll_interval, self.poll, self._poll_seconds)
        self._every(DELIVER_EVERY, self.deliver, DELIVER_SECONDS)
        self._every(PRUNE_EVERY, self._service.prune, PRUNE_SECONDS)

    def _every(self, interval: timedelta, job: Callable[[], Awaitable[None]], deadline: float) -> None:
        async def run() -> None:
            # Not awaited: an account that hangs must not keep the next cycle from reading the others.
            self._spawn(job, deadline)

        self._scheduler.add_job(
            run, "interval", seconds=interval.total_seconds(), id=job.__name__, replace_existing=True
        )

    def _spawn(self, job: Callable[[], Awaitable[None]], deadline: float) -> None:
        if self._stopping:
            return
        task = asyncio.create_task(self._guarded(job, deadline))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _guarded(self, job: Callable[[], Awaitable[None]], deadline: float) -> None:
        name = job.__name__.lstrip("_")
        try:
            async with asyncio.timeout(deadline):
                await job()
        except TimeoutError:
            log.error("job.too_slow", job=name, seconds=deadline)
            self._observer.job_failed(name, "too_slow")
        except NotLeading:
            log.info("job.not_leading", job=name)
        except StoreAway as error:
            cause, mend = self._words.database_cause(error), self._words.database_mend(error)
            log.error("job.database_away", job=name, cause=error.cause, error=cause, mend=mend)
            self._observer.job_failed(name, "database_away")
        except Exception:  # the last stop: the next run must come whatever this one met
            log.exception("job.failed", job=name)
            self._observer.job_failed(name, "failed")

    def _log_delivery(self, delivery: Delivery) -> None:
        kind = delivery.kind.value if delivery.kind else "edit"
        about = {"kind": kind, "channel": delivery.channel, "episode": delivery.episode}
        if delivery.outcome in {Delivered.POSTED, Delivered.EDITED}:
            log.info("delivery.done", how=delivery.outcome.value, **about)
            return
        if delivery.left_out:
            left_out = sorted(delivery.left_out)
            why = "; ".join(self._words.say.left_out[one] for one in left_out)
            log.warning("delivery.barer", **about, error=delivery.error, left_out=left_out, mend=why)
            return
        log.error(
            "delivery.waits" if delivery.retry_at else "delivery.not_edited",
            **about,
            error=delivery.error,
            mend=self._words.slack_error(delivery.error),
            retry_at=delivery.retry_at and delivery.retry_at.isoformat(timespec="seconds"),
        )


_HELD_BACK = {
    Held.LIMIT: "the provider allows no more requests this minute",
    Held.STORE_AWAY: "the database, which counts the requests, does not answer",
}


def _log_poll(polled: Polled) -> None:
    about = {"account": polled.account}
    if polled.passed_on:
        log.info("poll.passed_on", **about)
        return
    if polled.held_back:
        log.info("poll.held_back", **about, why=_HELD_BACK[polled.held_back])
        return
    if polled.outcome is None and polled.step:
        log.info("poll.shared", **about, reasons=",".join(polled.step.reasons))
        return
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
        log.info("poll.read", **about, account_level=polled.step.watch.level.name.lower())
