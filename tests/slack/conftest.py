"""A server in Slack's place that says what the test has written down."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web


@dataclass(frozen=True)
class Says:
    """One answer: a status, a body and its headers; a body of None stands for none, ever."""

    status: int = 200
    body: str | None = '{"ok": true}'
    headers: dict[str, str] = field(default_factory=dict)
    type: str = "application/json"


@dataclass
class Scripted:
    """The server: its answers, the last of them for ever, and what it was asked."""

    url: str = ""
    answers: deque[Says] = field(default_factory=deque)
    asked: list[Any] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def says(self, *answers: Says) -> None:
        self.answers = deque(answers)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json() if request.can_read_body else {})
        said = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if said.body is None:
            await self.closing.wait()
            return web.Response()
        body = said.body.encode("latin-1")
        return web.Response(
            status=said.status, body=body, headers={**said.headers, "Content-Type": said.type}
        )


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    app = web.Application()
    app.router.add_post("/{path:.*}", scripted.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield scripted
    scripted.closing.set()
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened
