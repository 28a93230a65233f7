from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.core.alert import remind
from bot.core.model import Account, Field, Level
from bot.core.mute import ACK_LASTS, Choice, Decision, decide, snooze_until
from bot.core.notice import Kind, Reason, Step, Urgency
from bot.core.reconcile import reconcile
from bot.core.watch import Ending, Episode, Mute, ThresholdChange, Trouble, Watch
from tests.samples import (
    CRITICAL,
    DOWN,
    NO_CREDIT,
    POLICY,
    WARNING,
    WATCHED,
    WRONG_KEY,
    Outcome,
    account,
    at,
    judged,
    known,
    lived,
    rule,
)

HOUR, DAY = 60, 24 * 60
PARIS = ZoneInfo("Europe/Paris")


def low(watch: Watch) -> Episode:
    assert watch.low
    return watch.low


def acked(watch: Watch, minute: float, by: str = "UACK") -> Step:
    return decide(watch, low(watch).id, Decision(by, at(minute) + ACK_LASTS), at(minute), POLICY)


def snoozed(watch: Watch, minute: float, until: float, by: str = "USNOOZE") -> Step:
    return decide(watch, low(watch).id, Decision(by, at(until), snoozed=True), at(minute), POLICY)


def resumed(watch: Watch, minute: float) -> Step:
    return decide(watch, low(watch).id, Decision("URESUME", None), at(minute), POLICY)


def pings(watch: Watch, minute: float) -> list[Kind]:
    return [owed.kind for owed in remind(watch, at(minute), POLICY).notices]


# Ack and snooze


def test_an_ack_is_an_edit_at_once_and_a_ping_never() -> None:
    step = acked(known(999), 5)
    assert step.reasons == (Reason.MUTED,)
    assert low(step.watch).mute == Mute("UACK", at(5), at(5 + 3 * DAY))
    assert (step.notices, dict(step.edits)) == ((), {low(step.watch).id: Urgency.NOW})
    assert (step.reading, step.watch.reading) == (None, known(999).reading)


def test_an_ack_silences_for_three_days_and_then_one_reminder_goes_out() -> None:
    watch = acked(known(999), 5).watch
    assert [pings(watch, 5 + hours * HOUR) for hours in range(1, 72)] == [[]] * 71
    assert pings(watch, 5 + 3 * DAY) == [Kind.REMINDER]
    after = remind(watch, at(5 + 3 * DAY), POLICY).watch
    assert low(after).mute is None
    assert low(after).remind_at == at(5 + 3 * DAY + 4 * HOUR)


def test_a_snooze_silences_until_its_time_and_then_one_reminder_goes_out() -> None:
    watch = snoozed(known(999), 5, 20 * HOUR).watch
    assert [pings(watch, hours * HOUR) for hours in range(1, 20)] == [[]] * 19
    assert pings(watch, 20 * HOUR) == [Kind.REMINDER]
    after = remind(watch, at(20 * HOUR), POLICY).watch
    assert (low(after).mute, low(after).remind_at) == (None, at(24 * HOUR))


def test_a_mute_that_ran_out_while_the_bot_was_down_makes_one_reminder() -> None:
    watch = judged(snoozed(known(999), 5, HOUR).watch, 998, 30 * DAY).watch
    after = remind(watch, at(30 * DAY), POLICY)
    assert [owed.kind for owed in after.notices] == [Kind.REMINDER]
    assert pings(after.watch, 30 * DAY) == []


def test_a_mute_may_end_before_the_next_reminder_would_have_come() -> None:
    assert pings(snoozed(known(4999), 5, HOUR).watch, HOUR) == [Kind.REMINDER]


def test_the_last_of_ack_and_snooze_wins() -> None:
    watch = known(999)
    first_ack = acked(watch, 1).watch
    then_snooze = snoozed(first_ack, 2, 62)
    assert then_snooze.reasons == (Reason.MUTED,)
    assert low(then_snooze.watch).mute == Mute("USNOOZE", at(2), at(62), snoozed=True)
    then_longer = snoozed(then_snooze.watch, 3, 200, "UOTHER")
    assert low(then_longer.watch).mute == Mute("UOTHER", at(3), at(200), snoozed=True)
    then_ack = acked(then_longer.watch, 4)
    assert then_ack.reasons == (Reason.MUTED,)
    assert low(then_ack.watch).mute == Mute("UACK", at(4), at(4 + 3 * DAY))


def test_a_second_ack_changes_nothing_and_the_first_stays_named() -> None:
    first = acked(known(999), 1, "UFIRST").watch
    second = acked(first, 2, "USECOND")
    assert second.reasons == (Reason.MUTED_ALREADY,)
    assert second.watch is first
    assert (second.touched, second.notices, dict(second.edits)) == ((), (), {})


@pytest.mark.parametrize(
    ("later", "reason"),
    [(0.5, Reason.MUTED_ALREADY), (-0.5, Reason.MUTED_ALREADY), (2, Reason.MUTED), (-2, Reason.MUTED)],
)
def test_two_who_snooze_as_long_at_once_make_one_change(later: float, reason: Reason) -> None:
    first = snoozed(known(999), 1, 61, "UFIRST").watch
    assert snoozed(first, 1.5, 61 + later, "USECOND").reasons == (reason,)


def test_an_ack_that_has_run_out_does_not_stand_in_the_way_of_the_next() -> None:
    first = acked(known(999), 0, "UFIRST").watch
    second = acked(first, 3 * DAY, "USECOND")
    assert second.reasons == (Reason.MUTED,)
    assert low(second.watch).mute == Mute("USECOND", at(3 * DAY), at(6 * DAY))


def test_reminders_go_on_as_if_there_had_been_no_mute_once_they_are_resumed() -> None:
    step = resumed(acked(known(999), 5).watch, 5 * HOUR)
    assert step.reasons == (Reason.RESUMED,)
    assert low(step.watch).mute is None
    assert low(step.watch).remind_at == at(8 * HOUR)  # the one at four hours is not made up
    assert (step.notices, list(step.edits.values())) == ((), [Urgency.NOW])


def test_whoever_resumes_when_the_mute_has_just_run_out_is_not_reminded_of_it() -> None:
    watch = resumed(snoozed(known(4999), 5, HOUR).watch, HOUR + 1).watch
    assert pings(watch, HOUR + 2) == []
    assert low(watch).remind_at == at(DAY)


def test_resuming_what_is_not_muted_changes_nothing() -> None:
    watch = known(999)
    step = resumed(watch, 5)
    assert step.reasons == (Reason.NOT_MUTED,)
    assert (step.watch, step.touched, dict(step.edits)) == (watch, (), {})


@pytest.mark.parametrize("until", [at(60), None])
@pytest.mark.parametrize("outcomes", [(9000,), (999, 9000), (999, 9000, 999)])
def test_a_press_on_an_episode_that_is_over_changes_nothing(
    outcomes: tuple[int, ...], until: datetime | None
) -> None:
    old = low(known(999)).id
    watch = known(*outcomes)
    step = decide(watch, old, Decision("U1", until), at(30), POLICY)
    assert step.reasons == (Reason.NOT_OPEN,)
    assert (step.watch, step.touched, step.notices) == (watch, (), ())


def test_the_low_and_the_unreadable_episode_are_muted_each_for_itself() -> None:
    watch = known(999, WRONG_KEY)
    assert watch.unreadable
    step = decide(watch, watch.unreadable.id, Decision("U1", at(DAY)), at(5), POLICY)
    assert step.watch.low == watch.low
    assert step.watch.unreadable
    assert step.watch.unreadable.mute
    assert [owed.episode for owed in remind(step.watch, at(4 * HOUR), POLICY).notices] == [low(watch).id]


# What ends a mute


@pytest.mark.parametrize(
    ("before", "after", "muted", "told"),
    [
        pytest.param(4999, 4000, True, [], id="figures that move keep it"),
        pytest.param(4999, DOWN, True, [], id="a failure keeps it"),
        pytest.param(4999, 999, False, [Kind.WORSE], id="worse ends it"),
        pytest.param(4999, 0, False, [Kind.WORSE], id="empty breaks a warning's"),
        pytest.param(999, 0, False, [Kind.WORSE], id="empty breaks a critical's"),
        pytest.param(999, 1100, True, [], id="an improvement keeps it"),
        pytest.param(0, 999, True, [], id="no longer empty keeps it"),
        pytest.param(0, 0, True, [], id="still empty keeps it"),
    ],
)
@pytest.mark.parametrize("snooze", [False, True])
def test_a_mute_belongs_to_the_level_at_which_it_was_set(
    before: int, after: Outcome, muted: bool, told: list[Kind], snooze: bool
) -> None:
    watch = known(before)
    watch = (snoozed(watch, 0.5, DAY) if snooze else acked(watch, 0.5)).watch
    step = judged(watch, after, 1)
    assert [owed.kind for owed in step.notices] == told
    assert (low(step.watch).mute is not None) is muted


@pytest.mark.parametrize(("high", "between"), [(999, 1100), (0, 999), (0, 1100)])
def test_an_improvement_lowers_the_level_of_a_mute_so_falling_again_is_told(high: int, between: int) -> None:
    watch = judged(acked(known(high), 0.5).watch, between, 1).watch
    assert low(watch).mute
    again = judged(watch, high, 2)
    assert [owed.kind for owed in again.notices] == [Kind.WORSE]
    assert low(again.watch).mute is None


def test_the_end_is_told_muted_or_not_and_the_next_episode_is_not_muted() -> None:
    ended = judged(acked(known(999), 0.5).watch, 9000, 1)
    assert [owed.kind for owed in ended.notices] == [Kind.ENDED]
    again = judged(ended.watch, 999, 2)
    assert [owed.kind for owed in again.notices] == [Kind.OPENED]
    assert low(again.watch).mute is None


def test_insufficient_credit_breaks_the_mute_of_silence() -> None:
    watch = known(WRONG_KEY)
    assert watch.unreadable
    muted = decide(watch, watch.unreadable.id, Decision("U1", at(DAY)), at(0.5), POLICY).watch
    kept = judged(muted, DOWN, 1).watch.unreadable
    broken = judged(muted, NO_CREDIT, 1)
    assert kept
    assert kept.mute
    assert broken.watch.unreadable
    assert broken.watch.unreadable.mute is None
    assert [owed.kind for owed in broken.notices] == [Kind.WORSE]


# How long a snooze lasts


@pytest.mark.parametrize(
    ("choice", "pressed", "until"),
    [
        (Choice.ONE_HOUR, "2026-07-22 14:05", "2026-07-22 15:05"),
        (Choice.FOUR_HOURS, "2026-07-22 22:30", "2026-07-23 02:30"),
        (Choice.TOMORROW, "2026-07-22 14:05", "2026-07-23 09:00"),
        (Choice.TOMORROW, "2026-07-22 00:05", "2026-07-23 09:00"),
        (Choice.TOMORROW, "2026-07-22 23:59", "2026-07-23 09:00"),
        (Choice.TOMORROW, "2026-12-31 18:00", "2027-01-01 09:00"),
        (Choice.MONDAY, "2026-07-22 14:05", "2026-07-27 09:00"),
        (Choice.MONDAY, "2026-07-26 23:59", "2026-07-27 09:00"),  # on a Sunday: tomorrow
        (Choice.MONDAY, "2026-07-27 00:00", "2026-07-27 09:00"),  # early on a Monday: this very morning
        (Choice.MONDAY, "2026-07-27 08:45", "2026-07-27 09:00"),
        (Choice.MONDAY, "2026-07-27 08:46", "2026-08-03 09:00"),  # shorter than any snooze
        (Choice.MONDAY, "2026-07-27 09:00", "2026-08-03 09:00"),
        (Choice.MONDAY, "2026-07-27 18:00", "2026-08-03 09:00"),
        # Clocks go forward on 2026-03-29 at 02:00, and back on 2026-10-25 at 03:00.
        (Choice.ONE_HOUR, "2026-03-29 01:30", "2026-03-29 03:30"),
        (Choice.FOUR_HOURS, "2026-10-25 00:30", "2026-10-25 03:30"),
        (Choice.TOMORROW, "2026-03-28 14:00", "2026-03-29 09:00"),
        (Choice.TOMORROW, "2026-10-24 14:00", "2026-10-25 09:00"),
        (Choice.MONDAY, "2026-03-27 14:00", "2026-03-30 09:00"),
        (Choice.MONDAY, "2026-10-23 14:00", "2026-10-26 09:00"),
        (Choice.MONDAY, "2026-03-23 10:00", "2026-03-30 09:00"),
        (Choice.MONDAY, "2026-10-19 10:00", "2026-10-26 09:00"),
    ],
)
def test_a_snooze_ends_by_the_wall_clock_of_the_configured_timezone(
    choice: Choice, pressed: str, until: str
) -> None:
    now = datetime.fromisoformat(pressed).replace(tzinfo=PARIS).astimezone(UTC)
    ends = snooze_until(choice, now, PARIS)
    assert ends.tzinfo is UTC
    assert f"{ends.astimezone(PARIS):%Y-%m-%d %H:%M}" == until


def test_no_choice_is_shorter_than_a_quarter_of_an_hour_or_longer_than_a_week_of_the_wall_clock() -> None:
    for quarters in range(0, 2 * 366 * 96, 7):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarters)
        for choice in Choice:
            lasts = snooze_until(choice, now, PARIS) - now
            assert timedelta(minutes=15) <= lasts <= timedelta(days=7, hours=1, minutes=15)


def test_tomorrow_is_the_one_of_the_timezone() -> None:
    now = datetime(2026, 7, 22, 23, 30, tzinfo=UTC)
    assert snooze_until(Choice.TOMORROW, now, PARIS) == datetime(2026, 7, 24, 7, tzinfo=UTC)
    assert snooze_until(Choice.TOMORROW, now, ZoneInfo("America/New_York")) == datetime(
        2026, 7, 23, 13, tzinfo=UTC
    )


# A changed configuration


def test_what_fits_the_configuration_is_left_alone() -> None:
    for outcomes in ((9000,), (4999,), (0,), (999, WRONG_KEY)):
        watch = known(*outcomes)
        step = reconcile(watch, WATCHED, at(30), POLICY)
        assert step.reasons == (Reason.NOTHING_DUE,)
        assert (step.watch, step.touched, step.notices, dict(step.edits)) == (watch, (), (), {})


def test_the_episodes_of_an_account_that_is_gone_are_closed_by_an_edit() -> None:
    watch = known(0, WRONG_KEY)
    step = reconcile(watch, None, at(30), POLICY)
    assert step.reasons == (Reason.NOT_CONFIGURED,)
    assert step.notices == ()
    assert dict(step.edits) == {episode.id: Urgency.NOW for episode in watch.episodes}
    assert {(one.ending, one.ended_at, one.remind_at) for one in step.touched} == {
        (Ending.NOT_CONFIGURED, at(30), None)
    }
    assert step.watch.episodes == ()
    assert step.watch.reading == watch.reading
    again = reconcile(step.watch, None, at(31), POLICY)
    assert (again.reasons, again.watch, again.touched) == ((Reason.NOTHING_DUE,), step.watch, ())


def test_an_account_that_comes_back_begins_anew_and_its_old_silence_is_not_opened_again() -> None:
    gone = reconcile(known(DOWN, DOWN, DOWN), None, at(30), POLICY)
    failed = judged(gone.watch, DOWN, DAY)
    assert (failed.reasons, failed.notices) == ((Reason.COUNTING_FAILURES,), ())
    silent = judged(judged(failed.watch, DOWN, DAY + 1).watch, DOWN, DAY + 2).watch.unreadable
    assert silent
    assert silent.opened_at == at(DAY)
    assert silent.id not in {episode.id for episode in gone.touched}


SMS_AND_MONEY = account(WARNING, CRITICAL, rule(Level.WARNING, 500, Field.BALANCE))


@pytest.mark.parametrize(
    ("sms", "rules", "reason", "level"),
    [
        pytest.param(999, (WARNING, CRITICAL), Reason.RULES_CHANGED, Level.CRITICAL, id="one of three"),
        pytest.param(999, (WARNING,), Reason.RULES_CHANGED, Level.WARNING, id="the worst"),
        pytest.param(999, (), Reason.NOT_CONFIGURED, None, id="all"),
        pytest.param(
            9000, (WARNING, CRITICAL), Reason.NOT_CONFIGURED, None, id="the only one that has fired"
        ),
        pytest.param(
            4999, (rule(Level.WARNING, 1),), Reason.RULES_CHANGED, Level.WARNING, id="a changed one is not"
        ),
        pytest.param(0, (), Reason.RULES_CHANGED, Level.EMPTY, id="empty needs no rule"),
    ],
)
def test_a_rule_that_is_gone_leaves_the_episode_and_the_last_one_closes_it(
    sms: int, rules: tuple[object, ...], reason: Reason, level: Level | None
) -> None:
    watch = known(sms, watched=SMS_AND_MONEY)
    fewer = Account("sms", WATCHED.channel, rules)  # type: ignore[arg-type]
    step = reconcile(watch, fewer, at(30), POLICY)
    assert (step.reasons, step.notices) == ((reason,), ())
    assert (step.watch.low.level if step.watch.low else None) == level
    if level is None:
        (gone,) = step.touched
        assert (gone.ending, gone.ended_at, dict(step.edits)) == (
            Ending.NOT_CONFIGURED,
            at(30),
            {gone.id: Urgency.NOW},
        )
    again = reconcile(step.watch, fewer, at(31), POLICY)
    assert (again.reasons, again.watch) == ((Reason.NOTHING_DUE,), step.watch)


def test_an_improvement_by_fewer_rules_keeps_the_mute_and_takes_the_warnings_pace() -> None:
    watch = acked(known(999), 5).watch
    step = reconcile(watch, account(WARNING), at(30), POLICY)
    assert low(step.watch).mute == low(watch).mute
    assert low(resumed(step.watch, 31).watch).remind_at == at(DAY)


@pytest.mark.parametrize("outcomes", [(4999,), (0,), (WRONG_KEY,), (999, WRONG_KEY)])
def test_after_a_change_of_channel_the_old_message_says_where_it_went_and_a_new_one_is_posted_once(
    outcomes: tuple[Outcome, ...],
) -> None:
    moved = replace(WATCHED, channel="CNEW")
    watch = known(*outcomes)
    step = reconcile(watch, moved, at(30), POLICY)
    assert step.reasons == (Reason.CHANNEL_CHANGED,)
    old = [episode for episode in step.touched if episode.ended_at]
    assert [(one.id, one.ending, one.moved_to, one.channel) for one in old] == [
        (episode.id, Ending.MOVED, "CNEW", WATCHED.channel) for episode in watch.episodes
    ]
    assert dict(step.edits) == {episode.id: Urgency.NOW for episode in watch.episodes}
    assert [(owed.kind, owed.channel, owed.episode, owed.level) for owed in step.notices] == [
        (Kind.OPENED, "CNEW", episode.id, episode.level) for episode in step.watch.episodes
    ]
    for before, after in zip(watch.episodes, step.watch.episodes, strict=True):
        assert before.id != after.id
        assert (after.opened_at, after.level, after.pinged_at) == (before.opened_at, before.level, at(30))
    again = reconcile(step.watch, moved, at(31), POLICY)
    assert (again.reasons, again.watch, again.notices) == ((Reason.NOTHING_DUE,), step.watch, ())
    later = judged(step.watch, outcomes[-1], 32, moved)
    assert later.notices == ()


def test_two_processes_that_move_an_episode_move_it_to_the_same_one() -> None:
    moved = replace(WATCHED, channel="CNEW")
    one, other = (reconcile(known(999), moved, at(minute), POLICY) for minute in (30, 31))
    assert [owed.episode for owed in one.notices] == [owed.episode for owed in other.notices]


def test_a_channel_that_is_changed_back_and_forth_gets_another_message_each_time() -> None:
    watch = known(999)
    seen = [low(watch).id]
    for minute, channel in enumerate(["CNEW", WATCHED.channel, "CNEW"], 30):
        watch = reconcile(watch, replace(WATCHED, channel=channel), at(minute), POLICY).watch
        seen.append(low(watch).id)
    assert len(set(seen)) == 4


def test_a_mute_moves_along_with_its_episode() -> None:
    step = reconcile(acked(known(999), 5).watch, replace(WATCHED, channel="CNEW"), at(30), POLICY)
    assert low(step.watch).mute == Mute("UACK", at(5), at(5 + 3 * DAY))
    assert low(step.watch).remind_at == at(5 + 3 * DAY)


def test_an_episode_whose_rules_are_gone_is_closed_where_it_stands_and_not_posted_in_the_new_channel() -> (
    None
):
    step = reconcile(known(999), account(channel="CNEW"), at(30), POLICY)
    assert step.reasons == (Reason.NOT_CONFIGURED,)
    assert [(one.channel, one.ending) for one in step.touched] == [(WATCHED.channel, Ending.NOT_CONFIGURED)]
    assert (step.notices, step.watch.episodes) == ((), ())


def test_fewer_rules_and_another_channel_make_one_change() -> None:
    step = reconcile(known(999, WRONG_KEY), account(WARNING, channel="CNEW"), at(30), POLICY)
    assert step.reasons == (Reason.RULES_CHANGED, Reason.CHANNEL_CHANGED)
    assert low(step.watch).level is Level.WARNING
    assert [(owed.channel, owed.level) for owed in step.notices] == [("CNEW", Level.WARNING)] * 2
    assert len({episode.id for episode in step.touched}) == len(step.touched) == 4


def test_a_threshold_changed_while_the_bot_was_down_is_judged_by_the_next_good_reading() -> None:
    lowered = account(rule(Level.WARNING, 1000))
    step = reconcile(known(4000, watched=account(WARNING)), lowered, at(30), POLICY)
    assert step.reasons == (Reason.NOTHING_DUE,)
    ended = judged(step.watch, 4000, 31, lowered)
    assert [owed.kind for owed in ended.notices] == [Kind.ENDED]
    assert ended.touched[0].thresholds_changed == (ThresholdChange(Decimal(5000), Decimal(1000)),)


def test_every_step_of_a_life_leaves_nothing_to_reconcile() -> None:
    for step in lived(9000, 4999, 999, 0, WRONG_KEY, 999, DOWN, 9000):
        assert reconcile(step.watch, WATCHED, at(60), POLICY).reasons == (Reason.NOTHING_DUE,)
        assert all(episode.trouble in Trouble for episode in step.watch.episodes)


def test_an_alert_without_a_next_word_gets_one_when_reminders_are_switched_on() -> None:
    """So it is with one told while they were off, or by a release that had none."""
    off = replace(POLICY, reminder_warning=timedelta(0), reminder_critical=timedelta(0))
    watch = known(9000, 4999, policy=off)
    assert low(watch).remind_at is None
    assert reconcile(watch, WATCHED, at(30), off).reasons == (Reason.NOTHING_DUE,)
    step = reconcile(watch, WATCHED, at(30), POLICY)
    assert step.reasons == (Reason.REMINDERS_ON,)
    assert low(step.watch).remind_at == at(1 + DAY)
    assert (step.touched, dict(step.edits)) == ((low(step.watch),), {low(watch).id: Urgency.NOW})
    assert reconcile(step.watch, WATCHED, at(31), POLICY).reasons == (Reason.NOTHING_DUE,)
