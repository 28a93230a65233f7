"""Requests counted by key, so that all processes together keep to what the provider allows."""

from sqlalchemy import bindparam, select, update

from bot.core.asking import Requests
from bot.store.database import Database
from bot.store.lease import database_clock
from bot.store.rows import LostRace, insert_new
from bot.store.schema import BROKEN, request

_MINE = request.c.key == bindparam("mine")
_FOUND = select(request.c.asked_at, request.c.for_commands).where(_MINE).with_for_update()
_CHANGED = (
    update(request)
    .where(_MINE)
    .values(asked_at=bindparam("made_at"), for_commands=bindparam("made_for_commands"))
)


class SqlBudget:
    """Requests of the last minute, on the database's clock, in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spend(self, key_digest: str, *, polled: bool) -> bool:
        """Count one request, for a poll or a command, if it has one left."""
        while True:
            try:
                return await self._spend(key_digest, polled=polled)
            except LostRace:
                continue

    async def _spend(self, key_digest: str, *, polled: bool) -> bool:
        async with self._database.transaction() as connection:
            row = (await connection.execute(_FOUND, {"mine": key_digest})).first()
            now = await database_clock(connection)
            # What cannot be read is written anew.
            readable = row is not None and BROKEN not in {row.asked_at, row.for_commands}
            stored = Requests(row.asked_at, row.for_commands) if row and readable else Requests()
            lately = stored.lately(now)
            spent = lately.one_more(now, polled=polled)
            counted = spent or lately
            if row is None:
                made = {"asked_at": counted.made_at, "for_commands": counted.for_commands}
                await insert_new(connection, request, {"key": key_digest, **made})
            elif counted != stored or not readable:
                made = {"made_at": counted.made_at, "made_for_commands": counted.for_commands}
                await connection.execute(_CHANGED, {"mine": key_digest, **made})
            return spent is not None
