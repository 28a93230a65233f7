"""What a person understands of the words of a post: nothing but its text and its blocks is looked at."""

import json
from dataclasses import dataclass

from bot.core.watch import Trouble
from tests.crash.story import END, Word
from tests.crash.wire import Message

MARK = "May be a repeat"
PHRASES: dict[Trouble, dict[str, Word]] = {
    Trouble.LOW: {
        "SMS credits are low": ("worse", 1),
        "SMS credits are critically low": ("worse", 2),
        "SMS credits are used up": ("worse", 3),
        "It was warning from": ("worse", 1),
        "It was critical from": ("worse", 2),
        "It was empty from": ("worse", 3),
        "SMS credits are fine again": END,
    },
    Trouble.UNREADABLE: {
        "Account sms cannot be read": ("worse", 1),
        "Account sms is probably empty": ("worse", 2),
        "It was warning from": ("worse", 1),
        "It was probably empty from": ("worse", 2),
        "Account sms can be read again": END,
    },
}


@dataclass(frozen=True)
class Post:
    """A message in the channel: what Slack got, and what only the harness knows of it."""

    said: Message
    accepted: bool
    doubtful: bool

    @property
    def text(self) -> str:
        """What notifications and screen readers say."""
        return str(self.said["payload"]["text"])

    @property
    def blocks(self) -> str:
        """What is seen in the channel."""
        return json.dumps(self.said["payload"]["blocks"], ensure_ascii=False)

    @property
    def notices(self) -> list[int]:
        """The numbers of the notices that it tells."""
        return list(self.said["notices"])

    @property
    def episode(self) -> str:
        """The episode that it is about, if any."""
        return str(self._about["episode"])

    @property
    def is_reminder(self) -> bool:
        """Whether it is nothing but a reminder."""
        return bool(self._about["kind"] == "reminder")

    @property
    def claimed_at(self) -> float:
        """When the bot decided to send it, in virtual seconds."""
        return float(self.said["claimed_at"])

    @property
    def marked(self) -> bool:
        """Whether it says that it may be a repeat."""
        return MARK in self.text

    def tells(self, trouble: Trouble, word: Word) -> bool:
        """Whether a person who reads it knows that: a worse level tells those below it too."""
        kind, level = word
        return any(said == kind and of >= level for said, of in _words(self.text, trouble))

    def is_wrong(self, trouble: Trouble | None, worst: int) -> bool:
        """Whether it says nothing, what never was, or one thing in its text and another in its blocks."""
        if (MARK in self.blocks) != self.marked:
            return True
        if trouble is None:
            return not self.text
        said = _words(self.text, trouble)
        return not said or said != _words(self.blocks, trouble) or max(level for _, level in said) > worst

    @property
    def _about(self) -> Message:
        return dict(self.said["payload"]["metadata"]["event_payload"])


def _words(text: str, trouble: Trouble) -> set[Word]:
    return {word for phrase, word in PHRASES[trouble].items() if phrase in text}
