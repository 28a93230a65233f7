"""The promises of the alerts, held against a little model of their own over two years of random life."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.core import alert
from bot.core.model import Field, Level, Policy
from bot.core.mute import Choice, Decision, decide, snooze_until
from bot.core.notice import Kind, Reason, Step
from bot.core.reading import Cause, Failure, Reading
from bot.core.reconcile import reconcile
from bot.core.watch import Episode, Trouble, Watch
from tests import samples

PARIS = ZoneInfo("Europe/Paris")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TWO_YEARS = 2 * 365 * 24 * 60
CHANGES_OF_TIME = [
    int((datetime(*day, tzinfo=UTC) - BEGIN).total_seconds() // 60)
    for day in [(2026, 3, 29, 1), (2026, 10, 25, 1), (2027, 3, 28, 1), (2027, 10, 31, 1)]
]
MINUTES = st.sampled_from(
    [1, 5, 14, 59, 60, 61, 239, 240, 241, 12 * 60, 24 * 60, 24 * 60 + 1, 4 * 24 * 60, 40 * 24 * 60]
)
SMS = st.sampled_from([-1, 0, 1, 9, 10, 999, 1000, 1099, 1100, 4999, 5000, 5499, 5500, 9000])
BALANCES = st.sampled_from(["-3", "0", "0.001", "4.999", "5", "5.5", "19.999", "21.999", "22", "342"])
HEALS, DOES_NOT, NO_CREDIT = samples.DOWN, samples.WRONG_KEY, samples.NO_CREDIT
FAILURES = st.sampled_from([HEALS, HEALS, HEALS, Failure(Cause.DEGRADED), DOES_NOT, NO_CREDIT])

# The rules once more, in this file's own words: what fires, what ends, how bad it is.
THRESHOLDS = {
    ("sms", 1): (Decimal(5000), Decimal(5500)),
    ("sms", 2): (Decimal(1000), Decimal(1100)),
    ("money", 1): (Decimal(20), Decimal(22)),
    ("money", 2): (Decimal(5), Decimal("5.5")),
}
WATCHED = samples.account(
    samples.WARNING,
    samples.CRITICAL,
    samples.rule(Level.WARNING, 20, Field.BALANCE),
    samples.rule(Level.CRITICAL, 5, Field.BALANCE),
)
MINUTE = timedelta(minutes=1)
UNREADABLE_AFTER = 3
POLICY = Policy(unreadable_after=UNREADABLE_AFTER)


@dataclass
class Told:
    """What a person who reads the channel knows of one trouble: nothing, or how bad it is."""

    level: int = 0
    pinged_at: datetime | None = None
    muted_until: datetime | None = None

    def pace(self, trouble: Trouble) -> timedelta:
        return timedelta(hours=4 if trouble is Trouble.LOW and self.level >= 2 else 24)


class Life(RuleBasedStateMachine):
    """An account that is polled, fails, is topped up, muted and left alone, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.watch = Watch()
        self.fired: set[tuple[str, int]] = set()
        self.failures = 0
        self.told = {Trouble.LOW: Told(), Trouble.UNREADABLE: Told()}
        self.over: set[str] = set()
        self.set_back = 0

    @initialize(minutes=st.integers(0, TWO_YEARS) | st.sampled_from(CHANGES_OF_TIME), earlier=MINUTES)
    def begin(self, minutes: int, earlier: int) -> None:
        self.now = BEGIN + timedelta(minutes=max(minutes - earlier, 0))

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        step = alert.remind(self.watch, self.now, POLICY)
        expected = {trouble for trouble in Trouble if self.due(trouble)}
        assert self.kinds(step) == {(trouble, Kind.REMINDER) for trouble in expected}
        assert step.watch.level == self.watch.level
        for trouble in expected:
            self.told[trouble] = Told(self.told[trouble].level, self.now)
        self.follow(step)

    def due(self, trouble: Trouble) -> bool:
        """Tell whether a reminder is due now, from the times that the episode itself announced."""
        told, episode = self.told[trouble], self.open(trouble)
        if episode is None:
            return False
        if told.muted_until:
            return told.muted_until <= self.now
        return episode.remind_at is not None and episode.remind_at <= self.now

    @rule(sms=SMS, balance=BALANCES, after=st.integers(1, 10))
    def a_poll_reads(self, sms: int, balance: str, after: int) -> None:
        self.now += timedelta(seconds=after)
        step = self.judge(Reading(self.now, samples.credit(sms, balance)))
        values = {"sms": Decimal(sms), "money": Decimal(balance)}
        self.fired = {
            (what, level)
            for (what, level), (fires, ends) in THRESHOLDS.items()
            if values[what] < (ends if (what, level) in self.fired else fires)
        }
        level = max((level for _, level in self.fired), default=0)
        if min(values.values()) <= 0 or (self.told[Trouble.LOW].level == 3 and sms < 10):
            level = 3
        self.failures = 0
        expected = self.becomes(Trouble.LOW, level) | self.becomes(Trouble.UNREADABLE, 0)
        assert self.kinds(step) == expected
        self.follow(step)

    @rule(failure=FAILURES, after=st.integers(1, 10))
    def a_poll_fails(self, failure: Failure, after: int) -> None:
        self.now += timedelta(seconds=after)
        low_before = self.watch.low
        step = self.judge(failure)
        self.failures += 1
        silent = self.told[Trouble.UNREADABLE].level
        worst = 2 if failure is NO_CREDIT else 1
        known = silent or self.failures >= UNREADABLE_AFTER or failure in (DOES_NOT, NO_CREDIT)
        expected = self.becomes(Trouble.UNREADABLE, max(silent, worst)) if known else set()
        assert self.kinds(step) == expected
        assert step.watch.low == low_before, "a failure opened, changed or ended what is low"
        self.follow(step)

    @property
    def stored(self) -> datetime | None:
        return self.watch.failing_since or (self.watch.reading.began_at if self.watch.reading else None)

    def judge(self, outcome: Reading | Failure) -> Step:
        return alert.step(self.watch, WATCHED, outcome, self.now, self.now, POLICY)

    def becomes(self, trouble: Trouble, level: int) -> set[tuple[Trouble, Kind]]:
        """Move the channel's knowledge on, and return what it has to be told for that."""
        told = self.told[trouble]
        kind = None
        if level > told.level:
            kind = Kind.WORSE if told.level else Kind.OPENED
            self.told[trouble] = Told(level, self.now)
        elif level == 0 and told.level:
            kind = Kind.ENDED
            self.told[trouble] = Told()
        else:
            told.level = level
        return {(trouble, kind)} if kind else set()

    @rule(hours=st.sampled_from([1, 3, 30]), sms=SMS, balance=BALANCES)
    def the_clock_is_set_back_before_a_poll(self, hours: int, sms: int, balance: str) -> None:
        self.set_back += 1
        back = self.now - timedelta(hours=hours, microseconds=self.set_back)  # no instant comes twice
        stored = self.stored
        if stored is None or stored <= back + 6 * MINUTE:
            return
        self.now = back
        for told in self.told.values():
            told.pinged_at = told.pinged_at and min(told.pinged_at, back + timedelta(seconds=1))
        self.a_poll_reads(sms, balance, 1)

    @precondition(lambda self: self.watch.reading or self.watch.failing_since)
    @rule(outcome=FAILURES | st.builds(samples.credit, SMS, BALANCES), seconds=st.integers(0, 10_000))
    def a_late_poll_comes_in(self, outcome: object, seconds: int) -> None:
        stored = self.stored
        assert stored
        began_at = stored - timedelta(seconds=seconds)
        found = outcome if isinstance(outcome, Failure) else Reading(began_at, outcome)  # type: ignore[arg-type]
        step = alert.step(self.watch, WATCHED, found, began_at, self.now, POLICY)
        assert (step.reasons, step.watch) == ((Reason.OLDER_THAN_STORED,), self.watch)
        assert (step.notices, step.touched) == ((), ())

    @rule(trouble=st.sampled_from(Trouble))
    def somebody_acknowledges(self, trouble: Trouble) -> None:
        told = self.told[trouble]
        mute = next((one.mute for one in self.watch.episodes if one.trouble is trouble), None)
        self.press(trouble, Decision("UACK", self.now + timedelta(days=3)))
        if told.level and (mute is None or mute.snoozed):
            told.muted_until = self.now + timedelta(days=3)

    @rule(trouble=st.sampled_from(Trouble), choice=st.sampled_from(Choice))
    def somebody_snoozes(self, trouble: Trouble, choice: Choice) -> None:
        until = snooze_until(choice, self.now, PARIS)
        if choice in {Choice.TOMORROW, Choice.MONDAY}:
            assert f"{until.astimezone(PARIS):%H:%M}" == "09:00"
        mute = next((one.mute for one in self.watch.episodes if one.trouble is trouble), None)
        self.press(trouble, Decision("USNOOZE", until, snoozed=True))
        the_same = mute and mute.snoozed and mute.until > self.now and abs(mute.until - until) < MINUTE
        if self.told[trouble].level and not the_same:
            self.told[trouble].muted_until = until

    @rule(trouble=st.sampled_from(Trouble))
    def somebody_resumes(self, trouble: Trouble) -> None:
        self.press(trouble, Decision("URESUME", None))
        self.told[trouble].muted_until = None

    def press(self, trouble: Trouble, decision: Decision) -> None:
        episode = self.open(trouble)
        step = decide(self.watch, episode.id if episode else "gone", decision, self.now, POLICY)
        assert step.notices == (), "a press pinged"
        assert step.watch.level == self.watch.level
        self.follow(step)

    @rule()
    def the_bot_starts_again(self) -> None:
        assert reconcile(self.watch, WATCHED, self.now, POLICY).reasons == (Reason.NOTHING_DUE,)

    def kinds(self, step: Step) -> set[tuple[Trouble, Kind]]:
        """Return what was told, each thing once: two rules that cross together make one notice."""
        troubles = {episode.id: episode.trouble for episode in step.touched}
        told = [(troubles[owed.episode], owed.kind) for owed in step.notices]
        assert len(told) == len(set(told))
        return set(told)

    def open(self, trouble: Trouble) -> Episode | None:
        return next((episode for episode in self.watch.episodes if episode.trouble is trouble), None)

    def follow(self, step: Step) -> None:
        for episode in step.touched:
            assert episode.id not in self.over, "an episode that has ended was touched again"
            if episode.ended_at:
                assert episode.ended_at >= episode.opened_at
                self.over.add(episode.id)
        self.watch = step.watch

    @invariant()
    def the_channel_knows_what_is_so(self) -> None:
        for trouble, told in self.told.items():
            episode = self.open(trouble)
            assert (episode.level if episode else 0) == told.level
            if episode:
                assert episode.pinged_at == told.pinged_at
                assert (episode.mute.until if episode.mute else None) == told.muted_until

    @invariant()
    def the_next_word_is_never_further_off_than_the_pace_and_never_while_muted(self) -> None:
        for trouble, told in self.told.items():
            episode = self.open(trouble)
            if episode is None or episode.remind_at is None:
                assert episode is None, "reminders have stopped"
                continue
            if told.muted_until:
                assert episode.remind_at == told.muted_until
                continue
            assert told.pinged_at
            assert episode.remind_at - self.now <= told.pace(trouble)
            assert (episode.remind_at - told.pinged_at) >= timedelta(hours=4)


@pytest.mark.timeout(300)
def test_over_two_years_nothing_is_lost_told_twice_or_told_falsely() -> None:
    run_state_machine_as_test(
        Life, settings=settings(deadline=None, max_examples=120, stateful_step_count=40)
    )
