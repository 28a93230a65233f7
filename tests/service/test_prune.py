from datetime import timedelta

from sqlalchemy import func, select

from bot.core.retention import FULL, hour_of
from bot.store import schema
from tests.samples import NOW
from tests.service.bot import Bot, Start
from tests.store.past import add_readings

OLD = hour_of(NOW - FULL - timedelta(days=3))


async def readings(bot: Bot) -> int:
    async with bot.database.transaction() as connection:
        return await connection.scalar(select(func.count()).select_from(schema.reading)) or 0


async def test_whoever_watches_prunes_until_nothing_is_left_to_do(start: Start) -> None:
    bot = await start(9000)
    await add_readings(bot.database, 3, OLD, OLD + timedelta(days=2), timedelta(minutes=5))
    await bot.service.prune()
    assert await readings(bot) == 3 * 48


async def test_whoever_stands_by_prunes_nothing(start: Start) -> None:
    bot = await start(9000, leads=False)
    await add_readings(bot.database, 1, OLD, OLD + timedelta(hours=1), timedelta(minutes=5))
    await bot.service.prune()
    assert await readings(bot) == 12
