"""Where a process is to die, to fail or to freeze, and the ports that lead past those places."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notice import Due, Owed
from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database, SqlOutbox
from bot.store.database import ANSWER_SECONDS

_T = TypeVar("_T")


class Act(StrEnum):
    """What happens when the fuse has burnt down."""

    NOTHING = "nothing"
    KILL = "kill"
    RAISE = "raise"
    FREEZE = "freeze"


@dataclass
class Fuse:
    """Burns down by one at each place passed; told first to whoever watches (`report`)."""

    act: Act
    places: int
    statements: bool
    report: Callable[[str, list[str]], None]
    in_flight: set[str] = field(default_factory=set)
    claimed_at: float = 0.0

    def passes(self, place: str, *, database: bool = False) -> None:
        """Pass one place where a process may die."""
        if self.act is Act.NOTHING or (self.act is Act.FREEZE and place != "post before"):
            return
        self.places -= 1
        if self.places > 0:
            return
        act, self.act = self.act, Act.NOTHING
        self.report(act, sorted(self.in_flight))
        if act is Act.RAISE:
            self._raise(place, database=database)
        os.kill(os.getpid(), signal.SIGKILL if act is Act.KILL else signal.SIGSTOP)

    def _raise(self, place: str, *, database: bool) -> NoReturn:
        if database:
            raise StoreAway(Unusable.UNKNOWN, place)
        raise RuntimeError(place)

    async def around(self, place: str, call: Awaitable[_T], *, database: bool = False) -> _T:
        """Pass the place before the call and the one after it."""
        try:
            self.passes(f"{place} before", database=database)
        except BaseException:
            if hasattr(call, "close"):
                call.close()
            raise
        found = await call
        self.passes(f"{place} after", database=database)
        return found


class FusedDatabase(Database):
    """The store's database, with places before and after each commit and before each statement."""

    def arm(self, fuse: Fuse) -> None:
        """Begin to burn that fuse, in a process that was forked while no connection was open."""
        self._fuse = fuse
        if fuse.statements:
            event.listen(self.engine.sync_engine, "before_cursor_execute", self._statement)

    @asynccontextmanager
    async def transaction(self, within: float = ANSWER_SECONDS) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that may die before its commit, or after."""
        async with super().transaction(within) as connection:
            yield connection
            self._fuse.passes("commit before", database=True)
        self._fuse.passes("commit after", database=True)

    def _statement(self, *_: Any) -> None:
        self._fuse.passes("statement", database=True)


class FusedOutbox(SqlOutbox):
    """The outbox, which knows for which words the outcome would be unknown if it died now."""

    def __init__(self, fuse: Fuse, passed: Callable[[], float], *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fuse = fuse
        self._passed = passed

    async def claim(self, owed: Owed, now: datetime) -> Due | None:
        """Claim a word, and note when that began."""
        self._fuse.claimed_at = self._passed()
        self._fuse.in_flight.add(key(owed.episode, owed.notice))
        due = await self._fuse.around("claim", super().claim(owed, now))
        if due is None:
            self._fuse.in_flight.discard(key(owed.episode, owed.notice))
        return due

    async def sent(self, due: Due, message: str, now: datetime) -> None:
        """Mark a word as told."""
        await self._fuse.around("sent", super().sent(due, message, now))
        self._fuse.in_flight.discard(due_key(due))

    async def failed(self, due: Due, error: str, retry_at: datetime, *, unknown: bool) -> None:
        """Mark a word as not told."""
        await self._fuse.around("failed", super().failed(due, error, retry_at, unknown=unknown))
        self._fuse.in_flight.discard(due_key(due))


def key(episode: str, notice: int) -> str:
    """Name whoever is owed a word."""
    return episode or f"notice {notice}"


def due_key(due: Due) -> str:
    """Name whoever is told."""
    return key(due.episode.id if due.episode else "", due.notices[0])
