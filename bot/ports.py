"""What the service needs from outside, by role, and the errors that cross.

OutsideError
├── Unreadable    the provider gave no good reading: carries the `Failure`
├── HeldBack      the provider was not asked: says whether its limit is used up or cannot be counted
├── NotDelivered  Slack did not take a post: says whether it is permanent and when to try again
│   └── EmbellishmentRefused  it was refused for an embellishment: a barer form may be taken
├── NotBuilt      a message could not even be built, so that nothing was sent: a fault of ours, its cause
├── StoreAway     the database cannot be used, for one cause or another
└── NotLeading    another process watches: this one may change nothing
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from bot.core.form import Embellishment
from bot.core.gap import Gap, Round
from bot.core.health import Overview
from bot.core.model import Account
from bot.core.notice import Due, Edit, Notice, Owed, Step, Telling, Undelivered
from bot.core.posted import Claim
from bot.core.reading import Credits, Failure, Held
from bot.core.retention import Retention
from bot.core.unusable import Unusable
from bot.core.watch import Episode, Watch


class OutsideError(Exception):
    """Something outside did not do its part."""


class Unreadable(OutsideError):
    """The provider gave no good reading."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause.value)
        self.failure = failure


class HeldBack(OutsideError):
    """The provider was not asked: its limit of requests a minute is used up, or cannot be counted now."""

    def __init__(self, why: Held = Held.LIMIT) -> None:
        super().__init__(why.value)
        self.why = why


class NotDelivered(OutsideError):
    """Slack did not take a post, or (`unknown`) may have taken it; `retry_after` is in seconds.

    `worn` are the embellishments that the message had.
    """

    def __init__(
        self,
        error: str,
        *,
        permanent: bool = False,
        gone: bool = False,
        unknown: bool = False,
        retry_after: float | None = None,
        worn: frozenset[Embellishment] = frozenset(),
    ) -> None:
        super().__init__(error)
        self.error = error
        self.permanent = permanent
        self.gone = gone
        self.unknown = unknown
        self.retry_after = retry_after
        self.worn = worn


class EmbellishmentRefused(NotDelivered):
    """Slack refused a message for embellishments, which is no refusal of the message: go without these."""

    def __init__(self, error: str, left_out: frozenset[Embellishment]) -> None:
        super().__init__(error)
        self.left_out = left_out


class NotBuilt(OutsideError):
    """A message could not be built, for a fault of ours that is its cause: nothing was sent."""


class StoreAway(OutsideError):
    """The database cannot be used; `detail` names the table, or the kind of what nobody knows."""

    def __init__(self, cause: Unusable, detail: str = "") -> None:
        super().__init__(f"{cause.value} {detail}".rstrip())
        self.cause = cause
        self.detail = detail


class NotLeading(OutsideError):
    """Another process watches: what this one decided is not written."""


class Clock(Protocol):
    """Tells the time; the composition root owns the only real one."""

    def now(self) -> datetime:
        """Return the present time, aware, in UTC."""


class Source(Protocol):
    """Where an account's credits are read.

    `turn` is entered first, and waited for: a host is asked about so many accounts at a time. What is waited
    there is no fault of the provider's, so it counts for no deadline.
    """

    @property
    def turn(self) -> AbstractAsyncContextManager[None]: ...  # noqa: D102 - the class says it

    async def read(self, account: Account, *, polled: bool = True) -> Credits:
        """Ask the provider, for a poll or a command, with retries; raises `Unreadable` and `HeldBack`."""

    def wait(self, failure: Failure) -> None:
        """Ask nothing before the time that a stored failure names: who was here before was asked to wait."""


class Budget(Protocol):
    """How many requests a minute a key may still make, counted over all processes."""

    async def spend(self, key_digest: str, *, polled: bool) -> bool:
        """Count one request, for a poll or a command, if it has one left; raises `StoreAway`."""


class Lease(Protocol):
    """The right to poll and deliver; both methods raise `StoreAway`."""

    async def hold(self, *, may_pass: bool = True) -> bool:
        """Take, renew or pass the lease; tell whether it is ours."""

    async def release(self) -> None:
        """Give the lease back."""


Decide = Callable[[Watch], Step]
"""A pure decision about what is known of one account; it may be asked again after a lost race."""


class Watches(Protocol):
    """What is remembered of each account; every method raises `StoreAway`."""

    async def change(self, account: str, decide: Decide, *, leading: bool = True) -> Step:
        """Load the account's state, decide, and write all that follows in one transaction.

        What only the watching process may decide (`leading`) raises `NotLeading` elsewhere.
        """

    async def change_many(self, decisions: Mapping[str, Decide]) -> tuple[Step | Exception, ...]:
        """The same for many accounts in one transaction, in their order; raises `NotLeading`.

        What one decision raises is returned in its place.
        """

    async def to_recall(self, now: datetime) -> tuple[str, ...]:
        """Return the accounts with an open episode whose next word is due."""

    async def episode(self, identity: str) -> Episode | None:
        """Return the episode with this id, open or ended."""

    async def open(self) -> Mapping[str, Watch]:
        """Return every account with an open episode, configured or not."""

    async def watch(self, account: str) -> Watch:
        """Return what is known of the account."""

    async def known(self, accounts: Sequence[str]) -> Mapping[str, Watch]:
        """Return what is known of each of these accounts."""

    async def failing(self) -> Mapping[str, Watch]:
        """Return every account that could not be read when it was last polled, configured or not."""

    async def greet(self, notice: Notice) -> bool:
        """Write the greeting of a channel down, once for ever; tell whether it was new."""


class Rounds(Protocol):
    """When a poll was last completed; raises `StoreAway` and `NotLeading`."""

    async def note(
        self,
        decide: Callable[[Round], tuple[Round, Gap | None]],
        channels: Sequence[str],
        now: datetime,
    ) -> Gap | None:
        """Change what is remembered, and owe every channel the gap that this shows."""


class History(Protocol):
    """What was read and told long ago; raises `StoreAway` and `NotLeading`."""

    async def prune(self, keep: Retention) -> bool:
        """Forget some of what is past keeping in one short transaction; tell whether there may be more."""


class Outbox(Protocol):
    """The words owed to channels, until they are delivered; every method raises `StoreAway`."""

    async def due(self, now: datetime) -> tuple[Owed, ...]:
        """Return who is owed a word now: each episode or greeting once, the worst first, then the oldest."""

    async def held(self, now: datetime) -> Mapping[str, datetime]:
        """Return the channels that Slack wants no posts in for now, and until when."""

    async def claim(self, owed: Owed, now: datetime) -> Due | None:
        """Note that it is about to be told, and return what to tell; nothing if it is no longer owed."""

    async def remembers(self, claim: Claim) -> bool:
        """Whether the database still holds this note of a post: it may have lost its newest writes."""

    async def sent(self, due: Due, message: str, now: datetime) -> None:
        """Mark what `due` owed as told by the message with this `ts`."""

    async def failed(self, due: Due, error: str, retry_at: datetime, *, unknown: bool) -> None:
        """Keep what `due` owes until `retry_at`; `unknown`: it may stand in the channel all the same."""

    async def forget_others(self, channels: Sequence[str], now: datetime) -> None:
        """Drop greetings and gaps owed to channels that are no longer told anything."""

    async def released(self, due: Due) -> None:
        """Take back that `due` was about to be told: it was refused, and is tried again at once."""

    async def uproot(self, due: Due) -> None:
        """Forget the episode's message, which is gone from the channel; what is owed stays owed."""

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """Return what Slack has refused so far, oldest first, one entry for each channel."""

    async def telling(self, episodes: Sequence[str]) -> Mapping[str, Telling]:
        """Return how far the channel knows of each of these episodes."""

    async def edits(self, now: datetime) -> tuple[Owed, ...]:
        """Return the episodes whose living message is to be brought up to date now, the worst first."""

    async def claim_edit(self, identity: str, now: datetime) -> Edit | None:
        """Return what the message is to show at this moment; nothing if it is up to date by now."""

    async def postponed(self, edit: Edit, until: datetime) -> None:
        """Leave a living message as it is until then."""

    async def edited(self, edit: Edit, now: datetime, *, gone: bool = False) -> None:
        """Mark the living message as up to date, or as gone from the channel."""


class Overviews(Protocol):
    """What is known of everything at once, for those who watch the bot; raises `StoreAway`."""

    async def overview(self, accounts: Sequence[str], now: datetime) -> Overview:
        """Return what is known of these accounts, and what waits to be told; it costs the same for all."""


class Messenger(Protocol):
    """How a channel is told, without what it does not take; every method raises `NotDelivered`."""

    async def say(self, channel: str, away: StoreAway | None, bare: frozenset[Embellishment]) -> None:
        """Tell a channel why the database cannot be used, or that it can: the one word no outbox can hold."""

    async def post(self, due: Due, bare: frozenset[Embellishment]) -> str:
        """Tell the channel what is due; return the message's `ts`; raises `NotBuilt` before it is sent."""

    async def edit(self, edit: Edit, bare: frozenset[Embellishment]) -> None:
        """Bring a living message up to date; raises `NotBuilt` before it is sent."""
