"""How the bot stops, as a real process: work under way ends well, the next copy takes over, the exit is 0."""

import asyncio
import json
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bot.demo.answers import GOOD
from bot.demo.run import API_KEY, APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Demo
from tests.stage import stage
from tests.store.conftest import postgresql
from tests.store.server import database_of
from tests.test_bot import eventually
from tests.test_main import ROOT, deployed, start

__all__ = ["postgresql"]  # a fixture

Process = asyncio.subprocess.Process

MODES = pytest.mark.parametrize("mode", [{}, {"SLACK_APP_TOKEN": APP_TOKEN}], ids=["http", "socket"])
SIGNALS = (signal.SIGTERM, signal.SIGINT)
QUICKLY = 30
"""Seconds: far below the minute after which a lease expires, above what a busy machine needs."""


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """Return the simulators alone: the bot is a process of its own."""
    async with stage(
        api_key=API_KEY, bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, app_token=APP_TOKEN
    ) as simulators:
        yield simulators


@pytest.fixture
def url(postgresql: str) -> Iterator[str]:
    with database_of(postgresql) as address:
        yield address


async def ended(process: Process, within: float = QUICKLY) -> list[str]:
    """Wait until it has ended well; return the events that it logged."""
    _, err = await asyncio.wait_for(process.communicate(), within)
    assert process.returncode == 0, err.decode()
    return [json.loads(line)["event"] for line in err.decode().splitlines()]


async def event(process: Process, name: str) -> None:
    """Wait until the process logs this event."""
    assert process.stderr is not None
    async with asyncio.timeout(QUICKLY):
        while json.loads(await process.stderr.readline())["event"] != name:
            pass


async def connected(demo: Demo, mode: dict[str, str]) -> None:
    """Have Slack reach the bot as the mode says."""
    if mode:
        demo.slack.bot_url = ""
        await eventually(lambda: demo.slack.socket_connected)


@MODES
async def test_a_command_in_flight_is_answered_after_the_signal(
    demo: Demo, tmp_path: Path, mode: dict[str, str]
) -> None:
    demo.provider.answer = replace(GOOD, delay_before_headers=6)
    async with deployed(demo, tmp_path, POLL_INTERVAL="1h", **mode) as (process, _):
        await connected(demo, mode)
        result = await demo.slack.command("")
        assert [one.text for one in result.messages] == ["Asking SMS Partner… There is no earlier reading."]
        for number in (*SIGNALS, *SIGNALS):
            process.send_signal(number)
        events = await ended(process)
    answers = [message.text for message in demo.slack.messages if message.ephemeral_for == "U0ALICE"]
    assert "269,082 SMS" in answers[-1]
    assert "bot.stopping" in events


async def test_the_reading_of_a_poll_under_way_is_stored(demo: Demo, tmp_path: Path) -> None:
    demo.provider.answer = replace(GOOD, delay_before_headers=2)
    database = tmp_path / "smscredits.db"
    async with deployed(demo, tmp_path) as (process, _):
        await demo.provider.wait_for_requests(1, within=20)
        process.send_signal(signal.SIGTERM)
        events = await ended(process)
    assert events.index("bot.stopping") < events.index("poll.read")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT account FROM smscredits_reading").fetchall() == [("sms",)]


async def test_what_hangs_is_not_waited_for_longer_than_the_settings_say(demo: Demo, tmp_path: Path) -> None:
    demo.provider.answer = replace(GOOD, delay_before_headers=None)
    async with deployed(demo, tmp_path, DRAIN_SECONDS="1") as (process, _):
        await demo.provider.wait_for_requests(1, within=20)
        process.send_signal(signal.SIGTERM)
        events = await ended(process, within=15)
    assert "poll.read" not in events


async def test_the_lease_is_free_afterwards_in_socket_mode_too(demo: Demo, url: str, tmp_path: Path) -> None:
    """In HTTP mode the next test sees it: who stands by takes over at once."""
    mode = {"SLACK_APP_TOKEN": APP_TOKEN}
    async with deployed(demo, tmp_path, DATABASE_URL=url, **mode) as (process, _):
        await event(process, "lease.taken")
        process.send_signal(signal.SIGTERM)
        await ended(process)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT holder FROM smscredits_lease").fetchall() == [("",)]
        assert connection.execute("SELECT count(*) FROM smscredits_process").fetchone() == (0,)


async def test_the_copy_that_stands_by_takes_over_at_once(demo: Demo, url: str, tmp_path: Path) -> None:
    async with deployed(demo, tmp_path, DATABASE_URL=url) as (older, _):
        await event(older, "lease.taken")
        async with deployed(demo, tmp_path, DATABASE_URL=url) as (newer, _):
            await event(newer, "lease.taken")
            await event(older, "lease.passed")
            newer.send_signal(signal.SIGTERM)
            await ended(newer)
            await event(older, "lease.taken")
        older.send_signal(signal.SIGTERM)
        await ended(older)


@pytest.mark.parametrize("number", SIGNALS)
async def test_with_a_database_that_says_nothing_it_stops_quickly(
    demo: Demo, tmp_path: Path, number: signal.Signals
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        away = f"postgres://u:p@127.0.0.1:{silent.getsockname()[1]}/d"
        async with deployed(demo, tmp_path, DATABASE_URL=away) as (process, _):
            process.send_signal(number)
            await ended(process)


async def test_with_the_database_gone_in_mid_run_it_stops_quickly(
    demo: Demo, url: str, postgresql: str, tmp_path: Path
) -> None:
    name = url.partition("/test_")[2].partition("?")[0]
    async with deployed(demo, tmp_path, DATABASE_URL=url, POLL_INTERVAL="1s") as (process, _):
        await event(process, "poll.read")
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE test_{name} ALLOW_CONNECTIONS false".encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [f"test_{name}"]
            )
        await event(process, "job.database_away")
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[-1] == "job.database_away"  # the lease cannot be given back


async def test_before_the_first_migration_has_ended_it_stops_quickly(
    demo: Demo, postgresql: str, tmp_path: Path
) -> None:
    with database_of(postgresql, template="template1") as url:
        # Somebody else is about to make the table of versions: our migration waits for them.
        with psycopg.connect(url.replace("+psycopg", "")) as other:
            other.execute("CREATE TABLE smscredits_version (version_num VARCHAR(32))")
            async with deployed(demo, tmp_path, DATABASE_URL=url) as (process, _):
                await waiting_for_a_lock(other)
                process.send_signal(signal.SIGTERM)
                events = await ended(process)
        assert "lease.taken" not in events


async def waiting_for_a_lock(connection: psycopg.Connection) -> None:
    asked = "SELECT count(*) FROM pg_locks WHERE NOT granted"

    def waits() -> bool:
        found = connection.execute(asked).fetchone()
        return found is not None and found[0] > 0

    await eventually(waits)


async def test_while_it_loads_it_leaves_quietly(tmp_path: Path) -> None:
    process = await start(cwd=tmp_path)
    await eventually(lambda: catches(process.pid, signal.SIGTERM))
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), QUICKLY)
    assert (process.returncode, out, err) == (0, b"", b"")


def catches(pid: int, number: signal.Signals) -> bool:
    """Tell whether the process has a handler for this signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


async def test_signals_until_the_very_end_change_nothing(demo: Demo, tmp_path: Path) -> None:
    async with deployed(demo, tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        await event(process, "bot.stopping")
        ending = asyncio.create_task(ended(process))
        while not ending.done():
            for number in SIGNALS:
                if process.returncode is None:
                    process.send_signal(number)
            await asyncio.wait({ending}, timeout=0.01)
        await ending


async def test_a_look_up_of_a_name_that_hangs_is_not_waited_for(demo: Demo, tmp_path: Path) -> None:
    """Python looks names up in a thread, which nobody can end; hosts kill after half a minute."""
    (tmp_path / "sitecustomize.py").write_text(HANGING_LOOK_UP)
    settings = {
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "SMSPARTNER_API_URL": "https://hangs.example/v1",
        "DRAIN_SECONDS": "1",
    }
    async with deployed(demo, tmp_path, **settings) as (process, _):
        await event(process, "lease.taken")
        process.send_signal(signal.SIGTERM)
        await ended(process, within=20)


HANGING_LOOK_UP = """
import socket, time
look_up = socket.getaddrinfo
def hanging(host, *more, **options):
    if host == "hangs.example":
        time.sleep(60)
    return look_up(host, *more, **options)
socket.getaddrinfo = hanging
"""
