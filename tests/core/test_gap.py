"""Not watching is told: once while it lasts, and its end."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.gap import Gap, Round, checked, completed

NIGHT = datetime(2026, 11, 23, 22, 10, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 7, 5, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("interval", "quiet", "told"),
    [
        (FIVE_MINUTES, timedelta(minutes=60), False),
        (FIVE_MINUTES, timedelta(minutes=60, seconds=1), True),
        (timedelta(seconds=1), timedelta(minutes=59), False),
        (timedelta(hours=1), timedelta(hours=5), False),
        (timedelta(hours=1), timedelta(hours=5, seconds=1), True),
    ],
)
def test_a_gap_is_an_hour_or_five_intervals_without_a_completed_poll(
    interval: timedelta, quiet: timedelta, told: bool
) -> None:
    after, gap = checked(Round(NIGHT), NIGHT + quiet, interval, NIGHT)
    assert (gap is not None) is told
    assert after == Round(NIGHT, NIGHT if told else None)


def test_a_gap_is_told_once_while_it_lasts_and_its_end_once() -> None:
    open_gap, first = checked(Round(NIGHT), NIGHT + timedelta(hours=2), FIVE_MINUTES, NIGHT)
    assert first == Gap(NIGHT)
    again, second = checked(open_gap, NIGHT + timedelta(hours=3), FIVE_MINUTES, NIGHT)
    assert (again, second) == (open_gap, None)
    closed, end = completed(open_gap, MORNING, FIVE_MINUTES, started_at=NIGHT - timedelta(days=1))
    assert (closed, end) == (Round(MORNING), Gap(NIGHT, MORNING))
    assert completed(closed, MORNING + FIVE_MINUTES, FIVE_MINUTES, NIGHT) == (
        Round(MORNING + FIVE_MINUTES),
        None,
    )


def test_after_a_stop_the_first_completed_poll_tells_that_the_bot_was_not_running() -> None:
    _, gap = completed(Round(NIGHT), MORNING, FIVE_MINUTES, started_at=MORNING - timedelta(seconds=2))
    assert gap == Gap(NIGHT, MORNING, stopped=True)


def test_a_process_that_has_just_started_tells_no_gap_before_its_first_poll_had_time() -> None:
    started = MORNING - timedelta(minutes=1)
    assert checked(Round(NIGHT), MORNING, FIVE_MINUTES, started) == (Round(NIGHT), None)
    assert checked(Round(NIGHT), MORNING + timedelta(hours=1), FIVE_MINUTES, started)[1] == Gap(NIGHT)


def test_a_short_stop_and_the_very_first_poll_are_no_gap() -> None:
    assert completed(Round(), MORNING, FIVE_MINUTES, MORNING)[1] is None
    assert completed(Round(MORNING - timedelta(minutes=59)), MORNING, FIVE_MINUTES, MORNING)[1] is None


def test_a_bot_that_never_completed_a_poll_has_not_read_since_it_was_started() -> None:
    assert checked(Round(), NIGHT + timedelta(hours=1), FIVE_MINUTES, NIGHT) == (Round(), None)
    open_gap, told = checked(Round(), NIGHT + timedelta(hours=2), FIVE_MINUTES, NIGHT)
    assert (open_gap, told) == (Round(gap_since=NIGHT), Gap(NIGHT))
    assert completed(open_gap, MORNING, FIVE_MINUTES, NIGHT)[1] == Gap(NIGHT, MORNING)


def test_a_poll_that_was_completed_before_the_one_noted_changes_nothing() -> None:
    noted = Round(MORNING)
    assert completed(noted, MORNING - timedelta(seconds=5), FIVE_MINUTES, NIGHT) == (noted, None)


def test_a_clock_set_back_is_no_gap_and_hides_none() -> None:
    later = NIGHT + timedelta(hours=3)
    assert completed(Round(later), NIGHT, FIVE_MINUTES, NIGHT) == (Round(NIGHT), None)
    assert completed(Round(later, NIGHT), NIGHT, FIVE_MINUTES, NIGHT) == (Round(NIGHT), Gap(NIGHT, NIGHT))
    assert completed(Round(later, later), NIGHT, FIVE_MINUTES, NIGHT) == (Round(NIGHT), Gap(NIGHT, NIGHT))
    slightly = Round(NIGHT + timedelta(minutes=5))
    assert completed(slightly, NIGHT, FIVE_MINUTES, NIGHT) == (slightly, None)
