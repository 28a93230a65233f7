"""When the provider may be asked, and what serves where it may not."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.asking import (
    DEFAULT_WAIT,
    FRESH,
    LONGEST_WAIT,
    PATIENCE,
    SHORTEST_WAIT,
    WINDOW,
    Outcome,
    Requests,
    in_place_of_poll,
    still_waits,
    wait_until,
)
from bot.core.reading import Cause, Failure, Held
from tests.samples import DOWN, NOW, reading

SECOND = timedelta(seconds=1)


# The wait that the provider asks for


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "60"}, 60 * SECOND),
        ({"retry-after": "900"}, LONGEST_WAIT),
        ({"Retry-After": "86400"}, LONGEST_WAIT),
        ({"Retry-After": "0"}, SHORTEST_WAIT),
        ({}, DEFAULT_WAIT),
        ({"Retry-After": "soon"}, DEFAULT_WAIT),
        # A date is held against the answer's own, or against our clock where it has none.
        ({"Retry-After": "Wed, 22 Jul 2026 12:06:30 GMT"}, 90 * SECOND),
        (
            {"Retry-After": "Wed, 22 Jul 2026 12:06:30 GMT", "Date": "Wed, 22 Jul 2026 12:06:00 GMT"},
            30 * SECOND,
        ),
        ({"Retry-After": "Wed, 22 Jul 2026 12:04:00 GMT"}, SHORTEST_WAIT),
    ],
)
def test_a_wait_is_given_in_seconds_or_as_a_date_and_has_its_bounds(
    headers: dict[str, str], wait: timedelta
) -> None:
    assert wait_until(headers, NOW) == NOW + wait


@pytest.mark.parametrize(
    ("passed", "waits"),
    [
        (timedelta(0), True),
        (timedelta(seconds=59), True),
        (timedelta(seconds=60), False),
        (timedelta(hours=1), False),
        (-timedelta(seconds=5), True),
        (-timedelta(hours=1), False),  # the clock was set back
    ],
)
def test_a_wait_is_over_in_time_and_when_the_clock_is_set_back(passed: timedelta, waits: bool) -> None:
    assert still_waits(NOW + timedelta(seconds=60), NOW + passed) is waits


# The requests that a key has left

POLL, COMMAND = True, False


@pytest.mark.parametrize(
    ("asks", "granted"),
    [
        ([POLL] * 5, [True] * 4 + [False]),
        ([COMMAND] * 3, [True, True, False]),
        ([COMMAND, COMMAND, COMMAND, POLL, POLL, POLL], [True, True, False, True, True, False]),
        ([POLL, POLL, POLL, COMMAND, COMMAND, POLL], [True, True, True, True, False, False]),
        ([POLL, POLL, COMMAND, COMMAND, COMMAND, POLL], [True, True, True, True, False, False]),
    ],
)
def test_of_four_requests_a_minute_commands_may_make_two(asks: list[bool], granted: list[bool]) -> None:
    requests, answers = Requests(), []
    for polled in asks:
        more = requests.one_more(NOW, polled=polled)
        answers.append(more is not None)
        requests = more or requests
    assert answers == granted


def test_a_request_counts_for_a_window_from_its_moment() -> None:
    made = Requests((NOW, NOW + SECOND), (NOW,))
    assert made.lately(NOW + WINDOW - SECOND) == made
    assert made.lately(NOW + WINDOW) == Requests((NOW + SECOND,), ())


# What serves again


def outcome(found: object, began: float = 0, ended: float = 0) -> Outcome:
    return Outcome(NOW + began * SECOND, NOW + ended * SECOND, found)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "ended", "age", "serves"),
    [
        (reading(), 0, timedelta(0), True),
        (reading(), 0, FRESH - SECOND, True),
        (reading(), 0, FRESH, False),
        (reading(), 4, FRESH, False),  # figures are as old as the question
        (DOWN, 0, FRESH - SECOND, True),
        (DOWN, 0, FRESH, False),
        (DOWN, 30, 30 * SECOND, True),  # a failure is as old as the answer
        (DOWN, 30, 30 * SECOND + FRESH, False),
        (DOWN, 0, -SECOND, False),  # of a clock that was set back
        (Held.LIMIT, 0, timedelta(0), False),
    ],
)
def test_an_outcome_good_or_bad_serves_commands_for_ten_seconds(
    found: object, ended: float, age: timedelta, serves: bool
) -> None:
    assert outcome(found, 0, ended).serves_at(NOW + age) is serves


# What a poll that was held back counts

LONG_AGO = NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("newest", "counted_at", "now"),
    [
        (outcome(DOWN), None, NOW),
        (outcome(DOWN), LONG_AGO, NOW + timedelta(minutes=5)),
        (outcome(reading()), LONG_AGO, NOW),
    ],
)
def test_a_poll_held_back_takes_over_the_newest_outcome_that_none_has_counted(
    newest: Outcome, counted_at: datetime | None, now: datetime
) -> None:
    assert in_place_of_poll(Held.LIMIT, newest, counted_at, LONG_AGO, now) is newest


@pytest.mark.parametrize(
    ("newest", "since", "now"),
    [
        (outcome(DOWN), LONG_AGO, NOW + PATIENCE),
        (outcome(reading()), LONG_AGO, NOW + SECOND),
        (None, NOW, NOW + PATIENCE),
    ],
)
def test_it_counts_nothing_twice_and_nothing_while_the_limit_may_be_used_up_by_our_own_polls(
    newest: Outcome | None, since: datetime, now: datetime
) -> None:
    assert in_place_of_poll(Held.LIMIT, newest, NOW, since, now) is None


@pytest.mark.parametrize(("newest", "since"), [(outcome(DOWN), LONG_AGO), (None, NOW)])
def test_where_nobody_could_ask_for_longer_that_is_a_failure(newest: Outcome | None, since: datetime) -> None:
    now = NOW + PATIENCE + SECOND
    found = in_place_of_poll(Held.LIMIT, newest, NOW, since, now)
    assert found == Outcome(now, now, Failure(Cause.NOT_ASKED))


def test_with_the_database_away_nothing_is_counted() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert in_place_of_poll(Held.STORE_AWAY, outcome(DOWN), None, LONG_AGO, now) is None
