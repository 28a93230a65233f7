"""What people ask for, and what they decide about what is open."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bot.core.alert import step
from bot.core.asking import Outcome
from bot.core.currency import in_one_unit
from bot.core.listing import without_balances
from bot.core.model import Account, Policy
from bot.core.mute import Decision, decide
from bot.core.notice import OpenAlert, Reason, Step, Undelivered
from bot.core.reading import Failure, Reading
from bot.core.watch import AccountStatus, Episode, Watch
from bot.ports import Clock, NotLeading, Outbox, StoreAway, Watches
from bot.service.cancelling import cancel
from bot.service.groups import Groups
from bot.service.inquiry import Inquiry
from bot.service.judge import Judge
from bot.service.polled import same
from bot.service.reader import Reader
from bot.service.shared import Shared

UNDELIVERED_SECONDS = 1
"""Every answer begins with what is undelivered, `help` too: a database that hangs must not hold it."""


UNDELIVERED_KEPT_SECONDS = 1
"""For so long many commands share one look for what another process could not deliver."""


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
        self._judging: dict[str, tuple[Outcome, asyncio.Task[AccountStatus]]] = {}
        self._settled: dict[str, Outcome] = {}
        self._undelivered = Shared(self._refused, UNDELIVERED_KEPT_SECONDS)

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

    def delivered(self) -> None:
        """Look anew for what is undelivered: this process has just tried to deliver."""
        self._undelivered.forget()

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """Return what Slack has refused so far; nothing while the database does not answer at once."""
        looking = self._undelivered.ask()
        done, _ = await asyncio.wait({looking}, timeout=UNDELIVERED_SECONDS)
        return looking.result() if done else ()

    def inquire(self, name: str = "") -> Inquiry:
        """Ask about every account (or the one named), as it is now."""
        wanted = [account for account in self.accounts if name in {"", account.name}]
        return Inquiry(wanted, self, self._clock.now())

    async def status(self, name: str = "") -> tuple[AccountStatus, ...]:
        """Return every account (or the one named) as it is now, read live and judged."""
        inquiry = self.inquire(name)
        await self.settle(inquiry)
        return inquiry.statuses()

    async def settle(self, inquiry: Inquiry) -> bool:
        """Wait until all is judged, and what accounts shared is ended with it; tell whether there was any.

        Of all who share a reading one settles it.
        """
        await inquiry.settled()
        new = [
            (account, found)
            for account, found in inquiry.read
            if self._settled.get(account.name) is not found
        ]
        self._settled |= {account.name: found for account, found in new}
        if new:
            await self._groups.read([account for account, _ in new])
        return bool(new)

    async def close(self) -> None:
        """End what is under way."""
        await cancel([*(judging for _, judging in self._judging.values()), *self._undelivered.tasks])

    def known(self, account: Account) -> AccountStatus | None:
        """Return how the account stands, where that was read and judged seconds ago."""
        outcome, judging = self._judging.get(account.name, (None, None))
        if outcome is None or judging is None or outcome is not self._reader.fresh(account):
            return None
        done = judging.done() and not judging.cancelled() and judging.exception() is None
        return judging.result() if done else None

    async def outcome(self, account: Account) -> Outcome:
        """Return the newest outcome if it is young enough, else ask the provider."""
        return await self._reader.ask(account)

    async def judged(self, account: Account, outcome: Outcome) -> AccountStatus:
        """Judge the outcome, once for all who asked for it, and return how the account stands."""
        before, judging = self._judging.get(account.name, (None, None))
        if judging is None or before is not outcome:
            judging = asyncio.create_task(self._judge_once(account, outcome))
            self._judging[account.name] = outcome, judging
        return await asyncio.shield(judging)

    def unjudged(self, account: Account, outcome: Outcome, watch: Watch) -> AccountStatus:
        """Return how the account stands by what is known of it, with nothing written."""
        found, newest = outcome.found, self._newest(account, watch)
        if isinstance(found, Reading):
            return self._shown(account, self._judged_alone(account, found, watch), found)
        if isinstance(found, Failure):
            return AccountStatus(account, watch, newest, found)
        if newest and watch == Watch():
            watch = self._judged_alone(account, newest, watch).watch
        return AccountStatus(account, watch, newest, held_back=found)

    def asking(self, account: Account, watch: Watch) -> AccountStatus:
        """Return how the account stood last, while its provider is asked."""
        return AccountStatus(account, watch, self._newest(account, watch), asking=True)

    async def recall(self, accounts: Sequence[Account]) -> Mapping[str, Watch]:
        """Return what is stored of these accounts; nothing while the database does not answer."""
        try:
            return await self._watches.known([account.name for account in accounts])
        except StoreAway:
            return {}

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

    async def _judge_once(self, account: Account, outcome: Outcome) -> AccountStatus:
        """Store and judge a reading made for a command, so that channel and answer never disagree."""
        found = outcome.found
        if not isinstance(found, Reading) or outcome.polled:
            # A poll judges its own outcome: for the answer it is judged by itself, with nothing written.
            return self.unjudged(account, outcome, await self._known(account))
        try:
            judged = await self._judge.outcome(account, outcome.began_at, found, polled=False)
        except NotLeading:
            # Only the process that watches writes.
            return self.unjudged(account, outcome, await self._known(account))
        except StoreAway:
            return self.unjudged(account, outcome, Watch())
        return self._shown(account, judged, found)

    def _shown(self, account: Account, judged: Step, found: Reading) -> AccountStatus:
        """Return a judged reading, with the sub-accounts that a list which failed does not show."""
        watch = judged.watch
        if judged.failure:
            return AccountStatus(account, watch, self._newest(account, watch), judged.failure)
        as_judged = watch.reading if watch.reading and same(watch.reading, found) else without_balances(found)
        return AccountStatus(account, watch, as_judged)

    def _judged_alone(self, account: Account, reading: Reading, watch: Watch) -> Step:
        now = self._clock.now()
        return step(watch, account, reading, reading.began_at, now, self._policy, polled=False)

    async def _refused(self) -> tuple[Undelivered, ...]:
        try:
            return await self._outbox.undelivered()
        except StoreAway:
            return ()

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
