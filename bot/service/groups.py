"""Accounts of one host and channel share one episode while their provider fails."""

from collections.abc import Collection, Sequence
from functools import partial

from bot.core.group import share
from bot.core.model import Account, Policy
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
        shared = []
        for group, names in self._names.items():
            if group in self._calm and all(name in fine for name in names):
                continue
            try:
                watches = dict(await self._watches.known((group.name, *names)))
                if watches.pop(group.name).unreadable or any(watch.failures for watch in watches.values()):
                    self._calm.discard(group)
                    decide_ = partial(
                        share, group=group, accounts=watches, now=self._clock.now(), policy=self._policy
                    )
                    shared.append(Polled(group.name, step=await self._judge.judge(group.name, decide_)))
                else:
                    self._calm.add(group)
            except NotLeading:
                shared.append(Polled(group.name, passed_on=True))
            except StoreAway:
                continue
        return tuple(shared)


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
