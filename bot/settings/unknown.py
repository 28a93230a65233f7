"""Names that are none of ours, and what was probably meant by them: one shape for every such sentence."""

import re
from collections.abc import Sequence
from difflib import get_close_matches


def unknown(kind: str, name: str, meant: Sequence[str] = (), possible: Sequence[str] = ()) -> str:
    """Say that a name is unknown, what was probably meant, and what may stand there."""
    guess = f" - did you mean {' or '.join(meant)}?" if meant else ""
    return f"unknown {kind} {name}{guess}{_listed(possible)}"


def _listed(possible: Sequence[str]) -> str:
    if not possible:
        return ""
    return (
        f" (one of {', '.join(possible)})" if len(possible) > 1 else f" (only {possible[0]} may stand here)"
    )


def near(name: str, known: Sequence[str], cutoff: float = 0.6) -> tuple[str, ...]:
    """Return the one that is most like the name without regard to case, if any is like it."""
    by_case = {one.casefold(): one for one in known}
    return tuple(by_case[one] for one in get_close_matches(name.casefold(), by_case, n=1, cutoff=cutoff))


_KEY_SHAPED = re.compile(r"[0-9A-Fa-f]{20,}|[0-9A-Za-z]{4,}(?:-[0-9A-Za-z]{4,}){3}", re.ASCII)
"""The provider's keys: 40 hexadecimal characters, or four blocks joined by dashes."""


def is_like_a_key(name: str) -> bool:
    """Tell whether a key may have been pasted here: with a digit in it, since words have none."""
    return bool(_KEY_SHAPED.fullmatch(name)) and any(character.isdigit() for character in name)


def quoted(name: str) -> str:
    """Quote a name that may be anything, even a key that was pasted at the wrong place."""
    if is_like_a_key(name):
        return "“…”"
    short = "".join(character for character in name if character.isprintable())[:24]
    return f"“{short}”" if len(name) <= 24 else f"“{short[:8]}…”"
