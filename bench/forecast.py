"""How well `run_out` forecasts, beside simpler ways, in one run: `python -m bench.forecast`.

Accounts of several regimes are made up from a seed; `--traces` adds a folder of real usage, one CSV each of
`timestamp,count` per hour. Both become a balance that is read every 15 minutes: one reading in 20 is lost, an
outage of 2 to 12 hours comes once a week, a top-up about every nine days.

Error: |forecast - true| / true of the time to empty in %, the median over origins, then the mean over
horizons and traces. Covered: how often the true time lay in the 80 % interval. A warning is due 72 hours
before empty, and is given when a forecast is below 72 hours times the margin twice in a row; it is false when
more than twice the 72 hours are left.
"""

import csv
import math
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from statistics import fmean, median

import click

from bot.core.forecast import run_out

History = Sequence[tuple[datetime, Decimal]]
EPOCH = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
QUARTERS = 4
DAY, WEEK = 24 * QUARTERS, 7 * 24 * QUARTERS
HORIZONS = (1, 3, 7, 14, 30)
PAST_DAYS, AHEAD_DAYS = 56, 100
NEVER = 365 * 24.0
DUE, EVERY, EPISODE_DAYS = 72.0, 3, 12
WORST = 10.0
"""An error counts at most so much, as one forecast of "never" says nothing about the others."""


@dataclass(frozen=True)
class Account:
    """A balance: use and top-ups cumulated by quarters of an hour, and when it was read."""

    used: Sequence[int]
    added: Sequence[int]
    read: Sequence[int]
    past: int = PAST_DAYS * DAY

    def history(self, now: int, balance: int) -> History:
        """Return the readings up to a quarter, at which so much is left."""
        last = balance + self.used[now] - self.added[now]
        places = self.read[bisect_left(self.read, now - self.past) : bisect_right(self.read, now)]
        return [(moment(at), Decimal(last - self.used[at] + self.added[at])) for at in places]

    def hours_left(self, now: int, balance: int) -> float:
        """Return when the balance was truly used up."""
        return (bisect_left(self.used, self.used[now] + balance, now) - now) / QUARTERS

    def last_read(self, at: float) -> int:
        """Return the last quarter at which the balance was read."""
        return self.read[bisect_right(self.read, at) - 1]


@dataclass(frozen=True)
class Question:
    """An account at one moment, with a balance whose end is known."""

    account: Account
    now: int
    balance: int

    @cached_property
    def history(self) -> History:
        """Return the readings so far."""
        return self.account.history(self.now, self.balance)

    @property
    def hours_left(self) -> float:
        """Return when the balance was truly used up."""
        return self.account.hours_left(self.now, self.balance)


def moment(quarter: int) -> datetime:
    """Return a quarter's time."""
    return EPOCH + timedelta(hours=quarter / QUARTERS)


def polled(hourly: Iterable[float], random: Random, past_days: float = PAST_DAYS) -> Account:
    """Read an account's balance as a bot would that is now and then away."""
    quarters = [part for count in hourly for part in split(round(count), random)]
    used = list(accumulate(quarters, initial=0))
    lost = {place for place in range(1, len(used)) if random.random() < 0.05}
    for begin in happenings(len(used), WEEK, random):
        lost |= set(range(begin, begin + round(random.uniform(2, 12) * QUARTERS)))
    top_ups = dict.fromkeys(happenings(len(used), 9 * DAY, random), used[-1] * 10 * DAY // len(used) + 1)
    added = list(
        accumulate(round(top_ups.get(place, 0) * random.uniform(0.7, 1.3)) for place in range(len(used)))
    )
    return Account(
        used, added, [place for place in range(len(used)) if place not in lost], round(past_days * DAY)
    )


def happenings(length: int, mean: int, random: Random) -> list[int]:
    """Return when something happened that happens at random, once in a mean time."""
    return [random.randrange(length) for _ in range(round(length / mean))]


def split(count: int, random: Random) -> list[int]:
    """Split an hour's use at random into quarters."""
    cuts = (
        sorted(random.randint(0, count) for _ in range(3))
        if count < 8
        else [round(count * share + random.gauss(0, math.sqrt(count) / 3)) for share in (0.25, 0.5, 0.75)]
    )
    edges = [0, *accumulate((min(max(cut, 0), count) for cut in cuts), max), count]
    return [after - before for before, after in pairwise(edges)]


# --- the regimes: what is used on a day, given its weekday and how many days before the present it lies ---

Daily = Callable[[int, float], float]
OFFICE = tuple(0.1 if 8 <= hour < 18 else 0.0 for hour in range(24))
HELD_AT_NIGHT = (0.0,) * 8 + (0.3,) + (0.7 / 11,) * 11 + (0.0,) * 4


@dataclass(frozen=True)
class Regime:
    """A way of using units: what it makes of a seed, in which hours, and with how much of a past."""

    daily: Callable[[Random], Daily]
    hours: Sequence[float] = OFFICE
    past_days: tuple[float, float] = (PAST_DAYS, PAST_DAYS)


def steady(random: Random) -> Daily:
    """Weekdays alike, hardly anything at weekends."""
    noise, weekend = random.uniform(0.1, 0.35), random.choice([0, 0.02, 0.3])
    return lambda weekday, ago: random.lognormvariate(0, noise) * (1 if weekday < 5 else weekend)


def campaigns(random: Random) -> Daily:
    """Steady, and eight times as much on each fourth to tenth day."""
    usual, share = steady(random), random.uniform(0.1, 0.25)
    return lambda weekday, ago: usual(weekday, ago) * (8 if random.random() < share else 1)


def intermittent(random: Random) -> Daily:
    """Three of four days are empty."""
    return lambda weekday, ago: random.lognormvariate(0, 0.6) if random.random() < 0.25 else 0


def level_shift(random: Random) -> Daily:
    """Steady, and three times as much since some day of the last three weeks."""
    usual, since = steady(random), random.uniform(2, 21)
    return lambda weekday, ago: usual(weekday, ago) * (3 if ago < since else 1)


def weekly(random: Random) -> Daily:
    """All is sent on one day of the week."""
    day, noise = random.randrange(7), random.uniform(0.1, 0.35)
    return lambda weekday, ago: random.lognormvariate(0, noise) if weekday == day else 0


def growth(random: Random) -> Daily:
    """Steady, and half as much again to three times as much after eight weeks."""
    usual, rate = steady(random), math.log(random.uniform(1.5, 3)) / 56
    return lambda weekday, ago: usual(weekday, ago) * math.exp(-rate * ago)


def held_on_sundays(random: Random) -> Daily:
    """Like any day, but that Sunday's is sent on Monday."""
    noise = random.uniform(0.1, 0.35)
    return lambda weekday, ago: random.lognormvariate(0, noise) * {0: 2, 6: 0}.get(weekday, 1)


REGIMES = {
    "steady weekdays": Regime(steady),
    "campaigns of 8x": Regime(campaigns),
    "75 % empty days": Regime(intermittent),
    "level shift x3": Regime(level_shift),
    "7 to 20 days old": Regime(steady, past_days=(7.1, 20)),
    "one day a week": Regime(weekly),
    "growth": Regime(growth),
    "held until 8:00": Regime(held_on_sundays, HELD_AT_NIGHT),
}


def made_up(name: str, number: int, at: int) -> tuple[Account, Random]:
    """Return the account of a number, whose regime is as of one quarter, and what is random about it."""
    random, regime = Random(f"{name} {number}"), REGIMES[name]
    daily, volume, first = regime.daily(random), math.exp(random.uniform(3.5, 8.5)), random.randrange(7)
    hourly: list[float] = []
    for day in range(PAST_DAYS + AHEAD_DAYS):
        total = volume * daily((day + first) % 7, at / DAY - day)
        hourly += [max(random.gauss(total * share, math.sqrt(total * share)), 0) for share in regime.hours]
    return polled(hourly, random, random.uniform(*regime.past_days)), random


# --- the questions: where a forecast is asked for, and what is true ---


def regime_questions(name: str, days: int, count: int) -> Iterator[Question]:
    """Ask of accounts made up, one question each, for balances that last about so many days."""
    for number in range(count):
        now = PAST_DAYS * DAY + number * 97 % WEEK  # at any time of the week
        account, random = made_up(name, number * 31 + days, now)
        yield from question(account, now, days, random)


def trace_questions(account: Account, days: int, count: int) -> Iterator[Question]:
    """Ask at random times of a real account."""
    random = Random(days)
    first, last = 14 * DAY, len(account.used) - round(days * 1.2 * DAY)
    for _ in range(count if last > first else 0):
        yield from question(account, random.randrange(first, last), days, random)


def question(account: Account, at: int, days: int, random: Random) -> Iterator[Question]:
    """Ask about a balance that lasts about so many days, if anything is used in them."""
    now = account.last_read(at)
    end = now + round(days * DAY * math.exp(random.uniform(math.log(0.8), math.log(1.2))))
    balance = account.used[min(end, len(account.used) - 1)] - account.used[now]
    if balance:
        yield Question(account, now, balance)


def episode(account: Account, end: int) -> list[Question]:
    """Ask every three hours of the twelve days before a balance is empty."""
    times = dict.fromkeys(
        account.last_read(end - before * QUARTERS) for before in range(EPISODE_DAYS * 24, 0, -EVERY)
    )
    asked = [Question(account, now, account.used[end] - account.used[now]) for now in times]
    return [one for one in asked if one.balance > 0]


def regime_episodes(name: str, count: int) -> Iterator[list[Question]]:
    """Return the last days of balances of accounts made up."""
    for number in range(count):
        end = (PAST_DAYS + EPISODE_DAYS) * DAY + number * 97 % WEEK
        account, _ = made_up(name, number * 31, end - EPISODE_DAYS * DAY)
        yield episode(account, used_next(account, end))


def trace_episodes(account: Account, count: int) -> Iterator[list[Question]]:
    """Return the last days of balances of a real account."""
    random = Random(1)
    first, last = (14 + EPISODE_DAYS) * DAY, len(account.used) - 1
    for _ in range(count if last > first else 0):
        yield episode(account, used_next(account, random.randrange(first, last)))


def used_next(account: Account, at: int) -> int:
    """Return the quarter at which something is used again: a balance ends with use."""
    return min(bisect_right(account.used, account.used[at]), len(account.used) - 1)


# --- the forecasts: hours until empty, with an interval if there is one ---

Answer = tuple[float, float, float]
NO_EDGE = math.nan


def ours(history: History, now: datetime) -> Answer:
    """Return what `run_out` says."""
    answer = run_out(history, now)
    if answer is None:
        return NO_EDGE, NEVER, NO_EDGE
    hours = [
        NEVER if at is None else (at - now) / timedelta(hours=1)
        for at in (answer.earliest, answer.expected, answer.latest)
    ]
    return hours[0], hours[1], hours[2]


def steps(history: History, now: datetime, hours: float) -> list[tuple[float, float, float]]:
    """Return begin and end, in hours from now, and use of what lies between readings, without top-ups."""
    recent = history[bisect_left(history, now - timedelta(hours=hours), key=lambda reading: reading[0]) :]
    points = [((at - now) / timedelta(hours=1), float(balance)) for at, balance in recent]
    return [
        (since, until, before - after)
        for (since, before), (until, after) in pairwise(points)
        if after <= before
    ]


def mean_burn(days: int) -> Callable[[History, datetime], Answer]:
    """Return the forecast by the mean use of so many days."""

    def forecast(history: History, now: datetime) -> Answer:
        known = steps(history, now, days * 24)
        used = sum(use for *_, use in known)
        hours = sum(until - since for since, until, _ in known)
        return NO_EDGE, min(float(history[-1][1]) * hours / used, NEVER) if used else NEVER, NO_EDGE

    return forecast


def predict_linear(history: History, now: datetime) -> Answer:
    """Return the forecast by a line through a week of balances, top-ups removed."""
    known = steps(history, now, 7 * 24)
    times = [until for _, until, _ in known]
    used = list(accumulate(use for *_, use in known))
    if len(known) < 2:
        return NO_EDGE, NEVER, NO_EDGE
    at, mean = fmean(times), fmean(used)
    slope = sum((one - at) * (use - mean) for one, use in zip(times, used, strict=True))
    slope /= sum((one - at) ** 2 for one in times)
    return NO_EDGE, min(float(history[-1][1]) / slope, NEVER) if slope > 0 else NEVER, NO_EDGE


def hour_of_week(history: History, now: datetime) -> Answer:
    """Return the forecast by the mean of the same hour of the week, over four weeks."""
    used, known = [0.0] * 168, [0.0] * 168
    for since, until, use in steps(history, now, 4 * 168):
        used[math.floor(since) % 168] += use
        known[math.floor(since) % 168] += until - since
    if not sum(used):
        return NO_EDGE, NEVER, NO_EDGE
    usual = sum(used) / sum(known)
    profile = [use / time if time else usual for use, time in zip(used, known, strict=True)]
    cumulated = list(accumulate(profile))
    weeks, rest = divmod(float(history[-1][1]), cumulated[-1])
    hour = min(bisect_left(cumulated, rest), 167)
    part = (rest - cumulated[hour] + profile[hour]) / profile[hour] if profile[hour] else 0
    return NO_EDGE, min(weeks * 168 + hour + part, NEVER), NO_EDGE


FORECASTS: dict[str, Callable[[History, datetime], Answer]] = {
    "run_out": ours,
    "hour-of-week mean 4 w": hour_of_week,
    "mean burn 7 d": mean_burn(7),
    "mean burn 14 d": mean_burn(14),
    "predict_linear 7 d": predict_linear,
}


# --- the table ---


@dataclass
class Scores:
    """What one way of forecasting came to."""

    errors: dict[tuple[str, int], list[float]]
    covered: list[bool]
    in_time: list[bool]
    false: list[bool]

    def line(self) -> str:
        """Return the table's columns."""
        medians = {key: median(found) for key, found in self.errors.items()}
        by_days = [100 * mean(one for (_, days), one in medians.items() if days == each) for each in HORIZONS]
        columns = [
            *by_days,
            *(100 * mean(x) for x in (medians.values(), self.covered, self.in_time, self.false)),
        ]
        return "".join(f"{'-' if math.isnan(one) else format(one, '.1f'):>9}" for one in columns)


def mean(values: Iterable[float]) -> float:
    """Return the mean, or NaN of nothing."""
    found = list(values)
    return fmean(found) if found else math.nan


def judge(
    questions: Iterable[tuple[str, int, Question]], episodes: Iterable[list[Question]], margin: float
) -> dict[str, Scores]:
    """Let all ways of forecasting answer the same questions."""
    scores = {name: Scores(defaultdict(list), [], [], []) for name in FORECASTS}
    for source, days, asked in questions:
        true = asked.hours_left
        for name, forecast in FORECASTS.items():
            earliest, expected, latest = forecast(asked.history, moment(asked.now))
            scores[name].errors[source, days].append(min(abs(expected - true) / true, WORST))
            if not math.isnan(earliest):
                scores[name].covered.append(earliest <= true <= latest)
    for asked_in_turn in episodes:
        left = [asked.hours_left for asked in asked_in_turn]
        for name, forecast in FORECASTS.items():
            low = [forecast(one.history, moment(one.now))[1] <= DUE * margin for one in asked_in_turn]
            warned = [hours for hours, *both in zip(left[1:], low, low[1:], strict=False) if all(both)]
            scores[name].in_time.append(any(hours >= DUE for hours in warned))
            scores[name].false.append(any(hours > 2 * DUE for hours in warned))
    return scores


def print_table(title: str, scores: dict[str, Scores]) -> None:
    """Print one table."""
    heads = [*(f"{days} d" for days in HORIZONS), "error", "covered", "in time", "false"]
    click.echo(f"\n{title:24}" + "".join(f"{head:>9}" for head in heads))
    for name, one in scores.items():
        click.echo(f"{name:24}{one.line()}")


def read_trace(path: Path) -> Account:
    """Read the use per hour of a CSV; a daily one is spread over ten hours."""
    with path.open() as file:
        rows = [
            (datetime.fromisoformat(row["timestamp"]), float(row["count"])) for row in csv.DictReader(file)
        ]
    daily = rows[1][0] - rows[0][0] >= timedelta(hours=23)
    hourly = [count * share for _, count in rows for share in (OFFICE if daily else (1.0,))]
    return polled(hourly, Random(path.stem))


def print_speed() -> None:
    """Print what a year of readings every five minutes costs, beside reading the same year from text once."""
    random, now, left = Random(1), EPOCH, Decimal(10**6)
    year = []
    for place in range(365 * 288, -1, -1):
        left -= Decimal(random.randrange(200)) / 100
        year.append((now - place * timedelta(minutes=5), left))
    text = [(at.isoformat(), str(balance)) for at, balance in year]
    took = milliseconds(lambda: run_out(year, now))
    parsing = milliseconds(lambda: [(datetime.fromisoformat(at), Decimal(one)) for at, one in text])
    click.echo(
        f"\na year of 5-minute readings ({len(year):,}): {took:.1f} ms, {took / parsing:.2f} of parsing it"
    )


def milliseconds(work: Callable[[], object], times: int = 9) -> float:
    """Return the median time of the processor that some work takes."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - began))
    return median(taken)


@click.command()
@click.option(
    "--traces", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder of CSVs."
)
@click.option(
    "--origins", default=20, show_default=True, help="Questions for each horizon and trace or regime."
)
@click.option("--episodes", default=4, show_default=True, help="Balances followed to their end, likewise.")
@click.option("--margin", default=1.4, show_default=True, help="The safety margin of a warning.")
def main(traces: Path | None, origins: int, episodes: int, margin: float) -> None:
    """Print a table for the traces together, one for each regime, and the time that a forecast takes."""
    if traces:
        accounts = {path.stem: read_trace(path) for path in sorted(traces.glob("*.csv"))}
        asked = (
            (name, days, one)
            for name, account in accounts.items()
            for days in HORIZONS
            for one in trace_questions(account, days, origins)
        )
        ends = (one for account in accounts.values() for one in trace_episodes(account, episodes))
        print_table(f"{len(accounts)} traces", judge(asked, ends, margin))
    for name in REGIMES:
        asked = ((name, days, one) for days in HORIZONS for one in regime_questions(name, days, origins))
        print_table(name, judge(asked, regime_episodes(name, episodes), margin))
    print_speed()


if __name__ == "__main__":
    main()
