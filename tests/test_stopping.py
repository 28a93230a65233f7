"""What does not end when it is cancelled, as with a frozen database, is not waited for on the way out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import Any, cast

import pytest
import structlog.testing

from bot.app import _insist
from bot.core.alert import step
from bot.core.model import Policy
from bot.ports import NotDelivered, Overviews, Source, Watches
from bot.service.judge import Judge
from bot.service.lookout import Lookout
from bot.service.reader import Reader
from tests.samples import WATCHED
from tests.service.bot import Provider, Start, Wall
from tests.service.conftest import database, start
from tests.service.test_lookout import there
from tests.test_schedule import Make, make
from tests.text.test_words import WORDS

__all__ = ["database", "make", "start"]  # fixtures


class Frozen:
    """Stands for all that asks a frozen database: it cannot be cancelled before the test lets it go."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()

    async def __call__(self, *_: Any, **__: Any) -> Any:
        self.asked.set()
        while not self.let_go.is_set():
            with suppress(asyncio.CancelledError):
                await self.let_go.wait()

    overview = change_many = read = __call__


@pytest.fixture
async def frozen() -> AsyncIterator[Frozen]:
    one = Frozen()
    yield one
    one.let_go.set()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(others, timeout=1) if others else None


async def ends(work: Awaitable[None]) -> bool:
    """Tell whether it ends while the database is still frozen."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=5)
    return task.done()


async def test_the_schedule_waits_for_no_job_that_cannot_be_cancelled(make: Make, frozen: Frozen) -> None:
    _, schedule, _ = await make(9000)

    async def job() -> None:
        await frozen()

    schedule._spawn(job, 60)  # noqa: SLF001 - as the scheduler runs it
    await frozen.asked.wait()
    schedule.stop()
    assert await ends(schedule.drain(0))


async def test_a_lease_that_cannot_be_given_back_is_left(
    make: Make, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, schedule, _ = await make(9000)
    monkeypatch.setattr("bot.schedule.STEP_DOWN_SECONDS", 0.01)
    monkeypatch.setattr(bot.lease, "release", frozen)
    schedule.stop()
    assert await ends(schedule.drain(0))


async def test_a_reading_that_cannot_be_cancelled_is_left(frozen: Frozen) -> None:
    source = Provider(9000)
    source.read = frozen  # type: ignore[method-assign]  # what counts the requests is frozen
    reader = Reader({"sms": cast("Source", source)}, Wall())
    reading = asyncio.create_task(reader.poll(WATCHED))
    await frozen.asked.wait()
    assert await ends(reader.close())
    frozen.let_go.set()
    await asyncio.wait({reading})
    with suppress(asyncio.CancelledError):
        reading.result()


async def test_a_decision_that_cannot_be_cancelled_is_left(frozen: Frozen) -> None:
    judge = Judge(cast("Watches", frozen), Policy(), Wall())
    judging = asyncio.create_task(judge.judge("sms", cast("Any", step)))
    await frozen.asked.wait()
    assert await ends(judge.close())
    judging.cancel()


async def test_a_look_that_cannot_be_cancelled_is_left(start: Start, frozen: Frozen) -> None:
    bot = await start(9000)
    lookout = Lookout(bot.service, cast("Overviews", frozen), there, bot.wall)
    looking = asyncio.create_task(lookout.facts())
    await frozen.asked.wait()
    assert await ends(lookout.close())
    looking.cancel()


async def test_what_was_well_for_long_and_is_refused_again_for_the_same_reason_is_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.app.FIRST_PAUSE", 0.01)
    refused = NotDelivered("invalid_auth", permanent=True)
    lasted = iter((0.0, 0.05, 0.0))

    async def work() -> None:
        with suppress(StopIteration):
            await asyncio.sleep(next(lasted))
            raise refused

    with structlog.testing.capture_logs() as lines:
        await _insist(work, "slack", WORDS, well_after=0.02)
    assert [line["event"] for line in lines] == ["background.refused"] * 2
