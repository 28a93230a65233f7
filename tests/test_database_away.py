"""A real PostgreSQL that goes away in mid-run and comes back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import structlog.testing
from sqlalchemy import make_url

from tests.conftest import exhibit
from tests.store.conftest import postgresql
from tests.store.server import database_of
from tests.test_bot import ask, eventually, kinds, polls, told
from tests.test_probes import until_ready_is

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


async def test_a_file_that_is_replaced_while_the_bot_runs_is_used_as_at_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.schedule.RENEW_EVERY", timedelta(0))
    path = tmp_path / "bot.db"
    with structlog.testing.capture_logs() as lines:
        async with exhibit(database_url=f"sqlite:///{path}", credit_sms_warning="6000") as demo:
            await told(demo, "SMS credits are low")
            path.unlink()
            await eventually(lambda: kinds(demo).count("opened") == 2)
    assert kinds(demo).count("hello") == 2
    assert [line["event"] for line in lines].count("database.file_replaced") == 1


async def test_a_row_that_cannot_be_read_is_shown_and_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    async with exhibit(database_url=f"sqlite:///{path}", credit_sms_warning="6000") as demo:
        await told(demo, "SMS credits are low")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE smscredits_episode SET level = 'canary'")
        await told(demo, "What I stored of it cannot be read (`smscredits_episode ")
        await until_ready_is(demo, {"state": "the stored state of 1 of 1 cannot be read"})
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE smscredits_episode SET level = 1 WHERE trouble = 'low'")
        await told(demo, "can be read again")
        assert kinds(demo).count("opened") == 2
