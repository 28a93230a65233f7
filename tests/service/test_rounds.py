from dataclasses import replace
from datetime import timedelta

from bot.store import Database
from tests.service.bot import Start
from tests.test_cost import Count


async def test_not_watching_is_told_once_and_its_end(start: Start) -> None:
    bot = await start(9000)
    await bot.cycle()
    await bot.service.lead()
    for hours, told in ((0.9, 0), (0.2, 1), (5, 1)):
        bot.wall.pass_(timedelta(hours=hours))
        await bot.service.lead()
        await bot.service.deliver()
        assert bot.channel.told == ["gap"] * told
    await bot.cycle()
    await bot.service.lead()
    await bot.service.deliver()
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
