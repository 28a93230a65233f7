"""A database that has lost the newest of what it was told: switched over, or restored from a backup."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.ports import NotDelivered
from bot.store import Database
from tests.samples import DOWN
from tests.service.bot import Bot, Start

LATEST = ("episode", "notice", "account")
"""What is written with every alert."""


async def kept(database: Database) -> None:
    """Remember what is stored now."""
    async with database.transaction() as connection:
        for table in LATEST:
            await connection.execute(
                text(f"CREATE TABLE kept_{table} AS SELECT * FROM smscredits_{table}")  # noqa: S608
            )


async def lost(database: Database) -> None:
    """Lose what was stored since."""
    async with database.transaction() as connection:
        for table in LATEST:
            await connection.execute(text(f"DELETE FROM smscredits_{table}"))  # noqa: S608
            await connection.execute(
                text(f"INSERT INTO smscredits_{table} SELECT * FROM kept_{table}")  # noqa: S608
            )


def posts(bot: Bot) -> list[tuple[str, bool]]:
    told = zip(bot.channel.told, bot.channel.posts, strict=True)
    return [(said, due.repeat) for said, due in told]


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        ([9000], [4999], "opened low warning"),
        ([4999], [999], "worse low critical"),
        ([4999], [0], "worse low empty"),
        ([4999], [9000], "ended low warning"),
        ([9000], [DOWN, DOWN, DOWN], "opened unreadable warning"),
    ],
)
async def test_what_was_posted_and_is_not_known_any_more_is_posted_again_as_a_repeat(
    start: Start, database: Database, before: list[int], after: list[int], again: str
) -> None:
    bot = await start(*before, *after, *after)
    for _ in before:
        await bot.cycle()
    await kept(database)
    for _ in after:
        await bot.cycle()
    await lost(database)
    for _ in after:
        await bot.cycle()
    assert posts(bot)[-2:] == [(again, False), (again, True)]


async def test_so_is_what_slack_may_have_taken(start: Start, database: Database) -> None:
    bot = await start(9000, 4999, 4999)
    await bot.cycle()
    await kept(database)
    bot.channel.refusals.append(NotDelivered("timeout", unknown=True))
    await bot.cycle(timedelta(minutes=1))
    await lost(database)
    await bot.cycle()
    assert posts(bot) == [("opened low warning", True)]


async def test_a_greeting_that_is_not_known_any_more_is_a_repeat(start: Start, database: Database) -> None:
    bot = await start(9000, greeted=False)
    await kept(database)
    await bot.service.greet()
    await bot.deliver()
    await lost(database)
    await bot.service.greet()
    await bot.deliver()
    assert posts(bot) == [("hello", False), ("hello", True)]


@pytest.mark.parametrize("polls", [(4999, 9000, 4999), (4999, 999, 4999, 999), (4999, 999, 0, 9000, 0)])
async def test_what_happens_again_is_no_repeat(start: Start, polls: tuple[int, ...]) -> None:
    bot = await start(*polls)
    for _ in polls:
        await bot.cycle()
    assert [repeat for _, repeat in posts(bot)] == [False] * len(bot.channel.posts)
    assert len(bot.channel.posts) >= 3


async def test_what_gets_worse_again_is_no_repeat_though_the_channel_never_saw_it_better(
    start: Start,
) -> None:
    bot = await start(4999, 999, 4999, 999)
    for poll in range(4):
        if poll == 2:
            bot.channel.refusals.append(NotDelivered("cant_update_message", permanent=True))
        await bot.cycle()
    assert posts(bot) == [
        ("opened low warning", False),
        ("worse low critical", False),
        ("worse low critical", False),
    ]


async def test_what_another_copy_has_ended_meanwhile_is_news_when_it_begins_again(copies: Start) -> None:
    older = await copies(4999, 4999)
    await older.cycle()
    newer = await copies(9000, name="newer")
    assert not await older.service.lead()
    await newer.service.lead()
    await newer.cycle()
    await newer.service.step_down()
    await older.service.lead()
    await older.cycle()
    assert posts(newer) == [("ended low warning", False)]
    assert posts(older) == [("opened low warning", False)] * 2
