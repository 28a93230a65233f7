"""What the bot relies on in a session, set by itself: the defaults belong to the database's owner.

All of it stands in the statement that begins a transaction, in one round trip: behind a transaction pooler
nothing else of a session lasts. The `search_path` is left as it is: it says where the tables are.
"""

from functools import cache

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

CLIENT_ENCODING = "UTF8"

_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "standard_conforming_strings": "on",
    "lock_timeout": "0",
    # A process that is frozen within a transaction must not hold the lease's row for ever.
    "idle_in_transaction_session_timeout": "5s",
}
_SINCE_17 = {"transaction_timeout": "0"}

_DURABLE = """
set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'local'), true)"""
"""What Slack was told must not be forgotten by a server that crashes; stricter wishes of the owner's stay."""

_WRITABLE = "1 / (current_setting('transaction_read_only') = 'off')::int"
"""Divides by zero (22012) where nothing can be written: on a primary of old, for one, after a switch-over.

Who had asked to write in spite of `default_transaction_read_only` would write to what was shut on purpose.
"""


async def begin(connection: AsyncConnection, within: float) -> None:
    """Begin a transaction that can write, in so many seconds, in one round trip.

    A connection that died in the pool, or can only be read, is replaced once, and with it all others of the
    pool: nothing was asked of it yet.
    """
    statement = _begin(within, (connection.dialect.server_version_info or (0,)) >= (17,))
    try:
        await connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        await connection.rollback()
        await connection.exec_driver_sql(statement)


@cache
def _begin(within: float, since_17: bool) -> str:
    settings = _SETTINGS | (_SINCE_17 if since_17 else {}) | {"statement_timeout": f"{int(within)}s"}
    sets = [f"set_config('{name}', '{value}', true)" for name, value in settings.items()]
    return f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT {', '.join([*sets, _DURABLE, _WRITABLE])}"
