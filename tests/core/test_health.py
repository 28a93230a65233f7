"""Whether the bot is ready, and whether its heartbeat is sent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.health import Facts, Fault, Overview, Part, Pulse, Silence, faults, lateness, silence
from bot.core.unusable import Unusable
from bot.core.watch import Watch
from tests.samples import NOW, at, reading

FIVE_MINUTES = timedelta(minutes=5)
STARTED = at(-600)
WATCHES = Pulse(leading=True, since=STARTED, polled_at=NOW, looked_at=NOW)
STANDS_BY = Pulse(leading=False, since=STARTED, looked_at=NOW)


def overview(*read: float | None, **more: Any) -> Overview:
    """Return what is known of accounts that were last read so many minutes after NOW, or never."""
    watches = {
        f"account-{number}": Watch(reading=None if minute is None else reading(minute=minute))
        for number, minute in enumerate(read)
    }
    return Overview(watches, **more)


FINE = Facts(("account-0", "account-1"), FIVE_MINUTES, STARTED, WATCHES, slack=True, overview=overview(0, 0))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("amiss", "found"),
    [
        ({}, []),
        ({"overview": None}, [Fault(Part.DATABASE, cause=Unusable.NO_ANSWER_IN_TIME)]),
        ({"away": Unusable.READ_ONLY}, [Fault(Part.DATABASE, cause=Unusable.READ_ONLY)]),
        ({"slack": False}, [Fault(Part.SLACK)]),
        ({"overview": overview(0, -15)}, []),
        ({"overview": overview(0, -16)}, [Fault(Part.READINGS, 1, 2, minutes(16))]),
        ({"overview": overview(-20, -16)}, [Fault(Part.READINGS, 2, 2, minutes(16))]),
        ({"overview": overview(0, -5), "interval": timedelta(seconds=1)}, []),
        (
            {"overview": overview(0, -5.1), "interval": timedelta(seconds=1)},
            [Fault(Part.READINGS, 1, 2, minutes(5.1))],
        ),
        ({"overview": overview(0, None)}, [Fault(Part.READINGS, 1, 2, minutes(600))]),
        ({"overview": overview(0, None), "started_at": at(-14)}, []),
        ({"overview": overview(0, -300), "started_at": at(-14)}, []),
        ({"overview": overview(0, -300), "started_at": at(-16)}, [Fault(Part.READINGS, 1, 2, minutes(300))]),
        ({"pulse": replace(WATCHES, polled_at=at(-15))}, []),
        ({"pulse": replace(WATCHES, polled_at=at(-16))}, [Fault(Part.SCHEDULER, lasts=minutes(16))]),
        ({"pulse": replace(WATCHES, looked_at=None)}, []),
        ({"pulse": STANDS_BY}, []),
        ({"pulse": replace(STANDS_BY, looked_at=at(-3))}, [Fault(Part.SCHEDULER, lasts=minutes(3))]),
        ({"pulse": Pulse(leading=False, since=at(-3))}, [Fault(Part.SCHEDULER, lasts=minutes(3))]),
        (
            {"overview": overview(0, 0, undelivered=3, waiting_since=at(-16))},
            [Fault(Part.NOTICES, 3, lasts=minutes(16))],
        ),
        ({"overview": overview(0, 0, undelivered=0, waiting_since=at(-0.1))}, []),
        (
            {"overview": overview(0, -16, undelivered=1, waiting_since=at(-2)), "slack": False},
            [
                Fault(Part.SLACK),
                Fault(Part.READINGS, 1, 2, minutes(16)),
                Fault(Part.NOTICES, 1, lasts=minutes(2)),
            ],
        ),
    ],
)
def test_the_bot_is_not_ready_for_these_reasons(amiss: dict[str, Any], found: list[Fault]) -> None:
    assert list(faults(replace(FINE, **amiss), NOW)) == found


@pytest.mark.parametrize(
    ("interval", "since_the_poll", "late"),
    [
        (minutes(5), minutes(15), False),
        (minutes(5), minutes(15.1), True),
        (timedelta(seconds=1), minutes(2), False),
        (timedelta(seconds=1), minutes(2.1), True),
        (timedelta(days=1), timedelta(days=3), False),
        (timedelta(days=1), timedelta(days=3, seconds=1), True),
    ],
)
def test_a_poll_is_late_by_two_intervals_and_never_before_two_minutes(
    interval: timedelta, since_the_poll: timedelta, late: bool
) -> None:
    pulse = replace(WATCHES, since=NOW - timedelta(days=9), polled_at=NOW - since_the_poll)
    assert lateness(pulse, interval, NOW) == (since_the_poll if late else None)


def test_a_process_that_begins_to_watch_has_time_for_its_first_poll() -> None:
    began = Pulse(leading=True, since=NOW, polled_at=at(-300))
    assert lateness(began, FIVE_MINUTES, at(15)) is None
    assert lateness(began, FIVE_MINUTES, at(16)) == minutes(316)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, None),
        ({"pulse": STANDS_BY}, Silence.NOT_LEADING),
        ({"overview": None}, Silence.DATABASE_AWAY),
        ({"overview": overview(0, 0, waiting_since=at(-15))}, None),
        ({"overview": overview(0, 0, waiting_since=at(-15.1))}, Silence.NOTICE_WAITS),
        ({"overview": overview(-60, -90)}, None),
        ({"overview": overview(-61, -90)}, Silence.NOTHING_READ),
        ({"overview": overview(-90, 0)}, None),
        ({"overview": overview(None, None)}, Silence.NOTHING_READ),
        ({"overview": overview(None, None), "started_at": at(-59)}, None),
        ({"overview": overview(-90, None), "started_at": at(-61)}, Silence.NOTHING_READ),
        ({"slack": False}, None),
    ],
)
def test_the_heartbeat_is_withheld_for_these_reasons(known: dict[str, Any], why: Silence | None) -> None:
    assert silence(replace(FINE, **known), NOW) is why
