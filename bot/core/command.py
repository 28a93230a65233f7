"""What a person typed behind `/smscredits`, as a value."""

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Verb(StrEnum):
    """The words that the command understands."""

    SHOW = "show"
    THRESHOLDS = "thresholds"
    SHARE = "share"
    HELP = "help"


@dataclass(frozen=True)
class Command:
    """A request that was understood; `account` is empty where none was named."""

    verb: Verb
    account: str = ""


@dataclass(frozen=True)
class NotUnderstood:
    """Text that is no command, with the nearest thing that is (or nothing)."""

    text: str
    nearest: str = ""


WORDS = (Verb.THRESHOLDS, Verb.SHARE, Verb.HELP)
"""The subcommands; the bare command shows every account."""


def parse(text: str, accounts: tuple[str, ...]) -> Command | NotUnderstood:
    """Understand the text behind the command, without regard to case or spacing."""
    words = text.casefold().split()
    if not words:
        return Command(Verb.SHOW)
    if len(words) == 1:
        if words[0] in WORDS:
            return Command(Verb(words[0]))
        for name in accounts:
            if name.casefold() == words[0]:
                return Command(Verb.SHOW, name)
    known = {name.casefold(): name for name in (*WORDS, *accounts)}
    nearest = get_close_matches(words[0], known, n=1, cutoff=0.5)
    return NotUnderstood(" ".join(text.split()), known[nearest[0]] if nearest else "")
