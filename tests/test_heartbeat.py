"""The outside dead-man's switch, asked by a bot between the simulators."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from aiohttp import web

from bot.core.notice import Kind, Notice
from bot.demo.answers import HOSTILE
from bot.store import Database, SqlWatches
from bot.web import serving
from tests.conftest import exhibit
from tests.samples import NOW
from tests.store.stores import lease_of
from tests.test_bot import eventually, polls

SECRET = "heartbeat-secret-0123"


@dataclass
class Switch:
    """A dead-man's switch that answers as a test has it; never, without a status."""

    status: int | None = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path_qs}")
        if self.status is None:
            await asyncio.Event().wait()
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status or 200, headers=headers)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    async with switched() as one:
        yield one


@asynccontextmanager
async def switched() -> AsyncIterator[Switch]:
    one = Switch()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.answer)
    async with serving(app, 0, "127.0.0.1") as port:
        one.url = f"http://127.0.0.1:{port}/ping/{SECRET}?token={SECRET}"
        yield one


def logged(lines: list[Any], event: str) -> list[Any]:
    return [line for line in lines if line["event"] == event]


ASKED = f"GET /ping/{SECRET}?token={SECRET}"


async def test_it_is_asked_after_every_completed_poll(switch: Switch) -> None:
    async with exhibit(heartbeat_url=switch.url) as demo:
        await eventually(lambda: len(switch.asked) >= 2)
        await polls(demo, 1)
        assert set(switch.asked) == {ASKED}
        assert len(switch.asked) <= len(demo.provider.requests)


async def test_an_account_that_cannot_be_read_is_a_completed_poll_until_an_hour_is_over(
    switch: Switch,
) -> None:
    async with exhibit(heartbeat_url=switch.url, provider_answer=HOSTILE["code_10"]):
        await eventually(lambda: switch.asked)


@pytest.mark.parametrize(
    ("status", "error"), [(302, "HTTP 302"), (404, "HTTP 404"), (500, "HTTP 500")], ids=str
)
async def test_a_refusal_is_a_line_without_the_address_and_no_redirect_is_followed(
    switch: Switch, status: int, error: str
) -> None:
    switch.status = status
    with structlog.testing.capture_logs() as lines:
        async with exhibit(heartbeat_url=switch.url, poll_interval="1h"):
            (line,) = await eventually(partial(logged, lines, "heartbeat.failed"))
    assert (line["error"], switch.asked) == (error, [ASKED])
    assert SECRET not in str(lines)


async def test_a_switch_that_is_not_there_or_hangs_delays_neither_polls_nor_the_stop(switch: Switch) -> None:
    switch.status = None
    with structlog.testing.capture_logs() as lines:
        async with exhibit(heartbeat_url=switch.url) as demo:
            await eventually(lambda: len(switch.asked) >= 2)
            await polls(demo, 2)
    assert len(logged(lines, "poll.read")) > len(switch.asked) > 1
    assert logged(lines, "heartbeat.failed") == []
    with structlog.testing.capture_logs() as lines:
        async with exhibit(heartbeat_url=f"http://127.0.0.1:1/{SECRET}", poll_interval="1h"):
            await eventually(partial(logged, lines, "heartbeat.failed"))
    assert SECRET not in str(lines)


async def test_it_is_withheld_while_a_word_has_waited_for_long(switch: Switch, tmp_path: Path) -> None:
    path = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    store = Database(path)
    await store.migrate()
    await lease_of(store).hold()
    await SqlWatches(store, lease_of(store)).greet(Notice(Kind.HELLO, "C0RANDOM", NOW))
    await store.close()
    with structlog.testing.capture_logs() as lines:
        async with exhibit(
            heartbeat_url=switch.url, alert_channel="C0RANDOM", database_url=f"sqlite:///{tmp_path}/bot.db"
        ):
            withheld = await eventually(partial(logged, lines, "heartbeat.withheld"))
    assert withheld[0]["why"] == "notice_waits"
    assert switch.asked == []
