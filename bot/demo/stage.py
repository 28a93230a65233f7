"""What the demo's page shows, as snapshots, and the feed that publishes them."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

PAUSE_SECONDS = 0.1
LOG_LINES = 60
COUNTED_LINES = 6
"""A line that is among so many last ones is counted instead of written again."""


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
    """What the panel shows and does: the accounts at the provider, and how the provider behaves."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    async def changed(self, since: int) -> int:
        """Wait until the version is above `since` and return it."""

    def accounts(self) -> Sequence[Mapping[str, Any]]:
        """Return each account: its figures as the provider would print them, sub-accounts, mode and drain."""

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
    """A line of the live log, and how often it came; `at` in Unix seconds, when the page last saw it."""

    at: float
    text: str
    count: int = 1


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
            "world": {"accounts": list(self.world.accounts()), "slack": slack.fault},
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
        for text in fresh:
            self._note(now, text)

    def _note(self, now: float, text: str) -> None:
        """Write a line down; one that came lately is counted, for the polls would hide all else."""
        again = next((line for line in list(self._log)[-COUNTED_LINES:] if line.text == text), None)
        if again:
            self._log.remove(again)
        self._log.append(Line(now, text, again.count + 1 if again else 1))


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
