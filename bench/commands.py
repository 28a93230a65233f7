"""How fast `/smscredits` is answered, beside a bare Bolt app: `python -m bench.commands`.

Bot, bare app and simulated provider are processes of their own; both apps get the same signed requests, in
turn: one at a time, then from 32 clients at once. The bot answers from a reading that is younger than 10 s,
as it does when many ask; the bare app acknowledges with a fixed text.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

import aiohttp
import click
from slack_sdk.signature import SignatureVerifier

from bench.bare import ANSWER
from bench.provider import API_KEY, provider, serving
from bot.clock import SystemClock
from bot.demo.run import BOT_TOKEN, SIGNING_SECRET
from bot.demo.slack_api import SimulatedSlack
from bot.demo.workspace import TEAM_ID
from tests.store.server import database_of, postgresql_server

ROOT = Path(__file__).parent.parent
CLIENTS = 32
ONE_AT_A_TIME = 200
SECONDS = 3.0
"""How long each round of many clients lasts; there are `ROUNDS` of each app, in turn."""

ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """What one app came to: milliseconds for one at a time, commands a second for many at once."""

    name: str
    p50: float
    p99: float
    a_second: float

    def line(self) -> str:
        """Return the line of the table."""
        return f"{self.name:>8} {self.p50:10.2f} {self.p99:10.2f} {self.a_second:12,.0f}"


HEADING = f"     app     p50 ms     p99 ms  {CLIENTS} at once/s"


class Slack:
    """Sends signed commands to one app."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self._client = client
        self._url = url
        self._verifier = SignatureVerifier(SIGNING_SECRET)
        self._sent = 0

    async def command(self) -> None:
        """Type `/smscredits`, and see that it is answered with figures."""
        self._sent += 1
        form = {
            "command": "/smscredits",
            "text": "",
            "team_id": TEAM_ID,
            "user_id": "U0ALICE",
            "channel_id": "C0ALERTS",
            "trigger_id": str(self._sent),  # no two requests have the same signature
            "response_url": "https://hooks.slack.com/commands/x",
        }
        body = urlencode(form)
        stamp = str(int(SystemClock().now().timestamp()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": self._verifier.generate_signature(timestamp=stamp, body=body) or "",
        }
        async with self._client.post(self._url, data=body.encode(), headers=headers) as response:
            answer = await response.text()
            assert response.status == 200, response.status
            assert ANSWER in answer, answer

    async def one_at_a_time(self) -> list[float]:
        """Return how many milliseconds each of some commands took."""
        took = []
        for _ in range(ONE_AT_A_TIME):
            began = time.perf_counter()
            await self.command()
            took.append(1000 * (time.perf_counter() - began))
        return took

    async def many_at_once(self) -> float:
        """Return how many commands a second so many clients get answered."""
        answered, until = 0, time.perf_counter() + SECONDS

        async def ask() -> None:
            nonlocal answered
            while time.perf_counter() < until:
                await self.command()
                answered += 1

        await asyncio.gather(*(ask() for _ in range(CLIENTS)))
        return answered / SECONDS


async def measure(bare_url: str, bot_url: str) -> list[Measured]:
    """Measure both in turn, so that what else the machine does meets both."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        apps = {"bare": Slack(client, bare_url), "bot": Slack(client, bot_url)}
        single: dict[str, list[float]] = {name: [] for name in apps}
        many: dict[str, list[float]] = {name: [] for name in apps}
        for app in apps.values():
            await app.one_at_a_time()
        for _ in range(ROUNDS):
            for name, app in apps.items():
                single[name] += await app.one_at_a_time()
                many[name].append(await app.many_at_once())
    return [
        Measured(name, median(single[name]), quantiles(single[name], n=100)[98], median(many[name]))
        for name in apps
    ]


@asynccontextmanager
async def bot(url: str, api_url: str, slack: SimulatedSlack, folder: Path) -> AsyncIterator[str]:
    """Run the bot as a host would; yields the address for Slack's requests."""
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a process needs it
        "PYTHONPATH": str(ROOT),
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": slack.api_url,
        "SMSPARTNER_API_KEY": API_KEY,
        "SMSPARTNER_API_URL": api_url,
        "ALERT_CHANNEL": "C0ALERTS",
        "CREDIT_SMS_WARNING": "5000",
        "CREDIT_SMS_CRITICAL": "1000",
        "DATABASE_URL": url,
        "PORT": "0",
    }
    log = folder / "log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", cwd=folder, env=environment, stderr=file, stdout=file
        )
    try:
        async with asyncio.timeout(60):
            while not (port := _port(log)):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/slack/events"
    finally:
        process.terminate()
        await process.wait()


def _port(log: Path) -> int:
    for line in log.read_text().splitlines():
        with contextlib.suppress(ValueError):
            if (said := json.loads(line)).get("event") == "bot.ready":
                return int(said["port"])
    return 0


async def run(url: str, api_url: str, bare_url: str, folder: Path) -> list[Measured]:
    """Start what is not there yet, and measure."""
    clock = SystemClock().now
    simulated = SimulatedSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, clock=clock)
    async with simulated.serving() as slack, bot(url, api_url, slack, folder) as bot_url:
        return await measure(bare_url, bot_url)


@click.command()
@click.option("--on", type=click.Choice(["sqlite", "postgresql"]), default="postgresql", show_default=True)
def main(on: str) -> None:
    """Print a table of both apps, and the ratio of commands a second."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'bot.db'}"
        if on == "postgresql":
            url = stack.enter_context(database_of(stack.enter_context(postgresql_server())))
        api_url, bare_url = stack.enter_context(provider()), stack.enter_context(serving("bench.bare"))
        bare, own = asyncio.run(run(url, api_url, bare_url, folder))
    click.echo(f"{HEADING}\n{bare.line()}\n{own.line()}")
    click.echo(f"ratio: {own.a_second / bare.a_second:.2f}")


if __name__ == "__main__":
    main()
