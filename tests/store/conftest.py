"""Each test of the store runs twice: on SQLite, and on a real PostgreSQL with a database of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store import Database, SqlOutbox, SqlWatches
from tests.store.server import database_of, postgresql_server
from tests.store.stores import lease_of, outbox_of, watches_of


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Run one server for all tests of this process; return its address."""
    with postgresql_server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a database of one's own, as SQLAlchemy wants it."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'smscredits.db'}"
        return
    with database_of(request.getfixturevalue("postgresql")) as address:
        yield address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Return a database with its tables, which this process watches."""
    opened = Database(url)
    await opened.migrate()
    await lease_of(opened).hold()
    yield opened
    await opened.close()


@pytest.fixture
def watches(database: Database) -> SqlWatches:
    """Return what is remembered of accounts."""
    return watches_of(database)


@pytest.fixture
def outbox(database: Database) -> SqlOutbox:
    """Return the words owed to channels."""
    return outbox_of(database)
