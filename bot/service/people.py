"""What people ask for, and what they decide about what is open."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.core.alert import step
from bot.core.currency import in_one_unit
from bot.core.listing import without_balances
from bot.core.model import Account, Policy
from bot.core.mute import Decision, decide
from bot.core.notice import OpenAlert, Reason, Step, Undelivered
from bot.core.reading import Failure, Held, Reading
from bot.core.watch import AccountStatus, Episode, Watch
from bot.ports import Clock, NotLeading, Outbox, StoreAway, Watches
from bot.service.groups import Groups
from bot.service.judge import Judge
from bot.service.polled import same
from bot.service.reader import Reader

UNDELIVERED_SECONDS = 1
"""Every answer begins with what is undelivered, `help` too: a database that hangs must not hold it."""

SHARED_SECONDS = 1
"""What accounts shared may end with a command, or with the next poll: no answer waits for a database."""

FRESH = timedelta(seconds=10)
"""A reading younger than this answers a command without asking the provider again."""


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


class People:
    """Answers people, over the ports; what they ask is read live."""

    def __init__(
        self,
        *,
        accounts: Sequence[Account],
        policy: Policy,
        reader: Reader,
        judge: Judge,
        groups: Groups,
        watches: Watches,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self.accounts = tuple(accounts)
        self._policy = policy
        self._reader = reader
        self._judge = judge
        self._groups = groups
        self._watches = watches
        self._outbox = outbox
        self._clock = clock

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
                policy=self._policy,
            ),
            leading=False,
        )
        after = next((one for one in step_.watch.episodes if one.id == episode_id), None)
        # It may have ended between the two looks: when, says the second one.
        return Decided(step_.reasons[0], after or await self._watches.episode(episode_id))

    async def open_episodes(self, name: str = "") -> tuple[tuple[Episode, Watch], ...]:
        """Return the open episodes of every configured account, or of the one named; raises `StoreAway`."""
        watches = await self._watches.known(self._names(name))
        return tuple(
            (episode, watch) for episode, watch in _open(watches) if not name or _is_about(episode, name)
        )

    async def alerts(self) -> Alerts:
        """Return what is open, how far the channels know of it, and who fails and is not told of yet."""
        watches = await self._watches.known(self._names())
        open_ = _open(watches)
        telling = await self._outbox.telling([episode.id for episode, _ in open_])
        told = {member.account for episode, _ in open_ for member in episode.members if not member.until}
        readings = {name: watch.reading for name, watch in watches.items() if watch.reading}
        return Alerts(
            open=tuple(OpenAlert(episode, watch, telling[episode.id], readings) for episode, watch in open_),
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
        statuses = tuple(task.result() for task in tasks)
        with suppress(TimeoutError):
            async with asyncio.timeout(SHARED_SECONDS):
                await self._groups.read([one.account for one in statuses if one.failure is None])
        return statuses

    async def units(self) -> Mapping[str, str]:
        """Return the unit of money of each account, as far as it is known at once."""
        try:
            async with asyncio.timeout(UNDELIVERED_SECONDS):
                watches = await self._watches.known(self._names())
        except (StoreAway, TimeoutError):
            watches = {}
        newest = {one.name: self._newest(one, watches.get(one.name, Watch())) for one in self.accounts}
        return {name: reading.credits.currency for name, reading in newest.items() if reading}

    def _names(self, name: str = "") -> tuple[str, ...]:
        """Return every account, or the one named, and the groups they are in."""
        accounts = [one for one in self.accounts if name in {"", one.name}]
        groups = [one.group for one in accounts if one.group]
        return tuple(dict.fromkeys([*(one.name for one in accounts), *groups]))

    async def _status(self, account: Account) -> AccountStatus:
        fresh = self._reader.last(account)
        if fresh and timedelta(0) <= self._clock.now() - fresh.began_at < FRESH:
            return await self._judged_status(account, fresh.began_at, fresh)
        began_at, outcome = await self._reader.read(account)
        if isinstance(outcome, Reading):
            return await self._judged_status(account, began_at, outcome)
        watch = await self._known(account)
        newest = self._newest(account, watch)
        if isinstance(outcome, Held):
            if newest and watch == Watch():
                watch = self._judged_alone(account, newest).watch
            return AccountStatus(account, watch, newest, held_back=outcome)
        return AccountStatus(account, watch, newest, outcome)

    async def _judged_status(self, account: Account, began_at: datetime, reading: Reading) -> AccountStatus:
        """Store and judge a reading made for a command, so that channel and answer never disagree."""
        try:
            found = await self._judge.outcome(account, began_at, reading, polled=False)
        except NotLeading:
            # Judged for the answer alone: only the process that watches writes.
            known = await self._known(account)
            now = self._clock.now()
            found = step(known, account, reading, began_at, now, self._policy, polled=False)
        except StoreAway:
            found = self._judged_alone(account, reading)
        watch = found.watch
        if found.failure:
            return AccountStatus(account, watch, self._newest(account, watch), found.failure)
        # What was judged knows the sub-accounts that a list which failed does not show.
        judged = (
            watch.reading if watch.reading and same(watch.reading, reading) else without_balances(reading)
        )
        return AccountStatus(account, watch, judged)

    def _judged_alone(self, account: Account, reading: Reading) -> Step:
        """Judge figures by themselves, while nothing else is known of the account."""
        at = reading.began_at
        return step(Watch(), account, reading, at, at, self._policy, polled=False)

    async def _known(self, account: Account) -> Watch:
        try:
            return await self._watches.watch(account.name)
        except StoreAway:
            return Watch()

    def _newest(self, account: Account, watch: Watch) -> Reading | None:
        live = self._reader.last(account)
        fits = live and not isinstance(in_one_unit(live, account, watch.reading), Failure)
        known = [reading for reading in (watch.reading, live if fits else None) if reading]
        return max(known, key=lambda reading: reading.began_at, default=None)


def _open(watches: Mapping[str, Watch]) -> tuple[tuple[Episode, Watch], ...]:
    return tuple((episode, watch) for watch in watches.values() for episode in watch.episodes)


def _is_about(episode: Episode, account: str) -> bool:
    """Whether an episode is the account's: of those that share one, who still fails."""
    failing = {member.account for member in episode.members if member.until is None}
    return account in (failing or {episode.account})
