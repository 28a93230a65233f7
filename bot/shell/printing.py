"""Lines for a terminal: aligned, a colour beside each word and never instead of it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import click

from bot.shell.wording import printable


class Tone(Enum):
    """How a word is coloured on a terminal."""

    PLAIN = ""
    GOOD = "green"
    WARNING = "yellow"
    BAD = "red"
    UNKNOWN = "magenta"
    QUIET = "bright_black"


@dataclass(frozen=True)
class Cell:
    """A word, or a few, of a table; what somebody else wrote cannot steer the terminal."""

    text: str
    tone: Tone = Tone.PLAIN

    @property
    def shown(self) -> str:
        """The text as it may be printed."""
        return printable(self.text)

    def styled(self, width: int) -> str:
        """Return the text so wide, with its colour, which `click.echo` takes away where there is none."""
        padded = self.shown.ljust(width)
        if self.tone is Tone.PLAIN:
            return padded
        return click.style(padded, fg=self.tone.value, bold=True if self.tone is Tone.BAD else None)


def table(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Align the cells of each column but the last, which may be long."""
    columns = max((len(row) for row in rows), default=0)
    widths = [
        max((len(row[at].shown) for row in rows if at < len(row) - 1), default=0) for at in range(columns)
    ]
    return [
        "  ".join(
            cell.styled(0 if at == len(row) - 1 else widths[at]) for at, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]
