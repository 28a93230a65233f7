"""The HTTP face: Slack's requests, and a sign of life for hosts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler

MAX_BODY = 1024 * 1024
"""Bytes; Slack sends a few kilobytes. A larger body is a 413."""

SHUTDOWN_SECONDS = 3.0
"""Requests that linger longer are cut: Slack waits for no answer longer than that."""


def application(slack_events: Handler | None) -> web.Application:
    """Build the routes; without `slack_events` (Socket Mode) only the sign of life is served."""
    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_get("/", _alive)
    app.router.add_get("/healthz", _alive)
    if slack_events:
        app.router.add_post("/slack/events", slack_events)
    return app


@asynccontextmanager
async def serving(app: web.Application, port: int, host: str | None = None) -> AsyncIterator[int]:
    """Serve on all addresses of both families, unless told otherwise; yields the port bound."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host=host, port=port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")
