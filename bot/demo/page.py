"""The page a person tries the bot with: a Slack-like channel, live by server-sent events, on loopback."""

import asyncio
import html
import ipaddress
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

FILES = Path(__file__).with_suffix("")
CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SLACK_FAULTS = ("fine", "rate_limited", "server_error")
HEARTBEAT_SECONDS = 15.0
PAUSE_SECONDS = 0.1
LOG_LINES = 60
HEADERS = {
    # Messages are written by the program under test: nothing they hold may run, load or frame anything.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Person(Protocol):
    """A member of the workspace, the bot included."""

    @property
    def id(self) -> str:
        """Slack's id, `U…`."""

    @property
    def name(self) -> str:
        """The short name."""

    @property
    def real_name(self) -> str:
        """The name shown beside messages."""


class ShownMessage(Protocol):
    """A message as the simulated Slack keeps it."""

    @property
    def ts(self) -> str:
        """Its timestamp, which is also its id."""

    @property
    def channel(self) -> str:
        """The channel's id."""

    @property
    def user(self) -> str:
        """The author's id."""

    @property
    def text(self) -> str:
        """What screen readers and notifications say."""

    @property
    def blocks(self) -> Sequence[Any]:
        """What is drawn instead of the text, if anything."""

    @property
    def thread_ts(self) -> str | None:
        """The message it replies to."""

    @property
    def broadcast(self) -> bool:
        """Whether a reply is shown in the channel too."""

    @property
    def ephemeral_for(self) -> str | None:
        """The only person who sees it."""

    @property
    def edited_ts(self) -> str | None:
        """When it was last edited."""

    @property
    def kind(self) -> str:
        """`message`, or `command` for the line a person typed."""


class ApiExchange(Protocol):
    """One call of Slack's Web API."""

    @property
    def method(self) -> str:
        """Such as `chat.postMessage`."""

    @property
    def outcome(self) -> str:
        """`ok`, or the error."""


class Pressed(Protocol):
    """What came of a press."""

    @property
    def status(self) -> int | None:
        """The bot's HTTP status; None when it did not answer in time."""


class Slack(Protocol):
    """What the page uses of the simulated Slack."""

    fault: str

    @property
    def messages(self) -> Sequence[ShownMessage]:
        """Every message, oldest first."""

    @property
    def users(self) -> Sequence[Person]:
        """Every member."""

    @property
    def calls(self) -> Sequence[ApiExchange]:
        """Every call of the Web API, oldest first."""

    @property
    def press_failed(self) -> set[str]:
        """The `ts` of messages whose last press failed."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    async def changed(self, since: int) -> int:
        """Wait until the version is above `since` and return it."""

    async def command(self, text: str, *, user: str, channel: str) -> object:
        """Send a slash command to the bot."""

    async def press(
        self,
        message: Any,
        action_id: str,
        *,
        user: str,
        value: str | None = None,
        selected_option: str | None = None,
    ) -> Pressed:
        """Press an element of a message; LookupError when the message has no such element."""

    def say(self, user: str, channel: str, text: str) -> object:
        """Post a person's own message, its text already escaped."""


class World(Protocol):
    """What the panel shows and does: the account at the provider, and how the provider behaves."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    async def changed(self, since: int) -> int:
        """Wait until the version is above `since` and return it."""

    def figures(self) -> Mapping[str, str]:
        """Return the present figures, exact, as the provider would print them."""

    def settings(self) -> Mapping[str, Any]:
        """Return the provider's mode and the drain in SMS per second."""

    def apply(self, change: Mapping[str, Any]) -> None:
        """Make one change; ValueError with the reason when it makes no sense."""


@dataclass(frozen=True)
class Subcommand:
    """A line of the composer's completion: `ack [ACCOUNT]` and what it does."""

    text: str
    description: str


@dataclass(frozen=True)
class CommandHelp:
    """The slash command as Slack's completion shows it."""

    name: str
    hint: str
    subcommands: tuple[Subcommand, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Which channel the page shows, and which member is the bot."""

    channel_id: str = "C0ALERTS"
    channel_name: str = "sms-alerts"
    bot_user: str = "U0CREDITBOT"


@dataclass(frozen=True)
class Line:
    """A line of the live log; `at` in Unix seconds, when the page first saw it."""

    at: float
    text: str


class Stage:
    """Everything the page shows, as one JSON snapshot."""

    def __init__(
        self,
        slack: Slack,
        world: World,
        clock: Callable[[], datetime],
        command: CommandHelp,
        scene: Scene,
        exchanges: Callable[[], Sequence[str]],
    ) -> None:
        self.slack, self.world, self.command, self.scene = slack, world, command, scene
        self._clock, self._exchanges = clock, exchanges
        self._log: deque[Line] = deque(maxlen=LOG_LINES)
        self._calls_seen = self._exchanges_seen = 0

    def snapshot(self) -> bytes:
        """Return the scene as it is now, as an event of a server-sent stream."""
        now = self._clock().timestamp()
        self._read_log(now)
        slack, scene = self.slack, self.scene
        shown = {
            "users": [
                {"id": u.id, "name": u.name, "real_name": u.real_name, "is_bot": u.id == scene.bot_user}
                for u in slack.users
            ],
            "channel": {"id": scene.channel_id, "name": scene.channel_name},
            "command": asdict(self.command),
            "messages": [self._message(m) for m in slack.messages if m.channel == scene.channel_id],
            "world": {"figures": dict(self.world.figures()), **self.world.settings(), "slack": slack.fault},
            "log": [asdict(line) for line in self._log],
            "now": now,
        }
        return b"event: snapshot\ndata: " + json.dumps(shown).encode() + b"\n\n"

    def person(self, user: str) -> bool:
        """Tell whether a member can type and press, which the bot cannot."""
        return user != self.scene.bot_user and any(u.id == user for u in self.slack.users)

    def seen_by(self, user: str, ts: str) -> ShownMessage | None:
        """Return a message of the channel if that person sees it."""
        for message in self.slack.messages:
            if message.ts == ts and message.channel == self.scene.channel_id:
                return message if message.ephemeral_for in (None, user) else None
        return None

    def _message(self, message: ShownMessage) -> Mapping[str, Any]:
        return {
            "ts": message.ts,
            "user": message.user,
            "text": message.text,
            "blocks": list(message.blocks or ()),
            "thread_ts": message.thread_ts,
            "broadcast": message.broadcast,
            "ephemeral_for": message.ephemeral_for,
            "edited_ts": message.edited_ts,
            "kind": message.kind,
            "failed": message.ts in self.slack.press_failed,
        }

    def _read_log(self, now: float) -> None:
        exchanges, calls = self._exchanges(), self.slack.calls
        fresh = [*exchanges[self._exchanges_seen :]]
        fresh += [f"{call.method} → {call.outcome}" for call in calls[self._calls_seen :]]
        self._exchanges_seen, self._calls_seen = len(exchanges), len(calls)
        self._log.extend(Line(now, text) for text in fresh)


class Feed:
    """Tells every open page of a change, at most ten times a second."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.latest = b""
        self.version = 0
        self.closed = False
        self._dirty = asyncio.Event()
        self._news = asyncio.Condition()

    def touch(self) -> None:
        """Have a snapshot sent although no version grew."""
        self._dirty.set()

    async def news(self, since: int) -> int:
        """Wait for a snapshot newer than `since`, or for the end."""
        async with self._news:
            await self._news.wait_for(lambda: self.closed or self.version > since)
        return self.version

    async def close(self, _app: web.Application) -> None:
        """End every stream, so that the server stops at once."""
        self.closed = True
        async with self._news:
            self._news.notify_all()

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Watch Slack and the world for as long as the server runs."""
        slack, world = self.stage.slack, self.stage.world
        tasks = [
            asyncio.create_task(self._watch(slack.changed, slack.version)),
            asyncio.create_task(self._watch(world.changed, world.version)),
            asyncio.create_task(self._publish()),
        ]
        yield
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self, changed: Callable[[int], Awaitable[int]], since: int) -> None:
        while True:
            since = await changed(since)
            self._dirty.set()

    async def _publish(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self.latest = self.stage.snapshot()
            self.version += 1
            async with self._news:
                self._news.notify_all()
            await asyncio.sleep(PAUSE_SECONDS)


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
