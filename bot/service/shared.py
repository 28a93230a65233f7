"""A question to the database that many ask at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Shared(Generic[_T]):
    """Asks one question at a time, and keeps its answer for some seconds, or until it is known to be old.

    Whoever asks while one is under way shares the next one: no answer is older than its question.
    """

    def __init__(self, question: Callable[[], Awaitable[_T]], keep: float) -> None:
        self._question = question
        self._keep = keep
        self._under_way: asyncio.Task[_T] | None = None
        self._next: asyncio.Task[_T] | None = None
        self._good_until = 0.0

    def ask(self) -> asyncio.Task[_T]:
        """Return the question whose answer serves; whoever waits for it must not cancel it."""
        if self._next:
            return self._next
        if self._under_way is None or self._under_way.done():
            if self._under_way is None or asyncio.get_running_loop().time() >= self._good_until:
                self._under_way = asyncio.create_task(self._ask())
            return self._under_way
        self._next = asyncio.create_task(self._ask_after(self._under_way))
        return self._next

    def forget(self) -> None:
        """Take the answer for old: what was asked about has changed."""
        self._good_until = 0.0

    @property
    def tasks(self) -> tuple[asyncio.Task[_T], ...]:
        """What is under way."""
        return tuple(task for task in (self._under_way, self._next) if task)

    async def _ask(self) -> _T:
        self._good_until = asyncio.get_running_loop().time() + self._keep
        return await self._question()

    async def _ask_after(self, before: asyncio.Task[_T]) -> _T:
        await asyncio.wait({before})
        self._under_way, self._next = self._next, None
        return await self._ask()
