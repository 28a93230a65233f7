"""A past for a database: readings, and alerts that were told, over any time and any number of accounts."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import insert, text, update

from bot.core.model import Level
from bot.core.notice import Kind
from bot.core.watch import Trouble
from bot.store import Database, schema

AMOUNTS = '{"creditSms":"9000","balance":"342"}'
_READINGS = {
    "postgresql": """
        INSERT INTO smscredits_reading (account, began_at, amounts, currency)
        SELECT 'account-' || n, to_timestamp(s), :amounts, 'EUR'
        FROM generate_series(0, CAST(:accounts AS integer) - 1) AS n,
             generate_series(CAST(:since AS bigint), CAST(:until AS bigint) - 1, CAST(:step AS bigint)) AS s
        ORDER BY s
    """,
    "sqlite": """
        INSERT INTO smscredits_reading (account, began_at, amounts, currency)
        WITH RECURSIVE
            of_account(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM of_account WHERE n + 1 < :accounts),
            at(s) AS (SELECT :since UNION ALL SELECT s + :step FROM at WHERE s + :step < :until)
        SELECT 'account-' || n, strftime('%Y-%m-%d %H:%M:%S.000000', s, 'unixepoch'), :amounts, 'EUR'
        FROM at, of_account
    """,
}


async def add_readings(
    database: Database, accounts: int, since: datetime, until: datetime, every: timedelta
) -> None:
    """Add a reading of each account ("account-0" …) every so often, from `since` until before `until`."""
    async with database.transaction(300) as connection:
        await connection.execute(
            text(_READINGS[connection.dialect.name]),
            {
                "amounts": AMOUNTS,
                "accounts": accounts,
                "since": int(since.timestamp()),
                "until": int(until.timestamp()),
                "step": int(every.total_seconds()),
            },
        )


async def thinned(database: Database, until: datetime) -> None:
    """Let the readings count as thinned out until then, as hour after hour makes them."""
    async with database.transaction() as connection:
        await connection.execute(update(schema.history).values(thinned_until=until))


async def add_alerts(
    database: Database, *opened_at: datetime, ended: bool = True, notices: int = 2, told: bool = True
) -> None:
    """Add episodes ("e0" …) that opened then, ended at once or not, with notices that were told or not."""
    episodes = [
        {
            "id": f"e{number}", "account": "account-0", "trouble": Trouble.LOW, "channel": "C1",
            "level": Level.WARNING, "opened_at": at, "ended_at": at if ended else None, "firing": (),
            "topped_up": Decimal(0), "thresholds_changed": (), "root": "1.1",
        }
        for number, at in enumerate(opened_at)
    ]  # fmt: skip
    words = [
        {
            "kind": Kind.OPENED, "channel": "C1", "at": at, "episode": f"e{number}", "level": Level.WARNING,
            "attempts": 0, "sent_at": at if told else None, "message": "1.1" if told else None,
        }
        for number, at in enumerate(opened_at)
        for _ in range(notices)
    ]  # fmt: skip
    async with database.transaction() as connection:
        await connection.execute(insert(schema.episode), episodes)
        if words:
            await connection.execute(insert(schema.notice), words)


async def analyze(database: Database) -> None:
    """Let the database know how its tables have grown, as it learns by itself in time."""
    async with database.transaction(300) as connection:
        await connection.execute(text("ANALYZE"))
