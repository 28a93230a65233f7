"""When a poll was last completed, and the gaps that are owed to channels."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select, update

from bot.core.gap import Gap, Round
from bot.core.notice import Kind, Notice
from bot.store.database import Database
from bot.store.lease import NAME, SqlLease
from bot.store.rows import NEW_NOTICE, notice_row
from bot.store.schema import poll_round

_KNOWN = select(poll_round).where(poll_round.c.name == NAME)
_CHANGED = update(poll_round).where(poll_round.c.name == NAME)


class SqlRounds:
    """The one row that remembers the last completed poll, in SQL."""

    def __init__(self, database: Database, lease: SqlLease) -> None:
        self._database = database
        self._lease = lease

    async def note(
        self,
        decide: Callable[[Round], tuple[Round, Gap | None]],
        channels: Sequence[str],
        now: datetime,
    ) -> Gap | None:
        """Change what is remembered, and owe every channel the gap that this shows."""
        async with self._database.transaction() as connection:
            await self._lease.fence(connection)
            rows = await connection.execute(_KNOWN)
            row = rows.mappings().one()
            before = Round(row["polled_at"], row["gap_since"])
            after, gap = decide(before)
            if after != before:
                changed = {"polled_at": after.polled_at, "gap_since": after.gap_since}
                await connection.execute(_CHANGED, changed)
            if gap:
                owed = [notice_row(Notice(Kind.GAP, channel, now, gap=gap)) for channel in channels]
                await connection.execute(NEW_NOTICE, owed)
            return gap
