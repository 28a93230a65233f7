"""A bot over the real store, with a provider and a channel that a test scripts."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.form import Embellishment
from bot.core.model import Account
from bot.core.notice import Due, Edit
from bot.core.pace import APART
from bot.core.reading import Credits, Failure
from bot.ports import NotDelivered, StoreAway, Unreadable
from bot.service import Service
from bot.service.courier import Delivery
from bot.service.polled import Polled
from bot.store import Database, SqlLease, SqlWatches, Terms
from tests.samples import NOW, credit

Bare = frozenset[Embellishment]


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
        self.waits: list[Failure] = []
        self.asking = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def wait(self, failure: Failure) -> None:
        self.waits.append(failure)

    async def read(self, account: Account, *, polled: bool = True) -> Credits:
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
    bare: list[Bare] = field(default_factory=list)
    attempts: int = 0
    refusals: deque[Exception] = field(default_factory=deque)
    dislikes: dict[Embellishment, str] = field(default_factory=dict)
    broken: Callable[[Due], Exception | None] = lambda _: None
    posting: asyncio.Event = field(default_factory=asyncio.Event)
    may_post: asyncio.Event = field(default_factory=lambda: opened(asyncio.Event()))

    async def post(self, due: Due, bare: Bare) -> str:
        self.posting.set()
        await self.may_post.wait()
        if fault := self.broken(due):
            raise fault
        self._refuse(bare, due.root)
        self.posts.append(due)
        self.bare.append(bare)
        return f"1784721900.{len(self.posts):06}"

    async def say(self, channel: str, away: StoreAway | None, bare: Bare) -> None:
        self._refuse(bare)
        self.said.append((channel, away is not None))

    async def edit(self, edit: Edit, bare: Bare) -> None:
        self._refuse(bare)
        self.edits.append(edit)
        self.bare.append(bare)

    def _refuse(self, bare: Bare, root: str = "") -> None:
        """Refuse as the test has written down, else what is disliked of the embellishments worn."""
        self.attempts += 1
        worn = frozenset(Embellishment) - bare - (frozenset() if root else {Embellishment.THREAD})
        if self.refusals:
            refusal = self.refusals.popleft()
            if isinstance(refusal, NotDelivered):
                refusal.worn = worn
            raise refusal
        if error := next((error for one, error in self.dislikes.items() if one in worn), ""):
            raise NotDelivered(error, worn=worn)

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
        await self.deliver()
        return polled

    async def deliver(self) -> tuple[Delivery, ...]:
        """Deliver as the schedule does."""
        return await deliver_all(self.service, self.wall)


async def deliver_all(service: Service, wall: Wall) -> tuple[Delivery, ...]:
    """Deliver, and again as soon as more may be sent, if that is within the pace."""
    done: list[Delivery] = []
    while True:
        again_at: list[datetime] = []
        delivered = await service.deliver(again_at.append)
        done += delivered
        soon = [at for at in again_at if at <= wall.now() + APART]
        if not delivered and not soon:
            return tuple(done)
        if not delivered:
            wall.pass_(max(min(soon) - wall.now(), timedelta(0)))


Start = Callable[..., Awaitable[Bot]]
