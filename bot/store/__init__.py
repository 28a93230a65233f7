"""Readings, episodes and notices in SQL: SQLite for one process, PostgreSQL for several."""

from bot.store.budget import SqlBudget
from bot.store.checkup import Checkup, checkup, missing_file
from bot.store.database import Database
from bot.store.history import SqlHistory
from bot.store.lease import SqlLease, Terms
from bot.store.outbox import SqlOutbox
from bot.store.overview import SqlOverviews
from bot.store.rounds import SqlRounds
from bot.store.watches import SqlWatches

__all__ = [
    "Checkup",
    "Database",
    "SqlBudget",
    "SqlHistory",
    "SqlLease",
    "SqlOutbox",
    "SqlOverviews",
    "SqlRounds",
    "SqlWatches",
    "Terms",
    "checkup",
    "missing_file",
]
