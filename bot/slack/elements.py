"""What messages are made of, within Slack's limits (docs.slack.dev, "Blocks")."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bot.core.form import Embellishment
from bot.core.model import Level

Block = dict[str, Any]

EMOJI = {
    Level.OK: ":large_green_circle:",
    Level.WARNING: ":warning:",
    Level.CRITICAL: ":rotating_light:",
    Level.EMPTY: ":no_entry:",
}
UNREADABLE = ":grey_question:"
ASKING = ":hourglass_flowing_sand:"
ENDED = ":white_check_mark:"

LONGEST_SECTION = 2900
"""Characters; Slack takes 3,000."""

LONGEST_LIST = 3000
"""Characters of a list, so that with all that stands around it a text keeps below Slack's 4,000."""


@dataclass(frozen=True)
class Message:
    """What is posted: the text that says it all, the blocks that show it, and whether it pings people."""

    text: str
    blocks: tuple[Block, ...] = ()
    mentions: bool = False

    def payload(self) -> dict[str, Any]:
        """Return the arguments of Slack's methods that are the same for every kind of message."""
        return {"text": self.text, **({"blocks": list(self.blocks)} if self.blocks else {})}

    def without(self, bare: frozenset[Embellishment]) -> "Message":
        """Return the message as a channel takes it."""
        return replace(self, blocks=()) if Embellishment.BLOCKS in bare else self


LONGEST_HEAD = 560
"""Characters about what is undelivered, at the head of an answer."""

LONGEST_ANSWER = 3400
"""Characters of an answer that may stand behind them."""


def fitting(lines: Iterable[str], most: int, room: int = LONGEST_LIST) -> tuple[str, ...]:
    """Return as many of the lines as one message may hold, in so many characters."""
    taken: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0 or len(taken) == most:
            break
        taken.append(line)
    return tuple(taken)


def first_and_fitting(texts: Iterable[str], most: int, room: int = LONGEST_LIST) -> tuple[str, ...]:
    """Return the first text, cut after a line where it must be, and those of the others that fit."""
    taken: list[str] = []
    for text in texts:
        if len(text) >= room:
            if taken:
                continue
            text = "\n".join([*fitting(text.split("\n"), most=room, room=room - 2), "…"])  # noqa: PLW2901
        if len(taken) == most:
            break
        taken.append(text)
        room -= len(text) + 1
    return tuple(taken)


def sections(lines: Iterable[str]) -> tuple[Block, ...]:
    """Return the lines in as few sections as hold them."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < LONGEST_SECTION:
            texts[-1] = f"{texts[-1]}\n{line}"
        else:
            texts.append(line)
    return tuple(section(text) for text in texts)


def plain(text: str) -> Block:
    """Return a text without formatting."""
    return {"type": "plain_text", "text": text}


def button(action: str, label: str, value: str) -> Block:
    """Return a button."""
    return {"type": "button", "action_id": action, "text": plain(label), "value": value}


def mrkdwn(text: str) -> Block:
    """Return a formatted text."""
    return {"type": "mrkdwn", "text": text}


def header(text: str) -> Block:
    """Return a title."""
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def section(text: str) -> Block:
    """Return a paragraph."""
    return {"type": "section", "text": mrkdwn(text)}


def context(text: str) -> Block:
    """Return what stands small below."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def divider() -> Block:
    """Return a line between what stands above and below."""
    return {"type": "divider"}
