"""Whatever the database's owner has set for its sessions, the bot's own are as it needs them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest
from sqlalchemy import event, make_url, select

from bot.core.notice import Kind, Notice
from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database, schema
from tests.samples import NOW
from tests.store.server import database_of
from tests.store.stores import lease_of, watches_of


@pytest.fixture
def url(postgresql: str) -> Iterator[str]:
    with database_of(postgresql) as address:
        yield address


def execute(server: str, *statements: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def used(database: Database) -> None:
    """Migrate, watch, write and read a time, as any run does."""
    await database.migrate()
    assert await lease_of(database).hold()
    await watches_of(database).greet(Notice(Kind.HELLO, "C1", NOW))
    async with database.transaction() as connection:
        assert await connection.scalar(select(schema.notice.c.at)) == NOW


HOSTILE = [
    "DateStyle = 'German, DMY'",
    "TimeZone = 'America/St_Johns'",
    "IntervalStyle = 'sql_standard'",
    "client_encoding = 'LATIN1'",
    "client_encoding = 'SQL_ASCII'",
    "standard_conforming_strings = 'off'",
    "bytea_output = 'escape'",
    "extra_float_digits = -15",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = 'on'",
    "idle_session_timeout = '100ms'",
    "transform_null_equals = 'on'",
]


@pytest.mark.parametrize("owner", ["DATABASE", "ROLE"])
@pytest.mark.parametrize("setting", HOSTILE)
async def test_a_default_of_the_owners_changes_nothing(
    postgresql: str, url: str, owner: str, setting: str
) -> None:
    name = make_url(url).database
    where = f"DATABASE {name}" if owner == "DATABASE" else f"ROLE postgres IN DATABASE {name}"
    execute(postgresql, f"ALTER {where} SET {setting}")
    async with opened(url) as database:
        await used(database)


LIMITS = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("transaction_timeout", "0"),
    ("transaction_isolation", "read committed"),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, YMD"),
    ("client_encoding", "UTF8"),
    ("synchronous_commit", "local"),
]


async def test_limits_are_the_bots_own_within_each_transaction(postgresql: str, url: str) -> None:
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    name = make_url(url).database
    execute(postgresql, *(f"ALTER DATABASE {name} SET {limit} = '3s'" for limit in limits))
    execute(postgresql, f"ALTER DATABASE {name} SET synchronous_commit = 'off'")
    async with opened(url) as database, database.transaction() as connection:
        for setting, value in LIMITS:
            found = await connection.exec_driver_sql(f"SELECT current_setting('{setting}', true)")
            assert found.scalar() in {value, None}, setting


async def test_a_stricter_wish_for_durability_stays(postgresql: str, url: str) -> None:
    execute(postgresql, f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = 'remote_apply'")
    async with opened(url) as database, database.transaction() as connection:
        found = await connection.exec_driver_sql("SHOW synchronous_commit")
        assert found.scalar() == "remote_apply"


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
async def test_a_database_in_any_encoding_can_be_used(postgresql: str, encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    made = f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    execute(postgresql, made)
    try:
        async with opened(
            str(make_url(postgresql.replace("://", "+psycopg://")).set(database=name))
        ) as database:
            await used(database)
    finally:
        execute(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_search_path_without_a_schema_is_told_by_its_cause(postgresql: str) -> None:
    with database_of(postgresql, template="template1") as bare:
        execute(postgresql, f"ALTER DATABASE {make_url(bare).database} SET search_path = 'nowhere'")
        async with opened(bare) as database:
            with pytest.raises(StoreAway) as caught:
                await database.migrate()
    assert caught.value.cause is Unusable.NO_SCHEMA


async def test_what_can_only_be_read_on_purpose_stays_so_and_is_told_at_the_first_look(
    postgresql: str, url: str
) -> None:
    name = make_url(url).database
    execute(postgresql, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with opened(url) as database:
        with pytest.raises(StoreAway) as caught:
            async with database.transaction():
                raise AssertionError
        assert caught.value.cause is Unusable.READ_ONLY
        execute(postgresql, f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await used(database)


async def filled(database: Database) -> None:
    """Open every connection of the pool."""

    async def hold() -> None:
        async with database.transaction() as connection:
            await connection.exec_driver_sql("SELECT 1")
            await barrier.wait()

    barrier = asyncio.Barrier(3)
    await asyncio.gather(hold(), hold(), hold())


USELESS = [
    "SET default_transaction_read_only = on",
    "SET ROLE reader",
    "SET search_path = 'pg_catalog'",
    "SELECT pg_terminate_backend(pg_backend_pid())",
]


@pytest.mark.parametrize("made_useless", USELESS)
async def test_connections_that_live_and_are_of_no_use_are_replaced_all_together(
    postgresql: str, url: str, made_useless: str
) -> None:
    """As after a switch-over: those of the pool lead to the old primary, new ones to the new one."""
    execute(
        postgresql,
        "DO $$BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$",
    )
    async with opened(url) as database:
        await used(database)
        useless = 0

        @event.listens_for(database.engine.sync_engine, "checkin")
        def spoil(connection: object, _record: object) -> None:
            nonlocal useless
            if useless < 3 and connection is not None:
                useless += 1
                cursor = connection.cursor()  # type: ignore[attr-defined]
                with suppress(psycopg.Error):
                    cursor.execute(made_useless)

        await filled(database)
        failed = 0
        for _ in range(3):
            try:
                assert await lease_of(database).hold()
            except StoreAway:
                failed += 1
        # What shows at the beginning costs nothing; what only a statement shows, that one transaction.
        assert (useless, failed) == (3, 0 if made_useless in (USELESS[0], USELESS[3]) else 1)


async def test_a_transaction_begins_in_one_round_trip(url: str) -> None:
    async with opened(url) as database:
        await used(database)
        statements = []
        event.listen(
            database.engine.sync_engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, *_: statements.append(statement),
        )
        async with database.transaction() as connection:
            await connection.exec_driver_sql("SELECT 2")
    assert len(statements) == 2
