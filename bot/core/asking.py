"""Whether the provider may be asked now, and what serves where it may not; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from bot.core.reading import Cause, Failure, Held, Reading
from bot.core.retry_after import retry_after

FRESH = timedelta(seconds=10)
"""An outcome younger than this, good or bad, answers a command without asking the provider again."""

REQUESTS = 4
"""Of Voice Partner's 5 a minute (docpartner.dev): one is left for the command line."""

REQUESTS_FOR_COMMANDS = 2
"""So many of them may be made for commands: polls always have a share of their own."""

WINDOW = timedelta(seconds=70)
"""A minute, and the 10 s that a request may take to arrive: the provider counts arrivals."""

PATIENCE = WINDOW + timedelta(seconds=5)
"""Our own polls may use up the limit for a window, and be held back until it is over: that is no failure."""

LONGEST_WAIT = timedelta(minutes=15)
SHORTEST_WAIT = timedelta(seconds=1)
DEFAULT_WAIT = timedelta(minutes=1)
"""Where the provider does not say how long to wait: the limits that it documents are a minute's."""


@dataclass(frozen=True)
class Requests:
    """When requests were made with one key, all of them and those for commands; none older than `WINDOW`."""

    made_at: tuple[datetime, ...] = ()
    for_commands: tuple[datetime, ...] = ()

    def lately(self, now: datetime) -> "Requests":
        """Return what still counts, none of it later than now.

        After a clock was set back nothing is granted anew at once, nor held back for longer than the window.
        """
        return Requests(_lately(self.made_at, now), _lately(self.for_commands, now))

    def one_more(self, now: datetime, *, polled: bool) -> "Requests | None":
        """Return these with one more, for a poll or a command; nothing where the limit allows none now."""
        if len(self.made_at) >= REQUESTS or (not polled and len(self.for_commands) >= REQUESTS_FOR_COMMANDS):
            return None
        return Requests((*self.made_at, now), self.for_commands if polled else (*self.for_commands, now))


def _lately(times: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    return tuple(min(at, now) for at in times if now - at < WINDOW)


def wait_until(headers: Mapping[str, str], now: datetime) -> datetime:
    """Return until when the provider asks to wait, in an answer with these headers."""
    ours = {"date": format_datetime(now.astimezone(UTC), usegmt=True)}
    said = ours | {name.lower(): value for name, value in headers.items()}
    wait = retry_after(said, otherwise=DEFAULT_WAIT, most=LONGEST_WAIT)
    return now + max(wait, SHORTEST_WAIT)


def still_waits(until: datetime, now: datetime) -> bool:
    """Whether a wait goes on; one longer than any may be was set by a clock that was set back since."""
    return now < until <= now + LONGEST_WAIT


@dataclass(frozen=True)
class Outcome:
    """What came of asking about an account, or why it was not asked, and from when until when (UTC) it took.

    `polled`: a poll asked, which judges it.
    """

    began_at: datetime
    ended_at: datetime
    found: Reading | Failure | Held
    polled: bool = True

    def serves_at(self, now: datetime) -> bool:
        """Whether it answers a command now: figures are as old as the question, a failure as the answer."""
        at = self.began_at if isinstance(self.found, Reading) else self.ended_at
        return not isinstance(self.found, Held) and timedelta(0) <= now - at < FRESH


def in_place_of_poll(
    held: Held, newest: Outcome | None, counted_at: datetime | None, since: datetime, now: datetime
) -> Outcome | None:
    """Return what a poll that was held back counts.

    That is the newest outcome, which a command got, unless a poll has counted it (`counted_at`: when that one
    began); where nobody could ask for long, a failure; else nothing. `since` is when the process began.
    """
    if held is not Held.LIMIT:
        return None
    if newest and (counted_at is None or newest.began_at > counted_at):
        return newest
    if now - (newest.ended_at if newest else since) <= PATIENCE:
        return None
    return Outcome(now, now, Failure(Cause.NOT_ASKED))
