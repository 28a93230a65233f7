"""Socket Mode: Slack's commands and presses over a connection that the bot opens."""

import asyncio
from contextlib import suppress
from functools import partial

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.slack.receiver import served
from bot.slack.web_api import WebApi, answer_to

log = structlog.get_logger()

LOOK_EVERY = 2.0
"""Seconds between two looks at the connection: Slack renews it in less, several times a day."""

PING_EVERY = 10.0
"""Seconds between two pings, and between two tries to connect again."""

CLOSE_SECONDS = 1.0
"""How long Slack may take to confirm that the connection is closed."""


class SocketMode:
    """Holds the connection; the library renews it by itself once it stands."""

    def __init__(
        self,
        app: AsyncApp,
        client: WebApi,
        app_token: str,
        *,
        look_every: float = LOOK_EVERY,
        ping_every: float = PING_EVERY,
    ) -> None:
        self._app = app
        self._client = client
        self._token = app_token
        self._look_every = look_every
        self._ping_every = ping_every
        self._handler: AsyncSocketModeHandler | None = None
        self._taken: set[asyncio.Task[None]] = set()
        self._left = False

    async def connected(self) -> bool:
        """Tell whether the connection stands."""
        return self._handler is not None and await self._handler.client.is_connected()

    async def hold(self) -> None:
        """Be connected until cancelled; raises `NotDelivered` where Slack allows no connection."""
        # Asked once first, for the library retries a bad token for ever and says nothing of use.
        await answer_to(self._client.apps_connections_open(app_token=self._token))
        if self._left:
            return
        handler = AsyncSocketModeHandler(
            self._app, self._token, web_client=self._client, ping_interval=self._ping_every
        )
        handler.client.proxy = None  # as in `WebApi`
        handler.client.socket_mode_request_listeners[:] = [partial(self._take, handler)]
        self._handler = handler
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types
            await self._mind()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types

    async def _mind(self) -> None:
        """Say when the connection stands, is gone, and is back: the library says none of it as an event."""
        stood = False
        while True:
            stands = await self.connected()
            if stands and not stood:
                log.info("socket_mode.connected")
            elif stood and not stands and not self._left:
                log.warning("socket_mode.disconnected", consequence="no command or press arrives here")
            stood = stands
            await asyncio.sleep(self._look_every)

    async def leave(self, seconds: float) -> None:
        """Close the connection as soon as nothing taken waits for its acknowledgement, for so long at most.

        Slack sends each request to any one connection of the app (docs.slack.dev, "Using Socket Mode"), and
        nowhere promises to repeat a command: until it is gone, this copy takes what comes. Later answers need
        no connection.
        """
        self._left = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._taken:
                    await asyncio.wait(self._taken)
        if self._handler is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._handler.close_async()  # type: ignore[no-untyped-call]  # Bolt gives no types

    async def _take(
        self, handler: AsyncSocketModeHandler, client: SocketModeClient, request: SocketModeRequest
    ) -> None:
        """Hand a request on, and keep in mind that Slack waits until it is acknowledged."""
        if not _is_served(request):
            log.warning("slack.malformed_request")
            return
        taken = asyncio.create_task(handler.handle(client, request))
        self._taken.add(taken)
        taken.add_done_callback(self._taken.discard)
        await taken


def _is_served(request: SocketModeRequest) -> bool:
    """Whether it is what the receiver too would serve: Bolt says of others what is in them, in tracebacks."""
    try:
        return served(AsyncBoltRequest(mode="socket_mode", body=request.payload).body)
    except Exception:  # noqa: BLE001 - as in the receiver
        return False
