"""The provider and Slack on loopback, the settings that lead to them, and servers that never say a word."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot import settings
from bot.clock import SystemClock
from bot.demo.exhibits import START
from bot.demo.provider import SimulatedProvider
from bot.demo.slack_api import SimulatedSlack
from bot.demo.world import DemoWorld, PrepaidAccount

API_KEY = "canary0000000000000000000000000000000000"
BOT_TOKEN = "xoxb-canary-bot-token"
APP_TOKEN = "xapp-canary-app-token"
SIGNING_SECRET = "ca9a41ca9a41ca9a41ca9a41ca9a41ca"
DATABASE_PASSWORD = "canary-database-password"
SECRETS = (API_KEY, BOT_TOKEN, APP_TOKEN, SIGNING_SECRET, DATABASE_PASSWORD)

HOSTS = ("DYNO", "RENDER", "RAILWAY_ENVIRONMENT", "FLY_APP_NAME", "CONTAINER")


def without_secrets(text: str) -> str:
    """Return what was printed, once it is sure that it holds nothing that nobody may see."""
    assert not [secret for secret in SECRETS if secret in text]
    assert "canary" not in text
    assert "Traceback" not in text
    return text


@dataclass
class Neighbours:
    """All that stands around the command line, and the settings by which it finds them."""

    provider: SimulatedProvider
    slack: SimulatedSlack
    settings: dict[str, str] = field(default_factory=dict)
    slacks_clock_differs: timedelta = timedelta(0)


@asynccontextmanager
async def neighbours() -> AsyncIterator[Neighbours]:
    """Serve a provider with 5,500 SMS left, and a workspace."""
    clock = SystemClock().now
    world = DemoWorld(PrepaidAccount(clock, balance=START["sms"], drain=0))
    provider = SimulatedProvider(world, api_key=API_KEY, clock=clock)
    slack = SimulatedSlack(
        bot_token=BOT_TOKEN,
        signing_secret=SIGNING_SECRET,
        app_token=APP_TOKEN,
        clock=lambda: clock() + around.slacks_clock_differs,
    )
    around = Neighbours(provider, slack)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(provider.serving())
        await stack.enter_async_context(slack.serving())
        around.settings = {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": slack.api_url,
            "SMSPARTNER_API_KEY": API_KEY,
            "SMSPARTNER_API_URL": provider.api_url,
            "ALERT_CHANNEL": "C0ALERTS",
            "CREDIT_SMS_WARNING": "5000",
            "CREDIT_SMS_CRITICAL": "1000",
        }
        yield around


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """Take connections and never say a word; yields the port."""
    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: connections.append(writer), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in connections:
            writer.close()


@asynccontextmanager
async def hanging_up() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Break every connection once the request has come; yields the address and the requests."""
    asked: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked
    finally:
        server.close()


@asynccontextmanager
async def refusing(
    code: str = "28P01", said: str = 'password authentication failed for user "bot"', tls: bytes = b"N"
) -> AsyncIterator[int]:
    """Speak as a PostgreSQL that asks for a password and then refuses; yields the port.

    The messages are those of PostgreSQL's manual, "Message Formats".
    """

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            asked_for_tls = await _packet(reader) == _TLS
            if asked_for_tls:
                writer.write(tls)
                await _packet(reader)
            writer.write(b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big"))
            await reader.readexactly(1)
            await _packet(reader)
            fields = f"SFATAL\0C{code}\0M{said}\0\0".encode()
            writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


_TLS = (80877103).to_bytes(4, "big")


async def _packet(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)


@asynccontextmanager
async def saying(status: int, body: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Answer every request alike; yields the address and the paths asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1", asked
    finally:
        await runner.cleanup()


def environment_of(values: Mapping[str, str | None], patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the environment hold these settings and no others, in a folder without `.env`."""
    patch.chdir(folder)
    for name in (*settings.names(), *HOSTS):
        patch.delenv(name, raising=False)
    for name, value in values.items():
        if value is not None:
            patch.setenv(name, value)
