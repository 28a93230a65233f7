"""What a provider's key looks like: too little to check one, enough to keep it from being shown."""

import re
from string import digits, hexdigits

HEXADECIMAL = r"[0-9a-fA-F]{40}"
"""SMS Partner's, and Mail Partner's."""

BLOCKS = r"(?=[A-Za-z-]*\d)[0-9A-Za-z]{4,}(?:-[0-9A-Za-z]{4,}){3}"
"""Voice Partner's: four blocks joined by dashes, with a digit in them, which most words have not."""

_TOKEN = re.compile(r"xox[a-z][.-]|xapp-", re.IGNORECASE)
_KEY = re.compile(f"{HEXADECIMAL}|{BLOCKS}", re.ASCII)


def may_be_key(text: str) -> bool:
    """Tell whether this looks like a key; four words and a year do too."""
    return bool(_KEY.fullmatch(text))


def must_be_key(text: str) -> bool:
    """Tell whether this looks like a key and like no words: hexadecimal with a digit, or Slack's token."""
    if _TOKEN.match(text):
        return True
    return may_be_key(text) and set(text) <= {*hexdigits, "-"} and not set(text).isdisjoint(digits)
