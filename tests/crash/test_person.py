"""The harness notices what a person would: words that are missing, untrue, or come in spite of a mute."""

from typing import Any

import pytest

from bot.core.watch import Trouble
from tests.crash.count import Press, lost_posts, unasked_reminders, wrong_words
from tests.crash.person import MARK, Post
from tests.crash.tables import NoticeRow

LOW = Trouble.LOW


def notice(number: int, kind: str, level: int, at: float = 0, episode: str = "e") -> NoticeRow:
    return NoticeRow(number, kind, level, at, episode, LOW)


def post(text: str, *notices: int, kind: str = "worse", blocks: str = "", claimed_at: float = 0) -> Post:
    payload: dict[str, Any] = {
        "text": text,
        "blocks": [{"type": "section", "text": blocks or text}],
        "metadata": {"event_payload": {"kind": kind, "episode": "e"}},
    }
    return Post({"payload": payload, "notices": notices, "claimed_at": claimed_at}, True, False)


@pytest.mark.parametrize(
    ("text", "kind", "level", "lost"),
    [
        ("SMS credits are low.", "opened", 1, 0),
        ("SMS credits are low.", "worse", 2, 1),
        ("SMS credits are used up.", "worse", 2, 0),
        ("SMS credits are low. It was critical from 14:05.", "worse", 2, 0),
        ("SMS credits are fine again.", "ended", 2, 0),
        ("SMS credits are low.", "ended", 2, 1),
        ("Hello.", "opened", 1, 1),
    ],
)
def test_a_word_counts_as_told_only_if_it_can_be_read(text: str, kind: str, level: int, lost: int) -> None:
    assert lost_posts([post(text, 1)], [notice(1, kind, level)]) == lost
    assert lost_posts([post(text, 2)], [notice(1, kind, level)]) == 1


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (post("SMS credits are low.", 1), 0),
        (post("SMS credits are used up.", 1), 1),
        (post("Hello.", 1), 1),
        (post("SMS credits are low.", 1, blocks="SMS credits are critically low"), 1),
        (post(f"SMS credits are low. ({MARK})", 1), 0),
        (post(f"SMS credits are low. ({MARK})", 1, blocks="SMS credits are low"), 1),
    ],
)
def test_words_are_wrong_that_say_nothing_what_never_was_or_two_things(said: Post, wrong: int) -> None:
    assert wrong_words([said], [notice(1, "opened", 1)]) == wrong


def unasked(claimed_at: float, *presses: Press, worse_at: float = 0) -> int:
    notices = [notice(1, "opened", 1, 0), notice(3, "reminder", 1, claimed_at)]
    notices += [notice(2, "worse", 2, worse_at)] if worse_at else []
    reminder = post("SMS credits are low.", 3, kind="reminder", claimed_at=claimed_at)
    return unasked_reminders([reminder], notices, presses)


def test_a_reminder_in_spite_of_a_mute_or_too_soon_after_the_last_word_is_noticed() -> None:
    mute = Press("e", 10, 300, answered_at=11, until=300)
    resumed = Press("e", 50, 0, answered_at=51)
    assert unasked(100) == 0
    assert unasked(59) == 1
    assert unasked(100, mute) == 1
    assert unasked(301, mute) == 0
    assert unasked(100, mute, resumed) == 0
    assert unasked(100, mute, worse_at=30) == 0
    assert unasked(100, mute, Press("e", 10.5, 0)) == 0, "nobody knows which press came last"
    assert unasked(59, Press("e", 10, 55, answered_at=11, until=55)) == 0, "a mute's end brings a reminder"
