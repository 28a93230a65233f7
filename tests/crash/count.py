"""What was wrong with a run, from what a person saw, what people decided and what was judged."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.watch import Trouble
from tests.crash.person import Post
from tests.crash.story import Judgement, Word, possibly_owed
from tests.crash.tables import NoticeRow

SHORTEST_PACE = 60.0
"""Seconds between two words of an episode of which the later is a reminder."""

ONE_ROUND = 5.0
"""What began so many seconds before a decision may have been judged after it."""


@dataclass
class Press:
    """A person's decision: begun then (virtual seconds), to mute until then, and when it was answered.

    `until` is the end of the mute that is in force by that answer; zero without one.
    """

    episode: str
    begun_at: float
    wanted_until: float
    answered_at: float = math.inf
    until: float = 0.0

    def overlaps(self, other: "Press") -> bool:
        """Whether nobody knows which of the two came last."""
        return self.begun_at <= other.answered_at and other.begun_at <= self.answered_at


def lost_posts(posts: Sequence[Post], notices: Iterable[NoticeRow]) -> int:
    """Count the worse levels and ends that no post tells."""
    return sum(
        not any(number in post.notices and _tells(post, notice) for post in posts)
        for number, notice in ((one.id, one) for one in notices)
        if notice.kind != "reminder"
    )


def _tells(post: Post, notice: NoticeRow) -> bool:
    return notice.trouble is None or post.tells(notice.trouble, word_of(notice))


def word_of(notice: NoticeRow) -> Word:
    """Return what a notice tells."""
    return ("end", 0) if notice.kind == "ended" else ("worse", notice.level)


def verdicts(judgements: Sequence[Judgement], notices: Sequence[NoticeRow]) -> tuple[int, int]:
    """Count the words that the story owes and were never written down, and those that it does not owe."""
    found = {
        trouble: [word_of(one) for one in notices if one.trouble is trouble and one.kind != "reminder"]
        for trouble in Trouble
    }
    ways = []
    for expected in possibly_owed(judgements):
        missing = sum(_missing(expected[trouble], found[trouble]) for trouble in Trouble)
        surplus = sum(len(found[trouble]) - len(expected[trouble]) for trouble in Trouble) + missing
        ways.append((missing, surplus))
    return min(ways, key=sum)


def _missing(expected: Sequence[Word], found: Sequence[Word]) -> int:
    """Count what is expected and does not follow in this order."""
    rest = iter(found)
    return sum(one not in rest for one in expected)


def wrong_words(posts: Iterable[Post], notices: Sequence[NoticeRow]) -> int:
    """Count the posts whose words are not true."""
    worst: dict[str, int] = {}
    troubles: dict[str, Trouble | None] = {}
    for one in notices:
        worst[one.episode] = max(worst.get(one.episode, 0), one.level)
        troubles[one.episode] = one.trouble
    return sum(post.is_wrong(troubles.get(post.episode), worst.get(post.episode, 0)) for post in posts)


def unasked_reminders(posts: Iterable[Post], notices: Sequence[NoticeRow], presses: Sequence[Press]) -> int:
    """Count the reminders that came in spite of a mute, or too soon after the last word."""
    return sum(_silenced(post, notices, presses) for post in posts if post.is_reminder) + sum(
        _too_soon(one, notices, presses) for one in notices if one.kind == "reminder"
    )


def _silenced(post: Post, notices: Sequence[NoticeRow], presses: Sequence[Press]) -> bool:
    mine = [press for press in presses if press.episode == post.episode]
    worse = [one.at for one in notices if (one.episode, one.kind) == (post.episode, "worse")]
    for press in mine:
        others = [other for other in mine if other is not press]
        if not press.until or any(map(press.overlaps, others)):
            continue
        later = [other.begun_at for other in others if other.begun_at > press.begun_at]
        broken = [at for at in worse if at > press.begun_at - ONE_ROUND]
        if press.answered_at < post.claimed_at < min([press.until, *later, *broken]):
            return True
    return False


def _too_soon(reminder: NoticeRow, notices: Sequence[NoticeRow], presses: Sequence[Press]) -> bool:
    before = [one.at for one in notices if one.episode == reminder.episode and one.id < reminder.id]
    last = max(before, default=0.0)
    mine = [press for press in presses if press.episode == reminder.episode]
    mutes_end = [until for press in mine for until in (press.wanted_until, press.until)]
    return reminder.at - last < SHORTEST_PACE and not any(last < end <= reminder.at for end in mutes_end)
