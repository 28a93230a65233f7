"""The order of names as people count: 2 before 10."""

import re

NaturalKey = tuple[tuple[str | int, ...], str]


def natural(name: str) -> NaturalKey:
    """Return what names are sorted by: runs of digits, of any alphabet, by their number; no two are equal."""
    texts_and_numbers = re.split(r"(\d+)", name.casefold())
    return tuple(int(one) if one.isdecimal() else one for one in texts_and_numbers), name
