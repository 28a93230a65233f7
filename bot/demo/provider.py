"""The provider over HTTP, simulated: SMS Partner's `GET /v1/me` for one account, or as a test has it."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, Self

from aiohttp import web

from bot.demo.answers import GOOD, HOSTILE, MODE_ANSWERS, MOVED, Answer, account, html
from bot.demo.journal import Journal
from bot.demo.world import Mode


class World(Protocol):
    """What the provider asks of the world: the account's present figures, and how to answer."""

    @property
    def mode(self) -> Mode: ...  # noqa: D102 the class says it

    def figures(self) -> Mapping[str, str]: ...  # noqa: D102 the class says it


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    query: Mapping[str, str]
    when: datetime


class SimulatedProvider:
    """SMS Partner on loopback: answers from the world's account, or what a test has scripted."""

    def __init__(
        self, world: World, *, api_key: str, clock: Callable[[], datetime], slow_seconds: float = 4.0
    ) -> None:
        self.api_url = ""
        self.answer: Answer | None = None
        self.answers: deque[Answer] = deque()
        self.requests: Journal[Request] = Journal()
        self.exchanges: Journal[str] = Journal()
        self._world = world
        self._api_key = api_key
        self._clock = clock
        self._slow_seconds = slow_seconds
        self._arrival = asyncio.Event()

    @property
    def redirect_followed(self) -> bool:
        """Whether anybody went where the answer `redirect` points to."""
        return any(request.path == MOVED for request in self.requests)

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Self]:
        """Serve until left; answers that hang are cut off then, so that leaving takes no time."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._respond)
        # An answer that hangs never ends of itself: its connection ends it, or the server's stop soon after.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            self.api_url = f"http://{host}:{runner.addresses[0][1]}/v1"
            yield self
        finally:
            await runner.cleanup()

    async def wait_for_requests(self, count: int, *, within: float = 5.0) -> None:
        """Wait until so many requests have come in all, at most `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while len(self.requests) < count:
                    await self._arrival.wait()
        except TimeoutError:
            raise TimeoutError(f"{len(self.requests)} of {count} requests came in {within} s") from None

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(Request(request.path, dict(request.query), self._clock()))
        # A fresh event for the next arrival: those who wait on the old one look again.
        self._arrival.set()
        self._arrival = asyncio.Event()
        answer = self._answer_to(request)
        self.exchanges.append(f"{request.method} {request.path} → {answer.status}")
        return await self._send(request, answer)

    def _answer_to(self, request: web.Request) -> Answer:
        if request.path == MOVED:
            return GOOD
        if request.path != "/v1/me":
            return html(404, "Not Found")
        if request.method != "GET":
            return html(405, "Method Not Allowed", {"Allow": "GET"})
        if self.answers:
            return self.answers.popleft()
        if self.answer is not None:
            return self.answer
        mode = self._world.mode
        if mode in MODE_ANSWERS:
            return MODE_ANSWERS[mode]
        answer = self._account(request.query)
        return replace(answer, delay_before_headers=self._slow_seconds) if mode == "slow" else answer

    def _account(self, query: Mapping[str, str]) -> Answer:
        if not query.get("apiKey"):
            return HOSTILE["code_1"]
        if query["apiKey"] != self._api_key:
            return HOSTILE["code_10"]
        return account(self._world.figures(), xml=query.get("_format") == "xml")

    async def _send(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.headers.setdefault("Content-Type", "application/json")
        if answer.gzipped:
            response.headers["Content-Encoding"] = "gzip"
        else:
            response.content_length = answer.length()
        await _pause(answer.delay_before_headers)
        if answer.close_early and answer.stall_in_body is None:
            _reset(request)
            return response
        # The client may go away at any moment, above all in the middle of a huge body.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            if await self._write(response, answer):
                await response.write_eof()
            else:
                _reset(request)
        return response

    async def _write(self, response: web.StreamResponse, answer: Answer) -> bool:
        room = answer.stall_in_body
        for chunk in answer.chunks():
            await response.write(chunk if room is None else chunk[:room])
            # Writing need not wait, and whoever shares the loop must not stand still for a huge body.
            await asyncio.sleep(0)
            if room is not None:
                room -= len(chunk)
                if room <= 0:
                    await _pause(0 if answer.close_early else None)
                    return False
        return True


async def _pause(seconds: float | None) -> None:
    if seconds is None:
        await asyncio.Event().wait()
    else:
        await asyncio.sleep(seconds)


def _reset(request: web.Request) -> None:
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    # Lingering for no time makes the kernel send RST instead of an orderly end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
