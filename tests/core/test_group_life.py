"""Accounts of one host and channel, held against a little model of their own: one word for all, once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bot.core import alert
from bot.core.group import share
from bot.core.model import Account
from bot.core.notice import Kind, Step
from bot.core.reading import Cause, Failure, Reading
from bot.core.watch import Watch
from tests.samples import DOWN, NOW, POLICY, WATCHED, WRONG_KEY, credit

GROUP = "api.smspartner.fr@C0123456789"
NAMES = ("one", "two", "three")
MEMBERS = {name: replace(WATCHED, name=name, group=GROUP) for name in NAMES}
AS_GROUP = Account(GROUP, WATCHED.channel)
HEAL = (DOWN, Failure(Cause.DEGRADED))
OUTCOMES = st.sampled_from([None, None, *HEAL, *HEAL, WRONG_KEY])
"""What a poll of one account finds; nothing stands for a good reading."""


class Storm(RuleBasedStateMachine):
    """Three accounts that are polled together; each fails, heals, or loses its key, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.watches = dict.fromkeys(NAMES, Watch())
        self.group = Watch()
        # The model: how often each failed in a row, who has an alert alone, who shares one, who was healed.
        self.failed = dict.fromkeys(NAMES, 0)
        self.alone: set[str] = set()
        self.sharing: set[str] = set()
        self.healed: set[str] = set()
        self.read: set[str] = set()

    @rule(name=st.sampled_from(NAMES))
    def a_command_reads_one(self, name: str) -> None:
        self.now += timedelta(minutes=1)
        found = Reading(self.now, credit())
        step = alert.step(self.watches[name], MEMBERS[name], found, self.now, self.now, POLICY, polled=False)
        self.watches[name] = step.watch
        assert kinds(step) == self.own_words(name, None)

    @rule(outcomes=st.tuples(OUTCOMES, OUTCOMES, OUTCOMES))
    def all_are_polled(self, outcomes: tuple[Failure | None, ...]) -> None:
        self.now += timedelta(minutes=5)
        for name, outcome in zip(NAMES, outcomes, strict=True):
            found = outcome or Reading(self.now, credit())
            step = alert.step(self.watches[name], MEMBERS[name], found, self.now, self.now, POLICY)
            self.watches[name] = step.watch
            assert kinds(step) == self.own_words(name, outcome)
        shared = share(self.group, AS_GROUP, self.watches, self.now, POLICY)
        assert kinds(shared) == self.common_words()
        self.group = shared.watch

    def own_words(self, name: str, outcome: Failure | None) -> list[Kind]:
        if outcome is None:
            self.failed[name] = 0
            self.read.add(name)
            ends = name in self.alone
            self.alone.discard(name)
            return [Kind.ENDED] if ends else []
        self.failed[name] += 1
        opens = outcome is WRONG_KEY and name not in self.alone
        self.alone |= {name} if opens else set()
        return [Kind.OPENED] if opens else []

    def common_words(self) -> list[Kind]:
        before = self.sharing
        self.sharing = {name for name in NAMES if self.failed[name] >= 3 and name not in self.alone}
        # Whoever was read was read, though it may fail anew since.
        self.healed = (self.healed | (before & self.read) - self.alone) - self.sharing
        self.read.clear()
        if self.sharing:
            return [] if before else [Kind.OPENED]
        ends, self.healed = bool(before and self.healed), set()
        return [Kind.ENDED] if ends else []

    @invariant()
    def whoever_fails_for_long_stands_in_one_open_alert(self) -> None:
        listed = self.group.unreadable.members if self.group.unreadable else ()
        assert {member.account for member in listed if not member.until} - self.read == (
            self.sharing - self.read
        )
        assert {name for name in NAMES if self.watches[name].unreadable} == self.alone
        assert not self.sharing & self.alone
        for name in NAMES:
            assert (
                name in self.read
                or self.failed[name] < POLICY.unreadable_after
                or name in self.sharing | self.alone
            )
            assert self.watches[name].level == 0, "a failure made something low"


def kinds(step: Step) -> list[Kind]:
    return [notice.kind for notice in step.notices]


@pytest.mark.timeout(300)
def test_a_host_that_fails_makes_one_word_and_one_end_whoever_leaves_or_heals_meanwhile() -> None:
    run_state_machine_as_test(
        Storm, settings=settings(deadline=None, max_examples=60, stateful_step_count=15)
    )
