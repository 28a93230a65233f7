"""What the bot does: poll and judge, remind, deliver what is owed, answer people."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from bot.core.alert import remind
from bot.core.clock import set_back
from bot.core.gap import checked, completed
from bot.core.health import Pulse
from bot.core.model import Account, Policy
from bot.core.notice import Kind, Notice, Step
from bot.core.reading import Failure, Held, Reading
from bot.core.reconcile import reconcile
from bot.core.retention import retention
from bot.ports import (
    Clock,
    History,
    Lease,
    Messenger,
    NotLeading,
    Outbox,
    Rounds,
    Source,
    StoreAway,
    Watches,
)
from bot.service.courier import Courier, Delivery
from bot.service.groups import Groups
from bot.service.judge import Judge
from bot.service.outage import Outage
from bot.service.people import People
from bot.service.polled import Polled
from bot.service.reader import Reader
from bot.service.sender import Sender

PRUNE_STEPS = 100
"""What is left after so many goes the next time."""

ASLEEP = timedelta(minutes=2)
"""Who has not held the lease for so long slept, or had no database: it polls before it speaks of a gap."""

LAPSE = timedelta(seconds=20)
"""Who has not renewed the lease for so long cannot know whether another process watched in between."""


class Service:
    """The bot's work, over the ports; it owns what is under way."""

    def __init__(
        self,
        *,
        accounts: Sequence[Account],
        policy: Policy,
        sources: Mapping[str, Source],
        watches: Watches,
        outbox: Outbox,
        messenger: Messenger,
        lease: Lease,
        rounds: Rounds,
        history: History,
        poll_interval: timedelta,
        clock: Clock,
    ) -> None:
        self.accounts = tuple(accounts)
        self.policy = policy
        self._reader = Reader(sources, clock)
        self._watches = watches
        self._judge = Judge(watches, policy, clock)
        self._groups = Groups(self.accounts, policy, watches, self._judge, clock)
        self.people = People(
            accounts=self.accounts,
            policy=policy,
            reader=self._reader,
            judge=self._judge,
            groups=self._groups,
            watches=watches,
            outbox=outbox,
            clock=clock,
        )
        self._outbox = outbox
        sender = Sender(messenger, clock)
        self._courier = Courier(outbox, sender, clock)
        self._lease = lease
        self._rounds = rounds
        self._history = history
        self.poll_interval = poll_interval
        self._clock = clock
        self._started_at = self._held_at = self._awake_since = clock.now()
        self.judged_since = self._since = self._started_at
        self._polled_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._outage = Outage(sender)
        self._away: dict[str, StoreAway] = {}
        self._standing_by = False
        self._jumped_at: datetime | None = None
        self.polls_completed = 0
        self._completed_at: datetime | None = None
        self.leading = False
        self._passing = asyncio.Lock()
        self._polling: set[str] = set()

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel that is told something."""
        return tuple(dict.fromkeys(account.channel for account in self.accounts))

    @property
    def watched(self) -> tuple[str, ...]:
        """The names of all that may have an episode: the accounts, and what stands for a group of them."""
        return tuple(account.name for account in (*self.accounts, *self._groups.accounts))

    @property
    def pulse(self) -> Pulse:
        """The signs of life of this process."""
        return Pulse(self.leading, self._since, self._polled_at, self._looked_at)

    @property
    def away(self) -> StoreAway | None:
        """Why the database cannot be used: the newest failure of one of the works that write to it."""
        return next(reversed(self._away.values()), None)

    def clock_was_set(self, step: timedelta) -> None:
        """Be judged as if just started, and keep nothing that lies in the future; `step` may be negative.

        After a step forward the lease counts as not held meanwhile: the machine may have slept.
        """
        now = self._clock.now()
        self.judged_since = self._since = now
        self._started_at, self._held_at = min(self._started_at, now), min(self._held_at, now)
        self._awake_since = min(self._awake_since, now)
        self._polled_at = self._polled_at and min(self._polled_at, now)
        self._looked_at = self._looked_at and min(self._looked_at, now)
        self._jumped_at = now if step > timedelta(0) else None
        self._reader.forget_after(now)

    async def greet(self) -> None:
        """Owe each channel its greeting, once for ever; raises `StoreAway`."""
        for channel in self.channels:
            await self._watches.greet(Notice(Kind.HELLO, channel, self._clock.now()))

    async def lead(self) -> bool:
        """Show that this process lives, and learn whether it is the one that watches; raises `StoreAway`.

        Whoever begins to watch first fits what is open to its own settings. The lease is passed on only
        between two deliveries, so that none is told twice.
        """
        try:
            async with self._passing:
                holds = await self._lease.hold(may_pass=not self._courier.busy)
            if not holds or not self.leading or self._clock.now() - self._held_at > LAPSE:
                self._groups.doubt()
            if holds and not self.leading:
                await self.reconcile()
                await self.greet()
            took_over = holds and self._standing_by
            if took_over or self._clock.now() - self._held_at > ASLEEP:
                self._awake_since = self._clock.now()
            if holds:
                self._held_at = self._clock.now()
                await self._note_round()
        except StoreAway as away:
            self._looked(holds=False)
            await self.tell_outage(away)
            raise
        self._looked(holds=holds)
        self._standing_by = not holds
        if not holds:
            self._courier.forget()
        self._away.pop("lead", None)
        if self.away and holds:
            # The lease can be written, but not what is judged or told: nobody is warned all the same.
            await self._outage.lasts(self.away, self.channels, self._clock.now())
        else:
            self._away.clear()
            await self._outage.over(self.channels, self._clock.now())
        if not holds:
            # Commands are answered here too: what the provider asked of the other process holds here.
            self._reader.resume_waits(await self._watches.failing())
        return holds

    def _looked(self, *, holds: bool) -> None:
        now = self._clock.now()
        if holds != self.leading:
            self._since = now
        self.leading, self._looked_at = holds, now

    async def tell_outage(self, away: StoreAway) -> None:
        """Tell why the database cannot be used, once that lasts; a process that stood by leaves it."""
        self._away["lead"] = away
        if not self._standing_by:
            await self._outage.lasts(away, self.channels, self._clock.now())

    async def step_down(self) -> None:
        """Give the lease back, so that the next process takes over at once; raises `StoreAway`."""
        self.leading = False
        await self._lease.release()

    async def reconcile(self) -> None:
        """Fit what is open to the configuration; raises `StoreAway` and `NotLeading`."""
        by_name = {account.name: account for account in (*self.accounts, *self._groups.accounts)}
        open_ = await self._watches.open()
        gone = {name: watch for name, watch in open_.items() if name not in by_name}
        # What a group shared is told elsewhere before its message says so.
        members = await self._groups.pass_on(gone, by_name)
        for name in dict.fromkeys((*open_, *(one for one in members if one not in by_name))):
            step_: Step | None = None
            while step_ is None or step_.touched:
                decide_ = partial(
                    reconcile,
                    account=by_name.get(name),
                    accounts=by_name,
                    now=self._clock.now(),
                    policy=self.policy,
                )
                step_ = await self._watches.change(name, decide_)
        await self._outbox.forget_others(self.channels, self._clock.now())

    async def poll(self, unless_since: datetime | None = None) -> tuple[Polled, ...]:
        """Read and judge every account that is not still in flight, and was not read since the time given."""
        if not self.leading:
            return ()
        stale = await self._not_read_since(unless_since) if unless_since else self.accounts
        # Of those that share what a key allows, the one that was not asked for longest comes first.
        longest_first = sorted(stale, key=self._reader.asked_at)
        results = await asyncio.gather(*map(self._poll, longest_first), return_exceptions=True)
        polled = tuple(result for result in results if isinstance(result, Polled))
        if any(one.judged for one in polled) and not any(one.lost for one in polled):
            self._completed_at = self._polled_at = self._clock.now()
            self.polls_completed += 1
        shared = await self._groups.share({one.account for one in polled if one.fine})
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return (*polled, *shared)

    async def remind(self) -> None:
        """Owe a word for every open episode whose time has come; raises `StoreAway` and `NotLeading`."""
        if not self.leading:
            return
        now = self._clock.now()
        for name in await self._watches.to_recall(now):
            await self._watches.change(name, partial(remind, now=now, policy=self.policy))

    async def prune(self) -> None:
        """Forget what is past keeping, in small steps; raises `StoreAway` and `NotLeading`."""
        keep = retention(self._clock.now())
        for _ in range(PRUNE_STEPS):
            if not self.leading or not await self._history.prune(keep):
                return

    async def deliver(self, again: Callable[[datetime], None] = lambda _: None) -> tuple[Delivery, ...]:
        """Post and edit what may be sent now; raises `StoreAway` and `NotLeading`.

        `again` is told when to deliver again.
        """
        async with self._passing:
            pass  # a delivery begins before the lease is looked at, or after, never in between
        if not self.leading:
            return ()
        try:
            with self._writing("deliver"):
                return await self._courier.deliver(again)
        finally:
            self.people.delivered()

    @contextmanager
    def _writing(self, work: str) -> Iterator[None]:
        """Remember whether this work could use the database when it was last done."""
        try:
            yield
        except StoreAway as away:
            self._away[work] = away
            raise
        self._away.pop(work, None)

    async def close(self) -> None:
        """End what is under way."""
        await self._reader.close()
        await self.people.close()
        await self._judge.close()

    async def _note_round(self) -> None:
        """Note the last completed poll, or that there is none for long; a poll itself need not write it."""
        now, completed_at = self._clock.now(), self._completed_at
        if completed_at:
            judge = partial(
                completed, now=completed_at, started_at=self._started_at, jumped_at=self._jumped_at
            )
        else:
            judge = partial(checked, now=now, started_at=self._awake_since)
        await self._rounds.note(partial(judge, interval=self.poll_interval), self.channels, now)
        if self._completed_at == completed_at:
            self._completed_at = None

    async def _poll(self, account: Account) -> Polled:
        if account.name in self._polling:
            return Polled(account.name)
        self._polling.add(account.name)
        outcome: Reading | Failure | None = None
        try:
            with self._judge.awaiting():
                read = await self._reader.poll(account)
            if isinstance(read.found, Held):
                return Polled(account.name, held_back=read.found)
            outcome = read.found
            with self._writing("judge"):
                step_ = await self._judge.outcome(account, read.began_at, outcome)
            return Polled(account.name, step_.failure or outcome, step_)
        except NotLeading:
            return Polled(account.name, passed_on=True)
        except StoreAway:
            return Polled(account.name, outcome)
        finally:
            self._polling.discard(account.name)

    async def _not_read_since(self, since: datetime) -> tuple[Account, ...]:
        try:
            watches = await self._watches.known([account.name for account in self.accounts])
        except StoreAway:
            return self.accounts
        self._reader.resume_waits(watches)
        read_at = {name: watch.reading.began_at for name, watch in watches.items() if watch.reading}
        now = self._clock.now()
        return tuple(
            one for one in self.accounts if (at := read_at.get(one.name, since)) <= since or set_back(at, now)
        )
