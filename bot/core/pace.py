"""When a channel may be sent to: once a second at most, and not before a wait that Slack asks for is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.notice import LONGEST_WAIT, Owed

APART = timedelta(seconds=1)
"""Slack takes about one post a second in a channel (docs.slack.dev, "Rate limits")."""


class Way(StrEnum):
    """How a channel is sent something; Slack counts each way by itself."""

    POST = "post"
    EDIT = "edit"


@dataclass(frozen=True)
class Wait:
    """A time in which nothing is sent."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Pace:
    """Until when nothing is sent to a channel in some way."""

    waits: Mapping[tuple[Way, str], Wait] = field(default_factory=dict)

    def free_at(self, way: Way, channel: str, now: datetime) -> datetime:
        """Return when something may be sent: `now`, or when the wait is over.

        A wait that begins in the future was noted before the clock was set back, and holds nothing.
        """
        wait = self.waits.get((way, channel))
        return wait.until if wait and wait.since <= now < wait.until else now

    def waiting(self, way: Way, channel: str, now: datetime, span: timedelta = APART) -> "Pace":
        """Return the pace with nothing sent for so long, from now on; a longer wait stands."""
        until = max(now + min(max(span, APART), LONGEST_WAIT), self.free_at(way, channel, now))
        open_ = {key: wait for key, wait in self.waits.items() if wait.since <= now < wait.until}
        return Pace({**open_, (way, channel): Wait(now, until)})


@dataclass(frozen=True)
class Turn:
    """What a channel is sent now."""

    way: Way
    owed: Owed


@dataclass(frozen=True)
class Plan:
    """What is sent now, one thing to each channel, and when to look again for what may not be sent yet."""

    turns: tuple[Turn, ...]
    again_at: tuple[datetime, ...]

    def of(self, way: Way) -> tuple[Turn, ...]:
        """Return the turns of one way."""
        return tuple(turn for turn in self.turns if turn.way is way)


def plan(
    posts: Sequence[Owed],
    edits: Sequence[Owed],
    pace: Pace,
    now: datetime,
    held: Mapping[str, datetime] | None = None,
) -> Plan:
    """Return what each channel is sent now, of the posts and edits that are due.

    Posts come before edits, the worst level first, then the oldest. An edit waits while a post only keeps
    the pace, not while Slack wants no posts for longer. `held` says until when posts to a channel wait for
    what an earlier process was asked.
    """
    turns: list[Turn] = []
    again_at: list[datetime] = []
    for channel in dict.fromkeys(owed.channel for owed in (*posts, *edits)):
        post, edit = _first(posts, channel), _first(edits, channel)
        post_at = max(pace.free_at(Way.POST, channel, now), (held or {}).get(channel, now))
        edit_at = pace.free_at(Way.EDIT, channel, now)
        if post and post_at <= now:
            turns.append(Turn(Way.POST, post))
            continue
        if post:
            again_at.append(post_at)
        if edit and not (post and post_at - now <= APART):
            if edit_at <= now:
                turns.append(Turn(Way.EDIT, edit))
            else:
                again_at.append(edit_at)
    return Plan(tuple(turns), tuple(again_at))


def _first(owed: Sequence[Owed], channel: str) -> Owed | None:
    mine = [one for one in owed if one.channel == channel]
    return min(mine, key=lambda one: (-one.level, one.since, one.notice), default=None)
