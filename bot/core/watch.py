"""What is remembered of an account between two polls, its episodes above all; all frozen."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.core.model import Account, Field, Level, Product
from bot.core.reading import Failure, Held, Reading


@dataclass(frozen=True)
class Firing:
    """A rule that has fired and has not ended, with the threshold it was judged by.

    Without a `subaccount` (its id) it is the account's own; one about money has its unit. *Empty* needs no
    rule: its threshold is zero, and it fires at zero too.
    """

    field: Field
    level: Level
    threshold: Decimal
    subaccount: str = ""
    currency: str = ""


class Trouble(StrEnum):
    """What an episode is about."""

    LOW = "low"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Mute:
    """Reminders kept silent by a person (a Slack user id): an ack until the end, a snooze for a while."""

    by: str
    at: datetime
    until: datetime
    snoozed: bool = False


@dataclass(frozen=True)
class Rise:
    """Money seen to come in, at least: spending between two readings hides a part of it."""

    amount: Decimal
    at: datetime


@dataclass(frozen=True)
class ThresholdChange:
    """A threshold that was changed while its rule fired; one of money has the unit of each reading."""

    old: Decimal
    new: Decimal
    old_unit: str = ""
    new_unit: str = ""


@dataclass(frozen=True)
class Member:
    """An account in the episode that a group shares: since when it fails and why, until it was read again."""

    account: str
    since: datetime
    failure: Failure
    until: datetime | None = None


class Ending(StrEnum):
    """How an episode ended; all but the first are told by an edit alone.

    The next two end by a change of configuration, the last because its accounts are told of in others now.
    """

    RECOVERED = "recovered"
    NOT_CONFIGURED = "not_configured"
    MOVED = "moved"
    SPLIT = "split"


@dataclass(frozen=True)
class Episode:
    """One trouble of one account, from its beginning until its end."""

    id: str
    account: str
    trouble: Trouble
    channel: str
    level: Level
    opened_at: datetime
    ended_at: datetime | None = None
    firing: tuple[Firing, ...] = ()
    failure: Failure | None = None
    topped_up: Decimal = Decimal(0)
    rise: Rise | None = None
    mute: Mute | None = None
    pinged_at: datetime | None = None
    remind_at: datetime | None = None
    ending: Ending = Ending.RECOVERED
    moved_to: str = ""
    thresholds_changed: tuple[ThresholdChange, ...] = ()
    members: tuple[Member, ...] = ()
    product: Product = Product.SMS


@dataclass(frozen=True)
class Watch:
    """All that is remembered of one account (or of a group's episode) between two polls.

    `failure` is the last one of those that `failures` counts. `blind`: an open episode is stored that cannot
    be read, so that nothing may be judged.
    """

    failures: int = 0
    failing_since: datetime | None = None
    failure: Failure | None = None
    reading: Reading | None = None
    low: Episode | None = None
    unreadable: Episode | None = None
    blind: Failure | None = None

    @property
    def level(self) -> Level:
        """The level of the account's credits, as last read."""
        return self.low.level if self.low else Level.OK

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """The open episodes, the graver kind first."""
        return tuple(episode for episode in (self.low, self.unreadable) if episode)


@dataclass(frozen=True)
class AccountStatus:
    """An account as a person sees it: the reading (live or last good), or why there is none.

    `held_back`: why the provider was not asked, if it was not: it allows only so many requests a minute, and
    nobody counts them while the database is away. `asking`: it was asked, and has not answered yet.
    """

    account: Account
    watch: Watch
    reading: Reading | None
    failure: Failure | None = None
    held_back: Held | None = None
    asking: bool = False

    @property
    def trouble(self) -> Failure | None:
        """Why the account cannot be read, as far as is known: not asked now, it may have failed before."""
        not_known_now = self.held_back or self.asking
        return self.failure or (self.watch.failure if not_known_now and self.watch.failures else None)

    @property
    def unknown(self) -> bool:
        """Whether its present state is not known: then it is neither fine nor low."""
        return self.asking or self.trouble is not None or self.reading is None

    @property
    def unlisted(self) -> Failure | None:
        """Why its sub-accounts could not be listed, though the account itself was read."""
        return self.reading.credits.unlisted if self.reading and not self.unknown else None

    @property
    def own_level(self) -> Level:
        """The level of the account itself, without its sub-accounts."""
        firing = self.watch.low.firing if self.watch.low else ()
        return max((one.level for one in firing if not one.subaccount), default=Level.OK)
