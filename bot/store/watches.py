"""What is remembered of each account, changed in one transaction by compare-and-swap."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Table, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import Credits, Ending, Episode, Level, Reading, Trouble, Watch
from bot.core.notice import EDIT_DELAY, Notice, Step, Urgency
from bot.ports import StoreAway
from bot.store import schema
from bot.store.database import Database
from bot.store.lease import SqlLease

_EPISODE_COLUMNS = tuple(field.name for field in fields(Episode))
_TRIES = 5


class _LostRace(Exception):
    """Somebody else changed the account since it was loaded."""


class SqlWatches:
    """The state of accounts, in SQL."""

    def __init__(self, database: Database, lease: SqlLease) -> None:
        self._database = database
        self._lease = lease

    async def change(self, account: str, decide: Callable[[Watch], Step], *, leading: bool = True) -> Step:
        """Load, decide and write in one transaction; decides anew if another writer came first."""
        for _ in range(_TRIES):
            try:
                async with self._database.transaction() as connection:
                    if leading:
                        await self._lease.fence(connection)
                    version, watch = await _load(connection, account)
                    step = decide(watch)
                    if step.reading or step.touched or step.watch != watch:
                        await _write(connection, account, version, step)
                    return step
            except _LostRace:
                continue
        raise StoreAway("contended")

    async def watch(self, account: str) -> Watch:
        """Return what is known of the account."""
        async with self._database.transaction() as connection:
            _, watch = await _load(connection, account)
            return watch

    async def to_recall(self, now: datetime) -> tuple[str, ...]:
        """Return the accounts with an open episode whose next word is due."""
        episode = schema.episode
        async with self._database.transaction() as connection:
            rows = await connection.execute(
                select(episode.c.account)
                .where(episode.c.remind_at <= now, episode.c.ended_at.is_(None))
                .distinct()
            )
            return tuple(row.account for row in rows)

    async def episode(self, identity: str) -> Episode | None:
        """Return the episode with this id, open or ended."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(schema.episode).where(schema.episode.c.id == identity))
            row = rows.mappings().first()
            return episode_from(row) if row else None

    async def open(self) -> Mapping[str, Watch]:
        """Return every account with an open episode, configured or not."""
        episode = schema.episode
        async with self._database.transaction() as connection:
            rows = await connection.execute(
                select(episode.c.account).where(episode.c.ended_at.is_(None)).distinct()
            )
            return {row.account: await load_watch(connection, row.account) for row in rows.all()}

    async def greet(self, notice: Notice) -> bool:
        """Write the greeting of a channel down, once for ever; tell whether it was new."""
        once = f"{notice.kind}:{notice.channel}"
        try:
            async with self._database.transaction() as connection:
                known = await connection.scalar(
                    select(schema.notice.c.id).where(schema.notice.c.once == once)
                )
                if known is None:
                    await _insert(connection, schema.notice, **notice_row(notice), once=once)
                return known is None
        except _LostRace:
            return False


async def _load(connection: AsyncConnection, name: str) -> tuple[int, Watch]:
    account, reading, episode = schema.account, schema.reading, schema.episode
    row = (await connection.execute(select(account).where(account.c.name == name))).mappings().first()
    if row is None:
        return 0, Watch()
    last = (
        (
            await connection.execute(
                select(reading).where(reading.c.account == name).order_by(reading.c.began_at.desc()).limit(1)
            )
        )
        .mappings()
        .first()
    )
    open_episodes = [
        episode_from(found)
        for found in (
            await connection.execute(
                select(episode).where(episode.c.account == name, episode.c.ended_at.is_(None))
            )
        ).mappings()
    ]
    by_trouble = {found.trouble: found for found in open_episodes}
    return row["version"], Watch(
        failures=row["failures"],
        failing_since=row["failing_since"],
        reading=Reading(last["began_at"], Credits(last["amounts"], last["currency"])) if last else None,
        low=by_trouble.get(Trouble.LOW),
        unreadable=by_trouble.get(Trouble.UNREADABLE),
    )


async def load_watch(connection: AsyncConnection, account: str) -> Watch:
    """Return what is known of the account, within the caller's transaction."""
    return (await _load(connection, account))[1]


async def _write(connection: AsyncConnection, name: str, version: int, step: Step) -> None:
    await _swap(connection, name, version, step.watch)
    if step.reading:
        await connection.execute(
            insert(schema.reading).values(
                account=name,
                began_at=step.reading.began_at,
                amounts=step.reading.credits.amounts,
                currency=step.reading.credits.currency,
            )
        )
    for touched in step.touched:
        await _upsert(connection, touched)
        if touched.ending is not Ending.RECOVERED:
            await _forget(connection, touched, step.at)
    for identity, urgency in step.edits.items():
        await _ask_for_edit(connection, identity, urgency, step)
    if step.notices:
        await connection.execute(insert(schema.notice), [notice_row(notice) for notice in step.notices])


async def _swap(connection: AsyncConnection, name: str, version: int, watch: Watch) -> None:
    account = schema.account
    counted = {"failures": watch.failures, "failing_since": watch.failing_since}
    if version == 0:
        await _insert(connection, account, name=name, version=1, **counted)
        return
    result = await connection.execute(
        update(account)
        .where(account.c.name == name, account.c.version == version)
        .values(version=version + 1, **counted)
    )
    if result.rowcount != 1:
        raise _LostRace


async def _insert(connection: AsyncConnection, table: Table, **row: Any) -> None:
    try:
        await connection.execute(insert(table).values(**row))
    except IntegrityError:
        raise _LostRace from None


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
