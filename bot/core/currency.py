"""An account has one unit of money: figures of two are neither compared nor added."""

import re
from dataclasses import replace
from unicodedata import normalize

from bot.core.model import Account, Field
from bot.core.reading import Cause, Credits, Failure, Reading, SubAccount

LONGEST = 10
_SIGNS = {"€": "EUR"}


def unit_of(text: str) -> str:
    """Return a unit of money in its one spelling; one that is not known is kept as it is."""
    shown = "".join(one for one in normalize("NFKC", text) if one.isprintable())
    plain = " ".join(shown.split())[:LONGEST].rstrip()
    known = _SIGNS.get(plain, plain)
    return known.upper() if re.fullmatch(r"[A-Za-z]{3}", known) else known


def same_unit(one: str, other: str) -> bool:
    """Whether figures may be compared: one that is not known contradicts none."""
    return not one or not other or one.casefold() == other.casefold()


def in_one_unit(reading: Reading, account: Account, last: Reading | None) -> Reading | Failure:
    """Return the reading in the account's unit, which it may leave out, or why it cannot be judged.

    The unit is the configured one, else that of the `last` good reading.
    """
    credits_ = reading.credits
    known = account.currency or (last.credits.currency if last else "")
    if not same_unit(known, credits_.currency):
        amount = credits_.amounts[Field.BALANCE]
        return Failure(Cause.CURRENCY, amount=amount, unit=credits_.currency, instead=known)
    return replace(reading, credits=_subaccounts_in(known or credits_.currency, credits_, last))


def _subaccounts_in(unit: str, credits_: Credits, last: Reading | None) -> Credits:
    """Take the balance from sub-accounts in another unit: they are as unknown as those that give none."""
    units = {one.id: one.currency for one in last.credits.subaccounts} if last else {}
    listed, unlisted = [], credits_.unlisted
    for one in credits_.subaccounts:
        expected = unit or units.get(one.id, "")
        if same_unit(expected, one.currency):
            listed.append(replace(one, currency=expected or one.currency))
        else:
            listed.append(replace(one, balance=None, currency=expected))
            unlisted = unlisted or _foreign(one, expected)
    return replace(credits_, currency=unit, subaccounts=tuple(listed), unlisted=unlisted)


def _foreign(one: SubAccount, expected: str) -> Failure:
    return Failure(
        Cause.CURRENCY,
        field=Field.BALANCE.value,
        listing=True,
        amount=one.balance,
        unit=one.currency,
        instead=expected,
        subaccount=one.id,
    )
