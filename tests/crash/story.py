"""Small random stories of readings, and what a person must have been told at their end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from bot.core.model import Level
from bot.core.reading import Failure
from bot.core.watch import Trouble
from tests.samples import NO_CREDIT, WATCHED, WRONG_KEY, account, rule

Outcome = int | Failure
Word = tuple[str, int]
"""What must be told: a worse level (so high), or the end."""

ACCOUNTS = {"strict": WATCHED, "lax": account(rule(Level.WARNING, 4000), rule(Level.CRITICAL, 500))}
"""The settings that a copy may be started with; each figure of a story is far from every margin."""

LEVELS = {"strict": {9000: 0, 4999: 1, 999: 2, 0: 3}, "lax": {9000: 0, 4999: 0, 999: 1, 0: 3}}
END: Word = ("end", 0)


@dataclass
class Judgement:
    """What was judged, by which settings; `certain` once it is known to be written."""

    outcome: Outcome
    settings: str
    chapter: int = 0
    certain: bool = False


def story(random: Random) -> list[Outcome]:
    """Return what the provider says, one reading after the other; at the end all is well."""
    outcomes: list[Outcome] = [9000, 4999, 999, 0, 4999, 999, WRONG_KEY, NO_CREDIT]
    return [*random.choices(outcomes, k=random.randint(2, 7)), 9000]


def owed(judgements: Sequence[Judgement]) -> dict[Trouble, list[Word]]:
    """Return what must be told of these; on purpose nothing of the bot's own rules is used.

    No mute is in it: a mute silences reminders, never a worse level and never the end.
    """
    words: dict[Trouble, list[Word]] = {Trouble.LOW: [], Trouble.UNREADABLE: []}
    low = unreadable = 0
    for judgement in judgements:
        outcome = judgement.outcome
        if isinstance(outcome, Failure):
            level = 2 if outcome == NO_CREDIT else 1
            words[Trouble.UNREADABLE] += [("worse", level)] if level > unreadable else []
            unreadable = max(level, unreadable)
            continue
        level = LEVELS[judgement.settings][outcome]
        words[Trouble.UNREADABLE] += [END] if unreadable else []
        words[Trouble.LOW] += [("worse", level)] if level > low else [END] if low and not level else []
        low, unreadable = level, 0
    return words


def possibly_owed(judgements: Sequence[Judgement]) -> Iterator[dict[Trouble, list[Word]]]:
    """Return what must be told for each way that the judgements may have gone of which nobody knows."""
    ways = [[one] if one.certain else [one, None] for one in judgements]
    for way in product(*ways):
        yield owed([one for one in way if one])
