"""Words owed are told: claimed, sent, then marked as sent."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from bot.core.notice import LONGEST_WAIT, Kind, Owed
from bot.ports import Clock, Messenger, NotBuilt, NotDelivered, NotLeading, Outbox, StoreAway

SLOWEST_RETRY = timedelta(minutes=10)
LONGEST_ROUND = timedelta(seconds=30)
"""No new post is begun after this, so that a round ends well before its deadline, never within a post."""

EDITS_A_MINUTE = 30
"""Slack allows about 50 (docs.slack.dev, "chat.update")."""

_T = TypeVar("_T")


class Delivered(StrEnum):
    """What became of one post or edit."""

    POSTED = "posted"
    EDITED = "edited"
    NOT_OWED = "not_owed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    GONE = "gone"


@dataclass(frozen=True)
class Delivery:
    """What became of one thing that was due."""

    outcome: Delivered
    channel: str = ""
    kind: Kind | None = None
    episode: str = ""
    error: str = ""
    retry_at: datetime | None = None


class Courier:
    """Delivers what is owed, one word after the other."""

    def __init__(self, outbox: Outbox, messenger: Messenger, clock: Clock) -> None:
        self._outbox = outbox
        self._messenger = messenger
        self._clock = clock
        self._delivering = asyncio.Lock()
        self._edited: deque[datetime] = deque(maxlen=EDITS_A_MINUTE)

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return self._delivering.locked()

    async def deliver(self) -> tuple[Delivery, ...]:
        """Post and edit what is due now; raises `StoreAway` and `NotLeading`.

        A round under way is not waited for: it, or the next one, tells what became due meanwhile.
        """
        if self._delivering.locked():
            return ()
        async with self._delivering:
            faults: list[Exception] = []
            until = self._clock.now() + LONGEST_ROUND
            posts = await self._each(self._post, await self._outbox.due(self._clock.now()), until, faults)
            edits = await self._each(self._edit, await self._outbox.edits(self._clock.now()), until, faults)
            if faults:
                raise faults[0]
            return (*posts, *edits)

    async def _each(
        self,
        tell: Callable[[_T], Awaitable[Delivery]],
        owed: Iterable[_T],
        until: datetime,
        faults: list[Exception],
    ) -> list[Delivery]:
        """Tell one after the other; one that cannot even be built keeps none of the others waiting."""
        told = []
        for one in owed:
            if self._clock.now() > until:
                break
            try:
                told.append(await tell(one))
            except (StoreAway, NotLeading):
                # Nothing more is told: what cannot be marked as told would be told again.
                raise
            except Exception as fault:  # noqa: BLE001 - raised by the caller, after the others
                faults.append(fault)
        return [delivery for delivery in told if delivery.outcome is not Delivered.NOT_OWED]

    async def _post(self, owed: Owed) -> Delivery:
        due = await self._outbox.claim(owed, self._clock.now())
        if due is None:
            return Delivery(Delivered.NOT_OWED, episode=owed.episode)
        done = Delivery(Delivered.POSTED, due.channel, due.kind, owed.episode)
        try:
            message = await self._messenger.post(due)
        except NotDelivered as error:
            if error.gone and due.root:
                # The thread's message was deleted: the present state is posted anew in its place.
                await self._outbox.uproot(due)
                return replace(done, outcome=Delivered.GONE, error=error.error)
            retry_at = self._clock.now() + _wait(due.attempts, error)
            await self._outbox.failed(due, error.error, retry_at, unknown=error.unknown)
            outcome = Delivered.UNKNOWN if error.unknown else Delivered.REFUSED
            return replace(done, outcome=outcome, error=error.error, retry_at=retry_at)
        except Exception as fault:
            # A fault of ours: shown with what is undelivered, tried again slowly, raised for the log.
            retry_at, sent = self._clock.now() + SLOWEST_RETRY, not isinstance(fault, NotBuilt)
            await self._outbox.failed(due, "internal", retry_at, unknown=sent)
            raise
        await self._outbox.sent(due, message, self._clock.now())
        return done

    async def _edit(self, episode: str) -> Delivery:
        now = self._clock.now()
        full = len(self._edited) == EDITS_A_MINUTE
        if full and timedelta(0) <= now - self._edited[0] < timedelta(minutes=1):
            return Delivery(Delivered.NOT_OWED, episode=episode)
        edit = await self._outbox.claim_edit(episode, now)
        if edit is None:
            return Delivery(Delivered.NOT_OWED, episode=episode)
        done = Delivery(Delivered.EDITED, edit.episode.channel, None, episode)
        self._edited.append(now)
        try:
            await self._messenger.edit(edit)
        except NotDelivered as error:
            if error.gone:
                await self._outbox.edited(edit, now, gone=True)
                return replace(done, outcome=Delivered.GONE, error=error.error)
            wait = SLOWEST_RETRY if error.permanent else _as_asked(error.retry_after or 60)
            retry_at = now + wait
            await self._outbox.postponed(edit, retry_at)
            return replace(done, outcome=Delivered.REFUSED, error=error.error, retry_at=retry_at)
        except Exception:
            await self._outbox.postponed(edit, now + SLOWEST_RETRY)
            raise
        await self._outbox.edited(edit, now)
        return done


def _as_asked(seconds: float) -> timedelta:
    return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))


def _wait(attempts: int, error: NotDelivered) -> timedelta:
    """Wait as long as Slack asks; else longer each time, and slowly where only a person can mend it."""
    if error.retry_after is not None:
        return _as_asked(error.retry_after)
    doublings = min(attempts + (3 if error.permanent else 0), 10)
    return min(timedelta(seconds=5 * (1 << doublings)), SLOWEST_RETRY)
