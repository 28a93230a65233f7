"""The run-out forecast: believable accounts, hostile histories, and what holds for any history."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import accumulate
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.forecast import RunOut, run_out

NOW = datetime(2026, 7, 22, 12, 5, tzinfo=UTC)  # a Wednesday
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
History = Sequence[tuple[datetime, Decimal]]


def steady(hour: datetime) -> float:
    """Return 240 units a day, night and day."""
    return 10


def office(hour: datetime) -> float:
    """Return 100 units an hour from 8 to 18, on weekdays."""
    return 100 if hour.weekday() < 5 and 8 <= hour.hour < 18 else 0


def uneven(hour: datetime) -> float:
    """Return 10 to 50 units an hour, another number each day."""
    return 10 * (1 + hour.toordinal() * 7919 % 5)


def account(
    use: Callable[[datetime], float] = steady,
    left: float = 2400,
    past: timedelta = 8 * WEEK,
    step: timedelta = HOUR,
) -> list[tuple[datetime, Decimal]]:
    """Return an account's readings: what each hour used, so that so much is left now."""
    times = [NOW - place * step for place in range(int(past / step), -1, -1)]
    used = list(accumulate((use(at) * (step / HOUR) for at in times[1:]), initial=0.0))
    return [(at, Decimal(f"{left + used[-1] - one:.6f}")) for at, one in zip(times, used, strict=True)]


def forecast(history: History, now: datetime = NOW) -> RunOut:
    answer = run_out(history, now)
    assert answer is not None
    return answer


def days_left(history: History) -> float:
    expected = forecast(history).expected
    assert expected is not None
    return (expected - NOW) / DAY


def test_a_steady_account_lasts_as_long_as_its_balance_is_worth_days() -> None:
    answer = forecast(account(left=2400))
    assert answer.pace == 240
    assert days_left(account(left=2400)) == pytest.approx(10, abs=0.01)
    assert answer.earliest is not None
    assert answer.latest is not None
    assert NOW + 8 * DAY < answer.earliest < NOW + 10 * DAY < answer.latest < NOW + 13 * DAY


def test_use_on_weekdays_alone_is_forecast_for_weekdays_alone() -> None:
    friday = datetime(2026, 7, 24, 17, tzinfo=UTC)
    until_friday = 595 + 1000 + 900
    answer = forecast(account(office, left=until_friday + 250))
    assert answer.pace == pytest.approx(Decimal(5000) / 7, rel=Decimal("0.001"))
    assert answer.expected is not None
    monday = friday + 2 * DAY + 15 * HOUR
    assert monday < answer.expected < monday + 4 * HOUR


def test_a_top_up_is_no_negative_use() -> None:
    history = account()
    topped_up = [
        (at, balance - 5000 * (at < NOW - 3 * DAY) - 3000 * (at < NOW - 20 * DAY)) for at, balance in history
    ]
    assert days_left(topped_up) == pytest.approx(days_left(history), rel=0.01)


def test_a_gap_is_unknown_use_and_not_a_time_without_use() -> None:
    history = [one for one in account() if not NOW - 30 * DAY < one[0] < NOW - 12 * DAY]
    hidden = [(at, balance - 4000 * (at < NOW - 20 * DAY)) for at, balance in history]
    assert forecast(history).pace == forecast(hidden).pace == 240


def test_an_outage_of_half_a_day_costs_no_use() -> None:
    history = [one for one in account() if not NOW - 40 * HOUR < one[0] < NOW - 28 * HOUR]
    assert forecast(history).pace == 240


@pytest.mark.parametrize("step", [timedelta(minutes=5), HOUR, 7 * HOUR, DAY, 2 * DAY, 5 * DAY])
def test_readings_may_be_minutes_or_days_apart(step: timedelta) -> None:
    assert days_left(account(step=step)) == pytest.approx(10, rel=0.02)


def test_when_nothing_is_used_no_time_is_named() -> None:
    assert run_out(account(lambda _: 0), NOW) == RunOut(None, None, None, Decimal(0))


def test_beyond_a_year_no_time_is_named() -> None:
    assert run_out(account(left=240 * 500), NOW) == RunOut(None, None, None, Decimal(240))
    part = forecast(account(left=240 * 360))
    assert part.earliest is not None
    assert part.expected is not None
    assert part.latest is None


@pytest.mark.parametrize("left", [0, -0.01, -5000])
def test_what_is_used_up_has_run_out_now(left: float) -> None:
    assert run_out(account(left=left), NOW) == RunOut(NOW, NOW, NOW, Decimal(240))


def test_under_a_week_of_history_there_is_no_forecast() -> None:
    assert run_out(account(past=WEEK - HOUR), NOW) is None
    assert days_left(account(past=WEEK)) == pytest.approx(10, rel=0.01)


def test_a_use_that_has_tripled_is_believed_within_three_weeks() -> None:
    tripled = account(lambda hour: 30 if hour > NOW - 18 * DAY else 10, left=7200)
    assert days_left(tripled) == pytest.approx(10, rel=0.1)


def test_a_single_day_of_much_use_is_not_taken_for_the_new_pace() -> None:
    campaign = account(lambda hour: 80 if NOW - 5 * DAY < hour < NOW - 4 * DAY else 10)
    assert 6 < days_left(campaign) < 10


def test_uneven_use_has_a_wider_interval() -> None:
    def width(use: Callable[[datetime], float]) -> timedelta:
        answer = forecast(account(use))
        assert answer.earliest is not None
        assert answer.latest is not None
        return answer.latest - answer.earliest

    assert width(uneven) > 2 * width(steady)


@pytest.mark.parametrize("scale", ["0.01", "0.6543", "1000", "1E+20", "1E-20"])
def test_the_currency_makes_no_difference(scale: str) -> None:
    history = account(uneven, left=6000)
    scaled = [(at, balance * Decimal(scale)) for at, balance in history]
    expected, other = forecast(history), forecast(scaled)
    assert other.pace == pytest.approx(expected.pace * Decimal(scale), rel=Decimal("1e-5"))
    for name in ("earliest", "expected", "latest"):
        assert abs(getattr(other, name) - getattr(expected, name)) < timedelta(seconds=1)


def test_times_are_utc_whatever_the_zone_of_now() -> None:
    paris = timezone(timedelta(hours=2))
    assert run_out(account(), NOW.astimezone(paris)) == run_out(account(), NOW)
    expected = forecast(account(), NOW.astimezone(paris)).expected
    assert expected is not None
    assert expected.tzinfo is UTC


def test_what_is_older_than_eight_weeks_changes_nothing() -> None:
    older = account(lambda hour: 500 if hour < NOW - 9 * WEEK else 10, past=52 * WEEK)
    assert run_out(older, NOW) == run_out(account(), NOW)


def test_of_a_longer_history_hardly_more_than_eight_weeks_are_looked_at() -> None:
    class Counted(list[tuple[datetime, Decimal]]):
        looked_at = 0

        def __getitem__(self, place: Any) -> Any:
            found = super().__getitem__(place)
            self.looked_at += len(found) if isinstance(place, slice) else 1
            return found

    history = Counted(account(past=52 * WEEK))
    forecast(history)
    assert 8 * 7 * 24 < history.looked_at < 8 * 7 * 24 + 50


def test_a_reading_dated_in_the_future_is_left_out() -> None:
    history = account()
    assert run_out([*history, (NOW + HOUR, Decimal(7))], NOW) == run_out(history, NOW)


def test_a_clock_that_was_wrong_for_a_while_costs_only_that_while() -> None:
    def wrong(at: datetime, by: timedelta) -> datetime:
        return at + by if NOW - 9 * DAY < at < NOW - 8 * DAY else at

    for by in (20 * DAY, -20 * DAY, HOUR, -HOUR, -5000 * DAY, 5000 * DAY):
        history = [(wrong(at, by), balance) for at, balance in account()]
        assert forecast(history).pace == pytest.approx(240, rel=Decimal("0.05"))


def test_no_line_of_an_unreadable_balance_is_used() -> None:
    history: list[tuple[datetime, Decimal]] = []
    for place, (at, balance) in enumerate(account()):
        odd = ("NaN", "sNaN", "Infinity", "-Infinity", "1E+400", "-NaN123")[place % 6]
        history += [(at, balance), (at + HOUR / 2, Decimal(odd))]
    assert forecast(history[:-1]).pace == 240


def every(step: timedelta, balances: Iterable[Decimal | int | str]) -> History:
    """Return readings of these balances, the last one now."""
    values = [Decimal(one) for one in balances]
    return [(NOW - (len(values) - 1 - place) * step, one) for place, one in enumerate(values)]


HOSTILE: dict[str, History] = {
    "nothing": [],
    "one point": every(DAY, [5]),
    "one point long ago": [(NOW - 30 * DAY, Decimal(5))],
    "two points": every(20 * DAY, [500, 5]),
    "two points a year apart": every(365 * DAY, [500, 5]),
    "two points at the same time": [(NOW, Decimal(5)), (NOW, Decimal(4))],
    "constant": every(HOUR, [5] * 1000),
    "all zero": every(HOUR, [0] * 1000),
    "only rises": every(HOUR, range(1000)),
    "a fall among rises": every(HOUR, [*range(500), 3, *range(4, 500)]),
    "negative": every(HOUR, range(1000, -1000, -2)),
    "far negative": every(HOUR, range(0, -10**9, -(10**6))),
    "10^40": every(HOUR, range(10**43, 10**40, -(10**40))),
    "10^99 and a thousandth": every(HOUR, ["1E+99", "0.001"] * 500),
    "10^400": every(HOUR, [Decimal(place) * Decimal("1E+400") for place in range(1000, 0, -1)]),
    "10^-320": every(HOUR, [Decimal(place) * Decimal("1E-320") for place in range(1000, 0, -1)]),
    "10^-323": every(HOUR, [Decimal(place) * Decimal("5E-324") for place in range(200, 0, -1)]),
    "10^99 after falls of 10^-300": [
        *every(HOUR, [Decimal(f"{one}E-300") for one in range(999, 0, -1)])[:-1], (NOW, Decimal("1E+99"))
    ],
    "unreadable": every(HOUR, ["NaN", "sNaN", "Infinity", "-Infinity"] * 300),
    "out of order": account()[::-1],
    "shuffled": [account()[place * 577 % 1345] for place in range(1345)],
    "each twice": [one for one in account() for _ in range(2)],
    "all at the same time": [(NOW - 8 * DAY, balance) for _, balance in account()] + account()[-1:],
    "in the future": [(at + 90 * DAY, balance) for at, balance in account()],
    "half in the future": [(at + 28 * DAY, balance) for at, balance in account()],
    "long before now": [(at - 90 * DAY, balance) for at, balance in account()],
    "a week of hours and then a month of nothing": [*account()[:168], account()[-1]],
    "microseconds apart": every(timedelta(microseconds=1), range(5000, 0, -1)),
    "microseconds apart after a month": [
        (NOW - 30 * DAY, Decimal(10**6)), *every(timedelta(microseconds=1), range(5000, 0, -1))
    ],
    "gaps of weeks": every(17 * DAY, range(90, 0, -1)),
    "sawtooth": every(HOUR, [100, 0] * 700),
    "all used in one hour": every(HOUR, [1000] * 700 + [1] * 700),
    "used just now": every(HOUR, [1000] * 1399 + [1]),
    "from the first year to the last": [
        (datetime.min.replace(tzinfo=UTC), Decimal(9)),
        *account(),
        (datetime.max.replace(tzinfo=UTC), Decimal(1)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("history", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_history_has_an_answer_or_none_and_never_an_error(history: History) -> None:
    believable(run_out(history, NOW), NOW)


def test_a_run_out_after_the_end_of_the_calendar_is_not_named() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    history = [(end - (NOW - at), balance) for at, balance in account()]
    assert run_out(history, end) == RunOut(None, None, None, Decimal(240))


def believable(answer: RunOut | None, now: datetime) -> None:
    """Assert that an answer is finite, in order, and neither in the past nor beyond a year."""
    if answer is None:
        return
    assert answer.pace.is_finite()
    assert answer.pace >= 0
    times = [answer.earliest, answer.expected, answer.latest]
    stamps = [inf if at is None else at.timestamp() for at in times]
    assert stamps == sorted(stamps)
    assert all(at is None or timedelta(0) <= at - now <= 365 * DAY for at in times)


minutes = st.integers(-60 * 24 * 3, 60 * 24 * 70)
balances = st.one_of(
    st.integers(-100, 10**6).map(Decimal),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(-(10**6), 10**6, places=2),
)
any_history = st.lists(st.tuples(minutes, balances), max_size=80).map(
    lambda rows: [(NOW - timedelta(minutes=minute), balance) for minute, balance in rows]
)


@given(any_history)
@settings(max_examples=200, deadline=None)
def test_every_history_in_any_order_has_a_believable_answer_and_always_the_same(
    history: list[tuple[datetime, Decimal]],
) -> None:
    before = list(history)
    answer = run_out(history, NOW)
    believable(answer, NOW)
    assert run_out(tuple(history), NOW) == answer
    assert [str(one) for one in history] == [str(one) for one in before]


@st.composite
def used_accounts(draw: st.DrawFn) -> list[tuple[datetime, Decimal]]:
    """Draw an account with any use a day, of a few weeks, with top-ups and gaps."""
    days = draw(st.integers(8, 60))
    use = draw(
        st.lists(
            st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 5000)), min_size=days, max_size=days
        )
    )
    top_ups = draw(st.sets(st.integers(0, days - 1), max_size=5))
    lost = draw(st.sets(st.integers(0, days * 4), max_size=30))
    rows, balance = [], Decimal(1000)
    for place in range(days * 4 + 1):
        if place and place % 4 == 0 and place // 4 - 1 in top_ups:
            balance += 10_000
        if place not in lost or place == days * 4:
            rows.append((NOW - (days * 4 - place) * 6 * HOUR, balance))
        if place < days * 4:
            balance -= Decimal(use[place // 4]) / 4
    return rows


@given(used_accounts(), st.lists(st.decimals("0.01", 10**6, places=2), min_size=2, max_size=6))
@settings(max_examples=60, deadline=None)
def test_more_balance_is_never_an_earlier_time(
    history: list[tuple[datetime, Decimal]], lefts: list[Decimal]
) -> None:
    last = history[-1][1]
    answers = [
        run_out([(at, balance - last + left) for at, balance in history], NOW) for left in sorted(lefts)
    ]
    for answer in answers:
        believable(answer, NOW)
    for name in ("earliest", "expected", "latest"):
        times = [getattr(answer, name) for answer in answers if answer]
        stamps = [inf if at is None else at.timestamp() for at in times]
        assert stamps == sorted(stamps)


def test_more_balance_is_no_earlier_time_where_a_week_is_surer_than_a_day() -> None:
    on_any_day_of_the_week = account(
        lambda hour: 100 if (NOW - hour).days * 3 % 7 == (NOW - hour).days // 7 % 7 else 0
    )
    last = on_any_day_of_the_week[-1][1]
    latest = [
        forecast([(at, balance - last + left) for at, balance in on_any_day_of_the_week]).latest
        for left in range(100, 12000, 100)
    ]
    stamps = [inf if at is None else at.timestamp() for at in latest]
    assert stamps == sorted(stamps)
