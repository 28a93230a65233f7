"""What strangers can cause at will is logged at most once a minute, with how often it happened."""

import asyncio
from collections import Counter
from collections.abc import Callable

import structlog

log = structlog.get_logger()

MINUTE = 60.0


def _uncounted(_reason: str) -> None:
    """Count nothing: nobody reads the metrics."""


class Tally:
    """Counts by reason; the first is logged at once, those of the minute after it in one line at its end."""

    def __init__(self, event: str, count: Callable[[str], None] = _uncounted, pause: float = MINUTE) -> None:
        self._event = event
        self._count = count
        self._pause = pause
        self._counted: Counter[str] = Counter()
        self._next: asyncio.TimerHandle | None = None

    def add(self, reason: str) -> None:
        """Count one more."""
        self._count(reason)
        self._counted[reason] += 1
        if self._next is None:
            self._write()

    def close(self) -> None:
        """Log what has been counted since the last line."""
        if self._next is not None:
            self._next.cancel()
        if self._counted:
            self._write_line()

    def _write(self) -> None:
        self._next = None
        if self._counted:
            self._write_line()
            self._next = asyncio.get_running_loop().call_later(self._pause, self._write)

    def _write_line(self) -> None:
        log.warning(self._event, **self._counted)
        self._counted.clear()
