"""Who may ask the bot, and where."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether somebody may, or why not."""

    ALLOWED = "allowed"
    PERSON_NOT_LISTED = "person_not_listed"
    CHANNEL_NOT_LISTED = "channel_not_listed"


@dataclass(frozen=True)
class Access:
    """The people and the channels that are listed; without a list, all."""

    users: frozenset[str] | None = None
    channels: frozenset[str] | None = None

    def to_command(self, user: str, channel: str) -> Verdict:
        """Judge a command: the person must be listed, and the channel."""
        verdict = self.to_press(user)
        # A person who is not listed hears of that first: no other channel would help.
        if verdict is Verdict.ALLOWED and self.channels is not None and channel not in self.channels:
            return Verdict.CHANNEL_NOT_LISTED
        return verdict

    def to_press(self, user: str) -> Verdict:
        """Judge a press: where the message stands is the bot's own choice."""
        return Verdict.ALLOWED if self.users is None or user in self.users else Verdict.PERSON_NOT_LISTED
