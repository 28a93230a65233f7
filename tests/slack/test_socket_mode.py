"""The connection of Socket Mode: a copy that stops leaves it to the others, and its loss is a line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import structlog.testing
from slack_bolt.async_app import AsyncAck

from bot.demo.run import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from bot.demo.slack_api import SimulatedSlack
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi
from bot.slack.workspace import Workspace
from tests.test_bot import eventually


def simulated() -> SimulatedSlack:
    return SimulatedSlack(
        bot_token=BOT_TOKEN,
        signing_secret=SIGNING_SECRET,
        app_token=APP_TOKEN,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - the simulator lives in real time
    )


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    async with simulated().serving() as serving:
        yield serving


class Copy:
    """A copy of the bot that answers every command with its name, once it may."""

    def __init__(self, name: str, client: WebApi) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()
        bolt = Workspace(client).bolt_app()

        @bolt.command("/smscredits")
        async def answer(ack: AsyncAck) -> None:
            self.asked.set()
            await self.may_answer.wait()
            await ack(name)

        self.socket = SocketMode(bolt, client, APP_TOKEN, look_every=0.01)


Start = Callable[[str], Awaitable[Copy]]


@pytest.fixture
async def start(slack: SimulatedSlack, session: aiohttp.ClientSession) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(name: str) -> Copy:
            copy = Copy(name, WebApi(BOT_TOKEN, slack.api_url, session))
            holding = asyncio.create_task(copy.socket.hold())
            stack.push_async_callback(ended, holding)
            async with asyncio.timeout(5):
                while not await copy.socket.connected():  # noqa: ASYNC110 - the library gives no sign
                    await asyncio.sleep(0.005)
            return copy

        yield begin


async def ended(holding: asyncio.Task[None]) -> None:
    holding.cancel()
    with suppress(asyncio.CancelledError):
        await holding


async def said(slack: SimulatedSlack) -> str:
    return (await slack.command("")).messages[-1].text


async def test_what_comes_after_a_copy_left_is_answered_by_another(
    slack: SimulatedSlack, start: Start
) -> None:
    await start("older")
    newer = await start("newer")
    assert await said(slack) == "newer"
    await newer.socket.leave(3)
    assert not await newer.socket.connected()
    assert await said(slack) == "older"


async def test_what_was_taken_is_acknowledged_first_and_what_comes_meanwhile_too(
    slack: SimulatedSlack, start: Start
) -> None:
    await start("older")
    newer = await start("newer")
    newer.may_answer.clear()
    first = asyncio.create_task(said(slack))
    await newer.asked.wait()
    leaving = asyncio.create_task(newer.socket.leave(3))
    newer.asked.clear()
    second = asyncio.create_task(said(slack))
    await newer.asked.wait()
    await asyncio.sleep(0.05)  # it looks at its connection meanwhile
    assert not leaving.done()
    newer.may_answer.set()
    assert (await first, await second) == ("newer", "newer")
    await leaving
    assert await said(slack) == "older"


async def test_what_is_never_acknowledged_does_not_keep_a_copy(slack: SimulatedSlack, start: Start) -> None:
    await start("older")
    newer = await start("newer")
    newer.may_answer.clear()
    slack.patience = 0.2
    lost = asyncio.create_task(said(slack))
    await newer.asked.wait()
    await newer.socket.leave(0.01)
    assert await said(slack) == "older"
    assert "operation_timeout" in await lost
    newer.may_answer.set()


async def test_a_copy_that_left_before_it_was_connected_does_not_connect(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    early = Copy("early", WebApi(BOT_TOKEN, slack.api_url, session))
    await early.socket.leave(3)
    await asyncio.wait_for(early.socket.hold(), 5)
    assert not slack.socket_connected


async def test_that_the_connection_is_gone_and_that_it_is_back_are_lines_of_our_own(
    session: aiohttp.ClientSession,
) -> None:
    slack = simulated()
    with structlog.testing.capture_logs() as lines:
        async with slack.serving():
            port = urlsplit(slack.origin).port or 0
            client = WebApi(BOT_TOKEN, slack.api_url, session)
            bolt = Workspace(client).bolt_app()
            socket = SocketMode(bolt, client, APP_TOKEN, look_every=0.01, ping_every=0.2)
            holding = asyncio.create_task(socket.hold())
            await eventually(lambda: events(lines) == ["socket_mode.connected"])
        await eventually(lambda: events(lines)[1:] == ["socket_mode.disconnected"])
        async with slack.serving(port=port):
            await eventually(lambda: events(lines)[2:] == ["socket_mode.connected"])
            await socket.leave(3)
            await ended(holding)
    assert len(events(lines)) == 3


def events(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


@pytest.mark.parametrize(
    "payload", [{}, {"type": "block_actions"}, {"command": 5}, {"event": 7}, {"user": []}]
)
async def test_what_the_receiver_would_refuse_is_refused_here_in_a_line_too(
    slack: SimulatedSlack, start: Start, payload: dict[str, Any]
) -> None:
    copy = await start("only")
    with structlog.testing.capture_logs() as lines:
        lost = asyncio.create_task(slack.links.deliver("interactive", payload))
        await eventually(lambda: events(lines) == ["slack.malformed_request"])
        lost.cancel()
    assert not copy.asked.is_set()
    assert await said(slack) == "only"
