"""A real PostgreSQL that goes away in mid-run and comes back."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from tests.conftest import exhibit
from tests.store.conftest import postgresql
from tests.store.server import database_of
from tests.test_bot import ask, kinds, polls, told

__all__ = ["postgresql"]  # a fixture


@pytest.fixture
def url(postgresql: str) -> Iterator[str]:
    with database_of(postgresql) as address:
        yield address


def close(server: str, name: str) -> None:
    """Cut every connection to the database, and take no new one until it is opened."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def open_(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


async def test_with_the_database_away_commands_are_answered_and_what_is_low_is_told_once_it_is_back(
    postgresql: str, url: str
) -> None:
    name = str(make_url(url).database)
    async with exhibit(database_url=url, credit_sms_warning="5000") as demo:
        await polls(demo, 2)
        close(postgresql, name)
        demo.world.apply({"burn": 600})
        assert (await ask(demo)).startswith("sms: ")
        assert "My database cannot be used (" in await ask(demo, "ack")
        assert kinds(demo) == ["hello"]
        open_(postgresql, name)
        await told(demo, "SMS credits are low. 4,900 SMS left")
        await polls(demo, 2)
        assert kinds(demo) == ["hello", "opened"]
