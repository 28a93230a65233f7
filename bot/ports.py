"""What the service needs from outside, by role, and the errors that cross.

OutsideError
├── Unreadable    the provider gave no good reading: carries the `Failure`
├── NotDelivered  Slack did not take a post: says whether it is permanent and when to try again
└── StoreAway     the database does not answer
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.core.model import Account, Credits, Due, Edit, Failure, Notice, Step, Watch


class OutsideError(Exception):
    """Something outside did not do its part."""


class Unreadable(OutsideError):
    """The provider gave no good reading."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause.value)
        self.failure = failure


class NotDelivered(OutsideError):
    """Slack did not take a post; `retry_after` is in seconds, when Slack named it."""

    def __init__(
        self, error: str, *, permanent: bool = False, gone: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.permanent = permanent
        self.gone = gone
        self.retry_after = retry_after


class StoreAway(OutsideError):
    """The database does not answer."""


class Clock(Protocol):
    """Tells the time; the composition root owns the only real one."""

    def now(self) -> datetime:
        """Return the present time, aware, in UTC."""


class Source(Protocol):
    """Where an account's credits are read."""

    async def read(self, account: Account) -> Credits:
        """Ask the provider once, with its retries; raises `Unreadable`."""


class Watches(Protocol):
    """What is remembered of each account; every method raises `StoreAway`."""

    async def change(self, account: str, decide: Callable[[Watch], Step]) -> Step:
        """Load the account's state, decide, and write all that follows in one transaction."""

    async def watch(self, account: str) -> Watch:
        """Return what is known of the account."""

    async def greet(self, notice: Notice) -> bool:
        """Write the greeting of a channel down, once for ever; tell whether it was new."""


class Outbox(Protocol):
    """The words owed to channels, until they are delivered; every method raises `StoreAway`."""

    async def due(self, now: datetime) -> tuple[Due, ...]:
        """Return what is to be posted now, one entry for each episode."""

    async def sent(self, due: Due, message: str, now: datetime) -> None:
        """Mark what `due` owed as told by the message with this `ts`."""

    async def failed(self, due: Due, error: str, retry_at: datetime) -> None:
        """Keep what `due` owes until `retry_at`."""

    async def edits(self, now: datetime) -> tuple[Edit, ...]:
        """Return the living messages to bring up to date now."""

    async def edited(self, edit: Edit, now: datetime, *, gone: bool = False) -> None:
        """Mark the living message as up to date, or as gone from the channel."""


class Messenger(Protocol):
    """How a channel is told; both methods raise `NotDelivered`."""

    async def post(self, due: Due) -> str:
        """Tell the channel what is due; return the message's `ts`."""

    async def edit(self, edit: Edit) -> None:
        """Bring a living message up to date."""
