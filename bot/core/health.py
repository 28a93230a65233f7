"""Whether all that watching needs is there: facts in, reasons out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.unusable import Unusable
from bot.core.watch import Watch

LATE_INTERVALS = 3
"""A poll that is late by two intervals was completed three intervals ago."""

SCHEDULE_PATIENCE = timedelta(minutes=2)
"""With short intervals too: a poll may take a minute, and so may a look at the lease."""

READING_PATIENCE = timedelta(minutes=5)
"""How long an account may go without a good reading, with short intervals."""

SILENT_AFTER_WAIT = timedelta(minutes=15)
SILENT_AFTER_BLIND = timedelta(hours=1)


@dataclass(frozen=True)
class Overview:
    """What the database knows at one moment: every account, and the words that wait (since: UTC).

    `undelivered` counts what Slack has refused, and what waits for a minute in a channel that was posted
    nothing meanwhile: what only waits for its turn is being delivered.
    """

    watches: Mapping[str, Watch]
    undelivered: int = 0
    waiting_since: datetime | None = None


@dataclass(frozen=True)
class Pulse:
    """The signs of life of this process's schedule; `since` when (UTC) it watches, or stands by.

    `polled_at` is when it last completed a poll, `looked_at` when it last looked at the lease.
    """

    leading: bool
    since: datetime
    polled_at: datetime | None = None
    looked_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """All that health is judged by; no `overview` where the database cannot be used (`away`: why)."""

    accounts: tuple[str, ...]
    interval: timedelta
    started_at: datetime
    pulse: Pulse
    slack: bool
    overview: Overview | None
    away: Unusable | None = None
    away_detail: str = ""


class Part(StrEnum):
    """What may be amiss."""

    DATABASE = "database"
    SLACK = "slack"
    READINGS = "readings"
    SCHEDULER = "scheduler"
    NOTICES = "notices"
    STATE = "state"


@dataclass(frozen=True)
class Fault:
    """What is amiss, in counts alone: how many of how many, and for how long; of the database its cause."""

    part: Part
    count: int = 0
    of: int = 0
    lasts: timedelta = timedelta(0)
    cause: Unusable | None = None
    detail: str = ""


class Silence(StrEnum):
    """Why the heartbeat is withheld."""

    NOT_LEADING = "not_leading"
    DATABASE_AWAY = "database_away"
    NOTICE_WAITS = "notice_waits"
    NOTHING_READ = "nothing_read"


def faults(facts: Facts, now: datetime) -> tuple[Fault, ...]:
    """Return why the bot is not ready; nothing if it is."""
    found = (
        _database(facts),
        None if facts.slack else Fault(Part.SLACK),
        _readings(facts, facts.overview, now) if facts.overview else None,
        _scheduler(facts, now),
        _notices(facts.overview, now) if facts.overview else None,
        _state(facts.overview) if facts.overview else None,
    )
    return tuple(fault for fault in found if fault)


def lateness(pulse: Pulse, interval: timedelta, now: datetime) -> timedelta | None:
    """Say for how long the schedule has done nothing, once that is too long.

    A process that watches is judged by its polls, one that stands by by its looks at the lease.
    """
    done_at = pulse.polled_at if pulse.leading else pulse.looked_at
    limit = max(LATE_INTERVALS * interval, SCHEDULE_PATIENCE) if pulse.leading else SCHEDULE_PATIENCE
    if now - max(done_at or pulse.since, pulse.since) <= limit:
        return None
    return now - (done_at or pulse.since)


def silence(facts: Facts, now: datetime) -> Silence | None:
    """Say why the heartbeat is withheld after a completed poll; nothing if it is not."""
    if not facts.pulse.leading:
        return Silence.NOT_LEADING
    if facts.overview is None:
        return Silence.DATABASE_AWAY
    waiting_since = facts.overview.waiting_since
    if waiting_since and now - waiting_since > SILENT_AFTER_WAIT:
        return Silence.NOTICE_WAITS
    read_at = [_read_at(facts.overview, name) or facts.started_at for name in facts.accounts]
    if now - max(read_at, default=facts.started_at) > SILENT_AFTER_BLIND:
        return Silence.NOTHING_READ
    return None


def _database(facts: Facts) -> Fault | None:
    if facts.overview and facts.away is None:
        return None
    return Fault(Part.DATABASE, cause=facts.away or Unusable.NO_ANSWER_IN_TIME, detail=facts.away_detail)


def _readings(facts: Facts, overview: Overview, now: datetime) -> Fault | None:
    limit = max(LATE_INTERVALS * facts.interval, READING_PATIENCE)
    read_at = [_read_at(overview, name) or facts.started_at for name in facts.accounts]
    # What is old at start was not read while the bot was off: the first poll may take its time.
    stale = [now - at for at in read_at if now - max(at, facts.started_at) > limit]
    return Fault(Part.READINGS, len(stale), len(read_at), min(stale)) if stale else None


def _read_at(overview: Overview, name: str) -> datetime | None:
    watch = overview.watches.get(name)
    return watch.reading.began_at if watch and watch.reading else None


def _state(overview: Overview) -> Fault | None:
    """Count the accounts whose stored state cannot be read: nothing is judged of them."""
    blind = sum(watch.blind is not None for watch in overview.watches.values())
    return Fault(Part.STATE, blind, len(overview.watches)) if blind else None


def _scheduler(facts: Facts, now: datetime) -> Fault | None:
    late = lateness(facts.pulse, facts.interval, now)
    return Fault(Part.SCHEDULER, lasts=late) if late else None


def _notices(overview: Overview, now: datetime) -> Fault | None:
    if not overview.undelivered:
        return None
    waiting = now - overview.waiting_since if overview.waiting_since else timedelta(0)
    return Fault(Part.NOTICES, overview.undelivered, lasts=max(waiting, timedelta(0)))
