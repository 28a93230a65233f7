"""The connection to the database, and its migrations."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, event, insert, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.ports import StoreAway
from bot.store import schema
from bot.store.ownership import NEWEST, look

log = structlog.get_logger()

CONNECT_SECONDS = 5
MIGRATE_SECONDS = 300
ANSWER_SECONDS = 15
"""A database that takes a connection and then says nothing must not hold a command or the watch."""

CONNECTIONS = 5
"""The smallest Heroku plan has 20, and two copies of the bot overlap on every deploy."""


class Database:
    """One engine for the whole process; the caller closes it."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._foreign = ""

    async def migrate(self) -> None:
        """Bring the tables to the newest version; raises `StoreAway`.

        A database that a newer release has migrated is taken as it is: migrations leave the release
        before them working, and a release may be rolled back.
        """
        async with self._opened(MIGRATE_SECONDS) as connection:
            if connection.dialect.name == "sqlite":
                # Its driver begins by itself only before rows are written: tables half made would stay.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                await connection.execute(_ONE_AT_A_TIME)
            found = await connection.run_sync(look)
            self._foreign = found.foreign
            if found.foreign:
                raise foreign(found.foreign)
            if not found.version:
                await connection.run_sync(_create)
            elif found.version < NEWEST:
                await connection.run_sync(_upgrade)
        if found.version > NEWEST:
            log.warning("database.newer", version=found.version, known=NEWEST)
        if found.trial:
            log.warning("database.trial_tables", consequence="not used; they may be dropped")

    @asynccontextmanager
    async def transaction(self, within: float = ANSWER_SECONDS) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end of the block, in so many seconds; raises `StoreAway`."""
        if self._foreign:
            raise foreign(self._foreign)
        async with self._opened(within) as connection:
            yield connection

    @asynccontextmanager
    async def _opened(self, within: float) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(within), self.engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    await _begin(connection)
                yield connection
                await connection.commit()
                return
        except TimeoutError:
            reason = "no answer in time"
        except (SQLAlchemyError, OSError) as error:
            reason = _reason(error)
        # The driver's error may hold the password and figures: its kind alone crosses, chained to nothing.
        raise StoreAway(reason)

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7365637265)")
"""Two copies that start at once must not both make the tables; behind a transaction pooler too."""

_BEGIN = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'"
"""A process that is frozen within a transaction must not hold the lease's row for ever."""


async def _begin(connection: AsyncConnection) -> None:
    """Begin, in one round trip; a connection that died in the pool is replaced, for nothing was asked yet."""
    try:
        await connection.exec_driver_sql(_BEGIN)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        await connection.rollback()
        await connection.exec_driver_sql(_BEGIN)


def _engine(url: str) -> AsyncEngine:
    # One connection to a file: writers queue here and not on SQLite's lock.
    settings = _SQLITE if url.startswith("sqlite") else _POSTGRESQL
    engine = create_async_engine(url, max_overflow=0, hide_parameters=True, **settings.engine)

    # Rows that are inserted together go in one statement: PostgreSQL would plan each anew.
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in settings.statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    return engine


@dataclass(frozen=True)
class _Settings:
    engine: Mapping[str, Any]
    statements: tuple[str, ...]


_SQLITE = _Settings({"pool_size": 1}, ("PRAGMA journal_mode=WAL", "PRAGMA busy_timeout=5000"))
_POSTGRESQL = _Settings(
    {
        "pool_size": CONNECTIONS,
        "pool_timeout": CONNECT_SECONDS,
        # `_begin` begins: the driver's own BEGIN would be a round trip more.
        "isolation_level": "AUTOCOMMIT",
        # Prepared statements break behind a transaction pooler.
        "connect_args": {"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None},
    },
    (),
)


def _reason(error: Exception) -> str:
    """Say what went wrong in words that hold neither password nor figures."""
    driver = getattr(error, "orig", None)
    state = getattr(driver, "sqlstate", None)
    if state:
        return _STATES.get(state, f"{type(error).__name__} {state}")
    said = str(driver or error)
    return next((words for sign, words in _SIGNS.items() if sign in said), type(error).__name__)


_NO_TABLES = "the bot's tables are not there, or not yet"
_NAME_TAKEN = "another application uses a name that begins with smscredits_"
_STATES = {
    "28P01": "the password is refused",
    "25006": "it can only be read",
    "28000": "the user is refused",
    "3D000": "there is no such database",
    "42501": "the user may not write there",
    "53300": "too many connections are open",
    "57P03": "the server is starting",
    "42P01": _NO_TABLES,
    "42P07": _NAME_TAKEN,
    "42710": _NAME_TAKEN,
}
_SIGNS = {
    "unable to open database file": "the file cannot be opened",
    "readonly database": "the file cannot be written",
    "database is locked": "another process holds the file",
    "file is not a database": "the file is no SQLite database",
    "no such table": _NO_TABLES,
    "there is already a": _NAME_TAKEN,
    "already exists": _NAME_TAKEN,
    "Connection refused": "the connection is refused",
    "password authentication failed": "the password is refused",
    "certificate": "the server's certificate is not trusted (sslmode, sslrootcert)",
    "does not exist": "there is no such database or user",
    "resolve host": "there is no such host",
    "Name or service not known": "there is no such host",
    "connection timeout expired": "no connection in time",
    # What refuses a connection has no SQLSTATE in the driver: the server's words, or libpq's.
    "too many c": _STATES["53300"],  # "… clients already", "… connections for role"
    "connection slots are reserved": _STATES["53300"],
    "database system is starting up": _STATES["57P03"],
    "database system is shutting down": "the server is stopping",
    "no pg_hba.conf entry": "no such user from this machine (perhaps only with ?sslmode=require)",
    "is not permitted to log in": _STATES["28000"],
    "not support SSL": "the server speaks no TLS, and sslmode demands it",
    "No such file or directory": "no server listens at that path",
    "No route to host": "there is no way to the host",
    "Network is unreachable": "there is no way to the host",
    "server closed the connection": "the server hangs up",
}


def foreign(table: str) -> StoreAway:
    """Say that a table of the bot's name is not the bot's own, and what to do."""
    return StoreAway(
        f"the table {table} is not the bot's own, or no longer whole",
        "Give the bot a database, or a PostgreSQL schema, in which no other application uses names that begin"
        " with smscredits_; nothing was changed in this one.",
    )


def _create(connection: Connection) -> None:
    """Make what all migrations together make: Alembic would take 10 MiB that are never given back."""
    schema.metadata.create_all(connection)
    for table, row in schema.FIRST_ROWS.items():
        connection.execute(insert(table).values(**row))
    schema.version.create(connection)
    connection.execute(insert(schema.version).values(version_num=NEWEST))


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - heavy, and seldom needed
    from alembic.config import Config  # noqa: PLC0415 - heavy, and seldom needed

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
