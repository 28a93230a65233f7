"""What was used in each hour and day, from the balances that were read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.core.usage import Use, daily_use, hourly_use, profile, recent_readings

NOW = datetime(2026, 7, 22, 12, 5, tzinfo=UTC)


def hours(*rows: tuple[float, int]) -> list[tuple[float, Decimal]]:
    return [(at, Decimal(balance)) for at, balance in rows]


@pytest.mark.parametrize(
    ("readings", "used", "known"),
    [
        ([(-24, 100), (-23, 90), (-22, 90)], [10, 0], [1, 1]),  # an hour each, and one without use
        ([(-24, 100), (-22, 90)], [5, 5], [1, 1]),  # spread over the time between two readings
        ([(-24, 100), (-23.5, 90), (-22.75, 60), (-22, 60)], [30, 10], [1, 1]),  # and over parts of hours
        ([(-24, 100), (-23, 190), (-22, 180)], [0, 10], [0, 1]),  # a top-up: use unknown, not zero
        ([(-30, 130), (-22, 50)], [10, 10], [1, 1]),  # from before the first hour
    ],
)
def test_a_fall_between_readings_is_use_and_a_rise_is_unknown_use(
    readings: list[tuple[float, int]], used: list[float], known: list[float]
) -> None:
    rest = [(float(hour), readings[-1][1]) for hour in range(-21, 1)]
    use = hourly_use(hours(*readings, *rest), days=1)
    assert (use.used[:2], use.known[:2]) == (used, known)
    assert use.used[2:] == [0] * 22


def test_a_gap_longer_than_a_day_and_than_the_usual_ones_is_unknown_use() -> None:
    hourly = [(hour, -hour) for hour in range(-100, 1)]
    use = hourly_use(hours(*[row for row in hourly if not -60 < row[0] < -30]), days=4)
    assert sum(use.known) == sum(use.used) == 96 - 30


def test_where_days_lie_between_readings_none_of_them_is_a_gap() -> None:
    use = hourly_use(hours((-240, 240), (-144, 144), (-48, 48), (0, 0)), days=10)
    assert sum(use.known) == pytest.approx(sum(use.used)) == pytest.approx(240)


def test_days_are_24_hours_that_end_now_and_known_by_their_share() -> None:
    use = Use([1.0] * 48, [1.0] * 24 + [0.5] * 24)
    assert daily_use(use) == Use([24, 24], [1, 0.5])


def test_the_profile_is_the_mean_of_each_place_over_what_is_known_of_it() -> None:
    use = Use([1, 10, 0, 3, 0, 6], [1, 1, 0, 1, 0, 0.5])
    assert profile(use, 6, 2) == [1, 19 / 2.5]
    assert profile(Use([1, 0], [1, 0]), 2, 2) == [1, 1]  # nothing known of a place: the mean of all


def test_of_two_clocks_that_alternate_the_readings_of_the_one_with_more_are_kept() -> None:
    right = [(NOW - timedelta(hours=hour), Decimal(hour)) for hour in range(20, -1, -1)]
    wrong = [(at - timedelta(hours=7), balance) for at, balance in right[8:12]]
    assert [int(balance) for _, balance in recent_readings([*right[:8], *wrong, *right[12:]], NOW)] == [
        *range(20, 12, -1),
        *range(8, -1, -1),
    ]


def test_of_readings_every_minute_those_of_the_quarter_hours_do_and_the_last_is_kept() -> None:
    minutes = [(NOW - timedelta(minutes=minute), Decimal(minute)) for minute in range(60 * 24 * 56, -1, -1)]
    readings = recent_readings(minutes, NOW)
    assert len(readings) == 24 * 56 * 4 + 1
    assert readings[-1] == (0.0, Decimal(0))
