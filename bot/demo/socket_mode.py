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


@dataclass
class SocketLinks:
    """The WebSocket links of one app, each opened with a ticket that is good for one connection."""

    app_id: str
    _tickets: set[str] = field(default_factory=set)
    _links: list[web.WebSocketResponse] = field(default_factory=list)
    _awaited: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    @property
    def connected(self) -> bool:
        """Whether a client is there to take an envelope."""
        return any(not link.closed for link in self._links)

    def ticket(self) -> str:
        """Return the path of a new link, to be connected to once."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"/link/{ticket}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Greet a client that comes with a ticket and read its acknowledgements until it goes away."""
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            return web.Response(status=401, text="invalid ticket")
        self._tickets.remove(ticket)
        link = web.WebSocketResponse(timeout=1.0)
        await link.prepare(request)
        self._links.append(link)
        try:
            await link.send_json(
                {
                    "type": "hello",
                    "num_connections": len(self._links),
                    "connection_info": {"app_id": self.app_id},
                    "debug_info": {"host": "demo", "approximate_connection_time": 18060},
                }
            )
            async for incoming in link:
                if incoming.type is WSMsgType.TEXT:
                    self._acknowledged(incoming.data)
        finally:
            self._links.remove(link)
        return link

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

    async def deliver(self, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send one envelope and return the acknowledgement; the caller sets the deadline.

        Raises:
            ConnectionError: no client is connected.
        """
        link = next((link for link in reversed(self._links) if not link.closed), None)
        if link is None:
            raise ConnectionError("no Socket Mode client is connected")
        envelope_id = secrets.token_hex(16)
        awaited: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._awaited[envelope_id] = awaited
        try:
            await link.send_json(
                {
                    "envelope_id": envelope_id,
                    "type": kind,
                    "payload": payload,
                    "accepts_response_payload": True,
                }
            )
            return await awaited
        finally:
            del self._awaited[envelope_id]

    async def close(self) -> None:
        """Tell every client to go elsewhere, as Slack does before it closes a link, then close it."""
        self._tickets.clear()
        for link in tuple(self._links):
            with contextlib.suppress(ConnectionError):
                await link.send_json({"type": "disconnect", "reason": "refresh_requested"})
            await link.close()
