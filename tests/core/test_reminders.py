from datetime import datetime, timedelta

import pytest

from bot.core.alert import remind
from bot.core.model import Field, Level, Policy
from bot.core.mute import Decision, decide
from bot.core.notice import Kind, Reason, Urgency
from bot.core.reading import Failure
from bot.core.watch import Rise, Trouble, Watch
from tests.samples import (
    DOWN,
    NO_CREDIT,
    POLICY,
    WRONG_KEY,
    Outcome,
    account,
    at,
    judged,
    known,
    reading,
    rule,
)

HOUR, DAY = 60, 24 * 60
OFF = Policy(reminder_warning=timedelta(0), reminder_critical=timedelta(0))


def due_at(watch: Watch, trouble: Trouble = Trouble.LOW) -> datetime | None:
    return next(episode for episode in watch.episodes if episode.trouble is trouble).remind_at


def reminded(watch: Watch, minute: float, policy: Policy = POLICY) -> list[Kind]:
    return [owed.kind for owed in remind(watch, at(minute), policy).notices]


@pytest.mark.parametrize(
    ("outcome", "policy", "minutes"),
    [
        (4999, POLICY, DAY),
        (999, POLICY, 4 * HOUR),
        (0, POLICY, 4 * HOUR),  # empty counts as critical
        (WRONG_KEY, POLICY, DAY),
        (NO_CREDIT, POLICY, DAY),  # unreadable is a warning's pace, whatever the provider says
        (4999, OFF, None),
        (0, OFF, None),
        (WRONG_KEY, OFF, None),
        (4999, Policy(reminder_critical=timedelta(0)), DAY),
        (999, Policy(reminder_critical=timedelta(0)), None),
        (999, Policy(reminder_warning=timedelta(0)), 4 * HOUR),
        (WRONG_KEY, Policy(reminder_warning=timedelta(0)), None),
    ],
)
def test_an_open_episode_is_recalled_at_the_pace_of_its_level(
    outcome: int | Failure, policy: Policy, minutes: int | None
) -> None:
    watch = known(outcome, policy=policy)
    trouble = Trouble.LOW if isinstance(outcome, int) else Trouble.UNREADABLE
    assert due_at(watch, trouble) == (None if minutes is None else at(minutes))
    if minutes is None:
        assert reminded(watch, 30 * DAY, policy) == []
        return
    assert reminded(watch, minutes - 0.01, policy) == []
    assert reminded(watch, minutes, policy) == [Kind.REMINDER]


def test_a_reminder_is_a_ping_and_the_next_counts_from_it() -> None:
    step = remind(known(999), at(4 * HOUR + 1), POLICY)
    assert step.reasons == (Reason.REMINDED,)
    assert [(owed.kind, owed.level) for owed in step.notices] == [(Kind.REMINDER, Level.CRITICAL)]
    assert list(step.edits.values()) == [Urgency.NOW]
    assert due_at(step.watch) == at(8 * HOUR + 1)
    assert remind(step.watch, at(4 * HOUR + 1), POLICY).reasons == (Reason.NOTHING_DUE,)


def test_nothing_open_is_nothing_to_recall() -> None:
    watch = known(9000)
    step = remind(watch, at(30 * DAY), POLICY)
    assert (step.watch, step.reasons, step.touched, step.notices) == (watch, (Reason.NOTHING_DUE,), (), ())


def test_reminders_missed_while_the_bot_was_down_make_one() -> None:
    watch = known(4999)
    late = judged(watch, 4998, 10 * DAY + 5)  # the poll at start comes first, and does not put it off
    assert late.notices == ()
    step = remind(late.watch, at(10 * DAY + 6), POLICY)
    assert [owed.kind for owed in step.notices] == [Kind.REMINDER]
    assert reminded(step.watch, 10 * DAY + 7) == []
    assert due_at(step.watch) == at(11 * DAY + 6)


def test_an_episode_that_ended_meanwhile_is_not_recalled() -> None:
    assert reminded(judged(known(4999), 9000, 10 * DAY).watch, 10 * DAY) == []


@pytest.mark.parametrize(
    ("outcomes", "minutes"),
    [
        pytest.param((4999, 4998, 4997), DAY, id="figures that move put nothing off"),
        pytest.param((4999, 999), 1 + 4 * HOUR, id="worse is a ping"),
        pytest.param((4999, 999, 0), 2 + 4 * HOUR, id="empty is a ping"),
        pytest.param((999, 1100), DAY, id="an improvement is none, but the pace is the warning's"),
        pytest.param((0, 999), 4 * HOUR, id="from empty to critical the pace stays"),
        pytest.param((999, 1100, 999), 2 + 4 * HOUR, id="falling again is a ping"),
        pytest.param((4999, DOWN, DOWN, DOWN), DAY, id="silence beside it puts nothing off"),
    ],
)
def test_reminders_count_from_the_last_ping(outcomes: tuple[Outcome, ...], minutes: int) -> None:
    assert due_at(known(*outcomes)) == at(minutes)


def test_an_improvement_after_a_day_of_critical_waits_for_the_next_of_the_warnings() -> None:
    watch = known(999)
    for hours in (4, 8, 12):
        watch = remind(watch, at(hours * HOUR), POLICY).watch
    improved = judged(watch, 1100, 13 * HOUR)
    assert improved.reasons == (Reason.IMPROVED,)
    assert due_at(improved.watch) == at(36 * HOUR)


def test_the_low_and_the_unreadable_episode_are_recalled_each_for_itself() -> None:
    watch = known(999, WRONG_KEY)
    low_step = remind(watch, at(4 * HOUR), POLICY)
    assert [owed.episode for owed in low_step.notices] == [watch.low.id if watch.low else ""]
    assert due_at(low_step.watch, Trouble.UNREADABLE) == at(1 + DAY)
    both = remind(watch, at(2 * DAY), POLICY)
    assert [owed.kind for owed in both.notices] == [Kind.REMINDER, Kind.REMINDER]
    assert both.reasons == (Reason.REMINDED, Reason.REMINDED)


def test_a_reminder_that_is_due_takes_the_mute_that_ran_out_with_it() -> None:
    watch = known(4999)
    assert watch.low
    muted = decide(watch, watch.low.id, Decision("U1", at(90), snoozed=True), at(30), POLICY).watch
    step = remind(muted, at(90), POLICY)
    assert [owed.kind for owed in step.notices] == [Kind.REMINDER]
    assert step.watch.low
    assert step.watch.low.mute is None
    assert due_at(step.watch) == at(90 + DAY)


# Rises, which stand beside the reminders in the living message

MONEY = account(rule(Level.WARNING, 50, Field.BALANCE))


def test_a_rise_that_is_not_enough_is_kept_with_its_time_until_the_next() -> None:
    watch = known(reading(9000, 10), watched=MONEY)
    seen: list[Rise | None] = []
    for minute, balance in enumerate(["15", "14", "14", "24.5"], 1):
        watch = judged(watch, reading(9000, balance, minute=minute), minute, MONEY).watch
        assert watch.low
        seen.append(watch.low.rise)
    assert [rise and (str(rise.amount), rise.at) for rise in seen] == [
        ("5", at(1)),
        ("5", at(1)),
        ("5", at(1)),
        ("10.5", at(4)),
    ]
    assert watch.low
    assert str(watch.low.topped_up) == "15.5"
