"""A clock that is set does not stop the schedule, and nothing false is told of it."""

import asyncio
from datetime import datetime, timedelta

import pytest
import structlog.testing

from bot.core.gap import Gap, Round, checked, completed
from bot.core.health import Overview, lateness
from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.service.courier import EDITS_A_MINUTE, Courier, Delivered
from bot.service.lookout import Lookout
from bot.service.outage import TOLD_AFTER, Outage
from bot.service.sender import Sender
from bot.store import SqlOutbox
from tests.samples import DOWN, NOW
from tests.service.bot import Bot, Start, Wall
from tests.service.conftest import database, start
from tests.service.test_lookout import Overviews, there
from tests.test_bot import eventually
from tests.test_schedule import FIVE_MINUTES, HOUR, Make, events, gaps, make

__all__ = ["database", "make", "start"]  # fixtures

TWO_HOURS = timedelta(hours=2)
STEPS = pytest.mark.parametrize("step", [-TWO_HOURS, TWO_HOURS], ids=["back", "forward"])


@STEPS
async def test_once_the_clock_was_set_it_polls_at_once_and_renews_the_lease(
    make: Make, step: timedelta
) -> None:
    bot, schedule, _ = await make(9000, 100)
    await schedule.lead()
    await schedule.poll()
    bot.wall.pass_(timedelta(seconds=2))
    bot.wall.set_(step)
    bot.lease.asking.clear()
    with structlog.testing.capture_logs() as lines:
        schedule.tick()
        await eventually(lambda: bot.service.pulse.polled_at == bot.wall.now())
        await asyncio.wait_for(bot.lease.asking.wait(), 5)
    (line,) = [line for line in lines if line["event"].startswith("clock.")]
    assert line["event"] == ("clock.set_back" if step < timedelta(0) else "clock.jumped_forward")
    assert (line["seconds"], line["log_level"]) == (7200, "warning")
    assert "poll.late" not in events(lines)


@pytest.mark.parametrize("seconds", [-5, -1, 1, 5])
async def test_a_clock_that_is_only_slewed_changes_nothing(make: Make, seconds: int) -> None:
    bot, schedule, _ = await make(9000)
    bot.wall.pass_(HOUR)
    bot.wall.set_(timedelta(seconds=seconds))
    with structlog.testing.capture_logs() as lines:
        schedule.tick()
        await asyncio.sleep(0)
    assert bot.provider.asked == 0
    assert [one for one in events(lines) if one.startswith("clock.")] == []


async def test_jobs_that_would_wait_for_the_old_time_are_arranged_anew(make: Make) -> None:
    bot, schedule, _ = await make(9000)
    schedule.start()
    jobs = schedule._scheduler.get_jobs()  # noqa: SLF001 - APScheduler goes by a clock that no test can set
    due = {job.id: job.next_run_time for job in jobs}
    for job in jobs:
        job.modify(next_run_time=job.next_run_time + TWO_HOURS)
    bot.wall.set_(-TWO_HOURS)
    schedule.tick()
    for job in schedule._scheduler.get_jobs():  # noqa: SLF001 - as above
        assert job.next_run_time < due[job.id] + timedelta(minutes=1)


async def test_an_apscheduler_that_runs_nothing_is_logged_and_told(make: Make) -> None:
    bot, schedule, _ = await make(9000)
    await schedule.poll()
    schedule._scheduler.start(paused=True)  # noqa: SLF001 - as if it waited for ever
    with structlog.testing.capture_logs() as lines:
        for _ in range(35):
            bot.wall.pass_(timedelta(minutes=2))
            schedule.tick()
            await eventually(lambda: bot.service.pulse.looked_at == bot.wall.now())
        await schedule.deliver()
    assert events(lines).count("poll.late") == 1
    assert gaps(bot) == [False]


async def test_polls_that_hang_after_the_clock_was_set_back_are_late_and_told_as_ever(make: Make) -> None:
    bot, schedule, _ = await make(9000)
    await schedule.poll()
    await schedule.lead()
    bot.provider.may_answer.clear()
    bot.wall.set_(-TWO_HOURS)
    schedule.tick()
    await bot.look_on(14)
    assert lateness(bot.service.pulse, FIVE_MINUTES, bot.wall.now()) is None
    await bot.look_on(2)
    assert lateness(bot.service.pulse, FIVE_MINUTES, bot.wall.now())
    await bot.look_on(50)
    await schedule.deliver()
    assert gaps(bot) == [False]


async def test_a_poll_under_way_when_the_clock_is_set_back_counts_as_no_completed_one(make: Make) -> None:
    bot, schedule, seen = await make(9000, ZeroDivisionError())
    await schedule.poll()
    bot.provider.may_answer.clear()
    bot.provider.asking.clear()
    fails = asyncio.create_task(schedule.poll())
    await bot.provider.asking.wait()
    bot.wall.set_(-TWO_HOURS)
    schedule.tick()
    bot.provider.may_answer.set()
    with pytest.raises(ZeroDivisionError):
        await fails
    assert len(seen.cycles) == 1


async def test_a_clock_set_forward_is_told_for_what_it_may_be(make: Make) -> None:
    bot, schedule, _ = await make(9000)
    await schedule.poll()
    await schedule.lead()
    bot.wall.set_(TWO_HOURS)
    schedule.tick()
    await eventually(lambda: not schedule._running)  # noqa: SLF001 - nothing else shows that all is done
    await bot.look_on(2)
    await schedule.deliver()
    assert [due.gap for due in bot.channel.posts] == [Gap(NOW, NOW + TWO_HOURS, jumped=True)]


async def test_a_command_never_takes_a_reading_of_the_future_for_a_fresh_one(start: Start) -> None:
    bot = await start(9000, 100, DOWN)
    await bot.service.people.status()
    bot.wall.set_(-TWO_HOURS)
    await bot.service.people.status()
    assert bot.provider.asked == 2


async def test_with_the_provider_down_no_reading_of_the_future_is_shown(start: Start) -> None:
    bot = await start(9000, DOWN)
    await bot.service.people.status()
    bot.wall.set_(-TWO_HOURS)
    bot.service.clock_was_set(-TWO_HOURS)
    await bot.service.poll()
    (status,) = await bot.service.people.status()
    assert status.reading
    assert status.reading.began_at == bot.wall.now()


async def test_facts_of_the_future_are_asked_for_again(start: Start) -> None:
    bot, overviews = await start(9000), Overviews()
    overviews.refused = True
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    await lookout.facts()
    bot.wall.set_(-TWO_HOURS)
    assert (await lookout.facts()).overview == Overview({}, undelivered=2)


async def test_a_first_poll_reads_what_was_stored_in_the_future(start: Start) -> None:
    bot = await start(9000)
    await bot.cycle()
    bot.wall.set_(-TWO_HOURS)
    again = await start(9000)
    assert [one.judged for one in await again.service.poll(bot.wall.now() - FIVE_MINUTES)] == [True]


async def test_edits_made_in_the_future_hold_none_back(start: Start) -> None:
    bot = await start(4999)
    await bot.cycle()
    courier = Courier(SqlOutbox(bot.database, bot.lease), Sender(bot.channel, bot.wall), bot.wall)
    courier._edited.extend([bot.wall.now()] * EDITS_A_MINUTE)  # noqa: SLF001 - thirty episodes say no more
    assert await edited(bot, courier, "4990") == []
    bot.wall.set_(-TWO_HOURS)
    assert await edited(bot, courier, "4980") == [Delivered.EDITED]


async def edited(bot: Bot, courier: Courier, sms: str) -> list[Delivered]:
    """Have the figures change, and return what became of the edit that this makes due."""
    bot.provider.script.append(int(sms))
    if len(bot.provider.script) > 2:
        bot.provider.script.popleft()
    for _ in range(2):
        bot.wall.pass_(timedelta(seconds=20))
        await bot.service.poll()
    return [one.outcome for one in await courier.deliver()]


async def test_an_outage_counts_from_when_the_clock_was_set_back(start: Start) -> None:
    channel = (await start(9000)).channel
    wall = Wall()
    outage = Outage(Sender(channel, wall))
    await outage.lasts(StoreAway(Unusable.REFUSED), ["C1"], wall.now())
    wall.set_(-TWO_HOURS)
    await outage.lasts(StoreAway(Unusable.REFUSED), ["C1"], wall.now())
    assert channel.said == []
    wall.pass_(TOLD_AFTER)
    await outage.lasts(StoreAway(Unusable.REFUSED), ["C1"], wall.now())
    assert channel.said == [("C1", True)]


def test_a_poll_noted_in_the_future_hides_no_gap() -> None:
    noted = Round(NOW + TWO_HOURS)
    assert checked(noted, NOW + HOUR, FIVE_MINUTES, NOW) == (noted, None)
    late = timedelta(minutes=62)
    assert checked(Round(NOW + 2 * TWO_HOURS), NOW + late, FIVE_MINUTES, NOW)[1] == Gap(NOW)


@pytest.mark.parametrize(
    ("started_at", "jumped_at", "gap"),
    [
        (NOW - HOUR, NOW + HOUR, {"jumped": True}),
        (NOW - HOUR, NOW - HOUR, {}),
        (NOW - HOUR, None, {}),
        (NOW + HOUR, NOW + HOUR, {"stopped": True}),
    ],
)
def test_a_gap_is_the_clock_s_only_where_the_clock_jumped_within_it(
    started_at: datetime, jumped_at: datetime | None, gap: dict[str, bool]
) -> None:
    end = NOW + TWO_HOURS
    _, told = completed(Round(NOW), end, FIVE_MINUTES, started_at, jumped_at)
    assert told == Gap(NOW, end, **gap)
