"""A Slack workspace without its network: people, channels, messages, and a way to await the next change."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

TEAM_ID = "T0DEMO"
TEAM_DOMAIN = "demo-workspace"
TEAM_NAME = "Demo workspace"
APP_ID = "A0CREDITBOT"
BOT_ID = "B0CREDITBOT"

Json = dict[str, Any]


@dataclass(frozen=True)
class User:
    """A person, and the workspace or organisation that they belong to."""

    id: str
    name: str
    real_name: str
    team_id: str = TEAM_ID


@dataclass(frozen=True)
class Channel:
    """A channel, and whether the bot may post in it."""

    id: str
    name: str
    bot_is_member: bool = True
    is_archived: bool = False


BOT_USER = User("U0CREDITBOT", "smscredits", "smscredits")
SLACKBOT = User("USLACKBOT", "slackbot", "Slackbot")
USERS = {
    user.id: user
    for user in (User("U0ALICE", "alice", "Alice Martin"), User("U0BRUNO", "bruno", "Bruno Keller"))
}
CHANNELS = {
    channel.id: channel
    for channel in (
        Channel("C0ALERTS", "sms-alerts"),
        Channel("C0OPS", "ops"),
        Channel("C0RANDOM", "random", bot_is_member=False),
        Channel("C0ARCHIVED", "old-alerts", is_archived=True),
    )
}


@dataclass(frozen=True)
class Message:
    """One message as a channel shows it; an edit replaces it by a new value with the same ts."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    broadcast: bool = False
    ephemeral_for: str | None = None
    edited_ts: str | None = None
    metadata: Json | None = None
    kind: Literal["message", "command"] = "message"

    def as_json(self) -> Json:
        """Return the message as Slack writes it in its answers and payloads."""
        return {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "team": TEAM_ID,
            "text": self.text,
            "blocks": list(self.blocks),
            **({"thread_ts": self.thread_ts} if self.thread_ts else {}),
            **({"metadata": self.metadata} if self.metadata else {}),
            **({"edited": {"user": self.user, "ts": self.edited_ts}} if self.edited_ts else {}),
        }


class Workspace:
    """The messages of the workspace, and what Slack refused to show."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.messages: list[Message] = []
        self.refusals: list[str] = []
        self.version = 0
        self._news = asyncio.Event()
        self._last_ts = 0

    @property
    def users(self) -> tuple[User, ...]:
        """Every member, the bot last."""
        return (*USERS.values(), BOT_USER)

    def find(self, channel: str, ts: object) -> Message | None:
        """Return the message of that channel and ts, if it is there."""
        return next((each for each in self.messages if (each.channel, each.ts) == (channel, ts)), None)

    async def changed(self, since: int) -> int:
        """Wait until anything changed after version `since`; return the new one."""
        while self.version <= since:
            await self._news.wait()
        return self.version

    async def wait_for(
        self,
        predicate: Callable[[Message], bool],
        timeout: float = 5,  # noqa: ASYNC109 - a test reads best with its patience at the call
    ) -> Message:
        """Return the first message that satisfies the predicate, once there is one.

        Raises:
            TimeoutError: there was none within `timeout` seconds; it lists what was there instead.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    for message in self.messages:
                        if predicate(message):
                            return message
                    await self._news.wait()
        except TimeoutError:
            seen = "".join(f"\n  {message}" for message in self.messages) or " nothing"
            raise TimeoutError(f"no such message within {timeout} s; there was:{seen}") from None

    def say(self, user: str, channel: str, text: str) -> Message:
        """Post a person's own message, its text already escaped.

        Raises:
            LookupError: there is no such user or channel.
        """
        return self.show(CHANNELS[channel].id, USERS[user].id, {"text": text})

    def show(self, channel: str, user: str, payload: Mapping[str, Any], **further: Any) -> Message:
        """Add a message with the text, blocks, thread and metadata of a payload."""
        message = Message(
            ts=self.next_ts(),
            channel=channel,
            user=user,
            text=str(payload.get("text", "")),
            blocks=_with_block_ids(payload.get("blocks", ())),
            thread_ts=payload.get("thread_ts"),
            metadata=payload.get("metadata"),
            **further,
        )
        self.messages.append(message)
        self.tell()
        return message

    def edit(self, message: Message, payload: Mapping[str, Any]) -> Message:
        """Put the text, blocks and metadata of a payload in the place of a message's own."""
        edited = replace(
            message,
            text=str(payload.get("text", "")),
            # What is not sent stays as it was; an empty list or object takes it away.
            blocks=_with_block_ids(payload["blocks"]) if "blocks" in payload else message.blocks,
            metadata=(payload["metadata"] or None) if "metadata" in payload else message.metadata,
            edited_ts=self.next_ts(),
        )
        self.messages[self.messages.index(message)] = edited
        self.tell()
        return edited

    def remove(self, message: Message) -> None:
        """Take a message away."""
        self.messages.remove(message)
        self.tell()

    def tell(self) -> None:
        """Wake everybody who awaits a change."""
        self.version += 1
        # A fresh event for the next change: those who wait on the old one are all woken, none twice.
        self._news.set()
        self._news = asyncio.Event()

    def next_ts(self) -> str:
        """Return the time now in Slack's notation, later than any given before."""
        now = self.clock()
        self._last_ts = max(int(now.timestamp()) * 1_000_000 + now.microsecond, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"


def _with_block_ids(blocks: Sequence[Json]) -> tuple[Json, ...]:
    return tuple({**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)} for block in blocks)
