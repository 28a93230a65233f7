"""The whole bot on loopback, between the simulators, for scenario tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.demo.answers import Answer
from bot.demo.provider import SimulatedProvider
from bot.demo.run import Demo, exhibition
from bot.demo.slack_api import SimulatedSlack
from bot.demo.world import DemoWorld
from tests.browser import connected, quit_chromium


def pytest_sessionfinish() -> None:
    quit_chromium()


@pytest.fixture(autouse=True)
def no_mark_of_the_sqlite_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the mark of every two seconds out of what tests count: a busy machine takes its time."""
    monkeypatch.setattr("bot.store.file.MARK_EVERY_SECONDS", 1e9)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Connect to Chromium once, for all tests of pages: they share a loop with it."""
    async with connected() as one:
        yield one


PAGES = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("browser")]
"""Marks a module whose tests open pages."""


@asynccontextmanager
async def exhibit(
    *,
    provider_mode: str = "fine",
    provider_answer: Answer | None = None,
    slack_fault: str = "fine",
    accounts: str = "",
    **settings: Any,
) -> AsyncIterator[Demo]:
    """Run bot and simulators, one SMS account that stands still; entered when the bot watches."""

    def prepare(world: DemoWorld, provider: SimulatedProvider, slack: SimulatedSlack) -> None:
        world.apply({"provider": provider_mode})
        provider.answer = provider_answer
        slack.fault = slack_fault

    async with exhibition(drain=0, accounts=accounts, prepare=prepare, **settings) as demo:
        async with asyncio.timeout(10):
            await demo.bot.watching.wait()
        yield demo


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with exhibit() as running:
        yield running
