"""Accounts, readings, episodes and notices as rows: loaded and written for many accounts at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Dialect,
    RowMapping,
    Select,
    Table,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import Credits, Ending, Episode, Level, Product, Reading, Trouble, Watch
from bot.core.notice import EDIT_DELAY, Notice, Step, Urgency
from bot.store import schema

_INSERTS: Mapping[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
_EPISODE_COLUMNS = tuple(field.name for field in fields(Episode))


class LostRace(Exception):
    """Somebody else changed an account since it was loaded."""


@dataclass(frozen=True)
class Known:
    """What is remembered of an account, and the version of it; 0 for one that is new."""

    watch: Watch = field(default_factory=Watch)
    version: int = 0


async def load(connection: AsyncConnection, names: Sequence[str]) -> dict[str, Known]:
    """Return what is known of these accounts, in two statements however many they are."""
    account, episode = schema.account, schema.episode
    wanted = _listed(names, connection.dialect)
    rows = await connection.execute(select(account).where(account.c.name.in_(wanted)))
    found = await connection.execute(
        select(episode).where(episode.c.account.in_(wanted), episode.c.ended_at.is_(None))
    )
    open_episodes = {(row["account"], row["trouble"]): episode_from(row) for row in found.mappings()}
    known = {row["name"]: _known(row, open_episodes) for row in rows.mappings()}
    return {name: known.get(name, Known()) for name in names}


def _listed(names: Sequence[str], dialect: Dialect) -> Select[tuple[str]]:
    """Return the names as a query of one parameter: one for each would cost more than the answer."""
    values = func.json_each if dialect.name == "sqlite" else func.json_array_elements_text
    return select(values(literal(list(names), JSON)).table_valued("value").c.value)


def _known(row: RowMapping, open_episodes: Mapping[tuple[str, str], Episode]) -> Known:
    watch = Watch(
        failures=row["failures"],
        failing_since=row["failing_since"],
        failure=row["failure"],
        reading=_last_reading(row),
        low=open_episodes.get((row["name"], Trouble.LOW)),
        unreadable=open_episodes.get((row["name"], Trouble.UNREADABLE)),
    )
    return Known(watch, row["version"])


def _last_reading(row: RowMapping) -> Reading | None:
    if row["read_at"] is None:
        return None
    credits_ = Credits(row["amounts"], row["currency"], row["subaccounts"], row["unlisted"])
    return Reading(row["read_at"], credits_)


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
    await _swap(connection, known, changed)
    readings = [_reading_row(name, step) for name, step in changed.items() if step.reading]
    if readings:
        await connection.execute(insert(schema.reading), readings)
    for step in changed.values():
        for touched in step.touched:
            await _upsert(connection, touched)
            if touched.ending is not Ending.RECOVERED:
                await _forget(connection, touched, step.at)
        for identity, urgency in step.edits.items():
            await _ask_for_edit(connection, identity, urgency, step)
    notices = [notice_row(notice) for step in changed.values() for notice in step.notices]
    if notices:
        await connection.execute(insert(schema.notice), notices)


async def _swap(connection: AsyncConnection, known: Mapping[str, Known], changed: Mapping[str, Step]) -> None:
    """Write the accounts, in one statement, if each still has the version that was loaded."""
    account = schema.account
    rows = [_account_row(name, step.watch, known[name].version + 1) for name, step in changed.items()]
    if not rows:
        return
    written = _INSERTS[connection.dialect.name](account)
    swapped = written.on_conflict_do_update(
        index_elements=[account.c.name],
        set_={column.name: written.excluded[column.name] for column in account.c},
        where=account.c.version == written.excluded.version - 1,
    )
    result = await connection.execute(swapped.returning(account.c.name), rows)
    if len(result.all()) != len(rows):
        raise LostRace


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


def _reading_row(name: str, step: Step) -> dict[str, Any]:
    assert step.reading  # noqa: S101 - the caller has looked
    credits_ = step.reading.credits
    return {
        "account": name,
        "began_at": step.reading.began_at,
        "amounts": credits_.amounts,
        "currency": credits_.currency,
    }


async def insert_new(connection: AsyncConnection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Insert rows that nobody else may have inserted; raises `LostRace`."""
    try:
        await connection.execute(insert(table), list(rows))
    except IntegrityError:
        raise LostRace from None


async def _upsert(connection: AsyncConnection, touched: Episode) -> None:
    episode = schema.episode
    row = {name: getattr(touched, name) for name in _EPISODE_COLUMNS}
    result = await connection.execute(update(episode).where(episode.c.id == touched.id).values(**row))
    if result.rowcount == 0:
        await connection.execute(insert(episode).values(**row, root=""))


async def _forget(connection: AsyncConnection, closed: Episode, now: datetime) -> None:
    """Drop what an episode closed by a change of configuration still owes: its channel is told by an edit."""
    notice = schema.notice
    waiting = update(notice).where(notice.c.episode == closed.id, notice.c.sent_at.is_(None))
    await connection.execute(waiting.values(sent_at=now, message=""))


async def _ask_for_edit(connection: AsyncConnection, identity: str, urgency: Urgency, step: Step) -> None:
    episode = schema.episode
    asked = update(episode).where(episode.c.id == identity)
    at = step.at
    if urgency is Urgency.SOON:
        asked, at = asked.where(episode.c.edit_at.is_(None)), at + EDIT_DELAY
    await connection.execute(asked.values(edit_at=at))


def episode_from(row: RowMapping) -> Episode:
    """Return the episode that a row holds."""
    values = {name: row[name] for name in _EPISODE_COLUMNS}
    kinds = {
        "trouble": Trouble(row["trouble"]),
        "level": Level(row["level"]),
        "ending": Ending(row["ending"]),
        "product": Product(row["product"]),
    }
    return Episode(**values | kinds)


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
