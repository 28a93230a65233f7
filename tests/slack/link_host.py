"""A host of web-sockets in front of the simulated Slack's: it can be away, hang, refuse, or fall silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.demo.slack_api import SimulatedSlack


@dataclass
class LinkHost:
    """Hands connections on to Slack, or (`says`) answers itself: with these bytes, or never."""

    slack: SimulatedSlack
    port: int = 0
    says: bytes | None = None
    hangs: bool = False
    may_pass: asyncio.Event | None = None
    asked: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _flows: set[asyncio.Task[None]] = field(default_factory=set)

    async def come(self) -> None:
        """Take connections, at the port that it had before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.slack.link_origin = f"ws://127.0.0.1:{self.port}"

    async def go(self) -> None:
        """Take none, and break those that stand."""
        if self._server:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break the connections that stand."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def fall_silent(self) -> None:
        """Let what stands stand, and hand nothing on any more."""
        for flow in tuple(self._flows):
            flow.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, OSError):
            head = await reader.read(65536)
            self.asked.append(head.split(b"\r\n")[0].decode("latin-1"))
            if self.hangs:
                return
            if self.says is not None:
                writer.write(self.says)
                await writer.drain()
                writer.close()
                return
            if self.may_pass:
                await self.may_pass.wait()
            onward, outward = await asyncio.open_connection("127.0.0.1", urlsplit(self.slack.origin).port)
            self._writers.add(outward)
            outward.write(head)
            for source, sink in ((reader, outward), (onward, writer)):
                flow = asyncio.create_task(_flow(source, sink))
                self._flows.add(flow)
                flow.add_done_callback(self._flows.discard)


async def _flow(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def link_host(slack: SimulatedSlack) -> AsyncIterator[LinkHost]:
    """Put a host in front of Slack's links."""
    host = LinkHost(slack)
    await host.come()
    try:
        yield host
    finally:
        host.fall_silent()
        await host.go()
