"""The HTTP face: Slack's requests, and a sign of life for hosts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

log = structlog.get_logger()

MAX_BODY = 1024 * 1024
"""Bytes; Slack sends a few kilobytes. A larger body is a 413."""

MAX_CONNECTIONS = 128
"""Above it a caller gets a 503: sockets and memory that strangers hold are what the watch needs."""

KEEP_ALIVE_SECONDS = 120.0
"""Longer than hosts' proxies keep a connection; a request's head must be there within it too."""

LINGERING_SECONDS = 1.0
"""How long what is left of a refused body is read, so that the refusal arrives."""

SHUTDOWN_SECONDS = 3.0
"""Requests that linger longer are cut: Slack waits for no answer longer than that."""

NAMELESS = {"Server": "smscredits"}
"""Without it aiohttp tells everybody its version and Python's."""

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_CONTINUE = "100-continue"


def application(
    slack_events: Handler | None, probes: Mapping[str, Handler] = MappingProxyType({})
) -> web.Application:
    """Build the routes; without `slack_events` (Socket Mode) only the sign of life and probes are served."""
    app = web.Application(client_max_size=MAX_BODY)
    app.on_response_prepare.append(_tell_no_versions)
    app.router.add_get("/", _alive)
    app.router.add_get("/healthz", _alive)
    for path, probe in probes.items():
        app.router.add_get(path, probe)
    if slack_events:
        app.router.add_post("/slack/events", slack_events)
    return app


@asynccontextmanager
async def serving(
    app: web.Application,
    port: int,
    host: str | None = None,
    *,
    connections: int = MAX_CONNECTIONS,
    keep_alive: float = KEEP_ALIVE_SECONDS,
) -> AsyncIterator[int]:
    """Serve on all addresses of both families, unless told otherwise; yields the port bound.

    Without a port the system gives each family its own, in no order: IPv4's is the one that is said.
    """
    loop = asyncio.get_running_loop()
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 - it is there once set up
    server.request_handler = _without_expectations(server.request_handler)

    def connection() -> asyncio.BaseProtocol:
        many = len(server.connections) >= connections
        return _Refused() if many else _Connection(server, loop, keep_alive)

    listening = None
    try:
        listening = await loop.create_server(connection, host, port)
        yield min(listening.sockets, key=lambda bound: bound.family).getsockname()[1]
    finally:
        if listening is not None:
            listening.close()
        await runner.cleanup()


class _Connection(web.RequestHandler):
    """One caller; what is no HTTP is refused in a line, which repeats nothing of it."""

    __slots__ = ()

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop, keep_alive: float) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes None too: no log of requests
            keepalive_timeout=keep_alive,
            lingering_time=LINGERING_SECONDS,
            # Slack compresses nothing, and what is signed is the body as it was sent.
            auto_decompress=False,
        )

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


class _Refused(asyncio.Protocol):
    """A caller too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - it is one, for a stream
        transport.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        transport.close()


def _without_expectations(handle: Handle) -> Handle:
    """Refuse to promise what a strange `Expect` asks: aiohttp repeats it, and fails where it is no text."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Expect", _CONTINUE).lower() == _CONTINUE:
            return await handle(request)
        log.warning("http.malformed_request", fault="Expect")
        return web.Response(status=417, text="417: this cannot be expected.\n", headers=NAMELESS)

    return answer


async def _tell_no_versions(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(NAMELESS)


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")
