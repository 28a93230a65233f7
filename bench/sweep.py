"""How many accounts a second a poll reads, judges and stores, beside a bare client: `python -m bench.sweep`.

Both ask the same simulated provider, a process of its own, in turn, with the same bound on requests
under way. The bot stores and judges on a PostgreSQL server; the bare client parses each answer and drops it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median

import aiohttp
import click

from bench.provider import API_KEY, provider
from bot.clock import SystemClock
from bot.core.form import Embellishment
from bot.core.model import Account, Field, Level, Policy, Rule
from bot.core.notice import Due, Edit
from bot.partner import Partner
from bot.ports import StoreAway
from bot.service import Service
from bot.service.reader import ACCOUNTS_PER_HOST
from bot.store import Database, SqlHistory, SqlLease, SqlOutbox, SqlRounds, SqlWatches
from tests.store.server import database_of, postgresql_server

RULES = tuple(
    Rule(field, level, Decimal(threshold), "bench")
    for field, level, threshold in (
        (Field.CREDIT_SMS, Level.WARNING, 5000),
        (Field.CREDIT_SMS, Level.CRITICAL, 1000),
        (Field.BALANCE, Level.WARNING, 200),
    )
)
LEAST_SECONDS = 2.0
"""Each measurement repeats until it has run so long, and three times at least."""

LEAST_TIMES = 3


class Silence:
    """A messenger that nobody hears: there is nothing to tell while all is well."""

    async def post(self, due: Due, bare: frozenset[Embellishment]) -> str:
        """Take it."""
        return "1.1"

    async def edit(self, edit: Edit, bare: frozenset[Embellishment]) -> None:
        """Take it."""

    async def say(self, channel: str, away: StoreAway | None, bare: frozenset[Embellishment]) -> None:
        """Take it."""


@dataclass(frozen=True)
class Measured:
    """What one number of accounts came to, in seconds for all of them."""

    accounts: int
    first: float
    bare: float
    bot: float

    def line(self) -> str:
        """Return the line of the table."""
        return (
            f"{self.accounts:8,} {self.accounts / self.bare:8,.0f} {self.accounts / self.bot:8,.0f}"
            f" {self.bare / self.bot:8.2f} {1000 * self.bot / self.accounts:8.2f}"
            f" {self.accounts / self.first:12,.0f}"
        )


HEADING = "accounts   bare/s    bot/s    ratio  ms each  first poll/s"


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open a client as the bot does."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


@asynccontextmanager
async def watching(url: str, api_url: str, count: int) -> AsyncIterator[Service]:
    """Run a bot with so many accounts, as `bot.app` wires it."""
    accounts = tuple(
        Account(f"account-{number}", "C0BENCH00", RULES, group="provider@C0BENCH00")
        for number in range(count)
    )
    turn = asyncio.Semaphore(ACCOUNTS_PER_HOST)
    database = Database(url)
    lease = SqlLease(database, "bench")
    async with session() as client:
        service = Service(
            accounts=accounts,
            policy=Policy(),
            sources={one.name: Partner(client, api_url, API_KEY, turn=turn) for one in accounts},
            watches=SqlWatches(database, lease),
            outbox=SqlOutbox(database, lease),
            rounds=SqlRounds(database, lease),
            history=SqlHistory(database, lease),
            lease=lease,
            poll_interval=timedelta(minutes=5),
            messenger=Silence(),
            clock=SystemClock(),
        )
        await service.lead()
        yield service
        await service.close()
        await service.step_down()
        await database.close()


async def bare(client: aiohttp.ClientSession, api_url: str, count: int) -> None:
    """Read so many accounts with nothing around it."""
    slots = asyncio.Semaphore(ACCOUNTS_PER_HOST)
    url = f"{api_url}/me?apiKey={API_KEY}&_format=json"

    async def read() -> None:
        async with slots, client.get(url) as response:
            await response.json()

    await asyncio.gather(*(read() for _ in range(count)))


async def poll(service: Service) -> None:
    """Poll every account, and make sure that all were read and judged."""
    polled = await service.poll()
    assert len([one for one in polled if one.judged]) == len(service.accounts)


async def measure(url: str, api_url: str, count: int) -> Measured:
    """Measure both in turn, so that what else the machine does meets both."""
    async with session() as client, watching(url, api_url, count) as service:
        first = await _seconds(lambda: poll(service))
        await bare(client, api_url, count)
        alone: list[float] = []
        bot: list[float] = []
        while len(bot) < LEAST_TIMES or sum(bot) < LEAST_SECONDS:
            alone.append(await _seconds(lambda: bare(client, api_url, count)))
            bot.append(await _seconds(lambda: poll(service)))
        return Measured(count, first, median(alone), median(bot))


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


@click.command()
@click.argument("accounts", type=click.IntRange(1), nargs=-1)
def main(accounts: tuple[int, ...]) -> None:
    """Measure so many ACCOUNTS (10, 100 and 1000 unless given), and print a table of the medians."""
    click.echo(f"at most {ACCOUNTS_PER_HOST} requests under way, for the bot and for the bare client alike")
    click.echo(HEADING)
    with provider() as api_url, postgresql_server() as server:
        for count in accounts or (10, 100, 1000):
            with database_of(server) as url:
                click.echo(asyncio.run(measure(url, api_url, count)).line())


if __name__ == "__main__":
    main()
