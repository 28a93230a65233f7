"""Serves the routes: who connects, how long each is waited for, and how each request is handled."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from bot.web.bodies import MAX_BODY
from bot.web.callers import Callers
from bot.web.tally import Tally

log = structlog.get_logger()

MAX_CONNECTIONS = 128
"""Sockets and memory that strangers hold are what the watch needs: above it somebody has to go."""

HEAD_SECONDS = 10.0
"""How long a head may take, all in all: from the connection's beginning, later from its own first byte."""

IDLE_SECONDS = 120.0
"""How long a connection may be kept between two requests: longer than hosts' proxies keep one."""

MAX_HEAD = 64 * 1024
"""Bytes of one head, with what comes along of its body before that is asked for. Slack's has two thousand."""

MAX_PIECES = 1024
"""Lines and reads of one request. Slack's has some twenty lines; each chunk of a body has two."""

READ_SIZE = 16 * 1024
"""Bytes read at a time: one caller's do not delay the others', and no more are kept than are asked for."""

UNREAD_SIZE = 16 * 1024
"""Bytes of a body that wait to be read; twice as many stop the caller."""

LINGERING_SECONDS = 1.0
"""How long what is left of a refused body is read, so that the refusal arrives."""

SHUTDOWN_SECONDS = 3.0
"""Requests that linger longer are cut: Slack waits for no answer longer than that."""

NAMELESS = {"Server": "smscredits"}
"""Without it aiohttp tells everybody its version and Python's."""

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_CONTINUE = "100-continue"
_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def application(
    slack_events: Handler | None, probes: Mapping[str, Handler] = MappingProxyType({})
) -> web.Application:
    """Build the routes; without `slack_events` (Socket Mode) only the sign of life and probes are served."""
    app = web.Application(client_max_size=MAX_BODY)
    app.on_response_prepare.append(_tell_no_versions)
    for path in ("/", "/healthz"):
        app.router.add_get(path, _alive)
        app.router.add_options(path, _options)
    for path, probe in probes.items():
        app.router.add_get(path, probe)
    if slack_events:
        app.router.add_post("/slack/events", slack_events, expect_handler=_promise_nothing)
    return app


@asynccontextmanager
async def serving(
    app: web.Application,
    port: int,
    host: str | None = None,
    *,
    connections: int = MAX_CONNECTIONS,
    head_seconds: float = HEAD_SECONDS,
    idle_seconds: float = IDLE_SECONDS,
    turned_away: Tally | None = None,
) -> AsyncIterator[int]:
    """Serve on all addresses of both families, unless told otherwise; yields the port bound.

    Without a port the system gives each family its own, in no order: IPv4's is the one that is said.
    """
    loop = asyncio.get_running_loop()
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 - it is there once set up
    server.request_handler = _handling(server.request_handler)
    door = _Door(Callers(connections), head_seconds, idle_seconds, turned_away or Tally("http.turned_away"))
    listening = None
    try:
        if host is not None:
            _must_be_ours(host)
        listening = await loop.create_server(lambda: _Connection(server, loop, door), host, port)
        yield min(listening.sockets, key=lambda bound: bound.family).getsockname()[1]
    finally:
        if listening is not None:
            listening.close()
        await runner.cleanup()


def _must_be_ours(host: str) -> None:
    """Raise the system's error if this machine has no such address: asyncio says only that it failed."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.bind((host, 0))


@dataclass(frozen=True)
class _Door:
    """What the connections of one server share."""

    callers: "Callers[_Connection]"
    head_seconds: float
    idle_seconds: float
    turned_away: Tally
    read: memoryview = field(default_factory=lambda: memoryview(bytearray(READ_SIZE)))


class _Connection(web.RequestHandler, asyncio.BufferedProtocol):
    """One caller; what is no HTTP is refused in a line, which repeats nothing of it.

    aiohttp's own clock starts only where it waits for a request, and each byte of a slow head is news to it;
    this one bounds all that a caller is waited for.
    """

    __slots__ = ("_door", "_head_size", "_idle", "_patience", "_pieces", "in_too_many_pieces")

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop, door: _Door) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes None too: no log of requests
            lingering_time=LINGERING_SECONDS,
            read_bufsize=UNREAD_SIZE,
            # Slack compresses nothing, and what is signed is the body as it was sent.
            auto_decompress=False,
        )
        self._door = door
        self._idle = False
        self._patience: asyncio.TimerHandle | None = None
        # Read and no part of a body; nothing where it is one.
        self._head_size: int | None = 0
        self._pieces = 0
        self.in_too_many_pieces = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the caller in, if need be for one that has kept the bot waiting; else refuse it."""
        callers = self._door.callers
        if callers.full:
            slowest = callers.must_go()
            if slowest is None:
                self._door.turned_away.add("all_busy")
                assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - it is one, for a stream
                transport.write(_REFUSAL)
                transport.close()
                return
            slowest.hang_up("made_room")
        super().connection_made(transport)
        callers.await_head(self)
        self._wait(self._door.head_seconds)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the caller."""
        self._wait(None)
        self._door.callers.leave(self)
        super().connection_lost(exc)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return where to read into: one place for all, for each is taken from there at once."""
        return self._door.read

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read, up to where it becomes too many pieces: each costs more than it says."""
        if self.in_too_many_pieces:
            self._pause_transport_reading()
            return
        if self._idle:
            self._idle = False
            self._wait(self._door.head_seconds)
        if self._head_size is not None:
            self._head_size += nbytes
            if self._head_size > MAX_HEAD:
                self.hang_up("large_head")
                return
        read = bytes(self._door.read[:nbytes])
        lines = read.count(b"\n")
        left = max(MAX_PIECES - self._pieces - 1, 0)
        self._pieces += 1 + lines
        if lines > left:
            self.in_too_many_pieces = True
            read = b"\n".join(read.split(b"\n", left)[:left])
        self.data_received(read)

    def has_sent_head(self) -> None:
        """Take note that a request is there to be answered."""
        self._idle = False
        self._head_size = 0
        self._wait(None)
        self._door.callers.serve(self)

    def awaits_body(self) -> None:
        """Take note that the request's body is waited for, in bounded time."""
        self._head_size = None
        self._door.callers.await_body(self)

    def has_sent_body(self) -> None:
        """Take note that the body is there."""
        self._head_size = 0
        self._door.callers.serve(self)

    def is_answered(self, *, whole: bool) -> None:
        """Take note that the next request is waited for; where this one is not `whole`, nothing is."""
        if self.transport is not None:
            if not whole:
                self._head_size = None
            self._pieces = 0
            self._idle = True
            self._door.callers.await_head(self)
            self._wait(self._door.idle_seconds)

    def hang_up(self, why: str) -> None:
        """End the connection now, whatever is still to be sent."""
        self._door.turned_away.add(why)
        self._door.callers.leave(self)
        if self.transport is not None:
            self.transport.abort()

    def _wait(self, seconds: float | None) -> None:
        """Wait so long for the caller from now on, or as long as it takes."""
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None if seconds is None else self._loop.call_later(seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        self._patience = None
        if not self._idle:
            self.hang_up("no_head")
        elif self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be parsed, or what a handler raised."""
        if isinstance(exc, HttpProcessingError):
            log.warning("http.malformed_request", fault=type(exc).__name__)
        elif not isinstance(exc, ConnectionError):
            log.error("http.failed", status=status, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        text = f"{status}: this request cannot be answered.\n"
        answer = web.Response(status=status, text=text, headers=NAMELESS)
        answer.force_close()
        return answer


def _handling(handle: Handle) -> Handle:
    """Say to a connection when it is being served; promise nothing that a strange `Expect` asks.

    aiohttp repeats what was expected, and fails where it is no text.
    """

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        caller = request.protocol
        assert isinstance(caller, _Connection)  # noqa: S101 - the server makes no others
        caller.has_sent_head()
        try:
            if request.headers.get("Expect", _CONTINUE).lower() == _CONTINUE:
                response = await handle(request)
            else:
                log.warning("http.malformed_request", fault="Expect")
                response = web.Response(status=417, text="417: this cannot be expected.\n", headers=NAMELESS)
        finally:
            caller.is_answered(whole=request.content.is_eof())
        if caller.in_too_many_pieces or not request.content.is_eof():
            response.force_close()  # what is left of the body is no next request
        return response

    return answer


async def _promise_nothing(_request: web.Request) -> None:
    """Ask for no body yet: its head may be refused."""


async def _tell_no_versions(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(NAMELESS)


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _options(_request: web.Request) -> web.Response:
    """Answer what some load balancers ask by default."""
    return web.Response(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})
