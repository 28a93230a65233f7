"""The words owed to channels: written with the transition, sent later, then marked sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.group import LISTED
from bot.core.model import Level
from bot.core.notice import (
    EDIT_DELAY,
    LONGEST_WAIT,
    RATE_LIMITED,
    Due,
    Edit,
    Kind,
    Notice,
    Owed,
    Telling,
    Undelivered,
)
from bot.core.posted import Claim
from bot.core.reading import Reading
from bot.core.watch import Episode, Watch
from bot.store.database import Database
from bot.store.decoding import BrokenRow, decoded, readable, say
from bot.store.lease import SqlLease
from bot.store.rows import episode_from, load, load_watch, notice_row
from bot.store.schema import BROKEN, account, episode, notice

# As a plain number: a level that cannot be read must not keep the others from being told.
_LEVEL = type_coerce(episode.c.level, Integer)
_LEVEL_NOW = case((episode.c.ended_at.is_(None), func.coalesce(_LEVEL, 0)), else_=0).label("level")
_URGENCY = case((notice.c.kind == Kind.HELLO, int(Level.EMPTY)), else_=_LEVEL_NOW).label("level")
"""A channel is greeted, once for ever, before it is told anything else."""

_UNDELIVERED = select(notice).where(notice.c.sent_at.is_(None), notice.c.attempts > 0).order_by(notice.c.id)

_TRIED_AT = select(notice.c.tried_at).where(notice.c.id == bindparam("notice"))


class SqlOutbox:
    """Notices and edits that wait, in SQL."""

    def __init__(self, database: Database, lease: SqlLease) -> None:
        self._database = database
        self._lease = lease

    async def due(self, now: datetime) -> tuple[Owed, ...]:
        """Return who is owed a word now: each episode or greeting once, the worst first, then the oldest.

        How bad it is tells the state that would be told now, not the one when it was written down.
        """
        async with self._database.transaction() as connection:
            ready = await connection.execute(
                select(notice.c.episode, notice.c.id, notice.c.channel, notice.c.at, _URGENCY)
                .outerjoin(episode, episode.c.id == notice.c.episode)
                .where(
                    notice.c.sent_at.is_(None),
                    or_(notice.c.retry_at.is_(None), _has_come(notice.c.retry_at, now)),
                )
                .order_by(_URGENCY.desc(), notice.c.id)
            )
            first: dict[tuple[str, int], Owed] = {}
            for row in ready:
                number = 0 if row.episode else row.id
                level = _level(row.level)
                owed = Owed(row.episode, number, row.channel, level, now if row.at is BROKEN else row.at)
                first.setdefault((row.episode, number), owed)
            return tuple(first.values())

    async def held(self, now: datetime) -> Mapping[str, datetime]:
        """Return the channels that Slack wants no posts in for now, and until when."""
        async with self._database.transaction() as connection:
            waits = await connection.execute(
                select(notice.c.channel, func.max(notice.c.retry_at).label("until"))
                .where(
                    notice.c.sent_at.is_(None),
                    notice.c.error == RATE_LIMITED,
                    notice.c.retry_at > now,
                    notice.c.retry_at <= now + LONGEST_WAIT,
                )
                .group_by(notice.c.channel)
            )
            return {row.channel: row.until for row in waits if row.until is not BROKEN}

    async def claim(self, owed: Owed, now: datetime) -> Due | None:
        """Note that it is about to be told, and return what to tell, as of this transaction.

        Whoever finds the note later, and no mark of the sending, cannot know whether Slack has it.
        """
        async with self._database.transaction() as connection:
            await self._lease.fence(connection)
            due = await _due(connection, owed)
            if due is None:
                return None
            mine = update(notice).where(notice.c.id.in_(due.notices))
            if _no_longer_wanted(due):
                await connection.execute(mine.values(sent_at=now, message=""))
                return None
            await connection.execute(mine.values(tried_at=now))
            return due

    async def remembers(self, claim: Claim) -> bool:
        """Whether this note of a post is still there: ids may be given anew, times are not."""
        async with self._database.transaction() as connection:
            found = await connection.scalar(_TRIED_AT, {"notice": claim.notice})
            return bool(found == claim.at)

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

    async def failed(self, due: Due, error: str, retry_at: datetime, *, unknown: bool) -> None:
        """Keep what `due` owes until `retry_at`; a refusal that is certain takes the note of the try back."""
        certain = {} if unknown or due.repeat else {"tried_at": None}
        async with self._database.transaction() as connection:
            await connection.execute(
                update(notice)
                .where(notice.c.id.in_(due.notices), notice.c.sent_at.is_(None))
                .values(attempts=notice.c.attempts + 1, retry_at=retry_at, error=error[:100], **certain)
            )

    async def released(self, due: Due) -> None:
        """Take back that `due` was about to be told: it was refused, and is tried again at once."""
        if due.repeat:
            return
        async with self._database.transaction() as connection:
            await connection.execute(update(notice).where(notice.c.id.in_(due.notices)).values(tried_at=None))

    async def forget_others(self, channels: Sequence[str], now: datetime) -> None:
        """Drop greetings and gaps owed to channels that are no longer told anything."""
        async with self._database.transaction() as connection:
            await self._lease.fence(connection)
            await connection.execute(
                update(notice)
                .where(notice.c.sent_at.is_(None), notice.c.episode == "", notice.c.channel.not_in(channels))
                .values(sent_at=now, message="")
            )

    async def uproot(self, due: Due) -> None:
        """Forget the episode's message, which is gone from the channel; what is owed stays owed."""
        certain = {} if due.repeat else {"tried_at": None}
        async with self._database.transaction() as connection:
            if due.episode:
                await connection.execute(
                    update(episode)
                    .where(episode.c.id == due.episode.id, episode.c.root == due.root)
                    .values(root="")
                )
            await connection.execute(
                update(notice).where(notice.c.id.in_(due.notices)).values(retry_at=None, **certain)
            )

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """Return what Slack has refused so far, oldest first, one entry for each channel."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(_UNDELIVERED)
            first: dict[str, Undelivered] = {}
            for row in readable(connection, rows.mappings(), notice):
                first.setdefault(row["channel"], Undelivered(row["channel"], row["at"], row["error"] or ""))
            return tuple(first.values())

    async def telling(self, episodes: Sequence[str]) -> Mapping[str, Telling]:
        """Return how far the channel knows of each of these episodes."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(
                select(notice).where(notice.c.episode.in_(episodes)).order_by(notice.c.id)
            )
            found = readable(connection, rows.mappings(), notice)
        return {
            identity: _telling([row for row in found if row["episode"] == identity]) for identity in episodes
        }

    async def edits(self, now: datetime) -> tuple[Owed, ...]:
        """Return the episodes whose living message is to be brought up to date now, the worst first."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(
                select(episode.c.id, episode.c.channel, episode.c.edit_at, _LEVEL_NOW)
                .where(_has_come(episode.c.edit_at, now), episode.c.root != "")
                .order_by(_LEVEL_NOW.desc(), episode.c.edit_at)
            )
            return tuple(
                Owed(row.id, 0, row.channel, _level(row.level), now if row.edit_at is BROKEN else row.edit_at)
                for row in rows
            )

    async def claim_edit(self, identity: str, now: datetime) -> Edit | None:
        """Return what the episode's living message is to show, as of this transaction, or nothing."""
        async with self._database.transaction() as connection:
            await self._lease.fence(connection)
            found = await connection.execute(
                select(episode).where(
                    episode.c.id == identity, _has_come(episode.c.edit_at, now), episode.c.root != ""
                )
            )
            row = found.mappings().first()
            if row is None:
                return None
            try:
                shown = episode_from(row)
                decoded(row, episode, "root", "edit_at")
            except BrokenRow as broken:
                say(connection, broken)
                return None
            watch = await load_watch(connection, shown.account)
            return Edit(shown, watch, row["root"], row["edit_at"], await _readings(connection, shown))

    async def postponed(self, edit: Edit, until: datetime) -> None:
        """Leave a living message as it is until then."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(episode)
                .where(episode.c.id == edit.episode.id, episode.c.edit_at == edit.asked_at)
                .values(edit_at=until)
            )

    async def edited(self, edit: Edit, now: datetime, *, gone: bool = False) -> None:
        """Mark a living message as up to date; one that is gone is posted anew while its episode is open."""
        async with self._database.transaction() as connection:
            same = update(episode).where(episode.c.id == edit.episode.id, episode.c.root == edit.root)
            if not gone:
                shown, known = (
                    edit.watch.reading,
                    (await load_watch(connection, edit.episode.account)).reading,
                )
                moved = shown and known and shown.credits != known.credits and not edit.episode.ended_at
                again_at = now + EDIT_DELAY if moved else None
                shown_last = await connection.execute(
                    same.where(episode.c.edit_at == edit.asked_at).values(edit_at=again_at)
                )
                if not shown_last.rowcount:
                    # Another process edited it meanwhile, and this one, frozen perhaps, wrote over that.
                    await connection.execute(same.where(episode.c.edit_at.is_(None)).values(edit_at=now))
                return
            if await _replaced_before(connection, edit.episode.id):
                # Replaced once, and that one cannot be edited either: what must be told goes to its thread.
                await connection.execute(same.values(edit_at=None))
                return
            replaced = await connection.execute(same.values(edit_at=None, root=""))
            if replaced.rowcount and not edit.episode.ended_at:
                again = Notice(Kind.OPENED, edit.episode.channel, now, edit.episode.id)
                await connection.execute(insert(notice).values(**notice_row(again)))


async def _replaced_before(connection: AsyncConnection, identity: str) -> bool:
    openings = select(func.count()).where(notice.c.episode == identity, notice.c.kind == Kind.OPENED)
    return (await connection.scalar(openings) or 0) > 1


def _telling(rows: Sequence[Mapping[str, Any]]) -> Telling:
    told_at = max((row["sent_at"] for row in rows if row["message"]), default=None)
    first = next((row for row in rows if row["sent_at"] is None), None)
    if first is None:
        return Telling(told_at)
    return Telling(told_at, first["at"], first["error"] or "", first["retry_at"])


def _level(stored: Any) -> Level:
    """Return a level that says how urgent it is; where it cannot be read, nothing is."""
    return Level(stored) if stored in set(Level) else Level.OK


def _has_come(time: Column[datetime], now: datetime) -> ColumnElement[bool]:
    """Tell whether it is time, or the time was set by a clock that has been set back since."""
    return and_(time.is_not(None), or_(time <= now, time > now + LONGEST_WAIT))


def _no_longer_wanted(due: Due) -> bool:
    """Whether a reminder was muted before it could be told; the mute's end brings another."""
    return due.kind is Kind.REMINDER and due.episode is not None and due.episode.mute is not None


async def _due(connection: AsyncConnection, owed: Owed) -> Due | None:
    waiting = select(notice).where(notice.c.sent_at.is_(None)).order_by(notice.c.id).with_for_update()
    mine = notice.c.episode == owed.episode if owed.episode else notice.c.id == owed.notice
    rows = readable(connection, (await connection.execute(waiting.where(mine))).mappings(), notice)
    if not rows:
        return None
    found = await connection.execute(select(episode).where(episode.c.id == owed.episode))
    row = found.mappings().first()
    try:
        owed_by = episode_from(row) if row else None
        root = decoded(row, episode, "root")["root"] if row else ""
    except BrokenRow as broken:
        say(connection, broken)
        return None
    risen = [found for found in rows if found["kind"] in {Kind.OPENED, Kind.WORSE}]
    worst = max((found["level"] for found in risen), default=Level.OK)
    return Due(
        kind=_kind(rows, owed_by, root),
        channel=rows[0]["channel"],
        since=next((found["at"] for found in risen if found["level"] == worst), rows[0]["at"]),
        notices=tuple(found["id"] for found in rows),
        episode=owed_by,
        watch=await load_watch(connection, owed_by.account) if owed_by else Watch(),
        root=root,
        attempts=rows[0]["attempts"],
        worst=worst,
        repeat=any(found["tried_at"] for found in rows),
        gap=rows[0]["gap"],
        rose=any(found["kind"] == Kind.WORSE and found["level"] >= Level.CRITICAL for found in rows),
        told_before=bool(owed.episode) and await _told_before(connection, owed.episode),
        readings=await _readings(connection, owed_by, Kind(rows[0]["kind"])),
    )


async def _readings(
    connection: AsyncConnection, shared: Episode | None, kind: Kind = Kind.OPENED
) -> Mapping[str, Reading]:
    """Return the last good readings of the accounts that a message names; a greeting says all their units."""
    names: Sequence[str] = [member.account for member in shared.members[:LISTED]] if shared else ()
    if kind is Kind.HELLO:
        names = (await connection.execute(select(account.c.name))).scalars().all()
    known = await load(connection, names) if names else {}
    return {name: one.watch.reading for name, one in known.items() if one.watch.reading}


async def _told_before(connection: AsyncConnection, identity: str) -> bool:
    told = select(notice.c.id).where(notice.c.episode == identity, notice.c.message != "").limit(1)
    return await connection.scalar(told) is not None


def _kind(rows: Sequence[Mapping[str, Any]], owed_by: Episode | None, root: str) -> Kind:
    kinds = {row["kind"] for row in rows}
    if owed_by is None:
        first: Kind = rows[0]["kind"]
        return first
    if owed_by.ended_at:
        return Kind.ENDED
    if not root:
        return Kind.OPENED
    return Kind.REMINDER if kinds == {Kind.REMINDER} else Kind.WORSE
