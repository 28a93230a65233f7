import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.core.model import Level
from bot.core.reading import Held, Reading
from bot.core.watch import Watch
from bot.ports import HeldBack, StoreAway
from bot.service.polled import Polled
from bot.store import Database
from tests.samples import DOWN, NOW, credit
from tests.service.bot import Start


async def test_with_the_database_away_nothing_is_judged(start: Start, away: Database) -> None:
    bot = await start(0, store=away, leads=False)
    bot.service.leading = True  # when the database went away
    assert await bot.service.poll() == (Polled("sms", Reading(NOW, credit(0))),)
    with pytest.raises(StoreAway):
        await bot.deliver()
    with pytest.raises(StoreAway):
        await bot.service.greet()
    assert bot.channel.posts == []


@pytest.mark.parametrize(("sms", "level"), [(9000, Level.OK), (4999, Level.WARNING), (0, Level.EMPTY)])
async def test_with_the_database_away_commands_are_still_answered_live(
    start: Start, away: Database, sms: int, level: Level
) -> None:
    (status,) = await (await start(sms, store=away, leads=False)).service.people.status()
    assert (status.watch.level, status.reading, status.failure) == (level, Reading(NOW, credit(sms)), None)


async def test_with_provider_and_database_away_the_last_reading_is_still_known(
    start: Start, away: Database
) -> None:
    bot = await start(9000, DOWN, store=away, leads=False)
    await bot.service.people.status()
    bot.wall.pass_(timedelta(hours=1))
    (status,) = await bot.service.people.status()
    assert (status.failure, status.reading) == (DOWN, Reading(NOW, credit(9000)))


async def test_what_is_not_asked_because_the_database_is_away_is_as_low_as_it_was_last_read(
    start: Start, away: Database
) -> None:
    bot = await start(4999, HeldBack(Held.STORE_AWAY), store=away, leads=False)
    await bot.service.people.status()
    bot.wall.pass_(timedelta(hours=1))
    (status,) = await bot.service.people.status()
    assert (status.reading, status.watch.level) == (Reading(NOW, credit(4999)), Level.WARNING)


async def test_what_is_not_asked_because_the_database_is_away_says_so_to_people_and_in_the_log(
    start: Start, away: Database
) -> None:
    bot = await start(HeldBack(Held.STORE_AWAY), store=away, leads=False)
    (status,) = await bot.service.people.status()
    assert (status.held_back, status.failure) == (Held.STORE_AWAY, None)
    bot.service.leading = True
    assert await bot.service.poll() == (Polled("sms", held_back=Held.STORE_AWAY),)


async def test_once_the_database_is_back_what_was_sent_and_could_not_be_marked_is_told_again_and_says_so(
    start: Start, database: Database
) -> None:
    bot = await start(4999)
    await bot.service.poll()
    bot.channel.may_post.clear()
    delivering = asyncio.create_task(bot.deliver())
    await bot.channel.posting.wait()
    await renamed(database, "smscredits_notice", "gone")
    bot.channel.may_post.set()
    with pytest.raises(StoreAway):
        await delivering
    with pytest.raises(StoreAway):
        await bot.deliver()
    await renamed(database, "gone", "smscredits_notice")
    await bot.deliver()
    await bot.deliver()
    assert [due.repeat for due in bot.channel.posts] == [False, True]


async def test_a_reading_that_could_not_be_stored_is_judged_by_the_next_poll(
    start: Start, database: Database
) -> None:
    bot = await start(4999)
    await renamed(database, "smscredits_notice", "gone")
    (polled,) = await bot.service.poll()
    assert (polled.step, await bot.watches.watch("sms")) == (None, Watch())
    await renamed(database, "gone", "smscredits_notice")
    await bot.cycle()
    assert bot.channel.told == ["opened low warning"]


async def renamed(database: Database, table: str, name: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))
