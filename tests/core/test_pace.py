from datetime import datetime, timedelta

import pytest

from bot.core.model import Level
from bot.core.notice import Owed
from bot.core.pace import Pace, Way, plan
from tests.samples import NOW


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def owed(name: str, level: Level = Level.WARNING, *, channel: str = "C1", since: float = -60) -> Owed:
    return Owed(name, 0, channel, level, at(since))


LOW, WORSE, EMPTY = owed("low"), owed("worse", Level.CRITICAL), owed("empty", Level.EMPTY, since=-1)
OLDER = owed("older", since=-90)
ELSEWHERE = owed("elsewhere", channel="C2")

JUST_POSTED = Pace().waiting(Way.POST, "C1", at(-0.4))
POSTS_HELD = Pace().waiting(Way.POST, "C1", at(-10), timedelta(seconds=30))
EDITS_HELD = Pace().waiting(Way.EDIT, "C1", at(-10), timedelta(seconds=30))


@pytest.mark.parametrize(
    ("posts", "edits", "pace", "sent", "again"),
    [
        pytest.param([], [], Pace(), [], [], id="nothing is due"),
        pytest.param([LOW, WORSE, EMPTY], [], Pace(), ["post empty"], [], id="the worst first"),
        pytest.param([LOW, OLDER], [], Pace(), ["post older"], [], id="then the oldest"),
        pytest.param([LOW, ELSEWHERE], [], Pace(), ["post low", "post elsewhere"], [], id="each channel one"),
        pytest.param([LOW], [EMPTY], Pace(), ["post low"], [], id="posts before edits"),
        pytest.param([], [LOW, EMPTY], Pace(), ["edit empty"], [], id="of edits the worst first too"),
        pytest.param([LOW], [EMPTY], JUST_POSTED, [], [0.6], id="a post a second, edits wait with it"),
        pytest.param(
            [LOW, ELSEWHERE], [], POSTS_HELD, ["post elsewhere"], [20], id="a wait holds its channel alone"
        ),
        pytest.param([LOW], [EMPTY], POSTS_HELD, ["edit empty"], [20], id="and its method alone"),
        pytest.param([LOW], [EMPTY], EDITS_HELD, ["post low"], [], id="a wait of edits holds no post"),
        pytest.param([], [EMPTY], EDITS_HELD, [], [20], id="but every edit of the channel"),
    ],
)
def test_a_channel_is_sent_one_thing_at_a_time(
    posts: list[Owed], edits: list[Owed], pace: Pace, sent: list[str], again: list[float]
) -> None:
    planned = plan(posts, edits, pace, NOW)
    assert [f"{turn.way} {turn.owed.episode}" for turn in planned.turns] == sent
    assert [(time - NOW).total_seconds() for time in planned.again_at] == again


def test_what_an_earlier_process_was_asked_to_wait_holds_posts_to_that_channel() -> None:
    planned = plan([LOW, ELSEWHERE], [], Pace(), NOW, held={"C1": at(25)})
    assert [turn.owed for turn in planned.turns] == [ELSEWHERE]
    assert planned.again_at == (at(25),)


@pytest.mark.parametrize(
    ("seconds", "asked", "free_at"),
    [
        (0, 30, 30),
        (29.9, 30, 30),
        (30, 30, 30),
        (0, 0, 1),  # a second is kept whatever is asked
        (0, 86400, 3600),  # and no more than an hour is waited
        (-1, 30, -1),  # the clock was set back since
    ],
)
def test_a_wait_is_kept_to_its_end(seconds: float, asked: float, free_at: float) -> None:
    pace = Pace().waiting(Way.POST, "C1", NOW, timedelta(seconds=asked))
    assert pace.free_at(Way.POST, "C1", at(seconds)) == at(free_at)


def test_a_longer_wait_stands_and_one_that_is_over_is_forgotten() -> None:
    pace = Pace().waiting(Way.POST, "C1", NOW, timedelta(seconds=30)).waiting(Way.POST, "C1", at(5))
    assert pace.free_at(Way.POST, "C1", at(6)) == at(30)
    assert list(pace.waiting(Way.EDIT, "C2", at(31)).waits) == [(Way.EDIT, "C2")]
