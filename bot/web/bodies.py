"""Bodies that nobody has verified yet: each is bounded by size, time and pieces, and all of them together."""

import asyncio
from typing import Protocol

from aiohttp import HttpVersion11, web

MAX_BODY = 1024 * 1024
"""Bytes; Slack sends a few kilobytes. A larger body is a 413."""

SMALL_BODY = 48 * 1024
"""Bytes that every connection may send without asking: 6 MiB over 128 of them."""

LARGE_BODIES = 2 * 1024 * 1024
"""Bytes that larger bodies share beyond that; 8 MiB with the small ones."""

BODY_SECONDS = 10.0
"""How long a body may take to arrive, all in all; Slack itself gives up after 3 s."""


class Sender(Protocol):
    """Whoever sends a body."""

    @property
    def in_too_many_pieces(self) -> bool:
        """Whether it sends in so many pieces that it is not listened to any more."""

    def awaits_body(self) -> None:
        """Take note that the body is waited for."""

    def has_sent_body(self) -> None:
        """Take note that the body is there."""


class Bodies:
    """Reads the bodies of one server.

    Where the large ones have no room left, the next is refused at once: Slack waits 3 s for the answer and
    sends nothing so large, and a body that waited would hold a connection and its memory meanwhile.
    """

    def __init__(self, seconds: float = BODY_SECONDS, large_together: int = LARGE_BODIES) -> None:
        self._seconds = seconds
        self._free = large_together

    async def read(self, request: web.Request) -> bytes:
        """Return the whole body; raises aiohttp's error for each refusal, or the connection's OSError."""
        share = 0

        def reserve(size: int) -> int:
            """Return what is taken of the common room, with room for so many bytes."""
            if size > MAX_BODY:
                raise web.HTTPRequestEntityTooLarge(MAX_BODY, size)
            more = max(size - SMALL_BODY - share, 0)
            if more > self._free:
                raise web.HTTPServiceUnavailable
            self._free -= more
            return share + more

        try:
            share = reserve(request.content_length or 0)
            body = bytearray()
            sender: Sender = request.protocol  # type: ignore[assignment]  # the connections are this server's
            sender.awaits_body()
            if request.version == HttpVersion11 and "Expect" in request.headers:
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0  # it is nothing of the answer
            try:
                async with asyncio.timeout(self._seconds):
                    while piece := await request.content.readany():
                        body += piece
                        share = reserve(len(body))
                        if sender.in_too_many_pieces:
                            raise web.HTTPBadRequest
            except TimeoutError:
                raise web.HTTPRequestTimeout from None
            except web.RequestPayloadError:
                raise web.HTTPBadRequest from None
            sender.has_sent_body()
            return bytes(body)
        finally:
            self._free += share
