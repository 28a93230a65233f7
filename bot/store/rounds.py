"""When a poll was last completed, and the gaps that are owed to channels."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select

from bot.core.gap import Gap, Round
from bot.core.notice import Kind, Notice
from bot.store.database import Database
from bot.store.decoding import readable
from bot.store.lease import NAME, SqlLease
from bot.store.rows import NEW_NOTICE, notice_row, put
from bot.store.schema import poll_round

_KNOWN = select(poll_round).where(poll_round.c.name == NAME)


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
            found = readable(connection, rows.mappings(), poll_round)
            # What cannot be read is unknown, and written anew.
            before = Round(found[0]["polled_at"], found[0]["gap_since"]) if found else None
            after, gap = decide(before or Round())
            if after != before:
                row = {"name": NAME, "polled_at": after.polled_at, "gap_since": after.gap_since}
                await put(connection, poll_round, row)
            if gap:
                owed = [notice_row(Notice(Kind.GAP, channel, now, gap=gap)) for channel in channels]
                await connection.execute(NEW_NOTICE, owed)
            return gap
