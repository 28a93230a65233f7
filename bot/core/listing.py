"""What a list of sub-accounts says: who is known, who has vanished, whose balance is missing."""

from dataclasses import replace

from bot.core.model import Account, Field
from bot.core.reading import Cause, Failure, Reading

COMPLETE_LISTS_WITHOUT = 2
"""A sub-account that so many complete lists in a row do not hold has vanished."""


def taken(last: Reading | None, reading: Reading, account: Account) -> Reading:
    """Return a reading as it is judged and kept: with what was known, and no more than is watched."""
    return _as_configured(without_balances(known(last, reading)), account)


def without_balances(reading: Reading) -> Reading:
    """Return the reading with its list called unreadable if a sub-account on it has no balance.

    *Empty* needs the balance whatever the rules are, so one without it is never taken for a fine one.
    """
    credits_ = reading.credits
    blind = any(one.balance is None and not one.absences for one in credits_.subaccounts)
    if credits_.unlisted or not blind:
        return reading
    unlisted = Failure(Cause.FIELD_MISSING, field=Field.BALANCE.value, listing=True)
    return replace(reading, credits=replace(credits_, unlisted=unlisted))


def known(last: Reading | None, reading: Reading) -> Reading:
    """Return the reading with the sub-accounts that it does not show and that have not vanished yet."""
    if last is None:
        return reading
    shown = {one.id for one in reading.credits.subaccounts}
    unseen = tuple(one for one in last.credits.subaccounts if one.id not in shown)
    if not reading.credits.unlisted:
        counted = (replace(one, absences=one.absences + 1) for one in unseen)
        unseen = tuple(one for one in counted if one.absences < COMPLETE_LISTS_WITHOUT)
    all_of_them = (*reading.credits.subaccounts, *unseen)
    return replace(reading, credits=replace(reading.credits, subaccounts=all_of_them))


def _as_configured(reading: Reading, account: Account) -> Reading:
    """Drop what the account is not watched for any more, however long its list may not be read."""
    watched = account.subaccounts
    kept = reading.credits.subaccounts if watched else ()
    if watched and not watched.emails:
        kept = tuple(replace(one, email="") for one in kept)
    return replace(reading, credits=replace(reading.credits, subaccounts=kept))
