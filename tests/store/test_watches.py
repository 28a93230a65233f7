import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import cast

import psycopg
import pytest
from sqlalchemy import func, insert, select, text

from bot.core.model import Account, Field, Level
from bot.core.notice import Due, Edit, Kind, Notice, Reason, Step
from bot.core.reading import Cause, Credits, Failure, Reading
from bot.core.watch import Episode, Trouble, Watch
from bot.ports import StoreAway
from bot.store import Database, SqlWatches, schema
from bot.store.rows import notice_row
from tests.samples import (
    DOWN,
    NO_CREDIT,
    NOW,
    WATCHED,
    WRONG_KEY,
    Outcome,
    account,
    at,
    credit,
    judged,
    known,
    reading,
    rule,
)
from tests.store.stores import lease_of, outbox_of, watches_of
from tests.test_cost import Count


def judging(outcome: Outcome, minute: float = 0, watched: Account = WATCHED) -> Callable[[Watch], Step]:
    return partial(judged, outcome=outcome, minute=minute, watched=watched)


async def polled(watches: SqlWatches, *outcomes: Outcome) -> list[Step]:
    return [
        await watches.change(WATCHED.name, judging(outcome, minute))
        for minute, outcome in enumerate(outcomes)
    ]


async def rows(database: Database) -> dict[str, int]:
    """Count the rows of every table."""
    async with database.transaction() as connection:
        return {
            name.removeprefix("smscredits_"): await connection.scalar(select(func.count()).select_from(table))
            or 0
            for name, table in schema.metadata.tables.items()
        }


# What is remembered


async def test_of_an_unknown_account_nothing_is_known(watches: SqlWatches) -> None:
    assert await watches.watch("nobody") == Watch()


@pytest.mark.parametrize(
    "outcomes",
    [
        (9000,),
        (4999,),
        (0,),
        (999, 1100),
        (4999, 9000),
        (DOWN,),
        (DOWN, DOWN),
        (DOWN, DOWN, DOWN),
        (WRONG_KEY, NO_CREDIT),
        (4999, WRONG_KEY),
        (4999, WRONG_KEY, 9000),
        (Failure(Cause.FIELD_MISSING, field="creditSms"),) * 3,
        (Failure(Cause.REFUSED, status=418, code="?"),) * 4,
    ],
)
async def test_after_a_restart_all_is_known_as_before(url: str, outcomes: tuple[Outcome, ...]) -> None:
    first = Database(url)
    await first.migrate()
    await lease_of(first).hold()
    steps = await polled(watches_of(first), *outcomes)
    await first.close()
    second = Database(url)
    await second.migrate()
    assert await watches_of(second).watch(WATCHED.name) == steps[-1].watch == known(*outcomes)
    await second.close()


async def test_accounts_do_not_mix(watches: SqlWatches) -> None:
    await watches.change("one", judging(4999))
    await watches.change("two", judging(WRONG_KEY))
    one, two = await watches.watch("one"), await watches.watch("two")
    assert (one.reading, one.unreadable, one.failures) == (reading(4999), None, 0)
    assert (two.reading, two.low, two.failures) == (None, None, 1)


@pytest.mark.parametrize(
    "amount",
    [
        "10225.119",
        "0.001",
        "0.1",
        "0.10",
        "0",
        "-12.345",
        "1E+3",
        "1E-9",
        "999999999999999.999999999",
        "123456789.123456789012345678901234567890",
    ],
)
async def test_decimals_come_back_exactly(watches: SqlWatches, amount: str) -> None:
    amounts = {Field.BALANCE: Decimal(amount), Field.CREDIT_SMS: Decimal(9000)}
    await watches.change("sms", judging(Reading(NOW, Credits(amounts, "€"))))
    found = (await watches.watch("sms")).reading
    assert found is not None
    assert {name: str(value) for name, value in found.credits.amounts.items()} == {
        name: str(value) for name, value in amounts.items()
    }
    assert found.credits.currency == "€"


async def test_thresholds_and_top_ups_come_back_exactly(watches: SqlWatches) -> None:
    watched = account(rule(Level.WARNING, "50.10", Field.BALANCE), rule(Level.CRITICAL, "0.3", Field.BALANCE))
    for minute, balance in enumerate(("0.1", "0.3", "0.299", "40.001")):
        await watches.change("sms", judging(reading(9000, balance, minute=minute), watched=watched))
    low = (await watches.watch("sms")).low
    assert low is not None
    assert (str(low.topped_up), str(low.firing[0].threshold)) == ("39.902", "50.10")


@pytest.mark.parametrize(
    "began_at",
    [
        datetime(2026, 7, 22, 12, 5, 0, 123456, tzinfo=UTC),
        datetime(2026, 7, 22, 14, 5, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 10, 25, 0, 59, 59, 999999, tzinfo=UTC),  # in Paris this hour comes twice
        datetime(2026, 10, 25, 1, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 7, 22, 23, 59, 59, tzinfo=timezone(-timedelta(hours=11, minutes=30))),
    ],
)
async def test_times_come_back_aware_and_in_utc(watches: SqlWatches, began_at: datetime) -> None:
    found = Reading(began_at, credit(4999))
    await watches.change("sms", judging(found))
    watch = await watches.watch("sms")
    assert watch.reading is not None
    assert watch.low is not None
    for time in (watch.reading.began_at, watch.low.opened_at):
        assert time == began_at
        assert time.tzinfo is UTC


# Transactions


async def test_a_decision_that_fails_leaves_nothing(database: Database, watches: SqlWatches) -> None:
    before = await rows(database)

    def refuse(_: Watch) -> Step:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await watches.change("sms", refuse)
    assert await rows(database) == before


async def test_a_write_that_fails_leaves_nothing(database: Database, watches: SqlWatches) -> None:
    await polled(watches, 9000)
    before, watch = await rows(database), await watches.watch(WATCHED.name)

    def spoilt(watch: Watch) -> Step:
        good = judged(watch, 4999, 1)
        return Step(
            good.watch, good.at, good.reasons, good.reading, good.touched,
            (*good.notices, Notice(Kind.WORSE, cast("str", None), NOW)), good.edits,
        )  # fmt: skip

    with pytest.raises(StoreAway):
        await watches.change(WATCHED.name, spoilt)
    assert await rows(database) == before
    assert await watches.watch(WATCHED.name) == watch
    assert (await watches.change(WATCHED.name, judging(4999, 1))).reasons == (Reason.OPENED,)


async def test_a_late_reading_writes_nothing(database: Database, watches: SqlWatches) -> None:
    async def content() -> list[object]:
        async with database.transaction() as connection:
            tables = schema.metadata.tables.values()
            return [(await connection.execute(select(table))).all() for table in tables]

    await polled(watches, 9000, 9000)
    before = await content()
    late = await watches.change(WATCHED.name, judging(0, 0.5))
    assert late.reasons == (Reason.OLDER_THAN_STORED,)
    assert await content() == before


# Several at once


def elsewhere(url: str, change: Callable[[SqlWatches], Awaitable[object]]) -> None:
    """Change something in another thread by another connection, as another process would; wait for it."""

    async def run() -> None:
        database = Database(url)
        await change(watches_of(database))
        await database.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run()).result(30)


@pytest.mark.parametrize("history", [(), (9000,), (4999, DOWN)])
async def test_two_writers_at_once_make_one_change(
    database: Database, watches: SqlWatches, url: str, history: tuple[Outcome, ...]
) -> None:
    """Both load the same state; the one that writes last finds it changed, and decides anew."""
    await polled(watches, *history)
    seen: list[Watch] = []
    found = reading(999, minute=9)

    def overtaken(watch: Watch) -> Step:
        if not seen:
            elsewhere(url, lambda other: other.change(WATCHED.name, judging(found)))
        seen.append(watch)
        return judged(watch, found, 9)

    before = await rows(database)
    last = await watches.change(WATCHED.name, overtaken)
    assert last.reasons == (Reason.OLDER_THAN_STORED,)
    assert seen[1].reading == found
    after = await rows(database)
    assert (after["reading"] - before["reading"], after["notice"] - before["notice"]) == (1, 1)


async def test_of_two_failures_at_once_none_is_lost(watches: SqlWatches, url: str) -> None:
    await polled(watches, 9000)
    overtaken: list[Watch] = []

    def decide(watch: Watch) -> Step:
        if not overtaken:
            elsewhere(url, lambda other: other.change(WATCHED.name, judging(DOWN, 1)))
        overtaken.append(watch)
        return judged(watch, DOWN, 2)

    await watches.change(WATCHED.name, decide)
    assert [watch.failures for watch in overtaken] == [0, 1]
    assert (await watches.watch(WATCHED.name)).failures == 2


def one_more(watch: Watch) -> Step:
    return Step(replace(watch, failures=watch.failures + 1), NOW, (Reason.COUNTING_FAILURES,))


async def test_of_many_changes_at_once_each_counts_once(watches: SqlWatches, url: str) -> None:
    start = threading.Barrier(4)

    async def work() -> int:
        database = Database(url)
        start.wait(10)
        made = 0
        for _ in range(10):
            try:
                await watches_of(database).change("sms", one_more)
                made += 1
            except StoreAway as away:
                if str(away) != "contended":
                    raise
        await database.close()
        return made

    made = await asyncio.gather(*(asyncio.to_thread(asyncio.run, work()) for _ in range(4)))
    assert (await watches.watch("sms")).failures == sum(made) >= 10


async def test_a_writer_that_is_always_overtaken_gives_up(watches: SqlWatches, url: str) -> None:
    tries: list[Watch] = []

    def decide(watch: Watch) -> Step:
        tries.append(watch)
        minute = 1 + len(tries)
        elsewhere(url, lambda other: other.change(WATCHED.name, judging(DOWN, minute)))
        return judged(watch, 9000, 100)

    await polled(watches, 9000)
    with pytest.raises(StoreAway, match="contended"):
        await watches.change(WATCHED.name, decide)
    assert (await watches.watch(WATCHED.name)).failures == len(tries) > 1


# Greetings

WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def test_a_channel_is_greeted_once_for_ever(watches: SqlWatches, url: str) -> None:
    assert await watches.greet(Notice(Kind.HELLO, "C1", NOW)) is True
    assert await watches.greet(Notice(Kind.HELLO, "C1", at(60))) is False
    assert await watches.greet(Notice(Kind.HELLO, "C2", at(60))) is True
    again = Database(url)
    assert await watches_of(again).greet(Notice(Kind.HELLO, "C1", at(999))) is False
    outbox = outbox_of(again)
    owed = [await outbox.claim(owed, at(999)) for owed in await outbox.due(at(999))]
    assert [(due.kind, due.channel, due.since) for due in owed if due] == [
        (Kind.HELLO, "C1", NOW),
        (Kind.HELLO, "C2", at(60)),
    ]
    await again.close()


async def test_two_processes_that_start_at_once_greet_once(
    watches: SqlWatches, database: Database, url: str
) -> None:
    hello = Notice(Kind.HELLO, "C1", NOW)
    async with database.transaction() as other:
        await other.execute(insert(schema.notice).values(**notice_row(hello), once="hello:C1"))
        greeting = asyncio.create_task(watches.greet(hello))
        async with asyncio.timeout(5):
            while url.startswith("postgresql") and not await other.scalar(WAITING):
                pass
    assert await greeting is False
    assert (await rows(database))["notice"] == 1


# The database away

PASSWORD = "s3cret-of-the-database"
EPISODE = Episode("1", "sms", Trouble.LOW, "C1", Level.WARNING, NOW)


def chain(error: BaseException | None) -> list[BaseException]:
    if error is None:
        return []
    return [error, *chain(error.__cause__), *chain(error.__context__)]


@pytest.mark.parametrize(
    "away",
    [
        f"postgresql+psycopg://bot:{PASSWORD}@127.0.0.1:1/bot",
        f"postgresql+psycopg://bot:{PASSWORD}@127.0.0.1:1/bot?sslmode=nonsense",
        f"postgresql+psycopg://bot:{PASSWORD}@127.0.0.1:1/bot?nonsense=1",
        f"postgresql+psycopg://bot:{PASSWORD}@/bot?host=/nowhere",
        "sqlite+aiosqlite:////nowhere/at/all/smscredits.db",
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda database: database.migrate(), id="migrate"),
        pytest.param(lambda database: watches_of(database).change("sms", judging(9000)), id="change"),
        pytest.param(lambda database: watches_of(database).watch("sms"), id="watch"),
        pytest.param(lambda database: watches_of(database).greet(Notice(Kind.HELLO, "C1", NOW)), id="greet"),
        pytest.param(lambda database: outbox_of(database).due(NOW), id="due"),
        pytest.param(
            lambda database: outbox_of(database).sent(Due(Kind.HELLO, "C1", NOW, (1,)), "1.1", NOW), id="sent"
        ),
        pytest.param(
            lambda database: outbox_of(database).failed(
                Due(Kind.HELLO, "C1", NOW, (1,)), "x", NOW, unknown=True
            ),
            id="failed",
        ),
        pytest.param(lambda database: outbox_of(database).edits(NOW), id="edits"),
        pytest.param(
            lambda database: outbox_of(database).edited(Edit(EPISODE, Watch(), "1.1", NOW), NOW), id="edited"
        ),
    ],
)
async def test_a_database_that_is_away_is_said_to_be_without_its_password(
    away: str, use: Callable[[Database], Awaitable[object]]
) -> None:
    database = Database(away)
    with pytest.raises(StoreAway) as caught:
        await use(database)
    await database.close()
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 5)  # aiosqlite's: it speaks to the loop to its last
    assert PASSWORD not in "\n".join(f"{link} {link!r} {vars(link)}" for link in chain(caught.value))
    # The kind of fault alone: a driver's text may hold figures.
    assert re.fullmatch(r"[A-Za-z_ ]+", str(caught.value))
    assert PASSWORD not in repr(database)


async def test_many_accounts_cost_as_many_statements_as_one(database: Database, watches: SqlWatches) -> None:
    """On PostgreSQL `BEGIN` is one of them; on SQLite readings go apart from accounts."""
    for accounts in (1, 50):
        count = Count(database)
        await watches.change_many({f"account-{number}": judging(9000) for number in range(accounts)})
        assert (count.statements, count.commits) == (4, 1)


async def test_what_was_written_before_a_fault_is_taken_back(database: Database) -> None:
    async def write_and_fail() -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(schema.process).values(id="gone", started_at=NOW, seen_at=NOW))
            raise ZeroDivisionError

    before = await rows(database)
    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await rows(database) == before


async def test_a_process_that_is_frozen_within_a_transaction_holds_nothing_for_long(
    database: Database, url: str
) -> None:
    if url.startswith("sqlite"):
        pytest.skip("a file is for one process")
    patience = text("SHOW idle_in_transaction_session_timeout")
    for _ in range(2):
        async with database.transaction() as connection:
            assert await connection.scalar(patience) == "5s"
    async with database.engine.connect() as outside:
        assert await outside.scalar(patience) == "0"


async def test_a_name_that_is_too_long_is_refused_and_not_cut_off(watches: SqlWatches, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("it keeps every length")
    with pytest.raises(StoreAway):
        await watches.change("x" * 101, judging(9000))


async def test_connections_that_the_server_has_dropped_are_opened_anew(
    database: Database, watches: SqlWatches, url: str
) -> None:
    if url.startswith("sqlite"):
        async with database.transaction() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        return
    await polled(watches, 9000)
    async with database.transaction(), database.transaction():
        pass  # two of them wait in the pool
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert (await watches.watch(WATCHED.name)).reading == reading(9000)
    async with database.transaction(), database.transaction():
        pass
