"""Accounts, readings, episodes and notices as rows: loaded and written for many accounts at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Insert,
    RowMapping,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notice import EDIT_DELAY, Notice, Step, Urgency
from bot.core.reading import Cause, Credits, Failure, Reading
from bot.core.watch import Ending, Episode, Trouble, Watch
from bot.store import schema
from bot.store.batch import swap
from bot.store.decoding import BrokenRow, decoded, say

_EPISODE_COLUMNS = tuple(field.name for field in fields(Episode))


class LostRace(Exception):
    """Somebody else changed an account since it was loaded."""


@dataclass(frozen=True)
class Known:
    """What is remembered of an account, and the version of it; 0 for one that is new.

    Without a version the row cannot be read, and is to be written anew.
    """

    watch: Watch = field(default_factory=Watch)
    version: int | None = 0


async def load(connection: AsyncConnection, names: Sequence[str]) -> dict[str, Known]:
    """Return what is known of these accounts, in one statement however many they are."""
    rows = await connection.execute(_known_of(connection.dialect.name), {"names": list(names)})
    found: dict[str, list[RowMapping]] = {}
    for row in rows.mappings():
        found.setdefault(row[schema.account.c.name], []).append(row)
    return {name: _known(connection, found[name]) if name in found else Known() for name in names}


@cache
def _known_of(dialect: str) -> Select[Any]:
    """Select accounts, each beside its open episodes; the names are one parameter, however many."""
    account, episode = schema.account, schema.episode
    elements = func.json_each if dialect == "sqlite" else func.json_array_elements_text
    names = select(elements(bindparam("names", type_=JSON)).table_valued("value").c.value)
    is_open = and_(episode.c.account == account.c.name, episode.c.ended_at.is_(None))
    return select(account, episode).outerjoin_from(account, episode, is_open).where(account.c.name.in_(names))


def _known(connection: AsyncConnection, rows: Sequence[RowMapping]) -> Known:
    """Return what can be read of an account: its row is written anew by the next reading.

    With an open episode that cannot be read the account is blind: what is told of it must not be told twice.
    """
    episodes, blind = {}, None
    for row in rows:
        if row[schema.episode.c.id] is None:
            continue
        try:
            episode = episode_from(row)
        except BrokenRow as broken:
            say(connection, broken)
            blind = Failure(Cause.STATE_UNREADABLE, str(broken))
        else:
            episodes[episode.trouble] = episode
    first, reading, version = rows[0], None, None
    failing: Mapping[str, Any] = _NOT_FAILING
    try:
        failing = decoded(first, schema.account, *_NOT_FAILING)
        reading = _last_reading(first)
        version = decoded(first, schema.account, "version")["version"]
    except BrokenRow as broken:
        say(connection, broken)
    watch = Watch(
        **failing,
        reading=reading,
        low=episodes.get(Trouble.LOW),
        unreadable=episodes.get(Trouble.UNREADABLE),
        blind=blind,
    )
    return Known(watch, version)


_NOT_FAILING = {"failures": 0, "failing_since": None, "failure": None}


def _last_reading(row: RowMapping) -> Reading | None:
    account = schema.account
    found = decoded(row, account, "read_at", *_LAST_READING)
    read_at = found.pop("read_at")
    if read_at is None:
        return None
    for name in ("amounts", "currency", "subaccounts"):
        if found[name] is None:
            raise BrokenRow(account.name, row[account.c.name], name)
    return Reading(read_at, Credits(**found))


_LAST_READING = ("amounts", "currency", "subaccounts", "unlisted")


async def load_watch(connection: AsyncConnection, account: str) -> Watch:
    """Return what is known of the account, within the caller's transaction."""
    return (await load(connection, (account,)))[account].watch


async def write(connection: AsyncConnection, known: Mapping[str, Known], steps: Mapping[str, Step]) -> None:
    """Write what these steps changed; raises `LostRace`."""
    changed = {
        name: step
        for name, step in steps.items()
        if step.reading or step.touched or step.watch != known[name].watch
    }
    if changed:
        lost = [name for name in changed if known[name].version is None]
        if lost:
            await connection.execute(delete(schema.account).where(schema.account.c.name.in_(lost)))
        accounts = [
            _account_row(name, step.watch, (known[name].version or 0) + 1) for name, step in changed.items()
        ]
        readings = [_reading_row(name, step.reading) for name, step in changed.items() if step.reading]
        if await swap(connection, accounts, readings) != len(accounts):
            raise LostRace
    for step in changed.values():
        for touched in step.touched:
            await _upsert(connection, touched)
            if touched.ending is not Ending.RECOVERED:
                await _forget(connection, touched, step.at)
        for identity, urgency in step.edits.items():
            await _ask_for_edit(connection, identity, urgency, step)
    notices = [notice_row(notice) for step in changed.values() for notice in step.notices]
    if notices:
        await connection.execute(NEW_NOTICE, notices)


def _account_row(name: str, watch: Watch, version: int) -> dict[str, Any]:
    credits_ = watch.reading and watch.reading.credits
    return {
        "name": name,
        "version": version,
        "failures": watch.failures,
        "failing_since": watch.failing_since,
        "failure": watch.failure,
        "read_at": watch.reading and watch.reading.began_at,
        "amounts": credits_ and credits_.amounts,
        "currency": credits_ and credits_.currency,
        "subaccounts": credits_ and credits_.subaccounts,
        "unlisted": credits_ and credits_.unlisted,
    }


def _reading_row(account: str, reading: Reading) -> dict[str, Any]:
    return {
        "account": account,
        "began_at": reading.began_at,
        "amounts": reading.credits.amounts,
        "currency": reading.credits.currency,
    }


async def put(connection: AsyncConnection, table: Table, row: Mapping[str, Any], kept: str = "") -> None:
    """Write the one row with this key, whether or not it is there; what is `kept` stays as it was."""
    changed = tuple(name for name in row if name != kept)
    await connection.execute(_putting(connection.dialect.name, table, changed), row)


@cache
def _putting(dialect: str, table: Table, names: tuple[str, ...]) -> postgresql.Insert | sqlite.Insert:
    inserted = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: inserted.excluded[name] for name in names if name not in keys}
    return inserted.on_conflict_do_update(index_elements=keys, set_=changed)


async def insert_new(connection: AsyncConnection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Insert rows that nobody else may have inserted; raises `LostRace`."""
    try:
        await connection.execute(_new(table), list(rows))
    except IntegrityError:
        raise LostRace from None


@cache
def _new(table: Table) -> Insert:
    return insert(table)


NEW_NOTICE = _new(schema.notice)
_CHANGED = update(schema.episode).where(schema.episode.c.id == bindparam("touched"))
_FORGOTTEN = (
    update(schema.notice)
    .where(schema.notice.c.episode == bindparam("closed"), schema.notice.c.sent_at.is_(None))
    .values(sent_at=bindparam("now"), message="")
)
_EDITED_NOW = _CHANGED.values(edit_at=bindparam("at"))
_EDITED_SOON = _EDITED_NOW.where(schema.episode.c.edit_at.is_(None))


async def _upsert(connection: AsyncConnection, touched: Episode) -> None:
    row = {name: getattr(touched, name) for name in _EPISODE_COLUMNS}
    result = await connection.execute(_CHANGED, {**row, "touched": touched.id})
    if result.rowcount == 0:
        await connection.execute(_new(schema.episode), {**row, "root": ""})


async def _forget(connection: AsyncConnection, closed: Episode, now: datetime) -> None:
    """Drop what an episode closed by a change of configuration still owes: its channel is told by an edit."""
    await connection.execute(_FORGOTTEN, {"closed": closed.id, "now": now})


async def _ask_for_edit(connection: AsyncConnection, identity: str, urgency: Urgency, step: Step) -> None:
    soon = urgency is Urgency.SOON
    at = step.at + EDIT_DELAY if soon else step.at
    await connection.execute(_EDITED_SOON if soon else _EDITED_NOW, {"touched": identity, "at": at})


def episode_from(row: RowMapping) -> Episode:
    """Return the episode that a row holds; raises `BrokenRow`."""
    return Episode(**decoded(row, schema.episode, *_EPISODE_COLUMNS))


def notice_row(notice: Notice) -> dict[str, Any]:
    """Return the row of a notice that waits to be told."""
    return {
        "kind": notice.kind,
        "channel": notice.channel,
        "at": notice.at,
        "episode": notice.episode,
        "level": notice.level,
        "gap": notice.gap,
        "attempts": 0,
    }
