"""A bot over the real store, with a provider and a channel that a test scripts."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.model import Account
from bot.core.notice import Due, Edit
from bot.core.reading import Credits, Failure
from bot.ports import StoreAway, Unreadable
from bot.service import Service
from bot.service.polled import Polled
from bot.store import Database, SqlLease, SqlWatches, Terms
from tests.samples import NOW, credit


@dataclass
class Wall:
    """A clock on the wall, whose hands the test moves."""

    time: datetime = NOW
    steady: float = 0.0

    def now(self) -> datetime:
        return self.time

    def pass_(self, span: timedelta) -> None:
        self.time += span
        self.steady += span.total_seconds()

    def set_(self, by: timedelta) -> None:
        """Set the clock forward or back, in no time."""
        self.time += by


class Provider:
    """A source that says what the test has written down, the last of it for ever, and counts the askers."""

    def __init__(self, *script: int | Credits | Failure | Exception) -> None:
        self.turn: AbstractAsyncContextManager[None] = nullcontext()
        self.script = deque(script)
        self.asked = 0
        self.asking = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, account: Account) -> Credits:
        self.asked += 1
        self.asking.set()
        await self.may_answer.wait()
        found = self.script.popleft() if len(self.script) > 1 else self.script[0]
        if isinstance(found, Failure):
            raise Unreadable(found)
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Credits) else credit(found)


def opened(gate: asyncio.Event) -> asyncio.Event:
    gate.set()
    return gate


class HesitantLease(SqlLease):
    """A lease that may be made to wait for its answer, or to fail as the test has written down."""

    def __init__(self, database: Database, name: str, terms: Terms) -> None:
        super().__init__(database, name, terms)
        self.asking = asyncio.Event()
        self.may_answer = opened(asyncio.Event())
        self.faults: deque[Exception] = deque()

    async def hold(self, *, may_pass: bool = True) -> bool:
        self.asking.set()
        await self.may_answer.wait()
        if self.faults:
            raise self.faults.popleft()
        return await super().hold(may_pass=may_pass)


@dataclass
class Channel:
    """A messenger that keeps what it was given, or refuses as the test has written down."""

    posts: list[Due] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    said: list[tuple[str, bool]] = field(default_factory=list)
    refusals: deque[Exception] = field(default_factory=deque)
    broken: Callable[[Due], Exception | None] = lambda _: None
    posting: asyncio.Event = field(default_factory=asyncio.Event)
    may_post: asyncio.Event = field(default_factory=lambda: opened(asyncio.Event()))

    async def post(self, due: Due) -> str:
        self.posting.set()
        await self.may_post.wait()
        if fault := self.broken(due):
            raise fault
        if self.refusals:
            raise self.refusals.popleft()
        self.posts.append(due)
        return f"1784721900.{len(self.posts):06}"

    async def say(self, channel: str, away: StoreAway | None) -> None:
        self.said.append((channel, away is not None))

    async def edit(self, edit: Edit) -> None:
        if self.refusals:
            raise self.refusals.popleft()
        self.edits.append(edit)

    @property
    def told(self) -> list[str]:
        """What was posted, in short."""
        return [
            f"{due.kind} {due.episode.trouble} {due.episode.level.name.lower()}"
            if due.episode
            else due.kind.value
            for due in self.posts
        ]


@dataclass
class Bot:
    """A service over the real store, with all that stands around it."""

    service: Service
    providers: Mapping[str, Provider]
    channel: Channel
    wall: Wall
    watches: SqlWatches
    lease: HesitantLease
    database: Database

    @property
    def provider(self) -> Provider:
        return self.providers["sms"]

    async def look_on(self, minutes: int) -> None:
        """Look at the lease for so long (an even number), as the schedule does, with no poll completed."""
        for _ in range(0, minutes, 2):
            self.wall.pass_(timedelta(minutes=2))
            await self.service.lead()

    async def cycle(self, after: timedelta = timedelta(minutes=5)) -> tuple[Polled, ...]:
        """Poll and deliver, as the schedule does, after some time has passed."""
        self.wall.pass_(after)
        polled = await self.service.poll()
        await self.service.deliver()
        return polled


Start = Callable[..., Awaitable[Bot]]
