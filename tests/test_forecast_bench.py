"""The table of `python -m bench.forecast`: every way of forecasting answers the same questions."""

import pytest

from bench.forecast import (
    FORECASTS,
    HORIZONS,
    REGIMES,
    episode,
    judge,
    made_up,
    regime_questions,
    used_next,
)


@pytest.mark.parametrize("name", REGIMES)
def test_a_regime_is_the_same_account_for_the_same_number(name: str) -> None:
    (one, _), (again, _), (other, _) = (made_up(name, number, 5400) for number in (1, 1, 2))
    assert one == again != other
    assert list(one.used) == sorted(one.used)
    assert one.history(5400, 100)[-1][1] == 100 or 5400 not in one.read


def test_the_forecast_is_near_and_covers_where_each_week_is_like_the_last() -> None:
    asked = [("steady weekdays", 14, one) for one in regime_questions("steady weekdays", 14, 3)]
    scores = judge(asked, [], margin=1.4)
    assert list(scores) == list(FORECASTS)
    assert max(scores["run_out"].errors["steady weekdays", 14]) < 0.5
    assert len(scores["run_out"].covered) == 3
    assert not scores["mean burn 7 d"].covered  # it has no interval
    assert len(scores["run_out"].line()) == 9 * (len(HORIZONS) + 4)


def test_a_balance_is_followed_to_its_end() -> None:
    account, _ = made_up("steady weekdays", 1, 5400)
    followed = episode(account, used_next(account, 68 * 96))
    assert [one.hours_left for one in followed] == sorted((one.hours_left for one in followed), reverse=True)
    assert followed[0].hours_left > 280
    assert followed[-1].hours_left <= 6
