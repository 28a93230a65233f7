"""What the bot does: poll and judge, answer a status, deliver what is owed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeVar

from bot.core.alert import step
from bot.core.model import (
    Account,
    AccountStatus,
    Cause,
    Due,
    Edit,
    Failure,
    Kind,
    Notice,
    Policy,
    Reading,
    Step,
    Watch,
)
from bot.ports import Clock, Messenger, NotDelivered, Outbox, Source, StoreAway, Unreadable, Watches

READ_SECONDS = 45
"""One reading of one account ends within this, tries and back-off included."""

FRESH = timedelta(seconds=10)
"""A reading younger than this answers a command without asking the provider again."""

SLOWEST_RETRY = timedelta(minutes=10)

_T = TypeVar("_T")


class Delivered(StrEnum):
    """What became of one post or edit."""

    POSTED = "posted"
    EDITED = "edited"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True)
class Polled:
    """What one poll found and decided: no outcome while still in flight, no step with the database away."""

    account: str
    outcome: Reading | Failure | None = None
    step: Step | None = None


@dataclass(frozen=True)
class Delivery:
    """What became of one thing that was due."""

    outcome: Delivered
    channel: str
    kind: Kind | None
    episode: str
    error: str = ""
    retry_at: datetime | None = None


class Service:
    """The bot's work, over the ports; it owns the readings in flight."""

    def __init__(
        self,
        *,
        accounts: Sequence[Account],
        policy: Policy,
        sources: Mapping[str, Source],
        watches: Watches,
        outbox: Outbox,
        messenger: Messenger,
        clock: Clock,
    ) -> None:
        self.accounts = tuple(accounts)
        self.policy = policy
        self._sources = sources
        self._watches = watches
        self._outbox = outbox
        self._messenger = messenger
        self._clock = clock
        self._reading: dict[str, asyncio.Task[tuple[datetime, Reading | Failure]]] = {}
        self._last: dict[str, Reading] = {}
        self._polling: set[str] = set()
        self._delivering = asyncio.Lock()

    async def greet(self) -> None:
        """Owe each channel its greeting, once for ever; raises `StoreAway`."""
        for channel in dict.fromkeys(account.channel for account in self.accounts):
            await self._watches.greet(Notice(Kind.HELLO, channel, self._clock.now()))

    async def poll(self) -> tuple[Polled, ...]:
        """Read and judge every account that is not still in flight; none waits for another's trouble."""
        polled = await asyncio.gather(*map(self._poll, self.accounts), return_exceptions=True)
        for result in polled:
            if isinstance(result, BaseException):
                raise result
        return tuple(result for result in polled if isinstance(result, Polled))

    async def status(self, name: str = "") -> tuple[AccountStatus, ...]:
        """Return every account (or the one named) as it is now, read live."""
        wanted = [account for account in self.accounts if name in {"", account.name}]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._status(account)) for account in wanted]
        return tuple(task.result() for task in tasks)

    async def deliver(self) -> tuple[Delivery, ...]:
        """Post and edit all that is due now; raises `StoreAway`."""
        async with self._delivering:
            faults: list[Exception] = []
            posts = await _each(self._post, await self._outbox.due(self._clock.now()), faults)
            edits = await _each(self._edit, await self._outbox.edits(self._clock.now()), faults)
            if faults:
                raise faults[0]
            return (*posts, *edits)

    async def close(self) -> None:
        """End the readings in flight."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    async def _poll(self, account: Account) -> Polled:
        if account.name in self._polling:
            return Polled(account.name)
        self._polling.add(account.name)
        outcome: Reading | Failure | None = None
        try:
            began_at, outcome = await self._read(account)
            return Polled(account.name, outcome, await self._judge(account, began_at, outcome))
        except StoreAway:
            return Polled(account.name, outcome)
        finally:
            self._polling.discard(account.name)

    async def _status(self, account: Account) -> AccountStatus:
        fresh = self._last.get(account.name)
        if fresh and self._clock.now() - fresh.began_at < FRESH:
            return await self._judged_status(account, fresh.began_at, fresh)
        began_at, outcome = await self._read(account)
        if isinstance(outcome, Reading):
            return await self._judged_status(account, began_at, outcome)
        watch = await self._known(account)
        return AccountStatus(account, watch, self._newest(account, watch), outcome)

    async def _judged_status(self, account: Account, began_at: datetime, reading: Reading) -> AccountStatus:
        """Store and judge a reading made for a command, so that channel and answer never disagree."""
        try:
            watch = (await self._judge(account, began_at, reading)).watch
        except StoreAway:
            # The person still gets the figures, judged by themselves alone.
            watch = step(Watch(), account, reading, began_at, self.policy).watch
        return AccountStatus(account, watch, reading)

    async def _known(self, account: Account) -> Watch:
        try:
            return await self._watches.watch(account.name)
        except StoreAway:
            return Watch()

    def _newest(self, account: Account, watch: Watch) -> Reading | None:
        known = [reading for reading in (watch.reading, self._last.get(account.name)) if reading]
        return max(known, key=lambda reading: reading.began_at, default=None)

    async def _judge(self, account: Account, began_at: datetime, outcome: Reading | Failure) -> Step:
        decide = partial(step, account=account, outcome=outcome, began_at=began_at, policy=self.policy)
        return await self._watches.change(account.name, decide)

    async def _read(self, account: Account) -> tuple[datetime, Reading | Failure]:
        """Read the account once for everybody who asks while the answer is on its way."""
        task = self._reading.get(account.name)
        if task is None:
            task = asyncio.create_task(self._ask(account))
            self._reading[account.name] = task
            task.add_done_callback(lambda _: self._reading.pop(account.name, None))
        return await asyncio.shield(task)

    async def _ask(self, account: Account) -> tuple[datetime, Reading | Failure]:
        began_at = self._clock.now()
        try:
            async with asyncio.timeout(READ_SECONDS):
                credits_ = await self._sources[account.name].read(account)
        except TimeoutError:
            return began_at, Failure(Cause.TIMEOUT)
        except Unreadable as error:
            return began_at, error.failure
        reading = Reading(began_at, credits_)
        self._last[account.name] = reading
        return began_at, reading

    async def _post(self, due: Due) -> Delivery:
        episode = due.episode.id if due.episode else ""
        done = Delivery(Delivered.POSTED, due.channel, due.kind, episode)
        try:
            message = await self._messenger.post(due)
        except NotDelivered as error:
            retry_at = self._clock.now() + _wait(due.attempts, error)
            await self._outbox.failed(due, error.error, retry_at)
            return replace(done, outcome=Delivered.REFUSED, error=error.error, retry_at=retry_at)
        await self._outbox.sent(due, message, self._clock.now())
        return done

    async def _edit(self, edit: Edit) -> Delivery:
        done = Delivery(Delivered.EDITED, edit.episode.channel, None, edit.episode.id)
        try:
            await self._messenger.edit(edit)
        except NotDelivered as error:
            if error.gone:
                await self._outbox.edited(edit, self._clock.now(), gone=True)
                return replace(done, outcome=Delivered.GONE, error=error.error)
            return replace(done, outcome=Delivered.REFUSED, error=error.error)
        await self._outbox.edited(edit, self._clock.now())
        return done


async def _each(
    tell: Callable[[_T], Awaitable[Delivery]], owed: Iterable[_T], faults: list[Exception]
) -> list[Delivery]:
    """Tell one after the other; one that cannot even be built keeps none of the others waiting."""
    told = []
    for one in owed:
        try:
            told.append(await tell(one))
        except StoreAway:
            # Nothing more is told: what cannot be marked as told would be told again.
            raise
        except Exception as fault:  # noqa: BLE001 - raised by the caller, after the others
            faults.append(fault)
    return told


def _wait(attempts: int, error: NotDelivered) -> timedelta:
    """Wait as long as Slack asks; else longer each time, and slowly where only a person can mend it."""
    if error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    doublings = min(attempts + (3 if error.permanent else 0), 10)
    return min(timedelta(seconds=5 * (1 << doublings)), SLOWEST_RETRY)
