"""Small random stories of readings, and what a person must have been told at their end."""

from random import Random

from bot.core.model import Failure, Trouble
from bot.core.notice import Kind
from tests.samples import NO_CREDIT, WRONG_KEY

Outcome = int | Failure
Word = tuple[str, int]
"""What must be told: a worse level (so high), or the end."""

LEVELS = {9000: 0, 4999: 1, 999: 2, 0: 3}
END: Word = ("end", 0)


def story(random: Random) -> list[Outcome]:
    """Return what the provider says, one reading after the other; at the end all is well."""
    outcomes: list[Outcome] = [*LEVELS, 4999, 999, WRONG_KEY, NO_CREDIT]
    return [*random.choices(outcomes, k=random.randint(2, 6)), 9000]


def owed(outcomes: list[Outcome]) -> dict[Trouble, list[Word]]:
    """Return what must be told of a story; on purpose nothing of the bot's own rules is used."""
    words: dict[Trouble, list[Word]] = {Trouble.LOW: [], Trouble.UNREADABLE: []}
    low = unreadable = 0
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            level = 2 if outcome == NO_CREDIT else 1
            words[Trouble.UNREADABLE] += [("worse", level)] if level > unreadable else []
            unreadable = max(level, unreadable)
            continue
        level = LEVELS[outcome]
        words[Trouble.UNREADABLE] += [END] if unreadable else []
        words[Trouble.LOW] += [("worse", level)] if level > low else [END] if low and not level else []
        low, unreadable = level, 0
    return words


def word(kind: str, level: int) -> Word:
    """Return what a notice tells."""
    return END if kind == Kind.ENDED else ("worse", level)
