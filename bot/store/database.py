"""The connection to the database, and its migrations."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic_core import to_json
from sqlalchemy import Connection, ExceptionContext, event, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import schema
from bot.store.causes import away, tells_against
from bot.store.certificate import fault_of_certificate
from bot.store.file import DatabaseFile
from bot.store.ownership import NEWEST, look
from bot.store.session import CLIENT_ENCODING, begin

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
        self._file = DatabaseFile.of(url)

    async def migrate(self) -> None:
        """Bring the tables to the newest version; raises `StoreAway`.

        A database that a newer release has migrated is taken as it is: migrations leave the release
        before them working, and a release may be rolled back.
        """
        if self._file:
            self._file.prepare()
        async with self._opened(MIGRATE_SECONDS) as connection:
            if connection.dialect.name == "sqlite":
                # Its driver begins by itself only before rows are written: tables half made would stay.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                await connection.execute(_ONE_AT_A_TIME)
            found = await connection.run_sync(look)
            self._foreign = found.foreign
            if found.foreign:
                raise StoreAway(Unusable.FOREIGN_TABLES, found.foreign)
            if not found.version:
                await connection.run_sync(_create)
            elif found.version < NEWEST:
                await connection.run_sync(_upgrade)
        if found.version > NEWEST:
            log.warning("database.newer", version=found.version, known=NEWEST)
        if found.trial:
            log.warning("database.trial_tables", consequence="not used; they may be dropped")

    async def renew(self) -> None:
        """Open the file anew where another one is in its place; raises `StoreAway`, once, to say so."""
        if not self._file or not self._file.replaced():
            return
        if self._file.settled():
            log.warning("database.file_replaced", consequence="the new one is used, as at a start")
            try:
                await asyncio.to_thread(self._file.part)
            except OSError as error:
                raise away(error) from None
            await self.close()
            await self.migrate()
        raise StoreAway(Unusable.FILE_REPLACED)

    async def _mark(self, file: DatabaseFile) -> None:
        """Write a mark that no copy of the file has, and what waits in the journal, into the file."""
        async with self._opened(ANSWER_SECONDS) as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            last = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
            mark = max(int(await connection.scalar(_SECONDS_NOW)), last + 1)
            await connection.exec_driver_sql(f"PRAGMA user_version={mark}")
            await connection.commit()
            await connection.exec_driver_sql("PRAGMA wal_checkpoint")
        file.marked(mark)

    @asynccontextmanager
    async def transaction(self, within: float = ANSWER_SECONDS) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end of the block, in so many seconds; raises `StoreAway`."""
        if self._foreign:
            raise StoreAway(Unusable.FOREIGN_TABLES, self._foreign)
        if self._file and self._file.replaced():
            raise StoreAway(Unusable.FILE_REPLACED)
        if self._file and self._file.to_mark(asyncio.get_running_loop().time()):
            await self._mark(self._file)
        async with self._opened(within) as connection:
            yield connection

    @asynccontextmanager
    async def _opened(self, within: float) -> AsyncIterator[AsyncConnection]:
        """Make `StoreAway` of whatever keeps the database from being used, and of no fault of the block's."""
        in_the_block, deadline = False, asyncio.timeout(within)
        cause = Unusable.NO_CONNECTION_IN_TIME
        try:
            async with deadline, self.engine.connect() as connection:
                cause = Unusable.NO_ANSWER_IN_TIME
                if connection.dialect.name == "postgresql":
                    await begin(connection, within)
                in_the_block = True
                yield connection
                in_the_block = False
                await connection.commit()
                return
        except StoreAway as error:
            failed = StoreAway(error.cause, error.detail)
        except Exception as error:
            timed_out = isinstance(error, TimeoutError) and deadline.expired()
            if in_the_block and not timed_out and not isinstance(error, (DBAPIError, NoFreeConnection)):
                raise
            failed = StoreAway(cause) if timed_out else away(error)
        if failed.cause is Unusable.UNTRUSTED:
            connecting = self.engine.dialect.create_connect_args(self.engine.url)[1]
            failed = StoreAway(await fault_of_certificate(connecting))
        # The driver's error may hold the password and figures: its cause alone crosses, chained to nothing.
        raise failed

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()
        if self._file:
            self._file.close()


_SECONDS_NOW = text("SELECT strftime('%s', 'now')")

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7365637265)")
"""Two copies that start at once must not both make the tables; behind a transaction pooler too."""


def _engine(url: str) -> AsyncEngine:
    # One connection to a file: writers queue here and not on SQLite's lock.
    settings = _SQLITE if url.startswith("sqlite") else _POSTGRESQL
    engine = create_async_engine(
        url, max_overflow=0, hide_parameters=True, json_serializer=_plainly, **settings.engine
    )

    # Rows that are inserted together go in one statement: PostgreSQL would plan each anew.
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        settings.prepare(connection.driver_connection)
        cursor = connection.cursor()
        for statement in settings.statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    event.listen(engine.sync_engine, "handle_error", _on_error)
    return engine


def _plainly(value: Any) -> str:
    """Write JSON without escapes: PostgreSQL reads those in databases in UTF8 alone."""
    return to_json(value).decode()


def _on_error(context: ExceptionContext) -> None:
    """Discard a connection that is of no use any more; whatever a driver raises keeps the database away."""
    error = context.original_exception
    if not isinstance(error, Exception):
        return
    context.is_disconnect = context.is_disconnect or tells_against(error)
    if context.sqlalchemy_exception is None:
        raise away(error)


@dataclass(frozen=True)
class _Settings:
    engine: Mapping[str, Any]
    prepare: Callable[[Any], None]
    statements: tuple[str, ...] = ()


def _prepare_sqlite(connection: Any) -> None:
    # A text that is no UTF-8 would keep all rows of its statement from being read.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")


def _prepare_postgresql(connection: Any) -> None:
    from bot.store.loading import register  # noqa: PLC0415 - heavy, and SQLite does without

    register(connection)


_SQLITE = _Settings(
    {"pool_size": 1},
    _prepare_sqlite,
    # What waits in the journal is written with the next mark, after a look at which file stands there.
    ("PRAGMA journal_mode=WAL", "PRAGMA busy_timeout=5000", "PRAGMA wal_autocheckpoint=0"),
)
_POSTGRESQL = _Settings(
    {
        "pool_size": CONNECTIONS,
        "pool_timeout": CONNECT_SECONDS,
        # `begin` begins: the driver's own BEGIN would be a round trip more.
        "isolation_level": "AUTOCOMMIT",
        "connect_args": {
            "connect_timeout": CONNECT_SECONDS,
            # Prepared statements break behind a transaction pooler.
            "prepare_threshold": None,
            "client_encoding": CLIENT_ENCODING,
        },
    },
    _prepare_postgresql,
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
