"""The simulated Slack's side of Socket Mode: tickets, WebSocket links, envelopes and their acknowledgements.

The rules are those of https://docs.slack.dev/apis/events-api/using-socket-mode.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

TICKET_SECONDS = 30.0
"""How long a ticket is good; Slack does not say it, but that the URL is temporary."""


@dataclass
class SocketLinks:
    """The WebSocket links of one app, each opened with a ticket that is good for one connection, soon."""

    app_id: str
    ticket_seconds: float = TICKET_SECONDS
    hello: bool = True
    _tickets: dict[str, float] = field(default_factory=dict)
    _links: list[web.WebSocketResponse] = field(default_factory=list)
    _awaited: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    @property
    def connected(self) -> bool:
        """Whether a client is there to take an envelope."""
        return self.open > 0

    @property
    def open(self) -> int:
        """How many links there are."""
        return sum(not link.closed for link in self._links)

    def ticket(self) -> str:
        """Return the path of a new link, to be connected to once."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = asyncio.get_running_loop().time() + self.ticket_seconds
        return f"/link/?ticket={ticket}&app_id={self.app_id}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Greet a client that comes with a ticket and read its acknowledgements until it goes away."""
        until = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if asyncio.get_running_loop().time() > until:
            return web.Response(status=401, text="invalid ticket")
        link = web.WebSocketResponse(timeout=1.0)
        await link.prepare(request)
        self._links.append(link)
        try:
            if self.hello:
                await link.send_json(self._hello())
            async for incoming in link:
                if incoming.type is WSMsgType.TEXT:
                    self._acknowledged(incoming.data)
        finally:
            self._links.remove(link)
        return link

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._links),
            "connection_info": {"app_id": self.app_id},
            "debug_info": {"host": "demo", "approximate_connection_time": 18060},
        }

    def _acknowledged(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        if not isinstance(answer, dict):
            return
        awaited = self._awaited.get(str(answer.get("envelope_id")))
        if awaited is not None and not awaited.done():
            awaited.set_result(answer)

    async def deliver(self, kind: str, payload: Mapping[str, Any], **further: Any) -> dict[str, Any]:
        """Send one envelope and return the acknowledgement; the caller sets the deadline.

        `further` is what a repeated one has: `retry_attempt`, `retry_reason`, or the same `envelope_id`.

        Raises:
            ConnectionError: no client is connected.
        """
        link = next((link for link in reversed(self._links) if not link.closed), None)
        if link is None:
            raise ConnectionError("no Socket Mode client is connected")
        envelope_id = str(further.get("envelope_id") or secrets.token_hex(16))
        awaited: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._awaited[envelope_id] = awaited
        try:
            await link.send_json(
                {
                    "envelope_id": envelope_id,
                    "type": kind,
                    "payload": payload,
                    "accepts_response_payload": True,
                    **further,
                }
            )
            return await awaited
        finally:
            del self._awaited[envelope_id]

    async def announce(self, reason: str) -> None:
        """Tell every client to go elsewhere: `warning`, `refresh_requested`, `link_disabled`."""
        told = {"type": "disconnect", "reason": reason, "debug_info": {"host": "demo"}}
        await self.say(json.dumps(told))

    async def say(self, text: str) -> None:
        """Send every client a text as it is."""
        for link in tuple(self._links):
            with contextlib.suppress(ConnectionError):
                await link.send_str(text)

    async def drop(self) -> None:
        """Close every link that is open now."""
        await asyncio.gather(*(link.close() for link in tuple(self._links)))

    async def close(self) -> None:
        """Tell every client to go elsewhere, as Slack does before it closes a link, then close it."""
        self._tickets.clear()
        await self.announce("refresh_requested")
        await self.drop()
