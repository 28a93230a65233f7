import contextlib
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, event, insert, inspect, select, table, text

from bot.core.model import Field, Level
from bot.core.notice import Kind, Notice
from bot.core.reading import Reading
from bot.core.watch import Ending, Firing
from bot.ports import StoreAway
from bot.store import Database, migrations
from bot.store.database import NEWEST
from bot.store.schema import metadata
from tests.samples import NOW, at, credit, judged
from tests.store.server import database_of
from tests.store.stores import lease_of, outbox_of, watches_of

LOW = partial(judged, outcome=4999, minute=0)


def differences(connection: Connection) -> object:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


async def test_the_migrations_make_the_tables_that_the_code_speaks_of(database: Database) -> None:
    async with database.transaction() as connection:
        assert await connection.run_sync(differences) == []
        tables = await connection.run_sync(lambda opened: inspect(opened).get_table_names())
        assert set(tables) == {*metadata.tables, "alembic_version"}


def test_the_newest_version_is_the_last_of_the_migrations_and_they_are_numbered_in_order() -> None:
    versions = ScriptDirectory(str(Path(migrations.__file__).parent))
    numbers = [version.revision for version in versions.walk_revisions()][::-1]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
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
        version = await connection.scalar(text("SELECT version_num FROM alembic_version"))
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


@pytest.mark.parametrize("before", ["", "0001"])
async def test_a_start_that_is_cut_off_in_the_middle_leaves_the_tables_as_they_were(
    bare: str, before: str
) -> None:
    database = Database(bare)

    def tables(opened: Connection) -> set[str]:
        return set(inspect(opened).get_table_names())

    async with database.transaction() as connection:
        if before:
            await connection.run_sync(upgraded, before)
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


async def test_what_the_release_before_this_one_remembered_goes_on(bare: str) -> None:
    """An episode told before the upgrade is reminded of, grows worse and ends in its own message."""
    database = Database(bare)
    old = {
        "account": {"name": "sms", "version": 3, "failures": 0},
        "reading": {"account": "sms", "began_at": NOW, "amounts": credit(4999).amounts, "currency": "EUR"},
        "episode": {
            "id": "1", "account": "sms", "trouble": "low", "channel": "C1", "level": 1, "opened_at": NOW,
            "firing": (Firing(Field.CREDIT_SMS, Level.WARNING, Decimal(5000)),), "topped_up": Decimal(0),
            "thresholds_changed": (), "root": "1.1",
        },
        "notice": {
            "kind": "opened", "channel": "C1", "at": NOW, "episode": "1", "level": 1, "message": "1.1",
            "sent_at": NOW, "attempts": 0,
        },
    }  # fmt: skip
    async with database.transaction() as connection:
        await connection.run_sync(upgraded, "0001")
        for before, row in old.items():
            # Only the columns of that release: the defaults of this one it does not know.
            columns = (column(name, metadata.tables[before].c[name].type) for name in row)
            await connection.execute(insert(table(before, *columns)).values(row))
    await database.migrate()
    assert await lease_of(database).hold()
    watch = await watches_of(database).watch("sms")
    assert watch.reading == Reading(NOW, credit(4999))
    low = watch.low
    assert low is not None
    assert (low.pinged_at, low.mute, low.ending) == (NOW, None, Ending.RECOVERED)
    assert await outbox_of(database).due(at(1)) == ()
    await watches_of(database).change("sms", partial(judged, outcome=999, minute=1))
    (owed,) = await outbox_of(database).due(at(1))
    due = await outbox_of(database).claim(owed, at(1))
    assert due is not None
    assert (due.kind, due.root, due.repeat) == (Kind.WORSE, "1.1", False)
    async with database.transaction() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_after_a_newer_release_the_older_one_works_on(database: Database) -> None:
    """A rollback must not leave the bot blind: the newer tables serve the older code as well."""
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.migrate()
    await watches_of(database).change("sms", LOW)
    async with database.transaction() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


@pytest.mark.parametrize("name", ["account", "reading", "episode", "notice"])
async def test_without_its_tables_the_store_says_that_it_is_away(database: Database, name: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"DROP TABLE {name}"))
    with pytest.raises(StoreAway):
        await watches_of(database).change("sms", LOW)
    if name != "account":
        async with database.transaction() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM account")) == 0
