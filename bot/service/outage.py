"""A database that cannot be used for long is told, and its return; from memory, for nothing else is there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.ports import NotDelivered, StoreAway
from bot.service.sender import Sender

TOLD_AFTER = timedelta(minutes=10)


class Outage:
    """Remembers since when the database cannot be used, and which channels were told."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._since: datetime | None = None
        self._told: set[str] = set()

    async def lasts(self, away: StoreAway, channels: Sequence[str], now: datetime) -> None:
        """Tell each channel once, with the present cause, when it has lasted for ten minutes."""
        self._since = min(self._since or now, now)  # the clock may have been set back meanwhile
        if now - self._since < TOLD_AFTER:
            return
        for channel in channels:
            if channel not in self._told and await self._said(channel, away):
                self._told.add(channel)

    async def over(self, channels: Sequence[str]) -> None:
        """Tell the channels that were told, once each."""
        self._since = None
        for channel in channels:
            if channel in self._told and await self._said(channel, None):
                self._told.discard(channel)

    async def _said(self, channel: str, away: StoreAway | None) -> bool:
        try:
            await self._sender.say(channel, away)
        except NotDelivered as error:
            # Of an unknown outcome better nothing more than the same again.
            return error.unknown
        return True
