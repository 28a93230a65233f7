"""Numbers are read as their writers meant them, or not at all: what may mean two is refused with both.

A fault names a number only in its right spelling: no secret has the form of one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bot.settings.faults import fault, unquoted

MOST_DECIMALS = 9
MOST_DIGITS = 12

_MARK = "[.,'\u2019`\u00b4_\u00b7 \u00a0\u2009\u202f]"
"""What people put between groups of digits: dots, commas, apostrophes, blanks of every width."""

_GROUPED = re.compile(rf"0*([1-9][0-9]{{0,2}}(?:({_MARK})[0-9]{{2,3}})*{_MARK}[0-9]{{3}})", re.ASCII)
_GROUPED_WITH_DECIMALS = re.compile(rf"(.*{_MARK}[0-9]{{3}})([.,])([0-9]+)", re.ASCII)
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_EITHER = re.compile(r"0*([1-9][0-9]{0,2})[.,]([0-9]{3})", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+", re.ASCII)


@dataclass(frozen=True)
class Float:
    """A number of a TOML file with a dot or an exponent in it, as it was written."""

    text: str

    def __str__(self) -> str:
        """Return what was written."""
        return self.text


def above_zero(text: object) -> Decimal:
    """Return a number above zero, exactly."""
    number = decimal(text)
    if number <= 0:
        raise fault("must be above zero (leave it out to switch the rule off)")
    if number >= 10**MOST_DIGITS:
        raise fault(f"is too large: below {10**MOST_DIGITS:,}")
    return number


def decimal(text: object) -> Decimal:
    """Return a number with a dot before its decimals, if it has any."""
    written = unquoted(text)
    if match := _EITHER.fullmatch(written):
        as_decimals, as_thousands = _with_decimals(match[1], match[2]), match[1] + match[2]
        raise fault(f"may mean {as_decimals} or {as_thousands}: write one of them")
    if _PLAIN.fullmatch(written):
        if len(written.partition(".")[2]) > MOST_DECIMALS:
            raise fault(f"has too many decimals: at most {MOST_DECIMALS}")
        return Decimal(written)
    if spelling := _without_marks(written):
        raise fault(f"has a thousands separator: write {spelling}", spelling)
    if _DECIMAL_COMMA.fullmatch(written):
        spelling = written.replace(",", ".")
        raise fault(f"has a comma before its decimals: write {spelling}", spelling)
    raise fault("is not a number: digits 0 to 9, and a dot before decimals")


def whole_above_zero(text: object) -> Decimal:
    """Return a whole number above zero."""
    number = Decimal(_digits(text))
    if number <= 0:
        raise fault("must be above zero (leave it out to switch the rule off)")
    if number >= 10**MOST_DIGITS:
        raise fault(f"is too large: below {10**MOST_DIGITS:,}")
    return number


def whole_within(lowest: int, highest: int) -> Callable[[object], int]:
    """Return what reads a whole number within these limits."""

    def check(text: object) -> int:
        written = unquoted(text)
        if spelling := without_marks(written):
            raise fault(f"must be digits only: write {spelling}", spelling)
        plain = re.fullmatch(rf"[0-9]{{1,{MOST_DIGITS}}}", written, re.ASCII)
        if not plain or not lowest <= int(written) <= highest:
            raise fault(f"must be a whole number from {lowest} to {highest}, in digits only")
        return int(written)

    return check


def without_marks(text: str) -> str:
    """Return a whole number without the separators that stand in it; nothing if it is none, or has none."""
    return _without_marks(text).partition(".")[0]


def _digits(text: object) -> str:
    written = unquoted(text)
    if re.fullmatch(r"-?[0-9]+", written, re.ASCII):
        return written
    if spelling := without_marks(written):
        raise fault(f"must be digits only: write {spelling}", spelling)
    raise fault("must be a whole number: digits 0 to 9 only")


def _without_marks(written: str) -> str:
    """Return a number of grouped digits as digits, with a dot before decimals; nothing for any other text."""
    with_decimals = _GROUPED_WITH_DECIMALS.fullmatch(written)
    grouped = _GROUPED.fullmatch(written)
    decimals = ""
    # In 1.000,50 the last mark is another one; in 1,000,000 it is no decimal mark at all.
    if not grouped and with_decimals and (grouped := _GROUPED.fullmatch(with_decimals[1])):
        decimals = f".{with_decimals[3]}"
        if with_decimals[2] in with_decimals[1]:
            return ""
    if not grouped or len(written) > 2 * MOST_DIGITS:
        return ""
    return re.sub(_MARK, "", grouped[1]) + decimals


def _with_decimals(whole: str, decimals: str) -> str:
    """Write a number so that its decimals are no group of three digits."""
    short = decimals.rstrip("0")
    if len(short) == len(decimals):
        return f"{whole}.{decimals}0"
    return f"{whole}.{short}" if short else whole
