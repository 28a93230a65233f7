"""Copies that overlap, as real processes on PostgreSQL: `python -m tests.overlap` prints what is told."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path

import click

from bot import log
from bot.demo.run import Demo
from tests.conftest import exhibit
from tests.store.server import database_of, postgresql_server
from tests.test_main import deployed

LEASE_SECONDS = 60
SLACK_SECONDS = 15
"""Beyond the lease: a look at it, a poll, a delivery, on a busy machine."""


class Timeline:
    """Prints what happens, with the seconds since the beginning, and remembers what went wrong."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._began = time.monotonic()
        self.faults = 0

    def say(self, what: str) -> None:
        """Print a line."""
        click.echo(f"{time.monotonic() - self._began:6.1f} s  {what}")

    async def told(self, what: str, words: str, within: float) -> None:
        """Wait until exactly one more message with these words stands in the channel."""
        before = len(self._with(words))
        self.say(what)
        began = time.monotonic()
        await self._in_time(
            self._demo.slack.wait_for(lambda _: len(self._with(words)) > before, within), words
        )
        self.say(f"  told “{words}” after {time.monotonic() - began:.1f} s")

    async def polled(self, what: str, within: float) -> None:
        """Wait until the provider is asked again."""
        self.say(what)
        began = time.monotonic()
        count = len(self._demo.provider.requests) + 1
        await self._in_time(self._demo.provider.wait_for_requests(count, within=within), "a poll")
        self.say(f"  polled after {time.monotonic() - began:.1f} s")

    async def _in_time(self, event: Awaitable[object], what: str) -> None:
        try:
            await event
        except TimeoutError:
            self.faults += 1
            self.say(f"  MISSED: {what}")

    def _with(self, words: str) -> list[str]:
        return [message.text for message in self._demo.slack.messages if words in message.text]


async def play(url: str, folder: Path) -> int:
    """Play all overlaps; return what went wrong."""
    async with exhibit(poll_interval="1d") as demo, AsyncExitStack() as stack:
        timeline = Timeline(demo)
        shared = {
            "DATABASE_URL": url.replace("+psycopg", ""),
            "POLL_INTERVAL": "2s",
            "ALERT_CHANNEL": "C0ALERTS",
        }

        async def start(threshold: str) -> asyncio.subprocess.Process:
            run = deployed(demo, folder, CREDIT_SMS_WARNING=threshold, **shared)
            process, _ = await stack.enter_async_context(run)
            return process

        low, ended = "SMS credits are low", "SMS credits are fine again"
        waiting = asyncio.create_task(start("6000"))
        await timeline.told("A starts with a threshold of 6,000 (5,500 are left)", low, 30)
        a = await waiting
        waiting = asyncio.create_task(start("5000"))
        await timeline.told("B starts with 5,000", ended, 30)
        b = await waiting
        # Killed between Slack's answer and its own note of it, nobody could know whether it was told.
        await timeline.polled("B goes on", SLACK_SECONDS)
        await timeline.polled("B goes on", SLACK_SECONDS)
        b.kill()
        await timeline.told("kill -9 B: A judges again, by 6,000", low, LEASE_SECONDS + SLACK_SECONDS)
        waiting = asyncio.create_task(start("6000"))
        c = await waiting
        await asyncio.sleep(12)  # a lease is renewed every 10 s, and passed on then
        c.terminate()
        await c.wait()
        await timeline.polled("C starts with 6,000, takes over, and is stopped", SLACK_SECONDS)
        a.terminate()
        await a.wait()
        posts = [
            message.text for message in demo.slack.messages if low in message.text or ended in message.text
        ]
        repeats = sum("May be a repeat" in text for text in posts)
        timeline.say(f"A stops. Told in all: {len(posts)} (3 expected), marked as repeats: {repeats}")
        return timeline.faults + (len(posts) != 3) + repeats


def main() -> None:
    """Play on a server of one's own; exit 1 if anything was missed or told twice."""
    log.configure("error", None)
    with tempfile.TemporaryDirectory() as folder, postgresql_server() as server, database_of(server) as url:
        sys.exit(1 if asyncio.run(play(url, Path(folder))) else 0)


if __name__ == "__main__":
    main()
