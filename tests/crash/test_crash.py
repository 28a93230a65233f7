import sys
from subprocess import run

import pytest

from bot.core.watch import Trouble
from tests.crash.story import END, Judgement, Outcome, owed, possibly_owed
from tests.samples import NO_CREDIT, WRONG_KEY


@pytest.mark.parametrize(
    ("outcomes", "low", "unreadable"),
    [
        ([9000], [], []),
        ([4999, 4999, 9000], [("worse", 1), END], []),
        ([4999, 999, 4999, 999, 9000], [("worse", 1), ("worse", 2), ("worse", 2), END], []),
        ([WRONG_KEY, NO_CREDIT, WRONG_KEY, 9000], [], [("worse", 1), ("worse", 2), END]),
        ([0, WRONG_KEY, 9000], [("worse", 3), END], [("worse", 1), END]),
    ],
)
def test_the_harness_knows_what_must_be_told(
    outcomes: list[Outcome], low: list[object], unreadable: list[object]
) -> None:
    judgements = [Judgement(outcome, "strict") for outcome in outcomes]
    assert owed(judgements) == {Trouble.LOW: low, Trouble.UNREADABLE: unreadable}


def test_each_judgement_counts_by_the_settings_of_whoever_made_it() -> None:
    judgements = [Judgement(4999, "lax"), Judgement(4999, "strict"), Judgement(4999, "lax")]
    assert owed(judgements)[Trouble.LOW] == [("worse", 1), END]


def test_of_a_judgement_that_died_on_its_way_both_outcomes_are_right() -> None:
    judgements = [Judgement(4999, "strict"), Judgement(9000, "strict", certain=True)]
    assert [way[Trouble.LOW] for way in possibly_owed(judgements)] == [[("worse", 1), END], []]


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_whatever_dies_no_word_is_lost_and_none_is_repeated_without_saying_so() -> None:
    """In a process of its own, for it forks: each fault with each number of copies, once."""
    done = run([sys.executable, "-m", "tests.crash", "25"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
