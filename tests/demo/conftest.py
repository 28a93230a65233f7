"""The simulated Slack, Slack's own client before it and a tiny bot behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack_api import SimulatedSlack
from bot.demo.workspace import Message

SECRET = "the signing secret"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ALERTS = "C0ALERTS"

Json = dict[str, Any]


@dataclass
class Wall:
    """A clock on the wall, whose hands the test moves."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class WallSeconds(Clock):
    """The same clock, as Slack's own verifier reads it."""

    def __init__(self, wall: Wall) -> None:
        self.wall = wall

    def now(self) -> float:
        return self.wall().timestamp()


async def nothing(_: Json) -> web.Response:
    return web.Response()


@dataclass
class TinyBot:
    """An app as Slack sees it: it verifies with Slack's own verifier, notes what came, answers as told."""

    wall: Wall
    answer: Callable[[Json], Awaitable[web.Response]] = nothing
    received: list[Json] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        verifier = SignatureVerifier(SECRET, WallSeconds(self.wall))
        if not verifier.is_valid_request(body, dict(request.headers)):
            return web.Response(status=401)
        form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
        received = json.loads(form["payload"]) if "payload" in form else form
        self.received.append(received)
        return await self.answer(received)

    def says(self, **body: Any) -> None:
        async def answer(_: Json) -> web.Response:
            return web.json_response(body)

        self.answer = answer

    def fails(self, status: int) -> None:
        async def answer(_: Json) -> web.Response:
            return web.Response(status=status, headers={"Location": "/elsewhere"}, text="broken")

        self.answer = answer

    def hangs(self) -> None:
        async def answer(_: Json) -> web.Response:
            await asyncio.Event().wait()
            raise AssertionError

        self.answer = answer


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def slack(wall: Wall) -> AsyncIterator[SimulatedSlack]:
    simulated = SimulatedSlack(
        bot_token="xoxb-demo", signing_secret=SECRET, app_token="xapp-demo", clock=wall
    )
    async with simulated.serving() as serving:
        yield serving


@pytest.fixture
async def bot(slack: SimulatedSlack, wall: Wall) -> AsyncIterator[TinyBot]:
    tiny = TinyBot(wall)
    app = web.Application()
    app.router.add_post("/slack/events", tiny.take)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield tiny
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(slack: SimulatedSlack, http: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(token="xoxb-demo", base_url=slack.api_url, session=http, retry_handlers=[])


def section(text: str = "*4,812* credits left") -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str, value: str, **further: Any) -> Json:
    text = {"type": "plain_text", "text": action_id}
    return {"type": "button", "text": text, "action_id": action_id, "value": value, **further}


def snooze() -> Json:
    options = [{"text": {"type": "plain_text", "text": hours}, "value": hours} for hours in ("1h", "4h")]
    return {"type": "static_select", "action_id": "snooze", "options": options}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


async def posted(client: AsyncWebClient, slack: SimulatedSlack, *blocks: Json, **further: Any) -> Message:
    await client.chat_postMessage(channel=ALERTS, text="4,812 credits left", blocks=blocks, **further)
    return slack.messages[-1]


async def refusal(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    assert caught.value.response.status_code == 200
    return str(caught.value.response["error"])
