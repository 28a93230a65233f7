"""The provider over HTTP, simulated: its three products for the world's accounts, or as a test has it."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol, Self

from aiohttp import web

from bot.demo.answers import GOOD, MODE_ANSWERS, MOVED, Answer
from bot.demo.holdings import PrepaidAccount
from bot.demo.journal import Journal
from bot.demo.products import BASES, MOST_A_MINUTE, Question, good, listing, question, refused, without_key

MINUTE = timedelta(minutes=1)


class World(Protocol):
    """What the provider asks of the world: its accounts, with their figures and how to answer."""

    @property
    def account(self) -> PrepaidAccount: ...  # noqa: D102 the class says it

    def holder(self, name: str) -> PrepaidAccount | None: ...  # noqa: D102 the class says it


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    query: Mapping[str, str]
    when: datetime


class SimulatedProvider:
    """The provider on loopback: answers from the world's accounts, or what a test has scripted.

    `api_key` opens the first account; `keys` says which key opens which account, by its name.
    """

    def __init__(
        self,
        world: World,
        *,
        clock: Callable[[], datetime],
        api_key: str = "",
        slow_seconds: float | None = 4.0,
        keys: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.origin = ""
        self.answer: Answer | None = None
        self.answers: deque[Answer] = deque()
        self.requests: Journal[Request] = Journal()
        self.exchanges: Journal[str] = Journal()
        self._world = world
        self._keys = {api_key: world.account.name, **keys}
        self._lately: dict[tuple[str, str], deque[datetime]] = {}
        self._clock = clock
        self.slow_seconds = slow_seconds
        self._arrival = asyncio.Event()

    @property
    def api_url(self) -> str:
        """Where SMS Partner's API begins."""
        return self.url_of("sms")

    def url_of(self, product: str) -> str:
        """Return where a product's API begins."""
        return f"{self.origin}{BASES[product]}" if self.origin else ""

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
            self.origin = f"http://{host}:{runner.addresses[0][1]}"
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
        self.exchanges.append(f"{request.method} {without_key(request.path)} → {answer.status}")
        return await self._send(request, answer)

    def _answer_to(self, request: web.Request) -> Answer:
        if request.path == MOVED:
            return GOOD
        asked = question(request.method, request.path, request.query)
        if isinstance(asked, Answer):
            return asked
        too_often = self._too_often(asked)
        if self.answers:
            return self.answers.popleft()
        if self.answer is not None:
            return self.answer
        return refused(asked.product, 429, "Trop de requêtes") if too_often else self._by_mode(asked)

    def _too_often(self, asked: Question) -> bool:
        """Count a request, and tell whether it is one too many for its minute."""
        most = MOST_A_MINUTE.get(asked.product)
        if most is None:
            return False
        now = self._clock()
        lately = self._lately.setdefault((asked.product, asked.key), deque(maxlen=most + 1))
        lately.append(now)
        return len(lately) > most and now - lately[0] < MINUTE

    def _by_mode(self, asked: Question) -> Answer:
        account = self._holder(asked)
        mode = (account or self._world.account).mode
        if mode in MODE_ANSWERS:
            return MODE_ANSWERS[mode]
        answer = self._about(account, asked)
        return replace(answer, delay_before_headers=self.slow_seconds) if mode == "slow" else answer

    def _holder(self, asked: Question) -> PrepaidAccount | None:
        found = self._world.holder(self._keys.get(asked.key, ""))
        return found if found and found.tariff.product == asked.product else None

    def _about(self, account: PrepaidAccount | None, asked: Question) -> Answer:
        if not asked.key:
            return refused(asked.product, 1, "La clé API est requise")
        if account is None:
            return refused(asked.product, 10, "Clé API incorrecte")
        if asked.page:
            return listing(account.subaccounts.listed() if account.subaccounts else (), asked.page)
        return good(asked.product, account.figures(), xml=asked.xml)

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
