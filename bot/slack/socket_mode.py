"""Socket Mode: Slack's commands and presses over a connection that the bot opens."""

import asyncio

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.slack.web_api import WebApi, answer_to

log = structlog.get_logger()


class SocketMode:
    """Holds the connection; the library renews it by itself once it stands."""

    def __init__(self, app: AsyncApp, client: WebApi, app_token: str) -> None:
        self._app = app
        self._client = client
        self._token = app_token
        self._handler: AsyncSocketModeHandler | None = None

    async def connected(self) -> bool:
        """Tell whether the connection stands."""
        return self._handler is not None and await self._handler.client.is_connected()

    async def hold(self) -> None:
        """Be connected until cancelled; raises `NotDelivered` where Slack allows no connection."""
        # Asked once first, for the library retries a bad token for ever and says nothing of use.
        await answer_to(self._client.apps_connections_open(app_token=self._token))
        handler = AsyncSocketModeHandler(self._app, self._token, web_client=self._client)
        handler.client.proxy = None  # as in `WebApi`
        self._handler = handler
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types
            log.info("socket_mode.connected")
            await asyncio.Event().wait()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types

    def stop_accepting(self) -> None:
        """Take nothing more; what was taken can still be answered."""
        if self._handler is not None:
            self._handler.client.socket_mode_request_listeners.clear()
