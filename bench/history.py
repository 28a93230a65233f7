"""What each query on readings costs with a year of history and with a month: `python -m bench.history`.

Ten accounts were read every 5 minutes. A year is measured as it is kept (the last 35 days in full, hourly
before) and with nothing pruned. Each figure is the median of many runs, in milliseconds; a step of pruning
thins out an hour.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import click
from sqlalchemy import func, select

from bench.sweep import RULES
from bot.core.alert import step
from bot.core.model import Account, Policy
from bot.core.reading import Reading
from bot.core.retention import FULL, retention
from bot.ports import Decide
from bot.store import Database, SqlHistory, SqlLease, SqlWatches, schema
from tests.samples import credit
from tests.store.past import add_readings, analyze, thinned
from tests.store.server import database_of, postgresql_server

NOW = datetime(2026, 7, 22, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACCOUNTS = tuple(Account(f"account-{number}", "C0BENCH00", RULES) for number in range(10))
TIMES = 40
PASTS = {
    "1 month": (FULL + DAY, False),
    "1 year, as kept": (365 * DAY, True),
    "1 year, all": (365 * DAY, False),
}
COLUMNS = ("poll", "status", "prune")


@dataclass(frozen=True)
class Measured:
    """How many readings there were, and what each query took, in milliseconds."""

    rows: int
    took: dict[str, float]


async def measure(url: str, past: timedelta, *, pruned: bool) -> Measured:
    """Fill a database with the past, then measure."""
    database = Database(url)
    await database.migrate()
    full_since = NOW - FULL - DAY if pruned else NOW - past
    five = timedelta(minutes=5)
    if pruned:
        await add_readings(database, len(ACCOUNTS), NOW - past, full_since, HOUR)
    await add_readings(database, len(ACCOUNTS), full_since, NOW, five)
    await thinned(database, NOW - FULL - DAY)
    await analyze(database)
    lease = SqlLease(database, "bench")
    await lease.hold()
    watches, history = SqlWatches(database, lease), SqlHistory(database, lease)
    names = [account.name for account in ACCOUNTS]
    async with database.transaction() as connection:
        rows = await connection.scalar(select(func.count()).select_from(schema.reading)) or 0
    took = {
        "poll": await _median(lambda run: watches.change_many(_decisions(NOW + run * five))),
        "status": await _median(lambda _: watches.known(names)),
        "prune": await _median(
            lambda run: history.prune(retention(NOW - DAY + (run + 1) * HOUR)), DAY // HOUR
        ),
    }
    await database.close()
    return Measured(rows, took)


def _decisions(now: datetime) -> dict[str, Decide]:
    sms = int(now.timestamp()) % 1000 + 8000
    reading = Reading(now, credit(sms))
    return {
        one.name: partial(step, account=one, outcome=reading, began_at=now, policy=Policy())
        for one in ACCOUNTS
    }


async def _median(work: Callable[[int], Awaitable[object]], times: int = TIMES) -> float:
    taken = []
    for run in range(times):
        began = time.perf_counter()
        await work(run)
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken[2:])


@click.command()
def main() -> None:
    """Measure on SQLite and on PostgreSQL, and print a table each."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgresql_server())
        for kind in ("SQLite", "PostgreSQL"):
            click.echo(f"{kind:16}{'readings':>10}" + "".join(f"{name + ' ms':>11}" for name in COLUMNS))
            found: dict[str, Measured] = {}
            for number, (name, (past, pruned)) in enumerate(PASTS.items()):
                file = f"sqlite+aiosqlite:///{folder / str(number)}.db"
                url = file if kind == "SQLite" else stack.enter_context(database_of(server))
                one = found[name] = asyncio.run(measure(url, past, pruned=pruned))
                click.echo(
                    f"{name:16}{one.rows:10,}" + "".join(f"{one.took[each]:11.2f}" for each in COLUMNS)
                )
            month, *years = found.values()
            for name, year in zip(list(found)[1:], years, strict=True):
                ratios = "".join(f"{year.took[each] / month.took[each]:11.2f}" for each in COLUMNS)
                click.echo(f"ratio of {name.removeprefix('1 '):17}{ratios}")


if __name__ == "__main__":
    main()
