"""The words owed to channels: written with the transition, sent later, then marked sent."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import Due, Edit, Episode, Kind, Notice
from bot.store.database import Database
from bot.store.schema import episode, notice
from bot.store.watches import episode_from, load_watch, notice_row

_AT_A_TIME = 100


class SqlOutbox:
    """Notices and edits that wait, in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime) -> tuple[Due, ...]:
        """Return what is to be posted now: all that an episode owes goes into one post."""
        async with self._database.transaction() as connection:
            ready = await connection.execute(
                select(notice.c.episode, notice.c.id)
                .where(notice.c.sent_at.is_(None), or_(notice.c.retry_at.is_(None), notice.c.retry_at <= now))
                .order_by(notice.c.id)
                .limit(_AT_A_TIME)
            )
            owing = dict.fromkeys((row.episode, "" if row.episode else row.id) for row in ready)
            return tuple([await _due(connection, identity, number) for identity, number in owing])

    async def sent(self, due: Due, message: str, now: datetime) -> None:
        """Mark what `due` owed as told by the message with this `ts`."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(notice).where(notice.c.id.in_(due.notices)).values(sent_at=now, message=message)
            )
            if due.episode and not due.root:
                # An end told late is told whole; an edit would only take the "late" out of it.
                told = {"root": message, "edit_at": None} if due.episode.ended_at else {"root": message}
                await connection.execute(update(episode).where(episode.c.id == due.episode.id).values(**told))

    async def failed(self, due: Due, error: str, retry_at: datetime) -> None:
        """Keep what `due` owes until `retry_at`."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(notice)
                .where(notice.c.id.in_(due.notices))
                .values(attempts=notice.c.attempts + 1, retry_at=retry_at, error=error[:100])
            )

    async def edits(self, now: datetime) -> tuple[Edit, ...]:
        """Return the living messages to bring up to date now."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(
                select(episode)
                .where(episode.c.edit_at <= now, episode.c.root != "")
                .order_by(episode.c.edit_at)
                .limit(_AT_A_TIME)
            )
            return tuple(
                [
                    Edit(
                        episode_from(row),
                        await load_watch(connection, row["account"]),
                        row["root"],
                        row["edit_at"],
                    )
                    for row in rows.mappings().all()
                ]
            )

    async def edited(self, edit: Edit, now: datetime, *, gone: bool = False) -> None:
        """Mark a living message as up to date; one that is gone is posted anew while its episode is open."""
        async with self._database.transaction() as connection:
            same = update(episode).where(episode.c.id == edit.episode.id, episode.c.root == edit.root)
            if not gone:
                await connection.execute(same.where(episode.c.edit_at == edit.asked_at).values(edit_at=None))
                return
            replaced = await connection.execute(same.values(edit_at=None, root=""))
            if replaced.rowcount and not edit.episode.ended_at:
                again = Notice(Kind.OPENED, edit.episode.channel, now, edit.episode.id, edit.episode.level)
                await connection.execute(insert(notice).values(**notice_row(again)))


async def _due(connection: AsyncConnection, identity: str, number: int | str) -> Due:
    waiting = select(notice).where(notice.c.sent_at.is_(None)).order_by(notice.c.id)
    one = waiting.where(notice.c.episode == identity) if identity else waiting.where(notice.c.id == number)
    rows = (await connection.execute(one)).mappings().all()
    found = await connection.execute(select(episode).where(episode.c.id == identity))
    row = found.mappings().first()
    owed_by = episode_from(row) if row else None
    root = row["root"] if row else ""
    return Due(
        kind=_kind(rows, owed_by, root),
        channel=rows[0]["channel"],
        since=rows[0]["at"],
        notices=tuple(found["id"] for found in rows),
        episode=owed_by,
        watch=await load_watch(connection, owed_by.account) if owed_by else Due.watch,
        root=root,
        attempts=rows[0]["attempts"],
    )


def _kind(rows: Sequence[RowMapping], owed_by: Episode | None, root: str) -> Kind:
    if owed_by is None:
        return Kind(rows[0]["kind"])
    if owed_by.ended_at:
        return Kind.ENDED
    return Kind.WORSE if root else Kind.OPENED
