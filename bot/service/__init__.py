"""What the bot does: poll and judge, answer a status, remind, deliver what is owed."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.core.alert import remind, step
from bot.core.gap import checked, completed
from bot.core.group import share
from bot.core.health import Pulse
from bot.core.model import Account, AccountStatus, Episode, Failure, Policy, Reading, Watch
from bot.core.mute import Decision, decide
from bot.core.notice import Kind, Notice, OpenAlert, Reason, Step, Undelivered
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
from bot.service.judge import Judge
from bot.service.outage import Outage
from bot.service.reader import Reader

UNDELIVERED_SECONDS = 1
"""Every answer begins with what is undelivered, `help` too: a database that hangs must not hold it."""

PRUNE_STEPS = 100
"""What is left after so many goes the next time."""

LAPSE = timedelta(seconds=20)
"""Who has not renewed the lease for so long cannot know whether another process watched in between."""

FRESH = timedelta(seconds=10)
"""A reading younger than this answers a command without asking the provider again."""


@dataclass(frozen=True)
class Polled:
    """What one poll found and decided: no outcome while still in flight, no step with the database away.

    `passed_on` says that another process watches by now, so that this one decides nothing; `held_back` that
    the provider was not asked, for it allows only so many requests a minute.
    """

    account: str
    outcome: Reading | Failure | None = None
    step: Step | None = None
    passed_on: bool = False
    held_back: bool = False

    @property
    def judged(self) -> bool:
        """Whether the outcome was judged and written, by this poll or by the command that read it."""
        if self.step is None or self.step.reasons != (Reason.OLDER_THAN_STORED,):
            return self.step is not None
        stored = self.step.watch.reading
        return isinstance(self.outcome, Reading) and stored is not None and _same(stored, self.outcome)

    @property
    def fine(self) -> bool:
        """Whether the account is known to be read well, as of now."""
        return self.step is not None and not self.step.watch.failures

    @property
    def lost(self) -> bool:
        """Whether there was something to judge that was not written."""
        return self.passed_on or (self.outcome is not None and not self.judged)


@dataclass(frozen=True)
class Decided:
    """What a person's decision about an episode led to."""

    reason: Reason
    episode: Episode | None = None


@dataclass(frozen=True)
class Alerts:
    """What is open, and which accounts fail but were not told of yet, each with what is known of it."""

    open: tuple[OpenAlert, ...] = ()
    counting: tuple[tuple[Account, Watch], ...] = ()


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
        self._groups = _groups(self.accounts)
        # Groups that share no episode, as long as this process watches.
        self._calm: set[Account] = set()
        self._watches = watches
        self._judge = Judge(watches)
        self._outbox = outbox
        self._courier = Courier(outbox, messenger, clock)
        self._lease = lease
        self._rounds = rounds
        self._history = history
        self.poll_interval = poll_interval
        self._clock = clock
        self.started_at = self._since = self._held_at = clock.now()
        self._polled_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._outage = Outage(messenger)
        self._standing_by = False
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
        return tuple(account.name for account in (*self.accounts, *self._groups))

    @property
    def pulse(self) -> Pulse:
        """The signs of life of this process."""
        return Pulse(self.leading, self._since, self._polled_at, self._looked_at)

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
                self._calm.clear()
            if holds and not self.leading:
                await self.reconcile()
                await self.greet()
            if holds:
                self._held_at = self._clock.now()
                await self._note_round()
        except StoreAway:
            self._looked(holds=False)
            await self.tell_outage()
            raise
        self._looked(holds=holds)
        self._standing_by = not holds
        await self._outage.over(self.channels)
        return holds

    def _looked(self, *, holds: bool) -> None:
        now = self._clock.now()
        if holds != self.leading:
            self._since = now
        self.leading, self._looked_at = holds, now

    async def tell_outage(self) -> None:
        """Tell that the database is away, once it has been for long; a process that stood by leaves it."""
        if not self._standing_by:
            await self._outage.lasts(self.channels, self._clock.now())

    async def step_down(self) -> None:
        """Give the lease back, so that the next process takes over at once; raises `StoreAway`."""
        self.leading = False
        await self._lease.release()

    async def reconcile(self) -> None:
        """Fit what is open to the configuration; raises `StoreAway` and `NotLeading`."""
        by_name = {account.name: account for account in (*self.accounts, *self._groups)}
        for name in await self._watches.open():
            step_: Step | None = None
            while step_ is None or step_.touched:
                decide_ = partial(
                    reconcile, account=by_name.get(name), now=self._clock.now(), policy=self.policy
                )
                step_ = await self._watches.change(name, decide_)
        await self._outbox.forget_others(self.channels, self._clock.now())

    async def poll(self, unless_since: datetime | None = None) -> tuple[Polled, ...]:
        """Read and judge every account that is not still in flight, and was not read since the time given."""
        if not self.leading:
            return ()
        stale = await self._not_read_since(unless_since) if unless_since else self.accounts
        results = await asyncio.gather(*map(self._poll, stale), return_exceptions=True)
        polled = tuple(result for result in results if isinstance(result, Polled))
        if any(one.judged for one in polled) and not any(one.lost for one in polled):
            self._completed_at = self._polled_at = self._clock.now()
        shared = await self._share({one.account for one in polled if one.fine})
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return (*polled, *shared)

    async def _share(self, fine: Collection[str]) -> tuple[Polled, ...]:
        """Judge what accounts of one host and channel have in common; the next poll does what this cannot."""
        shared = []
        for group, names in self._groups.items():
            if group in self._calm and all(name in fine for name in names):
                continue
            try:
                watches = dict(await self._watches.known((group.name, *names)))
                if watches.pop(group.name).unreadable or any(watch.failures for watch in watches.values()):
                    self._calm.discard(group)
                    decide_ = partial(
                        share, group=group, accounts=watches, now=self._clock.now(), policy=self.policy
                    )
                    shared.append(Polled(group.name, step=await self._judge.judge(group.name, decide_)))
                else:
                    self._calm.add(group)
            except NotLeading:
                shared.append(Polled(group.name, passed_on=True))
            except StoreAway:
                continue
        return tuple(shared)

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

    async def deliver(self) -> tuple[Delivery, ...]:
        """Post and edit all that is due now; raises `StoreAway` and `NotLeading`."""
        async with self._passing:
            pass  # a delivery begins before the lease is looked at, or after, never in between
        return await self._courier.deliver() if self.leading else ()

    async def decide(self, episode_id: str, decision: Decision) -> Decided:
        """Mute or resume one open episode, as a person asks; raises `StoreAway`."""
        found = await self._watches.episode(episode_id)
        if found is None:
            return Decided(Reason.NOT_OPEN)
        step_ = await self._watches.change(
            found.account,
            partial(
                decide,
                episode_id=episode_id,
                decision=decision,
                now=self._clock.now(),
                policy=self.policy,
            ),
            leading=False,
        )
        after = next((one for one in step_.watch.episodes if one.id == episode_id), None)
        # It may have ended between the two looks: when, says the second one.
        return Decided(step_.reasons[0], after or await self._watches.episode(episode_id))

    async def open_episodes(self, name: str = "") -> tuple[tuple[Episode, Watch], ...]:
        """Return the open episodes of every configured account, or of the one named; raises `StoreAway`."""
        accounts = [one for one in self.accounts if name in {"", one.name}]
        names = dict.fromkeys([one.name for one in accounts] + [one.group for one in accounts if one.group])
        watches = await self._watches.known(tuple(names))
        return tuple(
            (episode, watch)
            for watch in watches.values()
            for episode in watch.episodes
            if not name or _is_about(episode, name)
        )

    async def alerts(self) -> Alerts:
        """Return what is open, how far the channels know of it, and who fails and is not told of yet."""
        open_ = await self.open_episodes()
        telling = await self._outbox.telling([episode.id for episode, _ in open_])
        told = {member.account for episode, _ in open_ for member in episode.members if not member.until}
        watches = await self._watches.known([account.name for account in self.accounts])
        return Alerts(
            open=tuple(OpenAlert(episode, watch, telling[episode.id]) for episode, watch in open_),
            counting=tuple(
                (account, watch)
                for account in self.accounts
                if (watch := watches[account.name]).failures
                and not watch.unreadable
                and account.name not in told
            ),
        )

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """Return what Slack has refused so far; nothing while the database does not answer at once."""
        try:
            async with asyncio.timeout(UNDELIVERED_SECONDS):
                return await self._outbox.undelivered()
        except (StoreAway, TimeoutError):
            return ()

    async def status(self, name: str = "") -> tuple[AccountStatus, ...]:
        """Return every account (or the one named) as it is now, read live."""
        wanted = [account for account in self.accounts if name in {"", account.name}]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._status(account)) for account in wanted]
        return tuple(task.result() for task in tasks)

    async def close(self) -> None:
        """End what is under way."""
        await self._reader.close()
        await self._judge.close()

    async def _note_round(self) -> None:
        """Note the last completed poll, or that there is none for long; a poll itself need not write it."""
        now, completed_at = self._clock.now(), self._completed_at
        judge = partial(completed, now=completed_at) if completed_at else partial(checked, now=now)
        decide_ = partial(judge, interval=self.poll_interval, started_at=self.started_at)
        await self._rounds.note(decide_, self.channels, now)
        if self._completed_at == completed_at:
            self._completed_at = None

    async def _poll(self, account: Account) -> Polled:
        if account.name in self._polling:
            return Polled(account.name)
        self._polling.add(account.name)
        outcome: Reading | Failure | None = None
        try:
            with self._judge.awaiting():
                began_at, outcome = await self._reader.read(account)
            if outcome is None:
                return Polled(account.name, held_back=True)
            return Polled(account.name, outcome, await self._judged(account, began_at, outcome))
        except NotLeading:
            return Polled(account.name, passed_on=True)
        except StoreAway:
            return Polled(account.name, outcome)
        finally:
            self._polling.discard(account.name)

    async def _status(self, account: Account) -> AccountStatus:
        fresh = self._reader.last(account)
        if fresh and self._clock.now() - fresh.began_at < FRESH:
            return await self._judged_status(account, fresh.began_at, fresh)
        began_at, outcome = await self._reader.read(account)
        if isinstance(outcome, Reading):
            return await self._judged_status(account, began_at, outcome)
        watch = await self._known(account)
        newest = self._newest(account, watch)
        return AccountStatus(account, watch, newest, outcome, held_back=outcome is None)

    async def _judged_status(self, account: Account, began_at: datetime, reading: Reading) -> AccountStatus:
        """Store and judge a reading made for a command, so that channel and answer never disagree."""
        try:
            watch = (await self._judged(account, began_at, reading, polled=False)).watch
        except NotLeading:
            # Judged for the answer alone: only the process that watches writes.
            known = await self._known(account)
            now = self._clock.now()
            watch = step(known, account, reading, began_at, now, self.policy, polled=False).watch
        except StoreAway:
            # The person still gets the figures, judged by themselves alone.
            watch = step(Watch(), account, reading, began_at, began_at, self.policy, polled=False).watch
        # What was judged knows the sub-accounts that a list which failed does not show.
        judged = watch.reading if watch.reading and _same(watch.reading, reading) else reading
        return AccountStatus(account, watch, judged)

    async def _not_read_since(self, since: datetime) -> tuple[Account, ...]:
        try:
            watches = await self._watches.known([account.name for account in self.accounts])
        except StoreAway:
            return self.accounts
        read_at = {name: watch.reading and watch.reading.began_at for name, watch in watches.items()}
        return tuple(one for one in self.accounts if (read_at[one.name] or since) <= since)

    async def _known(self, account: Account) -> Watch:
        try:
            return await self._watches.watch(account.name)
        except StoreAway:
            return Watch()

    def _newest(self, account: Account, watch: Watch) -> Reading | None:
        known = [reading for reading in (watch.reading, self._reader.last(account)) if reading]
        return max(known, key=lambda reading: reading.began_at, default=None)

    async def _judged(
        self, account: Account, began_at: datetime, outcome: Reading | Failure, *, polled: bool = True
    ) -> Step:
        decide = partial(
            step,
            account=account,
            outcome=outcome,
            began_at=began_at,
            now=self._clock.now(),
            policy=self.policy,
            polled=polled,
        )
        return await self._judge.judge(account.name, decide)


def _same(one: Reading, other: Reading) -> bool:
    """Whether both are the same reading of an account, one of them with what was known before."""
    return one.began_at == other.began_at


def _is_about(episode: Episode, account: str) -> bool:
    """Whether an episode is the account's: of those that share one, who still fails."""
    failing = {member.account for member in episode.members if member.until is None}
    return account in (failing or {episode.account})


def _groups(accounts: Sequence[Account]) -> dict[Account, tuple[str, ...]]:
    """Return who shares an episode when their provider's host fails, by what stands for them all."""
    names: dict[str, list[Account]] = {}
    for account in accounts:
        if account.group:
            names.setdefault(account.group, []).append(account)
    return {
        Account(group, members[0].channel, product=members[0].product): tuple(one.name for one in members)
        for group, members in names.items()
    }
