"""Names that are none of ours, and what was probably meant by them: one shape for every such sentence."""

from collections.abc import Sequence
from difflib import get_close_matches


def unknown(kind: str, meant: Sequence[str] = (), possible: Sequence[str] = ()) -> str:
    """Say that something is unknown, what was probably meant, and what may stand there."""
    guess = f" - did you mean {' or '.join(meant)}?" if meant else ""
    return f"unknown {kind}{guess}{_listed(possible)}"


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
