"""The store as one process sees it, which is the one that watches."""

from bot.store import Database, SqlLease, SqlOutbox, SqlWatches

HERE = "this-process"


def lease_of(database: Database) -> SqlLease:
    """Return this process's claim to watch."""
    return SqlLease(database, HERE)


def watches_of(database: Database) -> SqlWatches:
    """Return what is remembered of accounts."""
    return SqlWatches(database, lease_of(database))


def outbox_of(database: Database) -> SqlOutbox:
    """Return the words owed to channels."""
    return SqlOutbox(database, lease_of(database))
