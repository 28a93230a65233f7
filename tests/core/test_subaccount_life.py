"""Sub-accounts share their parent's episode: held against a little model that knows each one's level."""

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bot.core.model import Level
from bot.core.notice import Kind
from bot.core.reading import Failure
from bot.core.watch import Trouble, Watch
from tests.core.test_subaccounts import PARENT, listed
from tests.samples import DOWN, WRONG_KEY, judged

NAMES = ("1", "2", "3")
BALANCES = st.sampled_from(
    ["-3", "0", "0.001", "0.999", "1", "4.999", "5", "5.499", "5.5", "19.999", "20", "21.99", "22", "90"]
)
LISTS = st.dictionaries(st.sampled_from(NAMES), BALANCES)
"""A complete list: a sub-account that is not in it is absent."""

THRESHOLDS = {1: (Decimal(20), Decimal(22)), 2: (Decimal(5), Decimal("5.5"))}
"""Where a level begins, and where it ends."""


class Family(RuleBasedStateMachine):
    """An account that is fine itself, with sub-accounts that come, spend, are topped up, and vanish."""

    def __init__(self) -> None:
        super().__init__()
        self.minute = 0.0
        self.watch = Watch()
        self.fired: dict[str, set[int]] = {}
        self.absences: dict[str, int] = {}

    @rule(balances=LISTS)
    def a_poll_lists_them(self, balances: dict[str, str]) -> None:
        self.minute += 1
        before = dict(self.levels)
        for name in NAMES:
            if name in balances:
                self.absences[name] = 0
                self.fired[name] = fired(Decimal(balances[name]), self.fired.get(name, set()))
            elif name in self.absences:
                self.absences[name] += 1
                if self.absences[name] == 2:
                    del self.absences[name], self.fired[name]
        step = judged(self.watch, listed(self.minute, dict(balances)), self.minute, PARENT)
        self.watch = step.watch
        risen = any(level > before.get(name, 0) for name, level in self.levels.items())
        low, was_low = any(self.levels.values()), any(before.values())
        word = Kind.WORSE if risen and was_low else Kind.OPENED if risen else Kind.ENDED
        low_ones = {episode.id for episode in step.touched if episode.trouble is Trouble.LOW}
        told = [owed.kind for owed in step.notices if owed.episode in low_ones]
        assert told == ([word] if risen or (was_low and not low) else [])

    @rule(failure=st.sampled_from([DOWN, WRONG_KEY]))
    def a_poll_fails(self, failure: Failure) -> None:
        self.minute += 1
        before = self.watch.low
        self.watch = judged(self.watch, failure, self.minute, PARENT).watch
        assert self.watch.low == before, "a failure changed what is low"

    @property
    def levels(self) -> dict[str, int]:
        return {name: max(fired, default=0) for name, fired in self.fired.items()}

    @invariant()
    def the_account_is_as_bad_as_the_worst_of_them(self) -> None:
        assert self.watch.level == max(self.levels.values(), default=0)
        assert (self.watch.low is None) is (self.watch.level is Level.OK)


def fired(balance: Decimal, held: set[int]) -> set[int]:
    """Return the levels that fire: below the threshold (empty: at it too), held until the margin."""
    found = {level for level in (1, 2) if balance < THRESHOLDS[level][level in held]}
    used_up = balance <= 0 or (3 in held and balance < 1)
    return found | ({3} if used_up else set())


@pytest.mark.timeout(300)
def test_sub_accounts_that_became_worse_in_one_poll_make_one_word_and_nothing_else_makes_one() -> None:
    run_state_machine_as_test(
        Family, settings=settings(deadline=None, max_examples=60, stateful_step_count=15)
    )
