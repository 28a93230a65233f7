"""A database that cannot be used for long is told, and its return; from memory, for nothing else is there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.pace import Pace, Way
from bot.ports import EmbellishmentRefused, NotDelivered, StoreAway
from bot.service.sender import Sender, retry_in

TOLD_AFTER = timedelta(minutes=10)


class Outage:
    """Remembers since when the database cannot be used, and which channels were told or refused to be."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._since: datetime | None = None
        self._told: set[str] = set()
        self._refused: dict[str, int] = {}
        self._waits = Pace()

    async def lasts(self, away: StoreAway, channels: Sequence[str], now: datetime) -> None:
        """Tell each channel once, with the present cause, when it has lasted for ten minutes."""
        self._since = min(self._since or now, now)  # the clock may have been set back meanwhile
        if now - self._since < TOLD_AFTER:
            return
        for channel in channels:
            if channel not in self._told and await self._said(channel, away, now):
                self._told.add(channel)

    async def over(self, channels: Sequence[str], now: datetime) -> None:
        """Tell the channels that were told, once each."""
        self._since = None
        for channel in channels:
            if channel in self._told and await self._said(channel, None, now):
                self._told.discard(channel)

    async def _said(self, channel: str, away: StoreAway | None, now: datetime) -> bool:
        if self._waits.free_at(Way.POST, channel, now) > now:
            return False
        try:
            await self._sender.say(channel, away)
        except EmbellishmentRefused:
            return False
        except NotDelivered as error:
            attempts = self._refused.get(channel, 0)
            self._refused[channel] = attempts + 1
            self._waits = self._waits.waiting(Way.POST, channel, now, retry_in(attempts, error))
            # Of an unknown outcome better nothing more than the same again.
            return error.unknown
        self._refused.pop(channel, None)
        return True
