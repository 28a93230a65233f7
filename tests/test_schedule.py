"""The schedule cannot die in silence: what is late, hangs or fails is logged, counted and told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import pytest
import structlog.testing

from bot.core.health import lateness
from bot.core.reading import Held
from bot.core.unusable import Unusable
from bot.ports import HeldBack, StoreAway
from bot.schedule import Schedule
from bot.service.observer import Unobserved
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures
from tests.samples import POLICY, WATCHED
from tests.service.bot import Bot, Start
from tests.service.conftest import database, start
from tests.test_bot import eventually

__all__ = ["database", "start"]  # fixtures

FIVE_MINUTES = timedelta(minutes=5)
HOUR = timedelta(hours=1)


@dataclass
class Seen(Unobserved):
    """An observer that remembers which jobs failed and how many polls were completed."""

    failed: list[tuple[str, str]] = field(default_factory=list)
    cycles: list[timedelta] = field(default_factory=list)

    def job_failed(self, job: str, why: str) -> None:
        self.failed.append((job, why))

    def cycle(self, took: timedelta) -> None:
        self.cycles.append(took)


Make = Callable[..., Awaitable[tuple[Bot, Schedule, Seen]]]


@pytest.fixture
async def make(start: Start) -> AsyncIterator[Make]:
    """Make a bot with a schedule of its own; stopped at the end."""
    made: list[tuple[Schedule, Bot]] = []

    async def begin(*script: Any, **options: Any) -> tuple[Bot, Schedule, Seen]:
        bot, seen = await start(*script, **options), Seen()
        words = Words(ENGLISH, Figures(ENGLISH.locale, ZoneInfo("Europe/Paris")), POLICY, {"sms": WATCHED})
        schedule = Schedule(bot.service, words, bot.wall, FIVE_MINUTES, seen, steady=lambda: bot.wall.steady)
        made.append((schedule, bot))
        return bot, schedule, seen

    yield begin
    for schedule, bot in made:
        schedule.stop()
        bot.provider.may_answer.set()
        await schedule.drain(1)


def gaps(bot: Bot) -> list[bool]:
    """Return whether each gap that was told is over."""
    return [due.gap.until is not None for due in bot.channel.posts if due.gap]


def events(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


async def test_a_poll_that_hangs_is_seen_by_the_job_that_polls_nothing_and_told_and_so_is_its_end(
    make: Make,
) -> None:
    bot, schedule, seen = await make(9000)
    await schedule.poll()
    bot.provider.may_answer.clear()
    bot.provider.asking.clear()
    bot.wall.pass_(FIVE_MINUTES)
    with structlog.testing.capture_logs() as lines:
        hangs = asyncio.create_task(schedule.poll())
        await bot.provider.asking.wait()
        schedule.start()
        for minutes, told in ((50, []), (20, [False])):
            await bot.look_on(minutes - 2)
            bot.wall.pass_(timedelta(minutes=2))
            await eventually(lambda: bot.service.pulse.looked_at == bot.wall.now())
            await schedule.deliver()
            assert gaps(bot) == told
        assert events(lines).count("poll.late") == 1
        bot.provider.may_answer.set()
        await hangs
        bot.wall.pass_(timedelta(seconds=1))
        await bot.service.lead()
        await schedule.lead()
        await eventually(lambda: gaps(bot) == [False, True])
    assert events(lines).count("poll.on_time") == 1
    assert len(seen.cycles) == 2


async def test_a_bot_whose_first_poll_ever_hangs_says_so_too(make: Make) -> None:
    bot, schedule, _ = await make(9000)
    bot.provider.may_answer.clear()
    hangs = asyncio.create_task(schedule.poll())
    await bot.provider.asking.wait()
    for minutes, told in ((54, []), (12, [False]), (120, [False])):
        await bot.look_on(minutes)
        await schedule.deliver()
        assert gaps(bot) == told
    bot.provider.may_answer.set()
    await hangs


@pytest.mark.parametrize(
    ("why", "said"), [(Held.LIMIT, "the provider allows"), (Held.STORE_AWAY, "the database")]
)
async def test_a_poll_that_is_held_back_is_logged_with_its_reason(make: Make, why: Held, said: str) -> None:
    _, schedule, _ = await make(HeldBack(why))
    with structlog.testing.capture_logs() as lines:
        await schedule.poll()
    (line,) = [line for line in lines if line["event"] == "poll.held_back"]
    assert line["why"].startswith(said)


async def test_a_poll_that_fails_each_time_is_logged_counted_and_late(make: Make) -> None:
    bot, schedule, seen = await make(ZeroDivisionError())
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            bot.wall.pass_(FIVE_MINUTES)
            await schedule._guarded(schedule.poll, 1)  # noqa: SLF001 - as the scheduler runs it
            await schedule.lead()
    assert seen.failed == [("poll", "failed")] * 4
    assert events(lines).count("job.failed") == 4
    assert events(lines).count("poll.late") == 1
    assert seen.cycles == []


async def forever() -> None:
    await asyncio.Event().wait()


async def no_store() -> NoReturn:
    raise StoreAway(Unusable.NO_ANSWER_IN_TIME)


async def broken() -> NoReturn:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("job", "why", "event"),
    [
        (forever, "too_slow", "job.too_slow"),
        (no_store, "database_away", "job.database_away"),
        (broken, "failed", "job.failed"),
    ],
)
async def test_a_job_that_hangs_or_raises_is_a_line_and_a_count(
    make: Make, job: Callable[[], Awaitable[None]], why: str, event: str
) -> None:
    _, schedule, seen = await make(9000)
    with structlog.testing.capture_logs() as lines:
        await schedule._guarded(job, 0.01)  # noqa: SLF001 - as the scheduler runs it
    assert seen.failed == [(job.__name__, why)]
    assert [(line["event"], line["job"], line["log_level"]) for line in lines] == [
        (event, job.__name__, "error")
    ]


async def test_a_completed_poll_calls_for_a_heartbeat_and_a_lost_one_does_not(start: Start) -> None:
    bot = await start(9000)
    beats: list[str] = []
    words = Words(ENGLISH, Figures(ENGLISH.locale, ZoneInfo("Europe/Paris")), POLICY, {"sms": WATCHED})
    schedule = Schedule(bot.service, words, bot.wall, FIVE_MINUTES, completed=lambda: beats.append("beat"))
    await schedule.poll()
    assert beats == ["beat"]
    bot.wall.pass_(FIVE_MINUTES)
    await bot.lease.release()
    await schedule.poll()
    assert beats == ["beat"]
    schedule.stop()
    await schedule.drain(1)


async def test_a_schedule_that_was_stopped_does_not_start_any_more(make: Make) -> None:
    bot, schedule, _ = await make(9000)
    schedule.stop()
    schedule.start()
    await schedule.drain(1)
    assert not schedule._scheduler.running  # noqa: SLF001 - nothing else shows it
    assert bot.provider.asked == 0


async def test_a_process_that_stands_by_is_judged_by_its_looks_at_the_lease(start: Start) -> None:
    bot = await start(9000)
    bot.wall.pass_(HOUR)
    assert lateness(bot.service.pulse, FIVE_MINUTES, bot.wall.now()) == HOUR
    bot.service.leading = False
    assert lateness(bot.service.pulse, FIVE_MINUTES, bot.wall.now()) == HOUR
    bot.lease.may_answer.clear()
    looking = asyncio.create_task(bot.service.lead())
    await bot.lease.asking.wait()
    assert lateness(bot.service.pulse, FIVE_MINUTES, bot.wall.now()) == HOUR
    bot.lease.may_answer.set()
    await looking
    assert lateness(bot.service.pulse, FIVE_MINUTES, bot.wall.now()) is None
