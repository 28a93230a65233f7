"""A clock that was set: what it stored before lies in the future now, or long ago."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.watch import Episode, Watch

SKEW = timedelta(minutes=5)
"""Two copies' clocks differ by less, and no reading lasts so long."""


STEP = timedelta(seconds=5)
"""By less a clock is slewed, or corrected without any harm."""


def step_of(wall: timedelta, steady: timedelta) -> timedelta:
    """Return by how much the clock was set, forward or back, while so much time passed on each; or zero.

    A machine that slept looks as if its clock was set forward: not every steady clock counts on in sleep.
    """
    step = wall - steady
    return step if abs(step) > STEP else timedelta(0)


def set_back(stored: datetime, now: datetime) -> bool:
    """Whether this time can only have been stored by a clock that has been set back since.

    Time that passes while a process is frozen never looks like this: what is stored then lies in the past.
    """
    return stored > now + SKEW


def rewound(watch: Watch, now: datetime) -> Watch:
    """Return the state with nothing in it that was stored later than `now`; mutes keep their end."""
    return replace(
        watch,
        failing_since=watch.failing_since and min(watch.failing_since, now),
        reading=watch.reading and replace(watch.reading, began_at=min(watch.reading.began_at, now)),
        low=watch.low and _rewound(watch.low, now),
        unreadable=watch.unreadable and _rewound(watch.unreadable, now),
    )


def _rewound(episode: Episode, now: datetime) -> Episode:
    return replace(
        episode,
        opened_at=min(episode.opened_at, now),
        pinged_at=episode.pinged_at and min(episode.pinged_at, now),
    )
