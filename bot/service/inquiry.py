"""A person's question about accounts, which can be answered at any time with what is known by then."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.asking import Outcome
from bot.core.model import Account
from bot.core.reading import Cause, Failure, Reading
from bot.core.watch import AccountStatus, Watch

JUDGED_SECONDS = 1
"""How long what was read waits for the database that it is judged in."""

RECALL_SECONDS = 0.9
"""How long the last good readings are waited for."""


class Answerers(Protocol):
    """What an inquiry asks of those who read and judge."""

    def known(self, account: Account) -> AccountStatus | None:
        """Return how the account stands, where that was read and judged seconds ago."""

    async def outcome(self, account: Account) -> Outcome:
        """Return the newest outcome if it is young enough, else ask the provider."""

    async def judged(self, account: Account, outcome: Outcome) -> AccountStatus:
        """Judge the outcome, and return how the account stands."""

    def unjudged(self, account: Account, outcome: Outcome, watch: Watch) -> AccountStatus:
        """Return how the account stands as far as that can be said without the database."""

    def asking(self, account: Account, watch: Watch) -> AccountStatus:
        """Return how the account stood last, while its provider is asked."""

    async def recall(self, accounts: Sequence[Account]) -> Mapping[str, Watch]:
        """Return what is stored of these accounts; nothing while the database does not answer."""


@dataclass(frozen=True)
class _Asked:
    """One account of an inquiry: what comes of asking, and how it stands then."""

    account: Account
    reading: asyncio.Task[Outcome]
    status: asyncio.Task[AccountStatus]

    @property
    def outcome(self) -> Outcome | None:
        """What came of asking, once it is there."""
        return self.reading.result() if self.reading.done() else None


class Inquiry:
    """Asks about some accounts at once; readings are shared with all who ask for them meanwhile."""

    def __init__(self, accounts: Sequence[Account], answerers: Answerers, began_at: datetime) -> None:
        self.began_at = began_at
        self._answerers = answerers
        self._stored: Mapping[str, Watch] = {}
        self._accounts = tuple(accounts)
        self._known = {one.name: known for one in accounts if (known := answerers.known(one))}
        self._asked = {one.name: self._ask(one) for one in accounts if one.name not in self._known}

    @property
    def still_asking(self) -> tuple[Account, ...]:
        """The accounts that have neither been read nor failed yet."""
        return tuple(asked.account for asked in self._asked.values() if not asked.reading.done())

    @property
    def read(self) -> tuple[tuple[Account, Outcome], ...]:
        """The accounts that were read well for commands, with what came of it."""
        outcomes = [(asked.account, asked.outcome) for asked in self._asked.values()]
        return tuple(
            (account, outcome)
            for account, outcome in outcomes
            if outcome and not outcome.polled and isinstance(outcome.found, Reading)
        )

    async def answered(self) -> None:
        """Wait until all have been read or have failed, and for a moment until that is judged."""
        if self._asked:
            await asyncio.wait([asked.reading for asked in self._asked.values()])
            await asyncio.wait([asked.status for asked in self._asked.values()], timeout=JUDGED_SECONDS)

    async def settled(self) -> None:
        """Wait until all is judged."""
        if self._asked:
            await asyncio.wait([asked.status for asked in self._asked.values()])

    async def recall(self) -> None:
        """Look up, for a moment, how those stood last that are still asked."""
        recalling = asyncio.ensure_future(self._answerers.recall(self.still_asking))
        done, _ = await asyncio.wait({recalling}, timeout=RECALL_SECONDS)
        if done:
            self._stored = recalling.result()

    def statuses(
        self, accounts: Sequence[Account] = (), *, given_up: bool = False
    ) -> tuple[AccountStatus, ...]:
        """Return how the accounts (or these of them) stand, as far as is known now.

        `given_up`: those that are still asked are waited for no longer.
        """
        return tuple(self._now(account.name, given_up=given_up) for account in accounts or self._accounts)

    def _now(self, name: str, *, given_up: bool) -> AccountStatus:
        if known := self._known.get(name):
            return known
        asked = self._asked[name]
        if asked.status.done():
            return asked.status.result()
        watch, outcome = self._stored.get(name, Watch()), asked.outcome
        if outcome is None and given_up:
            outcome = Outcome(self.began_at, self.began_at, Failure(Cause.TIMEOUT), polled=False)
        if outcome is None:
            return self._answerers.asking(asked.account, watch)
        return self._answerers.unjudged(asked.account, outcome, watch)

    def _ask(self, account: Account) -> _Asked:
        reading = asyncio.create_task(self._answerers.outcome(account))
        return _Asked(account, reading, asyncio.create_task(self._judge(account, reading)))

    async def _judge(self, account: Account, reading: asyncio.Task[Outcome]) -> AccountStatus:
        return await self._answerers.judged(account, await reading)
