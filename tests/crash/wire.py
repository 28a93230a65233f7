"""The socket between a copy and its parent, and what of the outside lies behind it."""

import asyncio
import json
import mmap
import os
import socket
import struct
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Protocol

from bot.core.model import Account
from bot.core.notice import Due, Edit
from bot.core.reading import Cause, Credits, Failure
from bot.ports import NotDelivered, Unreadable
from bot.slack.blocks import Bare, Blocks
from bot.slack.messenger import SlackMessenger
from bot.slack.web_api import WebApi
from tests.crash.fuse import Fuse
from tests.samples import NOW, credit

LARGEST = 65536

Message = dict[str, Any]


class SharedClock:
    """Virtual seconds that all processes of a run share; each look at it takes a millisecond."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def pass_(self, seconds: float) -> float:
        """Let time pass; return the seconds passed since the beginning."""
        (passed,) = struct.unpack("d", self._memory[:8])
        self._memory[:8] = struct.pack("d", passed + seconds)
        return float(passed + seconds)

    def now(self) -> datetime:
        """Return the virtual time."""
        return NOW + timedelta(seconds=self.pass_(0.001))


class Parent(Protocol):
    """Whoever plays the provider and Slack."""

    def tell(self, what: str, **about: Any) -> None:
        """Say something that needs no answer."""

    async def ask(self, what: str, **about: Any) -> Message:
        """Say something and wait for the answer."""


class Line:
    """The socket to the parent: questions with answers, and words without."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self.orders: asyncio.Queue[Message] = asyncio.Queue()

    def open(self) -> None:
        """Begin to listen, within the running loop."""
        self._end.setblocking(False)
        asyncio.get_running_loop().add_reader(self._end.fileno(), self._heard)

    def tell(self, what: str, **about: Any) -> None:
        """Say something that needs no answer; it arrives even if the process dies right after."""
        self._end.send(json.dumps({"what": what, **about}).encode())

    async def ask(self, what: str, **about: Any) -> Message:
        """Say something and wait for the answer."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        self.tell(what, number=number, **about)
        return await self._answers[number]

    def _heard(self) -> None:
        said = self._end.recv(LARGEST)
        if not said:
            os._exit(0)
        message: Message = json.loads(said)
        if message["what"] == "answer":
            asked = self._answers.pop(message["number"])
            if not asked.done():
                asked.set_result(message)
        else:
            self.orders.put_nowait(message)


@dataclass
class Provider:
    """The parent's provider; knows how far in the story the last reading was made."""

    parent: Parent
    fuse: Fuse
    chapter: int = 0
    turn: AbstractAsyncContextManager[None] = field(default_factory=nullcontext)

    def wait(self, failure: Failure) -> None:
        """Take note of it: this provider asks nobody to wait."""

    async def read(self, account: Account, *, polled: bool = True) -> Credits:
        """Read the present chapter."""
        said = await self.fuse.around("read", self.parent.ask("read"))
        self.chapter = said["chapter"]
        if said["cause"]:
            raise Unreadable(Failure(Cause(said["cause"]), status=200))
        return credit(said["sms"])


class Channel(SlackMessenger):
    """The real messenger, with the parent's Slack at the other end."""

    def __init__(self, parent: Parent, fuse: Fuse, blocks: Blocks) -> None:
        self._wire = Wire(parent)
        super().__init__(self._wire, blocks)
        self._fuse = fuse

    async def post(self, due: Due, bare: Bare = frozenset()) -> str:
        """Post, and meet what Slack's simulator has in store."""
        self._wire.about = {"what": "post", "notices": due.notices, "claimed_at": self._fuse.claimed_at}
        return await self._fuse.around("post", super().post(due, bare))

    async def edit(self, edit: Edit, bare: Bare = frozenset()) -> None:
        """Edit."""
        self._wire.about = {"what": "edit"}
        await self._fuse.around("edit", super().edit(edit, bare))


class Wire(WebApi):
    """A Web API whose every call goes to the parent, with what only a test may know of it."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self.about: Message = {}

    async def api_call(self, api_method: str, **arguments: Any) -> Any:
        """Ask the parent; raises `NotDelivered` as it says."""
        said = await self._parent.ask(**self.about, payload=arguments["json"])
        if said["error"]:
            raise NotDelivered(said["error"], unknown=said["unknown"], retry_after=said["retry_after"])
        return said
