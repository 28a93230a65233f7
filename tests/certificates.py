"""A certificate authority of the tests' own, and servers with good and bad certificates (by `openssl`)."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

LOOPBACK_NAMES = "DNS:localhost,IP:127.0.0.1"


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)


@dataclass(frozen=True)
class Authority:
    """Makes certificates in a folder; `ca` is the file that whoever trusts it has to know."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def made(self) -> "Authority":
        key = str(self.folder / "ca.key")
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", key, "-out", str(self.ca), "-subj", "/CN=Test CA", "-days", "2"),
            *("-addext", "keyUsage=critical,keyCertSign"),
        )
        return self

    def certificate(
        self, name: str, *, names: str = LOOPBACK_NAMES, days: int = 2, of_itself: bool = False
    ) -> ssl.SSLContext:
        """Return what a server with such a certificate speaks TLS by."""
        key, request, made, san = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem", "san"))
        san.write_text(f"subjectAltName={names}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        _openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(request), "-subj", "/CN=server"),
        )
        signed_by = (
            ("-signkey", str(key))
            if of_itself
            else ("-CA", str(self.ca), "-CAkey", str(self.folder / "ca.key"), "-CAcreateserial")
        )
        _openssl(
            *("x509", "-req", "-in", str(request), *signed_by, "-days", str(days)),
            *("-extfile", str(san), "-out", str(made)),
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made, key)
        return context

    def trusted(self) -> ssl.SSLContext:
        """Return what a client speaks TLS by that trusts this authority."""
        return ssl.create_default_context(cafile=self.ca)


@asynccontextmanager
async def serving_tls(context: ssl.SSLContext, body: str = "{}") -> AsyncIterator[str]:
    """Answer every request with 200 and this JSON, over TLS; yields the address."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speaking(says: bytes, *, first: bool = False) -> AsyncIterator[int]:
    """Say these bytes once something has come (or `first`, at once) and hang up; yields the port."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not first:
            await reader.read(1)
        writer.write(says)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
