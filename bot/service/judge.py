"""Outcomes are judged as they come; those that come at about the same time go together."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

from bot.core import alert
from bot.core.model import Account, Policy
from bot.core.notice import Step
from bot.core.reading import Failure, Reading
from bot.ports import Clock, Decide, Watches
from bot.service.cancelling import cancel

AT_A_TIME = 250
"""Accounts in one transaction: it ends well before the database's deadline."""

WAIT_SECONDS = 0.1
"""How long a decision waits for those on their way: a transaction costs as much as ten decisions in it."""


class Judge:
    """Writes decisions, many in one transaction when many come at once, one at once when it comes alone."""

    def __init__(self, watches: Watches, policy: Policy, clock: Clock) -> None:
        self._watches = watches
        self._policy = policy
        self._clock = clock
        self._waiting: list[tuple[str, Decide, asyncio.Future[Step]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._coming = 0
        self._enough = asyncio.Event()

    @contextmanager
    def awaiting(self) -> Iterator[None]:
        """Say that an outcome is on its way, until it is there or will not come."""
        self._coming += 1
        self._look()
        try:
            yield
        finally:
            self._coming -= 1
            self._look()

    async def judge(self, account: str, decide: Decide) -> Step:
        """Decide and write in a transaction, shared perhaps; raises `StoreAway` and `NotLeading`."""
        decided: asyncio.Future[Step] = asyncio.get_running_loop().create_future()
        self._waiting.append((account, decide, decided))
        self._look()
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await decided

    async def outcome(
        self, account: Account, began_at: datetime, outcome: Reading | Failure, *, polled: bool = True
    ) -> Step:
        """Judge one outcome of reading an account, for a poll or a command; raises as `judge` does."""
        decide = partial(
            alert.step,
            account=account,
            outcome=outcome,
            began_at=began_at,
            now=self._clock.now(),
            policy=self._policy,
            polled=polled,
        )
        return await self.judge(account.name, decide)

    async def close(self) -> None:
        """End the writing under way."""
        if self._writing:
            await cancel({self._writing})

    async def _write(self) -> None:
        try:
            while self._waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout(WAIT_SECONDS):
                        await self._enough.wait()
                await self._write_some(dict(self._next()))
        finally:
            self._writing = None

    def _next(self) -> Iterator[tuple[str, tuple[Decide, asyncio.Future[Step]]]]:
        """Take what waits, each account once: what is decided of one later must see what came before."""
        waiting, self._waiting = self._waiting, []
        taken: set[str] = set()
        for one in waiting:
            account, decide, decided = one
            if account in taken or len(taken) == AT_A_TIME:
                self._waiting.append(one)
            elif not decided.cancelled():
                taken.add(account)
                yield account, (decide, decided)
        self._look()

    def _look(self) -> None:
        """Let what waits be written once nothing more is on its way, or there is enough of it."""
        if not self._coming or len(self._waiting) >= AT_A_TIME:
            self._enough.set()
        else:
            self._enough.clear()

    async def _write_some(self, batch: dict[str, tuple[Decide, asyncio.Future[Step]]]) -> None:
        try:
            decisions = {account: decide for account, (decide, _) in batch.items()}
            steps = await self._watches.change_many(decisions)
        except Exception as fault:  # noqa: BLE001 - raised where each decision is awaited
            steps = (fault,) * len(batch)
        for step, (_, decided) in zip(steps, batch.values(), strict=True):
            if decided.cancelled():
                continue
            if isinstance(step, Exception):
                decided.set_exception(step)
            else:
                decided.set_result(step)
