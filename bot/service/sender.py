"""The one way to a channel: at its pace, and in the form that it takes."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from bot.core.form import Embellishment, Refusals
from bot.core.notice import LONGEST_WAIT, RATE_LIMITED, Due, Edit
from bot.core.pace import APART, Pace, Way
from bot.ports import Clock, EmbellishmentRefused, Messenger, NotDelivered, StoreAway

_T = TypeVar("_T")

SLOWEST_RETRY = timedelta(minutes=10)


class Sender:
    """Posts and edits; it knows what Slack asked to wait for, and what each channel refused."""

    def __init__(self, messenger: Messenger, clock: Clock) -> None:
        self._messenger = messenger
        self._clock = clock
        self._refusals = Refusals()
        self._sending: set[tuple[Way, str]] = set()
        self.pace = Pace()

    def left_out(self, channel: str) -> Mapping[Embellishment, str]:
        """Return what messages to a channel do without, each with Slack's error."""
        return self._refusals.errors(channel, self._clock.now())

    async def post(self, due: Due) -> str:
        """Post what is due and return the message's `ts`; raises `NotDelivered` and `NotBuilt`."""
        return await self.send(Way.POST, due.channel, partial(self._messenger.post, due))

    async def edit(self, edit: Edit) -> None:
        """Bring a living message up to date; raises `NotDelivered` and `NotBuilt`."""
        await self.send(Way.EDIT, edit.episode.channel, partial(self._messenger.edit, edit))

    async def say(self, channel: str, away: StoreAway | None) -> None:
        """Post why the database cannot be used, or that it can again; raises `NotDelivered`."""
        await self.send(Way.POST, channel, partial(self._messenger.say, channel, away))

    def hold(self, way: Way, channel: str, span: timedelta) -> None:
        """Send a channel nothing for so long: what it refuses one message it refuses all."""
        self.pace = self.pace.waiting(way, channel, self._clock.now(), span)

    async def send(
        self, way: Way, channel: str, call: Callable[[frozenset[Embellishment]], Awaitable[_T]]
    ) -> _T:
        """Send something without what the channel refused before, if it may be sent now.

        Raises `NotDelivered`: also, with nothing sent, before a wait is over. Where it was refused for an
        embellishment, `EmbellishmentRefused`: the next try, a second later, goes without.
        """
        now, key = self._clock.now(), (way, channel)
        free_at = self.pace.free_at(way, channel, now)
        if free_at > now or key in self._sending:
            raise NotDelivered(RATE_LIMITED, retry_after=max(free_at - now, APART).total_seconds())
        self._sending.add(key)
        wait = APART
        try:
            answer = await call(self._refusals.left_out(channel, now))
        except NotDelivered as error:
            wait = timedelta(seconds=error.retry_after or 0)
            if error.unknown or error.gone or error.retry_after is not None:
                raise
            now = self._clock.now()
            self._refusals, blamed = self._refusals.refused(channel, error.error, error.worn, now)
            if not blamed:
                raise
            raise EmbellishmentRefused(error.error, blamed) from None
        finally:
            self._sending.discard(key)
            # Counted from the answer: the request came to Slack some time before.
            self.pace = self.pace.waiting(way, channel, self._clock.now(), wait)
        self._refusals = self._refusals.taken(channel)
        return answer


def retry_in(attempts: int, error: NotDelivered) -> timedelta:
    """Return as long as Slack asks; else longer each time, and long where only a person can mend it."""
    if error.retry_after is not None:
        return min(timedelta(seconds=error.retry_after), LONGEST_WAIT)
    doublings = min(attempts + (3 if error.permanent else 0), 10)
    return min(timedelta(seconds=5 * (1 << doublings)), SLOWEST_RETRY)
