"""The database looked at from outside: what is there, whether it can be written, what was last told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, insert, make_url, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notice import Kind, Undelivered
from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store.database import Database
from bot.store.decoding import BrokenRow, decoded
from bot.store.ownership import NEWEST, look
from bot.store.schema import BROKEN, account, episode, notice

_ROW = {
    "id": -1,
    "kind": Kind.TEST,
    "channel": "",
    "at": datetime(1970, 1, 1, tzinfo=UTC),
    "episode": "",
    "level": 0,
    "attempts": 0,
}
"""Written and taken back: only what every version of the table has, with a number that nobody uses."""


@dataclass(frozen=True)
class LastPost:
    """The last word that a channel was told."""

    channel: str
    at: datetime


@dataclass(frozen=True)
class Checkup:
    """What a database was found to be; without a version it has no tables yet.

    What waits has no error where it was not tried yet. `trial`: tables of a trial before the first release
    are there too. `units` are the units of money of the accounts that were read.
    """

    version: str = ""
    last_post: LastPost | None = None
    waiting: tuple[Undelivered, ...] = ()
    trial: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    broken: tuple[BrokenRow, ...] = ()


def missing_file(url: str) -> Path | None:
    """Return the SQLite file that is still to be made, if that is so."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return None
    path = Path(address.database or "")
    try:
        return None if path.stat().st_size else path
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError):
        # Whoever opens it says why not.
        return None


async def checkup(database: Database) -> Checkup:
    """Look at the database, and write to it what is taken back at once; raises `StoreAway`."""
    async with database.transaction() as connection:
        tables = await connection.run_sync(look)
        if tables.foreign:
            raise StoreAway(Unusable.FOREIGN_TABLES, tables.foreign)
        found = Checkup(trial=tables.trial)
        if tables.version:
            last_post, waiting = await _last_post(connection), await _waiting(connection)
            units = await _units(connection) if tables.version == NEWEST else {}
            broken = await _broken(connection)
            found = Checkup(tables.version, last_post, waiting, tables.trial, units, broken)
        await _try_to_write(connection, tables.version)
        return found


async def _try_to_write(connection: AsyncConnection, version: str) -> None:
    """Write, change and delete a row where there are tables, else make one; then roll all of it back."""
    # Python's driver for SQLite begins no transaction for a table: a savepoint does.
    await connection.begin_nested()
    if version:
        await connection.execute(insert(notice).values(_ROW))
        await connection.execute(update(notice).where(notice.c.id == _ROW["id"]).values(attempts=1))
        await connection.execute(delete(notice).where(notice.c.id == _ROW["id"]))
    else:
        await connection.execute(text("CREATE TABLE smscredits_doctor (id INTEGER)"))
    await connection.rollback()


async def _units(connection: AsyncConnection) -> Mapping[str, str]:
    rows = await connection.execute(select(account.c.name, account.c.currency))
    return {row.name: row.currency for row in rows if row.currency}


async def _broken(connection: AsyncConnection) -> tuple[BrokenRow, ...]:
    """Return the rows in use that cannot be read."""
    found = []
    for table, in_use in _IN_USE:
        for row in (await connection.execute(select(table).where(in_use))).mappings():
            try:
                decoded(row, table)
            except BrokenRow as broken:
                found.append(broken)
    return tuple(found)


_IN_USE = (
    (account, true()),
    (episode, episode.c.ended_at.is_(None)),
    (notice, notice.c.sent_at.is_(None)),
)


async def _last_post(connection: AsyncConnection) -> LastPost | None:
    found = await connection.execute(
        select(notice.c.channel, notice.c.sent_at)
        .where(notice.c.sent_at.is_not(None), notice.c.message != "")
        .order_by(notice.c.sent_at.desc())
        .limit(1)
    )
    row = found.first()
    return LastPost(row.channel, row.sent_at) if row and row.sent_at is not BROKEN else None


async def _waiting(connection: AsyncConnection) -> tuple[Undelivered, ...]:
    """Return the oldest word that each channel waits for, with the error of the last try."""
    rows = await connection.execute(
        select(notice.c.channel, notice.c.at, notice.c.error)
        .where(notice.c.sent_at.is_(None))
        .order_by(notice.c.id)
    )
    first: dict[str, Undelivered] = {}
    for row in rows:
        if row.at is BROKEN:
            continue
        first.setdefault(row.channel, Undelivered(row.channel, row.at, row.error or ""))
    return tuple(first.values())
