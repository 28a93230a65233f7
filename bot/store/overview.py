"""What is known of everything at once, in two statements however many the accounts are."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, case, func, or_, select

from bot.core.health import Overview
from bot.store.database import Database
from bot.store.rows import load
from bot.store.schema import BROKEN, notice

NOBODY_TELLS = timedelta(minutes=1)
"""A channel takes a message a second: one to which nothing was posted for so long takes none."""

_TAKING = select(notice.c.channel).where(
    notice.c.sent_at > bindparam("untried_since"), notice.c.message != ""
)
_STUCK = or_(
    notice.c.attempts > 0,
    and_(notice.c.at < bindparam("untried_since"), notice.c.channel.not_in(_TAKING)),
)
_WAITING = select(func.min(notice.c.at), func.sum(case((_STUCK, 1), else_=0))).where(
    notice.c.sent_at.is_(None)
)


class SqlOverviews:
    """The present state of all accounts and of the outbox, in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def overview(self, accounts: Sequence[str], now: datetime) -> Overview:
        """Return what is known of these accounts, and what waits to be told."""
        async with self._database.transaction() as connection:
            known = await load(connection, accounts)
            since, undelivered = (
                await connection.execute(_WAITING, {"untried_since": now - NOBODY_TELLS})
            ).one()
            watches = {name: one.watch for name, one in known.items()}
            return Overview(watches, int(undelivered or 0), None if since is BROKEN else since)
