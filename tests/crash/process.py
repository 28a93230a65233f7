"""One copy of the bot in a process of its own; provider, Slack and the clock are its parent's."""

import asyncio
import gc
import json
import os
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, bindparam

from bot.core.model import Account, Policy, Product
from bot.core.mute import Decision
from bot.core.notice import Reason, Step
from bot.core.pace import APART
from bot.ports import Decide, NotLeading, OutsideError, StoreAway
from bot.schedule import Schedule
from bot.service import Service
from bot.slack.blocks import Blocks
from bot.store import SqlHistory, SqlLease, SqlRounds, SqlWatches, Terms
from bot.store.schema import Utc
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures
from tests.crash.count import SHORTEST_PACE
from tests.crash.fuse import Act, Fuse, FusedDatabase, FusedOutbox
from tests.crash.story import ACCOUNTS
from tests.crash.wire import Channel, Line, Message, Parent, Provider, SharedClock
from tests.samples import NOW, WRONG_KEY

POLICY = Policy(
    unreadable_after=1,
    reminder_warning=1.5 * timedelta(seconds=SHORTEST_PACE),
    reminder_critical=timedelta(seconds=SHORTEST_PACE),
)
TERMS = Terms(lasts=timedelta(seconds=200), alive=timedelta(seconds=90))
INTERVAL = timedelta(minutes=5)
DRAIN_SECONDS = 20
TOP_UP_URLS = {Product.SMS: "https://example.com/"}
WORDS = Words(ENGLISH, Figures(ENGLISH.locale, ZoneInfo("UTC")), POLICY)


class ToldWatches(SqlWatches):
    """The store, which tells the parent what chapter is about to be judged, and what became of that."""

    def __init__(self, parent: Parent, fuse: Fuse, provider: Provider, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parent, self._fuse, self._provider = parent, fuse, provider

    async def change(self, account: str, decide: Decide, *, leading: bool = True) -> Step:
        """Change, and pass the places around it."""
        return await self._fuse.around("change", super().change(account, decide, leading=leading))

    async def change_many(self, decisions: Mapping[str, Decide]) -> tuple[Step | Exception, ...]:
        """Judge; if nothing is told afterwards, nobody knows whether it is written."""
        self._parent.tell("judging", chapter=self._provider.chapter)
        try:
            steps = await self._fuse.around("change", super().change_many(decisions))
        except NotLeading:
            self._parent.tell("dropped")
            raise
        for step in steps:
            older = isinstance(step, Step) and step.reasons[0] is Reason.OLDER_THAN_STORED
            self._parent.tell("dropped" if older else "judged")
        return steps


class PromptSchedule(Schedule):
    """A schedule that comes back at once for what keeps the pace only, with the time passed that it waits."""

    def __init__(self, *arguments: Any, clock: SharedClock) -> None:
        super().__init__(*arguments)
        self._shared = clock

    def _deliver_at(self, at: datetime) -> None:
        wait = at - self._shared.now()
        if wait <= APART and not self._stopping:
            self._shared.pass_(max(wait.total_seconds(), 0))
            self.deliver_soon()


@dataclass(frozen=True)
class Birth:
    """All that a process is given."""

    name: str
    settings: str
    seed: int
    act: Act
    places: int
    statements: bool


@dataclass
class Copy:
    """The bot of one process, as the composition root would wire it."""

    service: Service
    schedule: Schedule
    clock: SharedClock
    parent: Parent

    async def round(self, order: Message, random: Random) -> None:
        """Run each job once, all at the same time, and whatever they start."""
        jobs = [self.schedule.lead, self.schedule.poll, self.schedule.deliver]
        if "press" in order:
            jobs.append(lambda: self._press(**order["press"]))
        random.shuffle(jobs)
        await asyncio.gather(*map(self._run, jobs))
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*others, return_exceptions=True)

    async def _press(self, lasts: float, *, snoozed: bool) -> None:
        """Decide about every open episode, as `/smscredits ack`, `snooze` or (lasting 0) `resume` does."""
        for episode, _ in await self.service.people.open_episodes():
            now = self.clock.now()
            until = now + timedelta(seconds=lasts) if lasts else None
            self.parent.tell("pressing", episode=episode.id, at=_since(now), until=_since(until))
            decided = await self.service.people.decide(episode.id, Decision("U1", until, snoozed))
            mute = decided.episode.mute if decided.episode else None
            until = mute.until if mute and decided.reason is not Reason.NOT_OPEN else None
            self.parent.tell("pressed", at=_since(self.clock.now()), until=_since(until))

    async def _run(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await job()
        except StoreAway:
            self.parent.tell("unwell")  # it could not show that it lives: another may follow it
        except OutsideError:
            pass
        except RuntimeError as fault:
            if not str(fault).endswith((" before", " after")):
                self.parent.tell("broken", why=repr(fault))


def wire(birth: Birth, database: FusedDatabase, clock: SharedClock, parent: Parent) -> Copy:
    """Wire one copy of the bot."""

    def report(act: str, in_flight: list[str]) -> None:
        parent.tell("burnt", act=act, in_flight=in_flight)

    account: Account = ACCOUNTS[birth.settings]
    fuse = Fuse(birth.act, birth.places, birth.statements, report)
    database.arm(fuse)
    lease = SqlLease(database, birth.name, TERMS)
    provider = Provider(parent, fuse)
    service = Service(
        accounts=(account,),
        policy=POLICY,
        sources={account.name: provider},
        watches=ToldWatches(parent, fuse, provider, database, lease),
        outbox=FusedOutbox(fuse, lambda: clock.pass_(0.001), database, lease),
        rounds=SqlRounds(database, lease),
        history=SqlHistory(database, lease),
        messenger=Channel(parent, fuse, Blocks(WORDS, (account,), INTERVAL, TOP_UP_URLS)),
        lease=lease,
        clock=clock,
        poll_interval=INTERVAL,
    )
    schedule = PromptSchedule(service, WORDS, clock, INTERVAL, clock=clock)
    return Copy(service, schedule, clock, parent)


def live(birth: Birth, database: FusedDatabase, clock: SharedClock, end: socket.socket) -> None:
    """Live in a process just forked, until told to stop or killed; never returns."""
    gc.disable()  # it lives too short to need it, and would touch all that it shares with its parent
    try:
        with patch("bot.store.lease.database_now", _database_now(clock)):
            asyncio.run(_live(birth, database, clock, Line(end)))
    except BaseException as fault:  # noqa: BLE001 - the parent hears of it
        end.send(json.dumps({"what": "broken", "why": repr(fault)}).encode())
    os._exit(0)


async def _live(birth: Birth, database: FusedDatabase, clock: SharedClock, line: Line) -> None:
    line.open()
    copy = wire(birth, database, clock, line)
    random = Random(birth.seed)  # noqa: S311 - reproducible on purpose
    while (order := await line.orders.get())["what"] == "go":
        await copy.round(order, random)
        line.tell("idle")
    copy.schedule.stop()
    await copy.schedule.drain(DRAIN_SECONDS)
    await database.close()


def rehearsed(url: str) -> FusedDatabase:
    """Play a quiet story in this very process: those forked from it find every statement compiled."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    database, clock = FusedDatabase(url), SharedClock()
    with patch("bot.store.lease.database_now", _database_now(clock)):
        asyncio.run(_rehearse(database, clock))
    return database


async def _rehearse(database: FusedDatabase, clock: SharedClock) -> None:
    copy = wire(Birth("0000", "strict", 0, Act.NOTHING, 0, statements=False), database, clock, Prompter())
    random = Random(0)  # noqa: S311 - reproducible on purpose
    for lasts in (0.0, 0.0, 30.0, 0.0, 0.0, 30.0, 0.0, 0.0, 0.0, 0.0):
        clock.pass_(70)
        await copy.round({"press": {"lasts": lasts, "snoozed": True}}, random)
    await database.close()


class Prompter:
    """A parent who knows a short story by heart, and takes every post."""

    def __init__(self) -> None:
        self._said = iter((4999, 4999, 999, "", 4999, 0, "", "", 9000))

    def tell(self, what: str, **about: Any) -> None:
        """Listen."""

    async def ask(self, what: str, **about: Any) -> Message:
        """Answer at once."""
        sms = next(self._said, 9000) if what == "read" else 0
        cause = "" if isinstance(sms, int) else WRONG_KEY.cause
        return {"chapter": 0, "sms": sms, "cause": cause, "error": "", "ts": "1.000001"}


def _database_now(clock: SharedClock) -> Callable[[object], ColumnElement[datetime]]:
    return lambda _: bindparam("now", type_=Utc, callable_=clock.now)


def _since(time: datetime | None) -> float:
    return (time - NOW).total_seconds() if time else 0.0
