"""What a step changes and owes: reasons, words for channels, edits of living messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.core.gap import Gap
from bot.core.model import Level
from bot.core.reading import Failure, Reading
from bot.core.watch import Episode, Watch

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What a post tells, as its metadata says it."""

    HELLO = "hello"
    OPENED = "opened"
    WORSE = "worse"
    REMINDER = "reminder"
    GAP = "gap"
    ENDED = "ended"
    TEST = "test"


class Reason(StrEnum):
    """Why a step did what it did."""

    FINE = "fine"
    OPENED = "opened"
    WORSE = "worse"
    IMPROVED = "improved"
    SAME_LEVEL = "same_level"
    STILL_LOW = "still_low"
    ENDED = "ended"
    COUNTING_FAILURES = "counting_failures"
    NOT_COUNTED = "not_counted"
    UNREADABLE = "unreadable"
    SHARED_WITH_GROUP = "shared_with_group"
    STILL_UNREADABLE = "still_unreadable"
    WORSE_FAILURE = "worse_failure"
    READABLE_AGAIN = "readable_again"
    SPLIT = "split"
    OLDER_THAN_STORED = "older_than_stored"
    CLOCK_SET_BACK = "clock_set_back"
    REMINDED = "reminded"
    NOTHING_DUE = "nothing_due"
    MUTED = "muted"
    MUTED_ALREADY = "muted_already"
    RESUMED = "resumed"
    NOT_MUTED = "not_muted"
    NOT_OPEN = "not_open"
    NOT_CONFIGURED = "not_configured"
    CHANNEL_CHANGED = "channel_changed"
    RULES_CHANGED = "rules_changed"
    REMINDERS_ON = "reminders_on"
    STATE_UNREADABLE = "state_unreadable"


class Urgency(StrEnum):
    """How soon an episode's living message should show a change."""

    NOW = "now"
    SOON = "soon"


@dataclass(frozen=True)
class Notice:
    """A word owed to a channel: written down with the transition, sent later, then marked sent."""

    kind: Kind
    channel: str
    at: datetime
    episode: str = ""
    level: Level = Level.OK
    gap: Gap | None = None


@dataclass(frozen=True)
class Step:
    """What one outcome changed: the new state, the episodes touched, what is owed, and why.

    `failure` says why an answer that came is no good reading of this account.
    """

    watch: Watch
    at: datetime
    reasons: tuple[Reason, ...]
    reading: Reading | None = None
    touched: tuple[Episode, ...] = ()
    notices: tuple[Notice, ...] = ()
    edits: Mapping[str, Urgency] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True)
class Owed:
    """Who is owed a word: an episode, or a greeting by the number of its notice; where, how urgently."""

    episode: str = ""
    notice: int = 0
    channel: str = ""
    level: Level = Level.OK
    since: datetime = _LONG_AGO


@dataclass(frozen=True)
class Due:
    """Everything that one episode (or one greeting) owes its channel, to be told in one post.

    `worst` and `since` tell what was missed while nothing could be delivered; `repeat` says that the
    outcome of an earlier try is unknown, so that the same may stand in the channel already; `told_before`
    that something of this episode was told for certain, even if its message is gone; `rose` that a rise
    to critical or empty is among what is told. `readings` are the last good ones of the accounts that share
    the episode.
    """

    kind: Kind
    channel: str
    since: datetime
    notices: tuple[int, ...]
    episode: Episode | None = None
    watch: Watch = field(default_factory=Watch)
    root: str = ""
    attempts: int = 0
    worst: Level = Level.OK
    repeat: bool = False
    told_before: bool = False
    rose: bool = False
    gap: Gap | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)


@dataclass(frozen=True)
class Undelivered:
    """Words that Slack has not taken yet, and why (Slack's error)."""

    channel: str
    since: datetime
    error: str


@dataclass(frozen=True)
class Telling:
    """How far a channel knows of an episode: when it was last told, and the word that waits, if one does.

    `error` (Slack's) says why it waits, `retry_at` until when; both are empty while it was not tried.
    """

    told_at: datetime | None = None
    waits_since: datetime | None = None
    error: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True)
class OpenAlert:
    """An open episode, what is known of its account, and how far the channel knows."""

    episode: Episode
    watch: Watch
    telling: Telling = field(default_factory=Telling)
    readings: Mapping[str, Reading] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """A living message that no longer shows the present state."""

    episode: Episode
    watch: Watch
    root: str
    asked_at: datetime
    readings: Mapping[str, Reading] = field(default_factory=dict)


LONGEST_WAIT = timedelta(hours=1)
"""No post and no edit is put off for longer: a later time was set by a clock that has been set back since."""

EDIT_DELAY = timedelta(minutes=1)
"""How often a living message follows figures that change while nothing else does."""

RATE_LIMITED = "ratelimited"
"""The error of whatever Slack refuses because it was sent too soon."""
