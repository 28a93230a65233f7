"""When a balance will run out, judged by its own history alone: `run_out(history, now)`.

Readings -> use per hour -> profile of the week -> level -> replay of the past -> widths -> walk forward.
From the second step on, use is counted in usual days (the mean day of the history), so that no constant
depends on a currency.
Constants marked "measured" lie on broad flat optima of what `python -m bench.forecast` prints.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from math import ceil, exp, exp2, log, log1p, sqrt

from bot.core.usage import KEPT_DAYS, Use, daily_use, hourly_use, profile, recent_readings

LEAST_DAYS = 7
"""Under a week nothing is known about weekends."""

LEAST_KNOWN_DAYS = 1.0
"""With less known use (all else are gaps and top-ups) there is nothing to judge by."""

SPANS = (7, 14, 28)
"""Days that the level's experts look back, beside the one who sees no change (measured)."""

JUDGED_DAYS = (1, 3, 7)
"""Days ahead over which the experts are judged (measured)."""

FADING = 0.5 ** (1 / 7)
"""An expert's error counts half after a week, so that a shift is believed after one to two (measured)."""

SHARPNESS, MILDNESS = 3.0, 0.05
"""An expert weighs (mean error + 0.05) ** -3; sharper follows noise, flatter is late (measured)."""

SETTLED_DAYS = 14
"""Before two weeks are known, a level or a surplus would be the noise of a single week (measured)."""

CARRIED = 0.7
"""Share of the last day's surplus or lack that goes on, halved each day (measured)."""

LARGEST_SURPLUS = 3.0
"""Yesterday's campaign is not carried in full."""

WIDTH_DAYS = (1, 3, 7, 14, 28)
"""Days ahead for which widths are replayed; between them they are interpolated."""

COVERED = 0.8
"""Share of the true run-outs that shall lie between earliest and latest."""

ADAPTATION, FIRST_ADAPTED = 0.05, 4
"""Step of adaptive conformal inference (Gibbs and Candes 2021), from the fifth error on."""

PRIOR_DEVIATIONS, PRIOR_WEIGHT = 1.3, 2.0
"""The prior width: 1.28 standard deviations hold 80 % of a normal error; it weighs two replays (measured)."""

UNEVENNESS, UNEVENNESS_WEIGHT = 1.0, 3.0
"""Days are presumed to differ by a usual day, as if three pairs of them had shown it (measured)."""

DOUBT = 2.5
"""Width that the experts' disagreement, a standard deviation, adds (measured)."""

SMALL = 0.1
"""Share of a usual day that is added to a day's use before its logarithm: a day without use has none."""

MOST_DAYS = 1e9
"""A balance for more usual days than this lies beyond any year."""

HOURS_OF_YEAR = 365 * 24.0


@dataclass(frozen=True)
class RunOut:
    """When a balance is used up (UTC) with its 80 % interval, and the units used per day at present.

    A time is `None` when it lies beyond a year or when nothing is being used.
    """

    earliest: datetime | None
    expected: datetime | None
    latest: datetime | None
    pace: Decimal


@dataclass(frozen=True)
class _View:
    """What was to be expected at the end of one day.

    The profile's use of the seven days ahead, the experts' levels as multiples of it and the one that they
    come to, how far they disagree, and the share by which the first days differ.
    """

    week: list[float]
    levels: list[float]
    level: float
    doubt: float
    surplus: float


def run_out(history: Sequence[tuple[datetime, Decimal]], now: datetime) -> RunOut | None:
    """Forecast when the last balance of a history, oldest first, is used up; `None` under a week of it."""
    readings = recent_readings(history, now)
    days = int((readings[-1][0] - readings[0][0]) / 24) if readings else 0
    if days < LEAST_DAYS:
        return None
    hours = hourly_use(readings, min(days, KEPT_DAYS))
    known_days = sum(hours.known) / 24
    if known_days < LEAST_KNOWN_DAYS:
        return None
    usual = sum(hours.used) / known_days
    if usual <= 0:
        return RunOut(None, None, None, Decimal(0))
    hours = Use([one / usual for one in hours.used], hours.known)
    daily = daily_use(hours)
    views = _replay(daily)
    view, unevenness = views[len(daily.used)], _unevenness(daily)
    widths = [_width(_errors(views, daily, ahead), ahead, unevenness, view.doubt) for ahead in WIDTH_DAYS]
    week = [view.level * rate for rate in profile(hours, len(hours.used), 7 * 24)]
    pace = sum(week) / 7
    read_at, balance = readings[-1]
    earliest, expected, latest = (
        _moment(now, read_at + _hours_until_used(amount * pace, week, view.surplus))
        for amount in _interval(float(balance) / usual / pace, widths)
    )
    return RunOut(earliest, expected, latest, Decimal(f"{pace * usual:.6g}"))


def _replay(days: Use) -> dict[int, _View]:
    """Walk through the past as if each day were today; each view learns from how the earlier ones fared."""
    views: dict[int, _View] = {}
    losses, judged = [0.0] * (1 + len(SPANS)), 0.0
    for today in range(LEAST_DAYS, len(days.used) + 1):
        losses, judged = [loss * FADING for loss in losses], judged * FADING
        for ahead in JUDGED_DAYS:
            if view := views.get(today - ahead):
                used = sum(days.used[today - ahead : today])
                expected = _expected(view, days, today - ahead, ahead)
                errors = [_error(level * expected, used, ahead) for level in view.levels]
                losses, judged = [sum(pair) for pair in zip(losses, errors, strict=True)], judged + 1
        views[today] = _view(days, today, [loss / (judged or 1.0) for loss in losses])
    return views


def _errors(views: dict[int, _View], days: Use, ahead: int) -> list[float]:
    """Return the errors, oldest first, of all past forecasts over so many days in which anything was used."""
    errors = []
    for since, view in views.items():
        used = sum(days.used[since : since + ahead])
        if since + ahead <= len(days.used) and used > 0:
            errors.append(_error(view.level * _expected(view, days, since, ahead), used, ahead))
    return errors


def _view(days: Use, today: int, losses: list[float]) -> _View:
    """Return the profile of the days before `today`, and its level: a geometric mean by past performance."""
    week = profile(days, today, 7)
    levels = [1.0, *(_level(week, days, today, span) for span in SPANS)]
    if today < SETTLED_DAYS:
        return _View(week, levels, 1.0, 0.0, 0.0)
    weights = [1 / (loss + MILDNESS) ** SHARPNESS for loss in losses]
    logs, total = [log(level) for level in levels], sum(weights)
    mean = sum(weight * one for weight, one in zip(weights, logs, strict=True)) / total
    doubt = sqrt(sum(weight * (one - mean) ** 2 for weight, one in zip(weights, logs, strict=True)) / total)
    level = exp(mean)
    return _View(week, levels, level, doubt, _surplus([level * day for day in week], days, today))


def _level(week: list[float], days: Use, today: int, span: int) -> float:
    """Return the use of the last days as a multiple of what the profile says of them."""
    last = range(max(today - span, 0), today)
    expected = sum(week[(day - today) % 7] * days.known[day] for day in last)
    used = sum(days.used[day] for day in last)
    return (used + SMALL) / (expected + SMALL)


def _surplus(week: list[float], days: Use, today: int) -> float:
    """Return the share by which the last day was above the week at its level, as far as it goes on.

    A day that is usually empty is compared with a quarter of the mean day.
    """
    expected = week[-1] * days.known[today - 1]
    least = max(expected, sum(week) / 7 / 4)
    surplus = CARRIED * (days.used[today - 1] - expected) / least if least > 0 else 0.0
    return min(surplus, LARGEST_SURPLUS)


def _expected(view: _View, days: Use, since: int, ahead: int) -> float:
    """Return what profile and surplus say of the known part of some days."""
    return sum(
        view.week[place % 7] * days.known[since + place] * (1 + view.surplus * exp2(-place - 0.5))
        for place in range(ahead)
    )


def _error(expected: float, used: float, days: int) -> float:
    """Return by how much a forecast was wrong, either way, as a logarithm."""
    return abs(log((used + SMALL * days) / (expected + SMALL * days)))


def _unevenness(days: Use) -> float:
    """Return the standard deviation of a day, in usual days, by comparing it with that of a week earlier."""
    pairs = [day for day in range(7, len(days.used)) if min(days.known[day], days.known[day - 7]) > 1 / 2]
    squares = sum((days.used[day] - days.used[day - 7]) ** 2 / 2 for day in pairs)
    return sqrt((squares + UNEVENNESS_WEIGHT * UNEVENNESS**2) / (len(pairs) + UNEVENNESS_WEIGHT))


def _width(errors: list[float], ahead: int, unevenness: float, doubt: float) -> float:
    """Return half the interval's width, a logarithm: replayed errors, a prior for few, and the doubt.

    Replays that overlap are not independent: errors over n days count as 1 / sqrt(n) each.
    """
    prior = PRIOR_DEVIATIONS * log1p(unevenness / sqrt(ahead))
    weight = len(errors) / sqrt(ahead)
    width = (weight * _adapted(errors) + PRIOR_WEIGHT * prior) / (weight + PRIOR_WEIGHT)
    return sqrt(width**2 + (DOUBT * doubt) ** 2)


def _adapted(errors: list[float]) -> float:
    """Return the quantile of past errors whose share grew with each miss and shrank with each hit."""
    share = COVERED
    for count in range(FIRST_ADAPTED, len(errors)):
        missed = errors[count] > _quantile(errors[:count], share)
        share += ADAPTATION * (missed - (1 - COVERED))
    return _quantile(errors, share) if errors else 0.0


def _quantile(values: list[float], share: float) -> float:
    """Return the value that a share of the values, and of one more to come, does not exceed."""
    return sorted(values)[min(ceil(share * (len(values) + 1)), len(values)) - 1]


def _interval(days: float, widths: list[float]) -> tuple[float, float, float]:
    """Return for how many days a balance for so many days lasts at the earliest, as expected, at the latest.

    Both edges rise with the balance, as more of it must never mean an earlier time.
    """
    if days <= 0:
        return 0.0, 0.0, 0.0
    days = min(days, MOST_DAYS)
    places = [log(ahead) for ahead in WIDTH_DAYS]
    earlier = accumulate((place - width for place, width in zip(places, widths, strict=True)), max)
    later = accumulate((place + width for place, width in zip(places, widths, strict=True)), max)
    return exp(_between(log(days), places, [*earlier])), days, exp(_between(log(days), places, [*later]))


def _between(at: float, places: list[float], values: list[float]) -> float:
    """Interpolate between the places; outside of them the outer value keeps its distance."""
    if not places[0] < at < places[-1]:
        outer = 0 if at <= places[0] else -1
        return values[outer] + at - places[outer]
    after = bisect_left(places, at)
    share = (at - places[after - 1]) / (places[after] - places[after - 1])
    return values[after - 1] + share * (values[after] - values[after - 1])


def _hours_until_used(amount: float, week: list[float], surplus: float) -> float:
    """Return the hours in which an amount is used: a week with the surplus, then week after week without."""
    later = list(accumulate(week))
    carried = (rate * (1 + surplus * exp2(-hour / 24)) for hour, rate in enumerate(week))
    first = list(accumulate(carried))
    if amount <= first[-1]:
        return _crossed(amount, first)
    weeks, rest = divmod(amount - first[-1], later[-1])
    return len(week) * (1 + weeks) + _crossed(rest, later)


def _crossed(amount: float, used: list[float]) -> float:
    """Return the hours after which the amount is used, of a use that is added up hour by hour."""
    hour = min(bisect_left(used, amount), len(used) - 1)
    before = used[hour - 1] if hour else 0.0
    return hour + (amount - before) / (used[hour] - before) if used[hour] > before else float(hour)


def _moment(now: datetime, hours: float) -> datetime | None:
    """Return the time so many hours from now, not in the past; `None` beyond a year."""
    if not hours <= HOURS_OF_YEAR:
        return None
    try:
        return now.astimezone(UTC) + timedelta(seconds=max(round(hours * 3600), 0))
    except OverflowError:
        return None  # the calendar ends
