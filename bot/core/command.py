"""What a person typed behind `/smscredits`, as a value."""

import re
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from unicodedata import normalize


class Verb(StrEnum):
    """The words that the command understands."""

    SHOW = "show"
    ALERTS = "alerts"
    ACK = "ack"
    SNOOZE = "snooze"
    RESUME = "resume"
    THRESHOLDS = "thresholds"
    SHARE = "share"
    HELP = "help"


@dataclass(frozen=True)
class Command:
    """A request that was understood; `account` is empty where none was named."""

    verb: Verb
    account: str = ""
    duration: timedelta | None = None


@dataclass(frozen=True)
class NotUnderstood:
    """Text that is no command, with the nearest thing that is (or nothing)."""

    text: str
    nearest: str = ""


@dataclass(frozen=True)
class NoDuration:
    """A snooze without a duration that makes sense."""

    text: str


WORDS = tuple(verb for verb in Verb if verb is not Verb.SHOW)
"""The subcommands; the bare command shows every account."""

SHORTEST_SNOOZE = timedelta(minutes=15)
LONGEST_SNOOZE = timedelta(days=7)

_WITH_ACCOUNT = frozenset({Verb.ACK, Verb.RESUME})
_NO_DIRECTIONS = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Unseen marks of the direction of writing: a name that is copied from a message comes with them."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str, accounts: tuple[str, ...]) -> Command | NotUnderstood | NoDuration:
    """Understand the text behind the command, without regard to case or spacing."""
    text = text.translate(_NO_DIRECTIONS)
    words = normalize("NFC", text).casefold().split()
    if not words:
        return Command(Verb.SHOW)
    names = {name.casefold(): name for name in accounts}
    verb = Verb(words[0]) if words[0] in WORDS else None
    if verb is Verb.SNOOZE:
        return _snooze(words[1:], names, text)
    if len(words) == 1 and verb:
        return Command(verb)
    if len(words) == 1 and words[0] in names:
        return Command(Verb.SHOW, names[words[0]])
    if len(words) == 2 and verb in _WITH_ACCOUNT and words[1] in names:
        return Command(Verb(words[0]), names[words[1]])
    if len(words) == 2 and verb in _WITH_ACCOUNT:
        return _no_such_account(words[:1], words[1], names, text)
    known = {name.casefold(): name for name in (*WORDS, *accounts)}
    return NotUnderstood(" ".join(text.split()), _nearest(words[0], known))


def _snooze(words: list[str], names: dict[str, str], text: str) -> Command | NoDuration | NotUnderstood:
    duration = _duration(words[0]) if words else None
    if duration is None or len(words) > 2:
        return NoDuration(" ".join(text.split()))
    if len(words) == 2 and words[1] not in names:
        return _no_such_account([Verb.SNOOZE, words[0]], words[1], names, text)
    return Command(Verb.SNOOZE, names[words[1]] if len(words) == 2 else "", duration)


def _no_such_account(before: list[str], word: str, names: dict[str, str], text: str) -> NotUnderstood:
    """Suggest the account that is meant: without one the command would be for every account."""
    account = _nearest(word, names)
    return NotUnderstood(" ".join(text.split()), " ".join([*before, account]) if account else "")


def _nearest(word: str, known: dict[str, str]) -> str:
    found = get_close_matches(word, known, n=1, cutoff=0.5)
    return known[found[0]] if found else ""


def _duration(word: str) -> timedelta | None:
    match = re.fullmatch(r"(\d{1,6})([smhd])", word, re.ASCII)
    if not match:
        return None
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    return duration if SHORTEST_SNOOZE <= duration <= LONGEST_SNOOZE else None
