"""Accounts of one host and channel share one episode while their provider fails."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from bot.core.group import share
from bot.core.model import Account, Policy, Watch
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

    async def inherit(self, gone: Iterable[Watch]) -> None:
        """Share anew what accounts shared in groups that are gone from the settings."""
        members = {one.account for watch in gone for episode in watch.episodes for one in episode.members}
        for group, names in self._names.items():
            if members.intersection(names):
                await self._share(group)

    async def _share(self, group: Account) -> Polled | None:
        try:
            watches = dict(await self._watches.known((group.name, *self._names[group])))
            if watches.pop(group.name).unreadable or any(watch.failures for watch in watches.values()):
                self._calm.discard(group)
                decide = partial(
                    share, group=group, accounts=watches, now=self._clock.now(), policy=self._policy
                )
                return Polled(group.name, step=await self._judge.judge(group.name, decide))
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
