from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.core.model import Account, Policy
from bot.core.reading import Credits, Failure
from bot.service import Service
from bot.store import Database, SqlHistory, SqlOutbox, SqlRounds, SqlWatches, Terms
from tests.samples import NOW, WATCHED
from tests.service.bot import Bot, Channel, HesitantLease, Provider, Start, Wall
from tests.store.conftest import postgresql
from tests.store.server import database_of

__all__ = ["postgresql"]  # a fixture


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'smscredits.db'}")
    await opened.migrate()
    yield opened
    await opened.close()


async def forget_the_greetings(outbox: SqlOutbox) -> None:
    """Have every channel greeted already, so that tests speak of the rest."""
    for owed in await outbox.due(NOW):
        due = await outbox.claim(owed, NOW) if owed.notice else None
        if due:
            await outbox.sent(due, "1.1", NOW)


@pytest.fixture
async def start(database: Database) -> AsyncIterator[Start]:
    """Start the bot, as often as a test likes: on the same store, as after a restart."""
    running: list[Service] = []
    wall = Wall()

    async def begin(
        *script: int | Credits | Failure | Exception,
        accounts: tuple[Account, ...] = (WATCHED,),
        channel: Channel | None = None,
        store: Database = database,
        leads: bool = True,
        greeted: bool = True,
        name: str = "this-process",
        terms: Terms = Terms(),  # noqa: B008 - frozen
        **scripts: tuple[int | Credits | Failure | Exception, ...],
    ) -> Bot:
        providers = {name: Provider(*said) for name, said in ({"sms": script} | scripts).items() if said}
        channel = channel or Channel()
        lease = HesitantLease(store, name, terms)
        watches, outbox = SqlWatches(store, lease), SqlOutbox(store, lease)
        service = Service(
            accounts=accounts,
            policy=Policy(),
            sources=providers,
            watches=watches,
            outbox=outbox,
            rounds=SqlRounds(store, lease),
            history=SqlHistory(store, lease),
            lease=lease,
            poll_interval=timedelta(minutes=5),
            messenger=channel,
            clock=wall,
        )
        running.append(service)
        if leads:
            await service.lead()
        if leads and greeted:
            await forget_the_greetings(outbox)
        return Bot(service, providers, channel, wall, watches, lease, store)

    yield begin
    for service in running:
        await service.close()


@pytest.fixture
async def away() -> AsyncIterator[Database]:
    """Return a database that does not answer."""
    nowhere = Database("postgresql+psycopg://bot@127.0.0.1:1/bot")
    yield nowhere
    await nowhere.close()


@pytest.fixture
async def copies(start: Start, postgresql: str) -> AsyncIterator[Start]:
    """Start copies of the bot that share one database; a file is for one process."""
    with database_of(postgresql) as url:
        shared = Database(url)
        yield partial(start, store=shared)
        await shared.close()
