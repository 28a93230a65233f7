"""Requests counted by key, so that all processes together keep to what the provider allows."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from bot.store.database import Database
from bot.store.lease import database_clock
from bot.store.rows import LostRace, insert_new
from bot.store.schema import BROKEN, request

REQUESTS = 4
"""Of Voice Partner's 5 a minute (docpartner.dev): one is left for the command line."""

WINDOW = timedelta(seconds=70)
"""A minute, and the 10 s that a request may take to arrive: the provider counts arrivals."""


class SqlBudget:
    """Requests of the last minute, on the database's clock, in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spend(self, key_digest: str) -> bool:
        """Count one request, if there is one left."""
        while True:
            try:
                return await self._spend(key_digest)
            except LostRace:
                continue

    async def _spend(self, key_digest: str) -> bool:
        mine = request.c.key == key_digest
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(request.c.asked_at).where(mine).with_for_update())
            row = rows.first()
            now = await database_clock(connection)
            if row is None:
                await insert_new(connection, request, {"key": key_digest, "asked_at": (now,)})
                return True
            # What cannot be read is written anew.
            lately = _lately(() if row.asked_at is BROKEN else row.asked_at, now)
            granted = len(lately) < REQUESTS
            counted = (*lately, now) if granted else lately
            if counted != row.asked_at:
                await connection.execute(update(request).where(mine).values(asked_at=counted))
            return granted


def _lately(asked_at: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    """Return what still counts, none of it later than now.

    After a clock was set back nothing is granted anew at once, nor held back for longer than the window.
    """
    return tuple(min(at, now) for at in asked_at if now - at < WINDOW)
