"""Readings, episodes and notices in SQL: SQLite for one process, PostgreSQL for several."""

from bot.store.database import Database
from bot.store.outbox import SqlOutbox
from bot.store.watches import SqlWatches

__all__ = ["Database", "SqlOutbox", "SqlWatches"]
