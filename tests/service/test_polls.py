import asyncio
from datetime import timedelta

import pytest

from bot.core.notice import Reason
from bot.core.reading import Cause, Failure, Reading
from bot.service.polled import Polled
from tests.samples import CRITICAL, DOWN, NOW, WATCHED, account, credit
from tests.service.bot import Start


async def test_a_poll_reads_judges_stores_and_says_why(start: Start) -> None:
    bot = await start(4999)
    (polled,) = await bot.service.poll()
    assert polled.account == "sms"
    assert polled.outcome == Reading(NOW, credit(4999))
    assert polled.step is not None
    assert polled.step.reasons == (Reason.OPENED,)
    assert await bot.watches.watch("sms") == polled.step.watch


async def test_what_is_low_is_told_once_and_its_end_too_whatever_restarts_between(start: Start) -> None:
    bot = await start(9000, 4999, 4998, 999, 999)
    for _ in range(5):
        await bot.cycle()
    again = await start(999, 9000, 9000, channel=bot.channel)
    for _ in range(3):
        await again.cycle()
    assert bot.channel.told == ["opened low warning", "worse low critical", "ended low critical"]
    roots = [due.root for due in bot.channel.posts]
    assert roots == ["", "1784721900.000001", "1784721900.000001"]
    assert bot.channel.edits[-1].episode.ended_at is not None


async def test_silence_is_told_after_the_third_failed_poll_and_its_end_with_the_first_reading(
    start: Start,
) -> None:
    bot = await start(DOWN, DOWN, 9000, DOWN, DOWN, DOWN, DOWN, 9000)
    for _ in range(8):
        await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning", "ended unreadable warning"]


async def test_the_count_of_failed_polls_outlives_a_restart(start: Start) -> None:
    for _ in range(2):
        await (await start(DOWN)).cycle()
    bot = await start(DOWN)
    await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning"]


async def test_an_account_still_in_flight_is_skipped_and_not_waited_for(start: Start) -> None:
    bot = await start(9000)
    bot.provider.may_answer.clear()
    first = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    assert await bot.service.poll() == (Polled("sms"),)
    bot.provider.may_answer.set()
    (polled,) = await first
    assert polled.step is not None
    assert bot.provider.asked == 1


async def test_an_account_that_hangs_keeps_no_other_from_being_read(start: Start) -> None:
    bot = await start(9000, accounts=(WATCHED, account(CRITICAL, name="other")), other=(500,))
    bot.provider.may_answer.clear()
    hanging = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    async with asyncio.timeout(5):
        while not bot.channel.posts:
            await bot.deliver()
    assert bot.channel.told == ["opened low critical"]
    assert not hanging.done()
    bot.provider.may_answer.set()
    assert {polled.account for polled in await hanging} == {"sms", "other"}


async def test_a_source_that_fails_in_a_way_nobody_thought_of_keeps_no_other_from_being_read(
    start: Start,
) -> None:
    bot = await start(ZeroDivisionError(), accounts=(WATCHED, account(CRITICAL, name="other")), other=(500,))
    with pytest.raises(ZeroDivisionError):
        await bot.service.poll()
    assert (await bot.watches.watch("other")).low is not None


async def test_a_reading_that_takes_too_long_is_a_failure(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.reader.READ_SECONDS", 0.02)
    bot = await start(9000)
    bot.provider.may_answer.clear()
    (polled,) = await bot.service.poll()
    assert polled.outcome == Failure(Cause.TIMEOUT)


async def test_waiting_for_its_turn_at_a_slow_host_is_no_failure_of_an_account(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.reader.READ_SECONDS", 0.2)
    bot = await start(9000)
    bot.provider.turn = turn = asyncio.Semaphore(1)
    await turn.acquire()
    polling = asyncio.create_task(bot.service.poll())
    await asyncio.wait({polling}, timeout=0.4)
    assert bot.provider.asked == 0
    turn.release()
    (polled,) = await polling
    assert isinstance(polled.outcome, Reading)


async def test_a_clock_set_back_by_hours_blinds_nobody(start: Start) -> None:
    bot = await start(9000, 4999, 999, 9000)
    for _ in range(2):
        await bot.cycle()
    bot.wall.pass_(timedelta(hours=-3))
    for _ in range(2):
        await bot.cycle()
    assert bot.channel.told == ["opened low warning", "worse low critical", "ended low critical"]
