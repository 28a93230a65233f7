"""Units used per hour and per day, from balances that were read.

No line is fitted through a balance: most of such a line is night, weekend and top-ups.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil

KEPT_DAYS = 56
"""Eight samples of each hour of the week; what is older speaks of another season."""

MOST_READINGS = KEPT_DAYS * 24 * 4
"""One each quarter of an hour; finer ones cost time and change no forecast (measured)."""

LARGEST = Decimal("1E+100")
"""No balance is larger; sums and quotients stay finite."""

TimedBalance = tuple[float, Decimal]
"""When a balance was read, in hours from the moment of asking (at most 0), and the balance."""

LEAST_KNOWN = 0.25
"""Use known for less than a quarter of an hour, or of a day, is not extrapolated to all of it."""

LONG_GAP_HOURS, LONG_GAP_STEPS = 24.0, 3.0
"""A gap longer than a day and than three mean ones is unknown use: a top-up may hide in it."""


@dataclass(frozen=True)
class Use:
    """Use in each hour or each day, oldest first, and which part of that time is known."""

    used: list[float]
    known: list[float]


def recent_readings(history: Sequence[tuple[datetime, Decimal]], now: datetime) -> list[TimedBalance]:
    """Return the readings of the last eight weeks in order of time, without what cannot be right."""
    first = bisect_left(history, -KEPT_DAYS * 24.0, key=lambda reading: _hours(reading[0] - now))
    recent = history[max(first - 1, 0) :]
    recent = recent[:: -(len(recent) // MOST_READINGS or 1)][::-1]
    usable = [(_hours(at - now), balance) for at, balance in recent if balance.is_finite()]
    return _in_order([(at, balance) for at, balance in usable if at <= 0 and -LARGEST < balance < LARGEST])


def _in_order(readings: list[TimedBalance]) -> list[TimedBalance]:
    """Return the longest run of readings whose times rise: what a wrong clock misdated is left out.

    Sorted instead, the readings of two clocks would alternate, and each step between them look like use.
    """
    if all(before < after for (before, _), (after, _) in pairwise(readings)):
        return readings
    ends: list[float] = []  # of the runs of each length, the earliest end, and its place
    places: list[int] = []
    before: list[int] = []
    for place, (at, _) in enumerate(readings):
        length = bisect_left(ends, at)
        before.append(places[length - 1] if length else -1)
        ends[length : length + 1], places[length : length + 1] = [at], [place]
    run, place = [], places[-1]
    while place >= 0:
        run.append(readings[place])
        place = before[place]
    return run[::-1]


def hourly_use(readings: list[TimedBalance], days: int) -> Use:
    """Return the use of each hour up to the last reading.

    A rise is a top-up: what was used meanwhile is unknown, not zero.
    """
    size = days * 24
    start = readings[-1][0] - size
    longest = max(LONG_GAP_HOURS, LONG_GAP_STEPS * (readings[-1][0] - readings[0][0]) / (len(readings) - 1))
    use = Use([0.0] * size, [0.0] * size)
    for (since, before), (until, after) in pairwise(readings):
        if after > before or until - since > longest or until <= start:
            continue
        rate = float(before - after) / (until - since)
        begin, end = max(since - start, 0.0), min(until - start, size)
        for hour in range(int(begin), ceil(end)):
            part = min(end, hour + 1) - max(begin, hour)
            use.used[hour] += rate * part
            use.known[hour] += part
    return use


def daily_use(hours: Use) -> Use:
    """Return the use of each 24 hours."""
    firsts = range(0, len(hours.used), 24)
    used = [sum(hours.used[first : first + 24]) for first in firsts]
    return Use(used, [sum(hours.known[first : first + 24]) / 24 for first in firsts])


def profile(use: Use, end: int, period: int) -> list[float]:
    """Return the mean use at each place of the period that begins at `end`, over all periods before it.

    Periods end now, so no calendar and no time zone is needed. Newer periods weigh no more than older ones:
    a level that follows change does better (measured).
    """
    usual = sum(use.used[:end]) / (sum(use.known[:end]) or 1.0)
    means = []
    for place in range(end - period, end):
        known = sum(use.known[place::-period])
        means.append(sum(use.used[place::-period]) / max(known, LEAST_KNOWN) if known else usual)
    return means


def _hours(span: timedelta) -> float:
    """Return a time span in hours."""
    return span.total_seconds() / 3600
