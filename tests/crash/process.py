"""One copy of the bot in a process of its own; provider, Slack and the clock are its parent's."""

import asyncio
import gc
import json
import mmap
import os
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import structlog

from bot.core.model import Account, Cause, Credits, Failure, Level, Policy
from bot.core.notice import Due, Edit, Reason, Step
from bot.ports import Decide, NotDelivered, OutsideError, Unreadable
from bot.schedule import Schedule
from bot.service import Service
from bot.store import SqlLease, SqlRounds, SqlWatches, Terms
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures
from tests.crash.fuse import Act, Fuse, FusedDatabase, FusedOutbox
from tests.samples import NOW, WATCHED, credit

POLICY = Policy(unreadable_after=1, reminder_warning=timedelta(0), reminder_critical=timedelta(0))
TERMS = Terms(lasts=timedelta(seconds=200), alive=timedelta(seconds=90))
INTERVAL = timedelta(minutes=5)
LARGEST = 65536

Message = dict[str, Any]


class SharedClock:
    """Virtual seconds that all processes of a run share; each look at it takes a millisecond."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        (passed,) = struct.unpack("d", self._memory[:8])
        self._memory[:8] = struct.pack("d", passed + seconds)

    def now(self) -> datetime:
        """Return the virtual time."""
        self.pass_(0.001)
        (passed,) = struct.unpack("d", self._memory[:8])
        return NOW + timedelta(seconds=passed)


class Line:
    """The socket to the parent: questions with answers, and words without."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self.orders: asyncio.Queue[str] = asyncio.Queue()

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
            self._answers.pop(message["number"]).set_result(message)
        else:
            self.orders.put_nowait(message["what"])


@dataclass
class Provider:
    """The parent's provider; knows how far in the story the last reading was made."""

    line: Line
    fuse: Fuse
    chapter: int = 0

    async def read(self, account: Account) -> Credits:
        """Read the present chapter."""
        said = await self.fuse.around("read", self.line.ask("read"))
        self.chapter = said["chapter"]
        if said["cause"]:
            raise Unreadable(Failure(Cause(said["cause"]), status=200))
        return credit(said["sms"])


@dataclass
class Channel:
    """The parent's Slack."""

    line: Line
    fuse: Fuse

    async def post(self, due: Due) -> str:
        """Post, and meet what Slack's simulator has in store."""
        about = {
            "episode": due.episode.id if due.episode else "",
            "notices": due.notices,
            "kind": due.kind,
            "level": max(due.worst, due.episode.level if due.episode else Level.OK),
            "repeat": due.repeat,
        }
        said = await self.fuse.around("post", self.line.ask("post", **about))
        return str(_taken(said)["ts"])

    async def edit(self, edit: Edit) -> None:
        """Edit."""
        _taken(await self.fuse.around("edit", self.line.ask("edit")))

    async def say(self, channel: str, *, away: bool) -> None:
        """Say that the database is away, or back."""


def _taken(said: Message) -> Message:
    if said["error"]:
        raise NotDelivered(said["error"], unknown=said["unknown"], retry_after=said["retry_after"])
    return said


class ToldWatches(SqlWatches):
    """The store, which tells the parent what chapter has been judged for certain."""

    def __init__(self, line: Line, fuse: Fuse, provider: Provider, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._line, self._fuse, self._provider = line, fuse, provider

    async def change(self, account: str, decide: Decide, *, leading: bool = True) -> Step:
        """Change, and pass the places around it."""
        return await self._fuse.around("change", super().change(account, decide, leading=leading))

    async def change_many(self, decisions: Mapping[str, Decide]) -> tuple[Step | Exception, ...]:
        """Judge, then tell."""
        chapter = self._provider.chapter
        steps = await self._fuse.around("change", super().change_many(decisions))
        for step in steps:
            if isinstance(step, Step) and step.reasons[0] is not Reason.OLDER_THAN_STORED:
                self._line.tell("judged", chapter=chapter)
        return steps


@dataclass(frozen=True)
class Birth:
    """All that a process is given."""

    name: str
    url: str
    seed: int
    act: Act
    places: int
    statements: bool


def live(birth: Birth, clock: SharedClock, end: socket.socket) -> None:
    """Live in a process just forked, until told to stop or killed; never returns."""
    gc.disable()  # it lives too short to need it, and would touch all that it shares with its parent
    try:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        with patch("bot.store.lease.database_clock", _database_clock(clock)):
            asyncio.run(_live(birth, clock, Line(end)))
    except BaseException as fault:  # noqa: BLE001 - the parent hears of it
        end.send(json.dumps({"what": "broken", "why": repr(fault)}).encode())
    os._exit(0)


def _database_clock(clock: SharedClock) -> Callable[[object], Coroutine[Any, Any, datetime]]:
    async def now(_: object) -> datetime:
        return clock.now()

    return now


async def _live(birth: Birth, clock: SharedClock, line: Line) -> None:
    line.open()

    def report(act: str, in_flight: list[str]) -> None:
        line.tell("burnt", act=act, in_flight=in_flight)

    fuse = Fuse(birth.act, birth.places, birth.statements, report)
    database = FusedDatabase(birth.url, fuse)
    lease = SqlLease(database, birth.name, TERMS)
    provider = Provider(line, fuse)
    service = Service(
        accounts=(WATCHED,),
        policy=POLICY,
        sources={WATCHED.name: provider},
        watches=ToldWatches(line, fuse, provider, database, lease),
        outbox=FusedOutbox(fuse, database, lease),
        rounds=SqlRounds(database, lease),
        messenger=Channel(line, fuse),
        lease=lease,
        clock=clock,
        poll_interval=INTERVAL,
    )
    words = Words(ENGLISH, Figures(ENGLISH.locale, ZoneInfo("UTC")), POLICY)
    schedule = Schedule(service, words, clock, INTERVAL)
    random = Random(birth.seed)  # noqa: S311 - reproducible on purpose
    while await line.orders.get() == "go":
        jobs = [schedule.lead, schedule.poll, schedule.deliver]
        random.shuffle(jobs)
        await asyncio.gather(*(_run(job, line) for job in jobs))
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        line.tell("idle")
    schedule.stop()
    await schedule.drain(1)
    await database.close()


async def _run(job: Callable[[], Coroutine[Any, Any, None]], line: Line) -> None:
    try:
        await job()
    except OutsideError:
        pass
    except RuntimeError as fault:
        if not str(fault).endswith((" before", " after")):
            line.tell("broken", why=repr(fault))
