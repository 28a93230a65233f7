from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot.core.model import Kind, Notice
from bot.ports import StoreAway
from bot.store import Database, SqlWatches, migrations
from bot.store.database import NEWEST
from bot.store.schema import metadata
from tests.samples import NOW, judged

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
    watches = SqlWatches(database)
    await watches.greet(Notice(Kind.HELLO, "C1", NOW))
    step = await watches.change("sms", LOW)
    await database.migrate()
    assert await watches.watch("sms") == step.watch
    assert await watches.greet(Notice(Kind.HELLO, "C1", NOW)) is False


async def test_after_a_newer_release_the_older_one_works_on(database: Database) -> None:
    """A rollback must not leave the bot blind: the newer tables serve the older code as well."""
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.migrate()
    await SqlWatches(database).change("sms", LOW)
    async with database.transaction() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


@pytest.mark.parametrize("table", ["account", "reading", "episode", "notice"])
async def test_without_its_tables_the_store_says_that_it_is_away(database: Database, table: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"DROP TABLE {table}"))
    with pytest.raises(StoreAway):
        await SqlWatches(database).change("sms", LOW)
    if table != "account":
        async with database.transaction() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM account")) == 0
