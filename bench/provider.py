"""The simulated provider in a process of its own, so that it shares no event loop with what is measured."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from bot.demo.provider import SimulatedProvider
from bot.demo.world import DemoWorld, PrepaidAccount

API_KEY = "bench000000000000000000000000000000000ab"
BALANCE = Decimal(900_000)
DRAIN = 50
"""SMS a second: every reading differs from the one before, and no threshold is near."""


@contextmanager
def serving(module: str) -> Iterator[str]:
    """Run a server that says its address when it is ready, and ends with its standard input."""
    server = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.communicate()


@contextmanager
def provider() -> Iterator[str]:
    """Run the provider; yields the address of its API."""
    with serving("bench.provider") as address:
        yield address


async def _serve() -> None:
    """Serve until the parent closes our standard input."""
    clock = lambda: datetime.now(UTC)  # noqa: E731, TID251 - the simulated account lives in real time
    world = DemoWorld(PrepaidAccount(clock, balance=BALANCE, drain=DRAIN))
    async with SimulatedProvider(world, api_key=API_KEY, clock=clock).serving() as serving:
        print(serving.api_url, flush=True)  # noqa: T201 - what the parent waits for
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
