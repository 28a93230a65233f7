"""Not watching is told: when no poll was completed for long, and when one is again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.clock import set_back

SHORTEST = timedelta(hours=1)
INTERVALS = 5


@dataclass(frozen=True)
class Round:
    """When a poll was last completed (UTC), and since when a gap is told that is still open."""

    polled_at: datetime | None = None
    gap_since: datetime | None = None


@dataclass(frozen=True)
class Gap:
    """A time without a completed poll; `until` is missing while it lasts.

    `jumped` says that the clock went on by itself within it: it was set forward, or the machine slept.
    """

    since: datetime
    until: datetime | None = None
    stopped: bool = False
    jumped: bool = False


def checked(
    before: Round, now: datetime, interval: timedelta, started_at: datetime
) -> tuple[Round, Gap | None]:
    """Notice, in a process that began to watch at `started_at`, that no poll is completed; told once."""
    since = before.polled_at or started_at
    if set_back(since, now):
        since = started_at
    if before.gap_since or now - max(since, started_at) <= _limit(interval):
        return before, None
    return replace(before, gap_since=since), Gap(since)


def completed(
    before: Round,
    now: datetime,
    interval: timedelta,
    started_at: datetime,
    jumped_at: datetime | None = None,
) -> tuple[Round, Gap | None]:
    """Note a completed poll, and the end of a gap if there was one.

    The process was started at `started_at`; its clock last jumped forward to `jumped_at`.
    """
    after = Round(polled_at=now)
    if before.polled_at and set_back(before.polled_at, now):
        before = Round(gap_since=before.gap_since and min(before.gap_since, now))
    if before.polled_at and now <= before.polled_at:
        return before, None  # another process has completed a later one meanwhile
    if before.gap_since:
        return after, Gap(before.gap_since, now)
    if before.polled_at is None or now - before.polled_at <= _limit(interval):
        return after, None
    stopped = started_at > before.polled_at
    jumped = not stopped and jumped_at is not None and jumped_at > before.polled_at
    return after, Gap(before.polled_at, now, stopped=stopped, jumped=jumped)


def _limit(interval: timedelta) -> timedelta:
    return max(SHORTEST, INTERVALS * interval)
