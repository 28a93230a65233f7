from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select

from bot.core.notice import Kind, Notice
from bot.core.retention import FULL, IN_ALL, Retention, retention
from bot.ports import NotLeading
from bot.store import Database, SqlHistory, SqlLease, SqlOverviews, schema
from bot.store.history import ROWS
from tests.samples import NOW, WATCHED, at, judged
from tests.store.past import add_alerts, add_readings, analyze, thinned
from tests.store.stores import lease_of, outbox_of, watches_of
from tests.test_cost import Count

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FIVE = timedelta(minutes=5)
KEEP = retention(NOW)
BEFORE = KEEP.kept_since - DAY


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database, lease_of(database))


async def prune(history: SqlHistory, keep: Retention = KEEP) -> int:
    """Prune until nothing is left to do; tell in how many steps."""
    steps = 1
    while await history.prune(keep):
        steps += 1
    return steps


async def read_at(database: Database, account: str = "account-0") -> list[str]:
    """Return when the account was read, oldest first, in short."""
    reading = schema.reading
    async with database.transaction() as connection:
        times = await connection.scalars(
            select(reading.c.began_at).where(reading.c.account == account).order_by(reading.c.began_at)
        )
        return [f"{time:%m-%d %H:%M}" for time in times]


async def left(database: Database, name: str) -> int:
    async with database.transaction() as connection:
        table = schema.metadata.tables[f"smscredits_{name}"]
        return await connection.scalar(select(func.count()).select_from(table)) or 0


# Readings


async def test_of_readings_older_than_35_days_the_last_of_each_hour_is_kept(
    database: Database, history: SqlHistory
) -> None:
    since = KEEP.full_since - 2 * HOUR
    await add_readings(database, 2, since, KEEP.full_since + HOUR, timedelta(minutes=20))
    await prune(history)
    assert f"{KEEP.full_since:%m-%d %H:%M}" == "06-17 12:00"
    kept = ["06-17 10:40", "06-17 11:40", "06-17 12:00", "06-17 12:20", "06-17 12:40"]
    assert await read_at(database, "account-0") == await read_at(database, "account-1") == kept


async def test_an_account_that_was_read_once_in_an_hour_keeps_that_reading(
    database: Database, history: SqlHistory
) -> None:
    await add_readings(database, 1, KEEP.full_since - DAY, KEEP.full_since, HOUR)
    await prune(history)
    assert len(await read_at(database)) == 24


async def test_readings_older_than_400_days_are_forgotten(database: Database, history: SqlHistory) -> None:
    await add_readings(database, 1, KEEP.kept_since - 2 * HOUR, KEEP.kept_since + 2 * HOUR, HOUR)
    await prune(history)
    assert len(await read_at(database)) == 2


async def test_what_was_read_last_is_known_however_long_ago_it_was(
    database: Database, history: SqlHistory
) -> None:
    step = await watches_of(database).change(WATCHED.name, partial(judged, outcome=9000, minute=0))
    await prune(history, retention(NOW + 2 * IN_ALL))
    assert await left(database, "reading") == 0
    assert await watches_of(database).watch(WATCHED.name) == step.watch


async def test_a_step_takes_few_rows_and_the_next_goes_on_where_it_stopped(
    database: Database, history: SqlHistory
) -> None:
    await add_readings(database, 3, KEEP.full_since - HOUR, KEEP.full_since, timedelta(seconds=3))
    await add_readings(database, 3, BEFORE, BEFORE + HOUR, timedelta(seconds=3))
    before = await left(database, "reading")
    assert await history.prune(KEEP)
    assert 0 < before - await left(database, "reading") <= 2 * ROWS
    # Another process, after the one before it was killed: nothing is remembered but what is in the database.
    assert await prune(SqlHistory(database, lease_of(database))) < 20
    assert await left(database, "reading") == 3


async def test_many_hours_together_take_no_more_rows_than_one(
    database: Database, history: SqlHistory
) -> None:
    await add_readings(database, 20, KEEP.full_since - 6 * HOUR, KEEP.full_since, timedelta(minutes=5))
    before = await left(database, "reading")
    assert await history.prune(KEEP)
    assert before - await left(database, "reading") == ROWS
    await prune(history)
    assert await left(database, "reading") == 20 * 6


async def test_the_next_hour_costs_as_much_with_a_year_behind_it_as_with_a_month(
    database: Database, history: SqlHistory
) -> None:
    costs = []
    for days in (40, 390):
        await add_readings(database, 1, NOW - timedelta(days=days), KEEP.full_since, HOUR)
        await add_readings(database, 1, KEEP.full_since, KEEP.full_since + HOUR, FIVE)
        await thinned(database, KEEP.full_since)
        count = Count(database)
        await prune(history, retention(NOW + HOUR))
        costs.append((count.statements, count.commits))
    assert costs[0] == costs[1] == (costs[0][0], 1)


async def test_who_does_not_watch_prunes_nothing(database: Database) -> None:
    await add_readings(database, 1, BEFORE, BEFORE + HOUR, FIVE)
    with pytest.raises(NotLeading):
        await SqlHistory(database, SqlLease(database, "another")).prune(KEEP)
    assert await left(database, "reading") == 12


# Episodes, notices, requests


@pytest.mark.parametrize(
    ("about", "kept"),
    [
        ({"at": BEFORE}, False),
        ({"at": BEFORE, "notices": 0}, False),
        ({"at": BEFORE, "notices": ROWS + 1}, False),
        ({"at": KEEP.kept_since}, True),
        ({"at": BEFORE, "ended": False}, True),
        ({"at": BEFORE, "told": False}, True),
        ({"at": BEFORE, "ended": False, "told": False}, True),
    ],
    ids=str,
)
async def test_an_episode_goes_with_its_notices_when_it_ended_long_ago_and_owes_no_word(
    database: Database, history: SqlHistory, about: dict[str, Any], kept: bool
) -> None:
    at_, others = about["at"], {name: value for name, value in about.items() if name != "at"}
    await add_alerts(database, at_, **others)
    before = await left(database, "notice")
    await prune(history)
    assert (await left(database, "episode"), await left(database, "notice")) == (
        (1, before) if kept else (0, 0)
    )


async def test_of_an_episode_that_still_owes_a_word_what_was_told_is_kept_too(
    database: Database, history: SqlHistory
) -> None:
    await add_alerts(database, BEFORE)
    async with database.transaction() as connection:
        await connection.execute(
            insert(schema.notice).values(
                kind=Kind.ENDED, channel="C1", at=BEFORE, episode="e0", level=1, attempts=3
            )
        )
    await prune(history)
    assert await left(database, "notice") == 3
    (owed,) = await outbox_of(database).due(NOW)
    due = await outbox_of(database).claim(owed, NOW)
    assert due
    assert due.told_before


async def test_a_channel_that_was_greeted_is_never_greeted_again_and_gaps_are_forgotten(
    database: Database, history: SqlHistory
) -> None:
    await watches_of(database).greet(Notice(Kind.HELLO, "C1", BEFORE))
    gap = {"kind": Kind.GAP, "channel": "C1", "episode": "", "level": 0, "attempts": 0}
    async with database.transaction() as connection:
        await connection.execute(schema.notice.update().values(sent_at=BEFORE))
        await connection.execute(insert(schema.notice).values(**gap, at=BEFORE, sent_at=BEFORE))
        await connection.execute(insert(schema.notice).values(**gap, at=NOW, sent_at=NOW))
        await connection.execute(insert(schema.notice).values(**gap, at=BEFORE))
    await prune(history)
    assert await left(database, "notice") == 3
    assert not await watches_of(database).greet(Notice(Kind.HELLO, "C1", NOW))


async def test_a_key_that_nobody_asks_with_any_more_is_forgotten(
    database: Database, history: SqlHistory
) -> None:
    asked = {"gone": NOW - FULL - DAY, "used": NOW - DAY}
    async with database.transaction() as connection:
        await connection.execute(
            insert(schema.request), [{"key": key, "asked_at": (time,)} for key, time in asked.items()]
        )
    await prune(history)
    async with database.transaction() as connection:
        assert list(await connection.scalars(select(schema.request.c.key))) == ["used"]


# The way to the rows


class Statements:
    """Writes down what a database is asked, with the parameters."""

    def __init__(self, database: Database) -> None:
        self.seen: dict[str, Any] = {}
        event.listen(database.engine.sync_engine, "before_cursor_execute", self._statement)

    def _statement(
        self, _: object, __: object, statement: str, parameters: Any, ___: object, many: bool
    ) -> None:
        self.seen.setdefault(statement, parameters[0] if many else parameters)


def plan(connection: Connection, statement: str, parameters: Any) -> str:
    words = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    found = connection.exec_driver_sql(words + statement, parameters)
    return "\n".join(str(row[-1]) for row in found)


async def test_every_query_finds_readings_alerts_and_notices_by_an_index(
    database: Database, history: SqlHistory
) -> None:
    """With a year behind it, and a database that knows how much that is."""
    await add_readings(database, 2, NOW - timedelta(days=390), KEEP.full_since, HOUR)
    await add_readings(database, 2, KEEP.full_since, NOW, FIVE)
    await add_alerts(database, *(NOW - timedelta(hours=9 * number) for number in range(1000)))
    await thinned(database, KEEP.full_since)
    await analyze(database)
    watches, outbox = watches_of(database), outbox_of(database)
    statements = Statements(database)

    async def deliver() -> None:
        for owed in await outbox.due(at(1)):
            due = await outbox.claim(owed, at(1))
            assert due
            await outbox.sent(due, "1.2", at(1))
        for identity in await outbox.edits(at(9)):
            edit = await outbox.claim_edit(identity.episode, at(9))
            assert edit
            await outbox.edited(edit, at(9))

    work: list[Callable[[], Awaitable[object]]] = [
        partial(watches.change, WATCHED.name, partial(judged, outcome=4999, minute=0)),
        partial(watches.change_many, {"sms": partial(judged, outcome=4000, minute=1)}),
        partial(watches.known, ("sms", "account-0")),
        partial(watches.watch, "sms"),
        partial(watches.open),
        partial(watches.to_recall, at(3000)),
        partial(watches.episode, "e1"),
        deliver,
        outbox.undelivered,
        partial(outbox.held, NOW),
        partial(SqlOverviews(database).overview, ("sms",), at(3)),
        partial(outbox.forget_others, ("C1",), NOW),
        partial(prune, history, retention(NOW + HOUR)),
    ]
    for one in work:
        await one()
    assert len(statements.seen) > 20
    async with database.transaction() as connection:
        plans = [
            await connection.run_sync(plan, statement, parameters)
            for statement, parameters in list(statements.seen.items())
            if statement.startswith(("SELECT", "UPDATE", "DELETE"))
        ]
    for name in ("smscredits_reading", "smscredits_episode", "smscredits_notice"):
        assert [found for found in plans if f"Seq Scan on {name}" in found or f"SCAN {name}" in found] == []
