"""The page a person tries the bot with: a Slack-like channel, live by server-sent events, on loopback."""

import asyncio
import html
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.demo.stage import CommandHelp, Feed, Scene, Slack, Stage, World

FILES = Path(__file__).with_suffix("")
CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SLACK_FAULTS = ("fine", "rate_limited", "server_error")
HEARTBEAT_SECONDS = 15.0
HEADERS = {
    # Messages are written by the program under test: nothing they hold may run, load or frame anything.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page_app(
    slack: Slack,
    world: World,
    clock: Callable[[], datetime],
    *,
    command: CommandHelp,
    scene: Scene | None = None,
    exchanges: Callable[[], Sequence[str]] = tuple,
) -> web.Application:
    """Return the page's server; `exchanges` gives the provider's log so far, such as `GET /v1/me → 200`."""
    stage = Stage(slack, world, clock, command, scene or Scene(), exchanges)
    feed = Feed(stage)
    routes = Routes(stage, feed)
    app = web.Application(middlewares=[only_from_here])
    app.cleanup_ctx.append(feed.running)
    # On shutdown, not on cleanup: in between aiohttp waits for handlers, and a stream never ends by itself.
    app.on_shutdown.append(feed.close)
    app.on_response_prepare.append(_harden)
    app.add_routes(
        [
            web.get("/", routes.index),
            web.get("/static/{name}", routes.static),
            web.get("/events", routes.events),
            web.post("/demo/command", routes.command),
            web.post("/demo/press", routes.press),
            web.post("/demo/world", routes.change_world),
            web.post("/demo/slack", routes.change_slack),
        ]
    )
    return app


class Routes:
    """What the page asks for: decode, call, encode."""

    def __init__(self, stage: Stage, feed: Feed) -> None:
        self._stage, self._feed = stage, feed
        self._files = {
            path.name: path.read_bytes() for path in FILES.iterdir() if path.suffix in CONTENT_TYPES
        }

    async def index(self, _request: web.Request) -> web.Response:
        """Answer the page itself."""
        return self._file("index.html")

    async def static(self, request: web.Request) -> web.Response:
        """Answer a file of the page."""
        return self._file(request.match_info["name"])

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream a snapshot now and after every change, until the page or the server goes away."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with suppress(ConnectionError):
            await response.prepare(request)
            seen = self._feed.version
            await response.write(b"retry: 1000\n\n" + self._stage.snapshot())
            while not self._feed.closed:
                try:
                    news = await asyncio.wait_for(self._feed.news(seen), HEARTBEAT_SECONDS)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                if news > seen:
                    seen = news
                    await response.write(self._feed.latest)
        return response

    async def command(self, request: web.Request) -> web.Response:
        """Send what a person typed: a slash command to the bot, anything else as their own message."""
        said = await _read(request)
        user, text = self._person(said), _text(said, "text").strip()
        if not text:
            raise _nonsense("text: there is nothing to send")
        name, _, rest = text.partition(" ")
        channel = self._stage.scene.channel_id
        if name == self._stage.command.name:
            await self._stage.slack.command(rest.strip(), user=user, channel=channel)
        elif name.startswith("/"):
            raise _nonsense(f"{name} is not a valid command")
        else:
            # Slack keeps typed text escaped, so that nobody types a mention of everybody by accident.
            self._stage.slack.say(user, channel, html.escape(text, quote=False))
        return self._done()

    async def press(self, request: web.Request) -> web.Response:
        """Press a button or choose an option; `ok` is false when the bot did not take it."""
        said = await _read(request)
        message = self._stage.seen_by(self._person(said), _text(said, "ts"))
        if message is None:
            raise web.HTTPNotFound(text="ts: that person sees no such message")
        if not any(block.get("block_id") == _text(said, "block_id") for block in message.blocks):
            raise web.HTTPNotFound(text="block_id: the message has no such block")
        try:
            pressed = await self._stage.slack.press(
                message,
                _text(said, "action_id"),
                user=_text(said, "user"),
                value=_text(said, "value") if "value" in said else None,
                selected_option=_text(said, "selected_option") if "selected_option" in said else None,
            )
        except LookupError as error:
            raise web.HTTPNotFound(text=f"action_id: the message has no such element ({error})") from error
        return self._done(ok=pressed.status == web.HTTPOk.status_code, status=pressed.status)

    async def change_world(self, request: web.Request) -> web.Response:
        """Change the account, or how the provider behaves."""
        try:
            self._stage.world.apply(await _read(request))
        except ValueError as error:
            raise _nonsense(str(error)) from error
        return self._done()

    async def change_slack(self, request: web.Request) -> web.Response:
        """Change how Slack's Web API behaves."""
        fault = _text(await _read(request), "fault")
        if fault not in SLACK_FAULTS:
            raise _nonsense(f"fault: one of {', '.join(SLACK_FAULTS)}")
        self._stage.slack.fault = fault
        return self._done()

    def _done(self, **answer: object) -> web.Response:
        self._feed.touch()
        return web.json_response({"ok": True} | answer)

    def _file(self, name: str) -> web.Response:
        if name not in self._files:
            raise web.HTTPNotFound(text="no such file")
        kind = CONTENT_TYPES[Path(name).suffix]
        return web.Response(body=self._files[name], content_type=kind, charset="utf-8")

    def _person(self, said: Mapping[str, Any]) -> str:
        user = _text(said, "user")
        if not self._stage.person(user):
            raise _nonsense("user: nobody of this workspace who can type or press")
        return user


@web.middleware
async def only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse every other site: one that rebinds its name to loopback, or that posts from its own pages."""
    origin = request.headers.get("Origin")
    if not _is_loopback(request.host) or origin not in (None, f"http://{request.host}"):
        raise web.HTTPForbidden(text="This page answers only to itself, on this computer.")
    return await handler(request)


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def _read(request: web.Request) -> Mapping[str, Any]:
    # A form of another site can post text/plain without asking; JSON it cannot.
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json")
    try:
        said = await request.json()
    except ValueError as error:
        raise _nonsense("the body is no JSON") from error
    if not isinstance(said, dict):
        raise _nonsense("the body is no JSON object")
    return said


def _text(said: Mapping[str, Any], field: str) -> str:
    value = said.get(field)
    if not isinstance(value, str):
        raise _nonsense(f"{field}: a text is needed")
    return value


def _nonsense(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=reason)
