from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database
from tests.service.bot import Bot, Start
from tests.test_cost import Count


async def polled_once(start: Start) -> Bot:
    """Start a bot that has completed a poll, and noted it."""
    bot = await start(9000)
    await bot.cycle()
    await bot.service.lead()
    return bot


async def test_a_process_that_slept_polls_before_it_says_that_nothing_is_read(start: Start) -> None:
    bot = await polled_once(start)
    bot.wall.pass_(timedelta(hours=9))
    await bot.look_on(2)
    await bot.deliver()
    assert bot.channel.told == []
    await bot.cycle(timedelta(0))
    await bot.service.lead()
    await bot.deliver()
    (gap,) = (due.gap for due in bot.channel.posts)
    assert gap
    assert (gap.until, gap.stopped) == (bot.wall.now(), False)


async def test_a_process_that_slept_and_cannot_read_says_so_after_a_while(start: Start) -> None:
    bot = await polled_once(start)
    bot.wall.pass_(timedelta(hours=9))
    await bot.look_on(64)
    await bot.deliver()
    assert bot.channel.told == ["gap"]


async def test_a_database_that_fails_now_and_then_does_not_put_off_that_nothing_is_read(
    start: Start,
) -> None:
    bot = await polled_once(start)
    for _ in range(3):
        await bot.look_on(46)
        bot.lease.faults.append(StoreAway(Unusable.REFUSED))
        with pytest.raises(StoreAway):
            await bot.service.lead()
    await bot.look_on(2)
    await bot.deliver()
    assert bot.channel.told == ["gap"]


async def test_once_the_database_is_back_after_hours_it_polls_before_it_says_that_nothing_is_read(
    start: Start,
) -> None:
    bot = await polled_once(start)
    bot.lease.faults.extend(StoreAway(Unusable.REFUSED) for _ in range(40))
    for _ in range(40):
        bot.wall.pass_(timedelta(minutes=2))
        with pytest.raises(StoreAway):
            await bot.service.lead()
    await bot.service.lead()
    await bot.deliver()
    assert bot.channel.told == []
    await bot.cycle(timedelta(0))
    await bot.service.lead()
    await bot.deliver()
    assert bot.channel.told == ["gap"]


async def test_whoever_takes_over_polls_before_it_says_that_nothing_is_read(copies: Start) -> None:
    stands_by = await copies(9000, leads=False, name="b")
    watches = await copies(9000, channel=stands_by.channel, name="a")
    await watches.cycle()
    await watches.service.lead()
    await watches.service.step_down()
    stands_by.wall.pass_(timedelta(hours=2))
    await stands_by.service.lead()
    await stands_by.deliver()
    assert (stands_by.service.leading, stands_by.channel.told) == (True, [])


async def test_not_watching_is_told_once_and_its_end(start: Start) -> None:
    bot = await polled_once(start)
    for minutes, told in ((54, 0), (12, 1), (120, 1)):
        await bot.look_on(minutes)
        await bot.deliver()
        assert bot.channel.told == ["gap"] * told
    await bot.cycle()
    await bot.service.lead()
    await bot.deliver()
    assert bot.channel.told == ["gap", "gap"]
    lasting, over = (due.gap for due in bot.channel.posts)
    assert lasting is not None
    assert over == replace(lasting, until=bot.wall.now())


async def test_a_poll_of_one_account_in_which_nothing_changes_is_one_transaction(
    start: Start, database: Database
) -> None:
    bot = await start(9000)
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=5))
    count = Count(database)
    (polled,) = await bot.service.poll()
    assert polled.judged
    assert count.commits == 1
