"""Whether the bot stays as small as it was, while all around it fails: `python -m bench.soak --seconds 180`.

The real bot, a process of its own, polls once a second between the simulators, which fail at random (from a
seed): the provider with errors, garbage, resets, slow and missing answers, Slack with 429, 500 and silence.
People ask meanwhile. The medians of the samples' last third are compared with those of the middle third.
"""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median

import aiohttp
import click
import psycopg

from bot.clock import SystemClock
from bot.demo.answers import HOSTILE
from bot.demo.provider import SimulatedProvider
from bot.demo.run import API_KEY, BOT_TOKEN, SIGNING_SECRET
from bot.demo.slack_api import SimulatedSlack
from bot.demo.world import DemoWorld, PrepaidAccount
from tests.store.server import database_of, postgresql_server

ROOT = Path(__file__).parent.parent
METRICS_TOKEN = "soak-metrics-token"
BALANCE = Decimal(190)
SAMPLES = 18
COLUMNS = ("resident KiB", "files", "sockets", "threads", "tasks")
MAY_GROW = {"resident KiB": 2048, "files": 2, "sockets": 2, "threads": 1, "tasks": 3}
"""What the medians may differ by chance: by requests that are on their way, by what the allocator holds."""

TABLES = ("reading", "notice", "episode")
COUNT = "SELECT count(*) FROM smscredits_"
PROVIDER_FAULTS = (
    *(
        "http_500",
        "http_429",
        "http_503",
        "html_200",
        "degraded",
        "code_10",
        "truncated_json",
        "deep_nesting",
    ),
    *("connection_reset", "reset_in_body", "timeout_before_headers", "timeout_in_body", "huge_body"),
)
SLACK_FAULTS = ("rate_limited", "server_error", "timeout_after", "timeout_before", "not_in_channel")
COMMANDS = ("", "sms", "alerts", "thresholds", "help", "share", "ack", "snooze 15m", "resume", "no such word")


@dataclass(frozen=True)
class Sample:
    """The bot as its system sees it at one moment, and its database."""

    seconds: float
    usage: dict[str, int]
    database_kib: int
    rows: dict[str, int]

    def line(self) -> str:
        """Return the line of the table."""
        figures = (*self.usage.values(), self.database_kib, *self.rows.values())
        return f"{self.seconds:7.0f} s" + "".join(f"{figure:14,}" for figure in figures)


HEADING = "     time" + "".join(f"{name:>14}" for name in (*COLUMNS, "database KiB", *TABLES))


def grown(samples: Sequence[Sample]) -> list[str]:
    """Say what is larger in the last third of the samples than in the middle third."""
    third = len(samples) // 3
    found = []
    for name in COLUMNS:
        middle = median(sample.usage[name] for sample in samples[third:-third])
        last = median(sample.usage[name] for sample in samples[-third:])
        if last - middle > MAY_GROW[name]:
            found.append(f"{name} grew from {middle:,.0f} to {last:,.0f}")
    return found


def usage(pid: int, tasks: int) -> dict[str, int]:
    """Return what a process holds, with the tasks that it says itself."""
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    links = []
    for file in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(str(file.readlink()))
    resident, threads = int(status["VmRSS"].split()[0]), int(status["Threads"])
    sockets = sum(link.startswith("socket:") for link in links)
    return dict(zip(COLUMNS, (resident, len(links), sockets, threads, tasks), strict=True))


async def tasks_of(slack_events: str) -> int:
    """Return how many tasks are under way in the bot, as its metrics say."""
    url, bearer = (
        slack_events.replace("/slack/events", "/metrics"),
        {"Authorization": f"Bearer {METRICS_TOKEN}"},
    )
    async with aiohttp.ClientSession() as client, client.get(url, headers=bearer) as answer:
        said = dict(line.rsplit(" ", 1) for line in (await answer.text()).splitlines())
    return int(float(said["smscredits_tasks"]))


def stored(url: str) -> tuple[int, dict[str, int]]:
    """Return the size of the database in KiB, and how many rows are in its tables."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as file:
            rows = {name: file.execute(f"{COUNT}{name}").fetchone()[0] for name in TABLES}
        return path.stat().st_size // 1024, rows
    with psycopg.connect(url.replace("+psycopg", "")) as server:
        size = server.execute("SELECT pg_database_size(current_database()) / 1024").fetchone()
        counts = [server.execute(f"{COUNT}{name}".encode()).fetchone() for name in TABLES]
    return (size or (0,))[0], {name: (row or (0,))[0] for name, row in zip(TABLES, counts, strict=True)}


@dataclass
class Stage:
    """What stands around the bot, and what goes wrong there."""

    world: DemoWorld
    provider: SimulatedProvider
    slack: SimulatedSlack
    random: Random

    async def fail(self) -> None:
        """Let provider and Slack fail now and then, and credits go up and down."""
        while True:
            mood = self.random.choice(PROVIDER_FAULTS) if self.random.random() < 0.4 else ""
            self.provider.answer = HOSTILE[mood] if mood else None
            self.world.apply({"provider": "slow" if self.random.random() < 0.1 else "fine"})
            failing = self.random.random() < 0.3
            self.slack.fault = self.random.choice(SLACK_FAULTS) if failing else "fine"
            self.world.apply(self.random.choice([{"burn": 2000}, {"top_up": "100"}]))
            await asyncio.sleep(self.random.uniform(1, 6))

    async def ask(self) -> None:
        """Let people ask; what only they saw is forgotten, so that the workspace does not grow for ever."""
        while True:
            await asyncio.sleep(self.random.uniform(0.1, 1.5))
            await self.slack.command(self.random.choice(COMMANDS))
            self.slack.messages[:] = [one for one in self.slack.messages if not one.ephemeral_for][-200:]


@asynccontextmanager
async def stage(seed: int) -> AsyncIterator[Stage]:
    """Serve provider and Slack."""
    clock = SystemClock().now
    world = DemoWorld(PrepaidAccount(clock, balance=BALANCE, drain=5))
    async with (
        SimulatedProvider(world, api_key=API_KEY, clock=clock).serving() as provider,
        SimulatedSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, clock=clock).serving() as slack,
    ):
        yield Stage(world, provider, slack, Random(seed))


@asynccontextmanager
async def deployed(around: Stage, url: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot as a host would; ends it with SIGTERM, and fails if it does not end well."""
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a process needs it
        "PYTHONPATH": str(ROOT),
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": around.slack.api_url,
        "SMSPARTNER_API_KEY": API_KEY,
        "SMSPARTNER_API_URL": around.provider.api_url,
        "ALERT_CHANNEL": "C0ALERTS",
        "CREDIT_SMS_WARNING": "5000",
        "CREDIT_SMS_CRITICAL": "1000",
        "POLL_INTERVAL": "1s",
        "DATABASE_URL": url,
        "DRAIN_SECONDS": "5",
        "METRICS_TOKEN": METRICS_TOKEN,
        "PORT": "0",
    }
    with (folder / "log").open("wb") as log:
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", cwd=folder, env=environment, stderr=log, stdout=log
        )
    try:
        async with asyncio.timeout(60):
            port = await _port(folder / "log", bot)
        around.slack.bot_url = f"http://127.0.0.1:{port}/slack/events"
        yield bot
    finally:
        if bot.returncode is None:
            bot.send_signal(signal.SIGTERM)
        code = await bot.wait()
        if code:
            click.echo("\n".join(_lines(folder / "log")[-30:]), err=True)
            raise SystemExit(f"the bot ended with {code}")


async def _port(log: Path, bot: asyncio.subprocess.Process) -> int:
    """Return the port that the bot has taken, as its log says it."""
    while bot.returncode is None:
        for line in _lines(log):
            with contextlib.suppress(ValueError):
                if (said := json.loads(line)).get("event") == "bot.ready":
                    return int(said["port"])
        await asyncio.sleep(0.05)
    raise SystemExit("the bot does not start: " + "\n".join(_lines(log)))


def _lines(log: Path) -> list[str]:
    return log.read_text().splitlines()


async def soak(url: str, folder: Path, seconds: float, seed: int) -> list[Sample]:
    """Run the bot for so long, and print a line now and then."""
    loop = asyncio.get_running_loop()
    samples: list[Sample] = []
    async with stage(seed) as around, deployed(around, url, folder) as bot:
        await around.provider.wait_for_requests(1, within=60)
        began = loop.time()
        troubles = [asyncio.create_task(around.fail()), asyncio.create_task(around.ask())]
        click.echo(HEADING)
        for number in range(1, SAMPLES + 1):
            await asyncio.sleep(began + seconds * number / SAMPLES - loop.time())
            for ended in (trouble for trouble in troubles if trouble.done()):
                await ended
            size, rows = stored(url)
            samples.append(
                Sample(loop.time() - began, usage(bot.pid, await tasks_of(around.slack.bot_url)), size, rows)
            )
            click.echo(samples[-1].line())
        for trouble in troubles:
            trouble.cancel()
        await asyncio.gather(*troubles, return_exceptions=True)
        around.provider.answer, around.slack.fault = None, "fine"
    return samples


@click.command()
@click.option("--seconds", type=click.FloatRange(1), default=180, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all that goes wrong.")
@click.option("--on", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
def main(seconds: float, seed: int, on: str) -> None:
    """Print a table over time, and say whether the bot stayed as it was; exit 1 if it grew."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'bot.db'}"
        if on == "postgresql":
            url = stack.enter_context(database_of(stack.enter_context(postgresql_server())))
        samples = asyncio.run(soak(url, folder, seconds, seed))
    found = grown(samples)
    click.echo("; ".join(found) or "flat: the last third is as the middle third")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
