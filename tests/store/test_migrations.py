import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import structlog
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, event, inspect, select, text

from bot.core.notice import Kind, Notice
from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database, migrations, schema
from bot.store.ownership import FIRST, NEWEST
from bot.store.schema import metadata, version
from tests.samples import NOW, judged
from tests.store.server import database_of
from tests.store.stores import lease_of, watches_of

LOW = partial(judged, outcome=4999, minute=0)


def differences(connection: Connection) -> object:
    opts = {"compare_type": True, "version_table": version.name}
    return compare_metadata(MigrationContext.configure(connection, opts=opts), metadata)


async def test_the_migrations_make_the_tables_that_the_code_speaks_of(database: Database) -> None:
    async with database.transaction() as connection:
        assert await connection.run_sync(differences) == []
        tables = await connection.run_sync(lambda opened: inspect(opened).get_table_names())
        assert set(tables) == {*metadata.tables, version.name}


def test_the_newest_version_is_the_last_of_the_migrations_and_they_are_numbered_in_order() -> None:
    versions = ScriptDirectory(str(Path(migrations.__file__).parent))
    numbers = [version.revision for version in versions.walk_revisions()][::-1]
    assert numbers == [str(int(FIRST) + number) for number in range(len(numbers))]
    assert numbers[-1] == NEWEST


async def test_migrating_twice_does_nothing(database: Database) -> None:
    watches = watches_of(database)
    await watches.greet(Notice(Kind.HELLO, "C1", NOW))
    step = await watches.change("sms", LOW)
    await database.migrate()
    assert await watches.watch("sms") == step.watch
    assert await watches.greet(Notice(Kind.HELLO, "C1", NOW)) is False


@pytest.fixture
def bare(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Iterator[str]:
    """Return the address of a database without any table."""
    if url.startswith("sqlite"):
        yield f"sqlite+aiosqlite:///{tmp_path / 'bare.db'}"
        return
    with database_of(request.getfixturevalue("postgresql"), template="template1") as address:
        yield address


def upgraded(connection: Connection, to: str = "head") -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)


async def beginnings(url: str, begin: Callable[[Database], Awaitable[None]]) -> object:
    """Return what stands in every table at first, and what is made otherwise than the code says."""
    database = Database(url)
    await begin(database)
    async with database.transaction() as connection:
        rows = {
            name: [tuple(row) for row in await connection.execute(select(of))]
            for name, of in metadata.tables.items()
        }
        version = await connection.scalar(text("SELECT version_num FROM smscredits_version"))
        found = rows, version, await connection.run_sync(differences)
    await database.close()
    return found


async def test_a_new_database_is_made_at_once_as_all_migrations_would_make_it(bare: str, url: str) -> None:
    async def step_by_step(database: Database) -> None:
        async with database.transaction() as connection:
            await connection.run_sync(upgraded)

    other = url if url.startswith("postgresql") else f"{bare}.other"
    at_once = await beginnings(other, Database.migrate)
    assert at_once == await beginnings(bare, step_by_step)


async def test_a_start_that_is_cut_off_in_the_middle_leaves_no_table_behind(bare: str) -> None:
    database = Database(bare)

    def tables(opened: Connection) -> set[str]:
        return set(inspect(opened).get_table_names())

    async with database.transaction() as connection:
        at_first = await connection.run_sync(tables)
    for place in count(1, 3):
        left = place

        def cut_off(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise OSError

        event.listen(database.engine.sync_engine, "before_cursor_execute", cut_off)
        with contextlib.suppress(StoreAway):
            await database.migrate()
        event.remove(database.engine.sync_engine, "before_cursor_execute", cut_off)
        if left > 0:
            break
        async with database.transaction() as connection:
            assert await connection.run_sync(tables) == at_first
    assert place > 10
    async with database.transaction() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_after_a_newer_release_the_older_one_works_on(database: Database) -> None:
    """A rollback must not leave the bot blind: the newer tables serve the older code as well."""
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE smscredits_version SET version_num = '9999'"))
    await database.migrate()
    await watches_of(database).change("sms", LOW)
    async with database.transaction() as connection:
        assert await connection.scalar(text("SELECT version_num FROM smscredits_version")) == "9999"


@pytest.mark.parametrize("table", [schema.account, schema.reading, schema.episode, schema.notice])
async def test_without_its_tables_the_store_says_that_it_is_away(database: Database, table: Table) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"DROP TABLE {table.name}"))
    with pytest.raises(StoreAway):
        await watches_of(database).change("sms", LOW)
    if table is not schema.account:
        async with database.transaction() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM smscredits_account")) == 0


NEIGHBOURS = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32))",
    "INSERT INTO alembic_version VALUES ('ae1027a6acf3')",
    "CREATE TABLE account (email VARCHAR(50))",
    "CREATE TABLE reading (book VARCHAR(50))",
    "CREATE INDEX reading_by_account ON reading (book)",
    "CREATE INDEX notice_waiting ON account (email)",
)


async def test_the_bot_lives_beside_another_application_in_its_database(bare: str) -> None:
    database = Database(bare)
    await execute(database, *NEIGHBOURS)
    await database.migrate()
    await lease_of(database).hold()
    step = await watches_of(database).change("sms", LOW)
    assert await watches_of(database).watch("sms") == step.watch
    async with database.transaction() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "ae1027a6acf3"
        assert await connection.scalar(text("SELECT count(*) FROM account")) == 0
    await database.close()


FOREIGN = [
    ("smscredits_account", ["CREATE TABLE smscredits_account (email VARCHAR(50))"]),
    ("smscredits_request", ["CREATE VIEW smscredits_request AS SELECT 1 AS one"]),
    ("smscredits_version", ["CREATE TABLE smscredits_version (number INTEGER)"]),
    ("smscredits_version", ["CREATE TABLE smscredits_version (version_num VARCHAR(32))"]),
    (
        "smscredits_version",
        [
            "CREATE TABLE smscredits_version (version_num VARCHAR(32))",
            "INSERT INTO smscredits_version VALUES ('ae1027a6acf3')",
        ],
    ),
    (
        "smscredits_account",
        [
            "CREATE TABLE smscredits_version (version_num VARCHAR(32))",
            "INSERT INTO smscredits_version VALUES ('1001')",
        ],
    ),
]


@pytest.mark.parametrize(("name", "theirs"), FOREIGN)
async def test_a_table_of_the_bots_name_that_is_not_its_own_is_named_and_nothing_is_touched(
    bare: str, name: str, theirs: list[str]
) -> None:
    database, other = Database(bare), Database(bare)
    await execute(other, *theirs)
    before = await relations(other)
    for use in (database.migrate, database.migrate, lease_of(database).hold):
        with pytest.raises(StoreAway) as caught:
            await use()
        assert (caught.value.cause, caught.value.detail) == (Unusable.FOREIGN_TABLES, name)
    assert await relations(other) == before
    await database.close()
    await other.close()


async def test_once_the_foreign_table_is_gone_the_bot_makes_its_own(bare: str) -> None:
    database, other = Database(bare), Database(bare)
    await execute(other, *FOREIGN[0][1])
    with pytest.raises(StoreAway):
        await database.migrate()
    await execute(other, "DROP TABLE smscredits_account")
    await database.migrate()
    assert await lease_of(database).hold()
    await database.close()
    await other.close()


async def test_tables_of_a_trial_before_the_first_release_are_named_and_left_alone(bare: str) -> None:
    database = Database(bare)
    await execute(
        database,
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('0004')",
    )
    with structlog.testing.capture_logs() as lines:
        await database.migrate()
    # A file that was made under a wide umask is narrowed beside.
    said = {line["event"] for line in lines} - {"database.rights_narrowed"}
    assert said == {"database.trial_tables"}
    assert await lease_of(database).hold()
    assert "alembic_version" in await relations(database)
    await database.close()


async def test_two_copies_that_start_at_once_make_the_tables_once(bare: str) -> None:
    copies = [Database(bare) for _ in range(4)]
    await asyncio.gather(*(copy.migrate() for copy in copies))
    async with copies[0].transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM smscredits_lease")) == 1
    for copy in copies:
        await copy.close()


async def execute(database: Database, *statements: str) -> None:
    async with database.transaction() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def relations(database: Database) -> set[str]:
    async with database.transaction() as connection:
        return await connection.run_sync(
            lambda opened: {*inspect(opened).get_table_names(), *inspect(opened).get_view_names()}
        )
