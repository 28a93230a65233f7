"""What a poll costs the database: one transaction, and as many statements after a year as on day one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from sqlalchemy import event

from bot.core.alert import step
from bot.core.model import Account, Field, Level, Policy, Rule
from bot.core.notice import Step
from bot.core.reading import Credits, Reading
from bot.store import Database, SqlLease, SqlWatches
from tests.store.past import add_readings

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = Account(
    "account-0", "C0ALERTS", (Rule(Field.CREDIT_SMS, Level.WARNING, Decimal(100), "CREDIT_SMS_WARNING"),)
)


class Count:
    """Counts statements and commits on a database."""

    def __init__(self, database: Database) -> None:
        self.statements = self.commits = 0
        event.listen(database.engine.sync_engine, "before_cursor_execute", self._statement)
        event.listen(database.engine.sync_engine, "commit", self._commit)

    def _statement(self, *_: object) -> None:
        self.statements += 1

    def _commit(self, *_: object) -> None:
        self.commits += 1


async def poll(watches: SqlWatches, minute: int, sms: int) -> Step:
    now = START + timedelta(minutes=minute)
    reading = Reading(now, Credits({Field.CREDIT_SMS: Decimal(sms), Field.BALANCE: Decimal(sms)}))

    decide = partial(step, account=ACCOUNT, outcome=reading, began_at=now, now=now, policy=Policy())
    return await watches.change(ACCOUNT.name, decide)


async def test_a_poll_is_one_transaction_whose_cost_does_not_grow_with_the_history(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}")
    try:
        await database.migrate()
        lease = SqlLease(database, "one")
        assert await lease.hold()
        watches = SqlWatches(database, lease)
        await poll(watches, 0, 500)
        count = Count(database)
        await poll(watches, 1, 500)
        on_day_one = count.statements
        assert count.commits == 1
        await add_readings(database, 1, START - timedelta(days=365), START, timedelta(minutes=5))
        for minute in range(2, 22):
            await poll(watches, minute, 50 if minute % 20 == 0 else 500)
        count.statements = count.commits = 0
        done = await poll(watches, 23, 500)
        assert (count.statements, count.commits) == (on_day_one, 1)
        assert (done.notices, done.touched) == ((), ())
    finally:
        await database.close()
