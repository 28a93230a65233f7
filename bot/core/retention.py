"""How long readings, ended episodes and what was told of them are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FULL = timedelta(days=35)
"""Every reading is kept for so long; of older ones the last of each hour."""

IN_ALL = timedelta(days=400)
"""A year, and time to compare it with the one before."""


@dataclass(frozen=True)
class Retention:
    """What is kept, in UTC and whole hours: every reading since `full_since`, anything since `kept_since`."""

    full_since: datetime
    kept_since: datetime


def retention(now: datetime) -> Retention:
    """Return what is kept at that time (UTC)."""
    hour = hour_of(now)
    return Retention(hour - FULL, hour - IN_ALL)


def hour_of(at: datetime) -> datetime:
    """Return the beginning of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)
