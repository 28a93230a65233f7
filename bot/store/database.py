"""The connection to the database, and its migrations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.ports import StoreAway

log = structlog.get_logger()

NEWEST = "0001"
"""The version that this release needs; versions are numbered in order."""

CONNECTIONS = 5
"""The smallest Heroku plan has 20, and two copies of the bot overlap on every deploy."""


class Database:
    """One engine for the whole process; the caller closes it."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)

    async def migrate(self) -> None:
        """Bring the tables to the newest version; raises `StoreAway`.

        A database that a newer release has migrated is taken as it is: migrations leave the release
        before them working, and a release may be rolled back.
        """
        async with self.transaction() as connection:
            version = await connection.run_sync(_version)
            if version > NEWEST:
                log.warning("database.newer", version=version, known=NEWEST)
            elif version < NEWEST:
                await connection.run_sync(_upgrade)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end of the block; raises `StoreAway`."""
        try:
            async with self._engine.begin() as connection:
                yield connection
                return
        except (SQLAlchemyError, OSError) as error:
            kind = type(error).__name__
        # The driver's error may hold the password and figures: its kind alone crosses, chained to nothing.
        raise StoreAway(kind)

    async def close(self) -> None:
        """Give every connection back."""
        await self._engine.dispose()


def _engine(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(
            url, pool_size=CONNECTIONS, max_overflow=0, pool_pre_ping=True, hide_parameters=True
        )
    # One connection: writers queue here and not on SQLite's file lock.
    engine = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    return engine


def _version(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - heavy, and seldom needed
    from alembic.config import Config  # noqa: PLC0415 - heavy, and seldom needed

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
