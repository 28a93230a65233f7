import asyncio
from datetime import timedelta

import pytest

from bot.core.asking import FRESH
from bot.core.model import Level
from bot.core.reading import Cause, Failure, Reading
from tests.samples import DOWN, NO_CREDIT, NOW, WATCHED, WRONG_KEY, account, credit
from tests.service.bot import Start
from tests.test_cost import Count


async def test_a_command_reads_live_and_its_good_reading_counts_like_a_poll_s(start: Start) -> None:
    bot = await start(4999)
    (status,) = await bot.service.people.status()
    assert status.reading == Reading(NOW, credit(4999))
    assert status.failure is None
    assert status.watch == await bot.watches.watch("sms")
    assert status.watch.level is Level.WARNING
    await bot.deliver()
    assert bot.channel.told == ["opened low warning"]


@pytest.mark.parametrize("failure", [DOWN, WRONG_KEY, NO_CREDIT])
async def test_a_failed_reading_for_a_command_is_shown_with_the_last_good_one_and_not_counted(
    start: Start, failure: Failure
) -> None:
    bot = await start(9000, failure)
    await bot.cycle()
    bot.wall.pass_(FRESH)
    for _ in range(5):
        (status,) = await bot.service.people.status()
        assert (status.failure, status.reading) == (
            failure,
            Reading(NOW + timedelta(minutes=5), credit(9000)),
        )
    watch = await bot.watches.watch("sms")
    assert (watch.failures, watch.unreadable) == (0, None)


async def test_a_failed_reading_without_any_good_one_shows_none(start: Start) -> None:
    (status,) = await (await start(DOWN)).service.people.status()
    assert (status.failure, status.reading) == (DOWN, None)


async def test_simultaneous_commands_share_one_call(start: Start) -> None:
    bot = await start(4999, 0)
    bot.provider.may_answer.clear()
    asking = [asyncio.create_task(bot.service.people.status()) for _ in range(5)]
    polling = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    bot.provider.may_answer.set()
    answers = [answer for (answer,) in await asyncio.gather(*asking)]
    (polled,) = await polling
    assert bot.provider.asked == 1
    assert {answer.reading and answer.reading.began_at for answer in answers} == {NOW}
    assert {answer.watch.level for answer in answers} == {Level.WARNING}
    assert polled.outcome == Reading(NOW, credit(4999))
    assert (polled.judged, polled.lost) == (True, False)
    assert bot.service.pulse.polled_at == NOW
    await bot.deliver()
    assert bot.channel.told == ["opened low warning"]


async def test_who_gives_up_waiting_does_not_take_the_answer_from_the_others(start: Start) -> None:
    bot = await start(4999)
    bot.provider.may_answer.clear()
    hasty, patient = (asyncio.create_task(bot.service.people.status()) for _ in range(2))
    await bot.provider.asking.wait()
    hasty.cancel()
    bot.provider.may_answer.set()
    (status,) = await patient
    assert status.watch.level is Level.WARNING


@pytest.mark.parametrize(
    ("age", "asked"), [(timedelta(0), 1), (FRESH - timedelta(milliseconds=1), 1), (FRESH, 2), (FRESH * 2, 2)]
)
async def test_an_answer_younger_than_ten_seconds_is_reused(start: Start, age: timedelta, asked: int) -> None:
    bot = await start(4999, 999)
    await bot.service.people.status()
    bot.wall.pass_(age)
    (status,) = await bot.service.people.status()
    assert bot.provider.asked == asked
    assert status.watch.level is (Level.WARNING if asked == 1 else Level.CRITICAL)


@pytest.mark.parametrize(
    ("age", "asked"), [(timedelta(0), 1), (FRESH - timedelta(milliseconds=1), 1), (FRESH, 2), (FRESH * 2, 2)]
)
async def test_a_failure_is_reused_as_long_as_a_good_reading(
    start: Start, age: timedelta, asked: int
) -> None:
    bot = await start(DOWN, 9000)
    await bot.service.people.status()
    bot.wall.pass_(age)
    (status,) = await bot.service.people.status()
    assert (bot.provider.asked, status.failure) == (asked, DOWN if asked == 1 else None)


async def test_a_failure_that_took_long_is_reused_from_its_end_on(start: Start) -> None:
    bot = await start(DOWN)
    bot.provider.may_answer.clear()
    asking = asyncio.create_task(bot.service.people.status())
    await bot.provider.asking.wait()
    bot.wall.pass_(FRESH * 3)
    bot.provider.may_answer.set()
    await asking
    await bot.service.people.status()
    assert bot.provider.asked == 1


async def test_many_who_ask_while_the_provider_refuses_cost_it_one_request(start: Start) -> None:
    bot = await start(WRONG_KEY)
    for _ in range(141):
        (status,) = await bot.service.people.status()
        assert status.failure == WRONG_KEY
        bot.wall.pass_(FRESH / 142)
    assert bot.provider.asked == 1


async def test_a_poll_asks_whatever_a_command_got_a_moment_ago(start: Start) -> None:
    for outcome in (DOWN, 9000):
        bot = await start(outcome)
        await bot.service.people.status()
        await bot.cycle(timedelta(seconds=1))
        assert bot.provider.asked == 2


async def test_a_poll_that_meets_a_command_s_reading_waits_for_it_and_asks_by_itself_where_it_fails(
    start: Start,
) -> None:
    bot = await start(DOWN, 9000)
    bot.provider.may_answer.clear()
    asking = asyncio.create_task(bot.service.people.status())
    await bot.provider.asking.wait()
    polling = asyncio.create_task(bot.service.poll())
    bot.provider.may_answer.set()
    (status,), (polled,) = await asking, await polling
    assert (status.failure, bot.provider.asked) == (DOWN, 2)
    assert polled.outcome == Reading(NOW, credit(9000))


async def test_a_reading_that_is_reused_writes_nothing_and_judges_nothing(start: Start) -> None:
    bot = await start(4999)
    await bot.service.people.status()
    count = Count(bot.database)
    inquiry = bot.service.people.inquire()
    await inquiry.answered()
    (status,) = inquiry.statuses()
    assert status.watch.level is Level.WARNING
    assert not await bot.service.people.settle(inquiry)
    assert count.statements == 0


async def test_a_poll_s_reading_that_a_command_uses_again_is_not_written_twice(start: Start) -> None:
    bot = await start(4999)
    await bot.cycle()
    count = Count(bot.database)
    (status,) = await bot.service.people.status()
    assert status.watch.level is Level.WARNING
    assert (bot.provider.asked, count.statements) == (1, 1)


async def test_every_account_answers_or_the_one_that_is_named(start: Start) -> None:
    bot = await start(9000, accounts=(WATCHED, account(name="other")), other=(DOWN,))
    assert [status.account.name for status in await bot.service.people.status()] == ["sms", "other"]
    assert [status.account.name for status in await bot.service.people.status("other")] == ["other"]
    assert await bot.service.people.status("nobody") == ()


async def test_a_process_that_takes_over_keeps_the_wait_that_the_one_before_was_asked_for(
    start: Start,
) -> None:
    until = NOW + timedelta(minutes=12)
    refused = Failure(Cause.RATE_LIMITED, status=429, wait_until=until)
    await (await start(refused)).service.poll()
    for minutes, waits in ((5, [until]), (8, [])):
        bot = await start(9000)
        bot.wall.pass_(timedelta(minutes=minutes))
        await bot.service.poll(bot.wall.now() - timedelta(minutes=5))
        assert [failure.wait_until for failure in bot.provider.waits] == waits


async def test_of_all_who_share_a_reading_one_wakes_the_delivery(start: Start) -> None:
    bot = await start(4999)
    people = bot.service.people
    assert sum(await asyncio.gather(*(people.settle(people.inquire()) for _ in range(32)))) == 1
    assert not await people.settle(people.inquire())
    bot.wall.pass_(timedelta(seconds=11))
    assert sum(await asyncio.gather(*(people.settle(people.inquire()) for _ in range(32)))) == 1
    assert bot.provider.asked == 2
