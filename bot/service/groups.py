"""Accounts of one host and channel share one episode while their provider fails."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from bot.core.alert import overdue
from bot.core.group import share
from bot.core.model import Account, Policy
from bot.core.notice import Step
from bot.core.watch import Watch
from bot.ports import Clock, NotLeading, StoreAway, Watches
from bot.service.judge import Judge
from bot.service.polled import Polled


class Groups:
    """Judges what accounts have in common; owns which groups share no episode."""

    def __init__(
        self, accounts: Sequence[Account], policy: Policy, watches: Watches, judge: Judge, clock: Clock
    ) -> None:
        self._names = _groups(accounts)
        self._policy = policy
        self._watches = watches
        self._judge = judge
        self._clock = clock
        self._calm: set[Account] = set()

    @property
    def accounts(self) -> tuple[Account, ...]:
        """What stands for each group: its name and channel, and the product of its accounts."""
        return tuple(self._names)

    def doubt(self) -> None:
        """Look at every group anew: another process may have watched meanwhile."""
        self._calm.clear()

    async def share(self, fine: Collection[str]) -> tuple[Polled, ...]:
        """Judge what accounts of one host and channel have in common; the next poll does what this cannot."""
        shared = [
            await self._share(group)
            for group, names in self._names.items()
            if group not in self._calm or any(name not in fine for name in names)
        ]
        return tuple(one for one in shared if one)

    async def read(self, accounts: Collection[Account]) -> None:
        """End what some accounts shared, if that is over now that a command has read these."""
        groups = {account.group for account in accounts}
        for group in self._names:
            if group.name in groups and group not in self._calm:
                await self._share(group, opens=False)

    async def pass_on(self, gone: Mapping[str, Watch], accounts: Mapping[str, Account]) -> tuple[str, ...]:
        """Tell elsewhere what was shared in groups that are gone from the settings; return who shared it.

        `accounts` are those configured now. Raises `StoreAway` and `NotLeading`.
        """
        shared = [episode for watch in gone.values() for episode in watch.episodes if episode.members]
        for episode in shared:
            watches = await self._watches.known([one.account for one in episode.members])
            watches = {name: watch for name, watch in watches.items() if name in accounts}
            # Whoever was read meanwhile did not move: the end is told where the beginning was.
            before = Account(episode.account, episode.channel, product=episode.product)
            step = await self._change(episode.account, share, group=before, accounts=watches)
            left = step.watch.unreadable.members if step.watch.unreadable else ()
            names = [member.account for member in left if not member.until]
            for name in names:
                if not accounts[name].group:
                    await self._change(name, overdue, account=accounts[name], mute=episode.mute)
            for group, members in self._names.items():
                if set(members).intersection(names):
                    watches = await self._watches.known(members)
                    await self._change(group.name, share, group=group, accounts=watches, mute=episode.mute)
        return tuple(member.account for episode in shared for member in episode.members)

    async def _change(self, name: str, decide: Callable[..., Step], **known: object) -> Step:
        decision = partial(decide, now=self._clock.now(), policy=self._policy, **known)
        return await self._judge.judge(name, decision)

    async def _share(self, group: Account, *, opens: bool = True) -> Polled | None:
        try:
            watches = dict(await self._watches.known((group.name, *self._names[group])))
            shared = watches.pop(group.name).unreadable is not None
            failing = any(watch.failures for watch in watches.values())
            if failing and not shared and not opens:
                return None
            if shared or failing:
                self._calm.discard(group)
                step = await self._change(group.name, share, group=group, accounts=watches)
                return Polled(group.name, step=step)
            self._calm.add(group)
        except NotLeading:
            return Polled(group.name, passed_on=True)
        except StoreAway:
            pass
        return None


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
