"""Which of several processes watches: one row with a lease, on the database's clock.

A session lock would break behind a transaction pooler; a row does not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Select, bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import NotLeading
from bot.store.database import Database
from bot.store.decoding import readable
from bot.store.rows import put
from bot.store.schema import BROKEN, Utc, lease, process

NAME = "watch"
_NOBODYS: Mapping[str, Any] = {"holder": "", "expires_at": datetime(2000, 1, 1, tzinfo=UTC)}

_LEASE = select(lease).where(lease.c.name == NAME).with_for_update()
_GIVEN = update(lease).where(lease.c.name == NAME)
_RELEASED = _GIVEN.where(lease.c.holder == bindparam("mine")).values(holder="", expires_at=bindparam("now"))
_GONE = delete(process).where(process.c.id == bindparam("mine"))
_DEAD = delete(process).where(
    or_(process.c.seen_at < bindparam("oldest"), process.c.seen_at > bindparam("latest"))
)
_NEWEST = (
    select(process.c.id)
    .where(process.c.seen_at >= bindparam("alive_since"))
    .order_by(process.c.started_at.desc(), process.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Terms:
    """How long a lease lasts, and for how long a process that was not seen still counts as alive."""

    lasts: timedelta = timedelta(seconds=60)
    alive: timedelta = timedelta(seconds=25)


class SqlLease:
    """This process's claim to be the one that polls and delivers; the newest live process gets it."""

    def __init__(self, database: Database, process_id: str, terms: Terms | None = None) -> None:
        self._database = database
        self._id = process_id
        self._terms = terms or Terms()
        self._held = _held_still(database_now(database.engine.dialect))

    async def hold(self, *, may_pass: bool = True) -> bool:
        """Show that this process lives; take, renew or pass the lease; tell whether it is ours.

        A file that was replaced is noticed here: what was known of the old one does not hold for the new one.
        """
        await self._database.renew()
        async with self._database.transaction() as connection:
            now = await database_clock(connection)
            rows = await connection.execute(_LEASE)
            # What cannot be read is nobody's, and written anew.
            held = next(iter(readable(connection, rows.mappings(), lease)), _NOBODYS)
            await self._show_life(connection, now)
            newest = await self._newest(connection, now)
            ours = held["holder"] == self._id
            # A file is for one process: whoever held it before this one is gone, killed perhaps.
            alone = connection.dialect.name == "sqlite"
            # Later: the clock was set back.
            expired = not now < held["expires_at"] <= now + self._terms.lasts
            free = alone or expired or not held["holder"]
            if ours and newest != self._id and may_pass:
                await self._give(connection, newest, now)
                return False
            if ours or (free and newest == self._id):
                await self._give(connection, self._id, now)
                return True
            return False

    async def release(self) -> None:
        """Give the lease back, so that another process need not wait for it to expire."""
        async with self._database.transaction() as connection:
            now = await database_clock(connection)
            await connection.execute(_GONE, {"mine": self._id})
            await connection.execute(_RELEASED, {"mine": self._id, "now": now})

    async def fence(self, connection: AsyncConnection) -> None:
        """Keep the lease from changing hands until this transaction ends; raises `NotLeading`."""
        row = (await connection.execute(self._held)).first()
        if row is None or row.holder != self._id or row.expires_at is BROKEN or row.expires_at <= row.now:
            raise NotLeading("another process watches")

    async def _show_life(self, connection: AsyncConnection, now: datetime) -> None:
        """Write it as a new row: whoever may not insert any more could tell nobody of anything."""
        row = {"id": self._id, "started_at": now, "seen_at": now}
        await put(connection, process, row, kept="started_at")

    async def _newest(self, connection: AsyncConnection, now: datetime) -> str:
        lasts = self._terms.lasts
        await connection.execute(_DEAD, {"oldest": now - lasts, "latest": now + lasts})
        return str(await connection.scalar(_NEWEST, {"alive_since": now - self._terms.alive}))

    async def _give(self, connection: AsyncConnection, holder: str, now: datetime) -> None:
        row = {"name": NAME, "holder": holder, "expires_at": now + self._terms.lasts}
        await put(connection, lease, row)


def _held_still(now: ColumnElement[datetime]) -> Select[tuple[str, datetime, datetime]]:
    # The clock may be read before a wait for the row: that is read anew if it has changed meanwhile.
    held = select(lease.c.holder, lease.c.expires_at, now.label("now")).where(lease.c.name == NAME)
    return held.with_for_update(read=True, key_share=False)


async def database_clock(connection: AsyncConnection) -> datetime:
    """Return the time on the database's clock, the same for all processes, in UTC."""
    return (await connection.execute(_clock(database_now, connection.dialect))).scalar_one()


@lru_cache(maxsize=8)
def _clock(now: Callable[[Dialect], ColumnElement[datetime]], dialect: Dialect) -> Select[datetime]:
    return select(now(dialect))


def database_now(dialect: Dialect) -> ColumnElement[datetime]:
    """Return the time on the database's clock for use within a statement."""
    if dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M:%f", "now", type_=Utc)
    return func.clock_timestamp(type_=Utc)
