"""Outcomes are judged as they come; those that come while others are being written go together."""

import asyncio
from collections.abc import Iterator

from bot.core.notice import Step
from bot.ports import Decide, Watches

AT_A_TIME = 250
"""Accounts in one transaction: it ends well before the database's deadline."""


class Judge:
    """Writes decisions, many in one transaction when many come at once, one at once when it comes alone."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._waiting: list[tuple[str, Decide, asyncio.Future[Step]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def judge(self, account: str, decide: Decide) -> Step:
        """Decide and write in a transaction, shared perhaps; raises `StoreAway` and `NotLeading`."""
        decided: asyncio.Future[Step] = asyncio.get_running_loop().create_future()
        self._waiting.append((account, decide, decided))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await decided

    async def close(self) -> None:
        """End the writing under way."""
        if self._writing:
            self._writing.cancel()
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        try:
            while self._waiting:
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
