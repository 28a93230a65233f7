"""What is past keeping is forgotten in small steps, each found by an index and soon over."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Delete, Select, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.retention import Retention, hour_of
from bot.store.database import Database
from bot.store.lease import NAME, SqlLease
from bot.store.rows import put
from bot.store.schema import BROKEN, episode, history, notice, reading, request

ROWS = 500
"""At most so many of a kind go in one transaction: whoever waits for it waits for some milliseconds."""

HOURS = 24
"""At most so many hours are thinned out in one transaction."""

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SqlHistory:
    """Old readings, episodes, notices and requests, in SQL."""

    def __init__(self, database: Database, lease: SqlLease) -> None:
        self._database = database
        self._lease = lease

    async def prune(self, keep: Retention) -> bool:
        """Forget some of what is past keeping in one short transaction; tell whether there may be more."""
        async with self._database.transaction() as connection:
            await self._lease.fence(connection)
            more = await _thin_out(connection, keep)
            for old in (_readings(keep), _notices(keep), _notices_of_no_episode(keep), _episodes(keep)):
                more |= (await connection.execute(old)).rowcount == ROWS
            if not more:
                await _forget_requests(connection, keep)
            return more


async def _thin_out(connection: AsyncConnection, keep: Retention) -> bool:
    """Leave the last reading of each hour, hour by hour from where the last step has stopped."""
    mine = history.c.name == NAME
    stopped = await connection.scalar(select(history.c.thinned_until).where(mine))
    until, more, left = _LONG_AGO if stopped in {None, BROKEN} else stopped, True, ROWS
    for _ in range(HOURS):
        first = await connection.scalar(
            select(func.min(reading.c.began_at)).where(
                reading.c.began_at >= until, reading.c.began_at < keep.full_since
            )
        )
        if first is None:
            until, more = keep.full_since, False
            break
        until = hour_of(first)
        left -= (await connection.execute(_but_the_last(until, until + timedelta(hours=1), left))).rowcount
        if left <= 0:
            break
        until += timedelta(hours=1)
    if until != stopped:
        await put(connection, history, {"name": NAME, "thinned_until": until})
    return more


def _but_the_last(since: datetime, until: datetime, most: int) -> Delete:
    later = reading.alias("later")
    superseded = exists().where(
        later.c.account == reading.c.account,
        later.c.began_at > reading.c.began_at,
        later.c.began_at < until,
    )
    found = select(reading.c.id).where(reading.c.began_at >= since, reading.c.began_at < until, superseded)
    return delete(reading).where(reading.c.id.in_(found.limit(most)))


def _readings(keep: Retention) -> Delete:
    old = select(reading.c.id).where(reading.c.began_at < keep.kept_since)
    return delete(reading).where(reading.c.id.in_(old.order_by(reading.c.began_at).limit(ROWS)))


def _notices(keep: Retention) -> Delete:
    of_them = select(notice.c.id).where(notice.c.episode.in_(_over(keep)))
    return delete(notice).where(notice.c.id.in_(of_them.limit(ROWS)))


def _notices_of_no_episode(keep: Retention) -> Delete:
    """Gaps that were told; that a channel was greeted is remembered for ever."""
    told = notice.c.sent_at < keep.kept_since
    gaps = select(notice.c.id).where(notice.c.episode == "", notice.c.once.is_(None), told)
    return delete(notice).where(notice.c.id.in_(gaps.limit(ROWS)))


def _episodes(keep: Retention) -> Delete:
    told = exists().where(notice.c.episode == episode.c.id)
    return delete(episode).where(episode.c.id.in_(_over(keep).where(~told).limit(ROWS)))


def _over(keep: Retention) -> Select[tuple[str]]:
    """Return the episodes that ended long ago and owe nobody a word."""
    owed = exists().where(notice.c.episode == episode.c.id, notice.c.sent_at.is_(None))
    return select(episode.c.id).where(episode.c.ended_at < keep.kept_since, ~owed)


async def _forget_requests(connection: AsyncConnection, keep: Retention) -> None:
    """Drop the keys that nobody has asked with for long; there are as many as accounts."""
    for row in (await connection.execute(select(request))).all():
        mine = request.c.key == row.key
        if row.asked_at is BROKEN:
            await connection.execute(delete(request).where(mine))
        elif max(row.asked_at, default=_LONG_AGO) < keep.full_since:
            await connection.execute(delete(request).where(mine, request.c.asked_at == row.asked_at))
