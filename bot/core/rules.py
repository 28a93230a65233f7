"""Which rules fire for an account and for each of its sub-accounts, and which end."""

from decimal import Decimal

from bot.core.currency import same_unit
from bot.core.model import Account, Field, Level, Policy, Rule
from bot.core.reading import ENOUGH, Credits, Reading, SubAccount
from bot.core.watch import Firing, ThresholdChange

_Key = tuple[str, Field, Level]


def rearmed_at(threshold: Decimal, policy: Policy) -> Decimal:
    """The value at which a rule that has fired ends."""
    return threshold * (1 + policy.rearm_margin)


def firing(
    held: tuple[Firing, ...], account: Account, reading: Reading, last: Reading | None, policy: Policy
) -> tuple[Firing, ...]:
    """Return what fires now: the account's own rules first, then each sub-account's."""
    thresholds = {_key(one): one for one in held}
    unit = reading.credits.currency
    own = tuple(
        Firing(rule.field, rule.level, rule.threshold, currency=_unit(rule, unit))
        for rule in account.rules
        if reading.credits.amounts[rule.field] < _ends_at(rule, "", unit, thresholds, policy)
    )
    found = [*own, *_used_up(held, reading.credits, last)]
    rules = account.subaccounts.rules if account.subaccounts else ()
    for one in reading.credits.subaccounts if account.subaccounts else ():
        found += _of_subaccount(one, rules, held, thresholds, policy)
    return tuple(found)


def level_of(fired: tuple[Firing, ...]) -> Level:
    """The worst level among what fires."""
    return max((one.level for one in fired), default=Level.OK)


def worsened(held: tuple[Firing, ...], fired: tuple[Firing, ...]) -> Level:
    """The worst level that the account or a sub-account has newly come to; `OK` if none became worse."""
    before, after = _levels(held), _levels(fired)
    risen = (level for unit, level in after.items() if level > before.get(unit, Level.OK))
    return max(risen, default=Level.OK)


def changed_thresholds(
    held: tuple[Firing, ...], account: Account, credits_: Credits, policy: Policy
) -> tuple[ThresholdChange, ...]:
    """Return the changes that matter: what ends under the old threshold too was not ended by the new one."""
    thresholds = {(rule.field, rule.level): rule.threshold for rule in account.rules}
    of_subaccounts = {
        (rule.field, rule.level): rule.threshold
        for rule in (account.subaccounts.rules if account.subaccounts else ())
    }
    balances = {one.id: one.balance for one in credits_.subaccounts}
    found: dict[ThresholdChange, None] = {}
    for one in held:
        own = not one.subaccount
        new = (thresholds if own else of_subaccounts).get((one.field, one.level), one.threshold)
        value = credits_.amounts.get(one.field) if own else balances.get(one.subaccount)
        unit = credits_.currency if one.field is Field.BALANCE else ""
        converted = not same_unit(one.currency, unit)
        if one.level is Level.EMPTY or value is None or (new == one.threshold and not converted):
            continue
        if converted or value < rearmed_at(one.threshold, policy):
            found[ThresholdChange(one.threshold, new, one.currency or unit, unit)] = None
    return tuple(found)


def risen(last: Reading | None, reading: Reading, held: tuple[Firing, ...]) -> Decimal:
    """What was topped up between two readings, at least: spending in between hides a part of it.

    Money that the account hands on to a sub-account rises there: it counts only where the trouble is.
    """
    if last is None or not same_unit(last.credits.currency, reading.credits.currency):
        return Decimal(0)
    if not held or any(not one.subaccount for one in held):
        return _rise(last.credits.amounts[Field.BALANCE], reading.credits.amounts[Field.BALANCE])
    troubled = {one.subaccount for one in held}
    before = {one.id: one.balance for one in last.credits.subaccounts}
    return sum(
        (_rise(before.get(one.id), one.balance) for one in reading.credits.subaccounts if one.id in troubled),
        Decimal(0),
    )


def still_configured(one: Firing, account: Account) -> bool:
    """Whether the account's configuration still holds the rule that has fired; *empty* needs none."""
    if not one.subaccount:
        rules = account.rules
    elif account.subaccounts:
        rules = account.subaccounts.rules
    else:
        return False
    return one.level is Level.EMPTY or any(
        (rule.field, rule.level) == (one.field, one.level) for rule in rules
    )


def _used_up(held: tuple[Firing, ...], credits_: Credits, last: Reading | None) -> list[Firing]:
    """Return what says that nothing can be sent any more; once it is so, it stays so until there is enough.

    Missing is not a number: a count that was zero and is not given any more ends nothing by itself. Only a
    rise of the balance does: then somebody has topped up, and there is money again.
    """
    was = {one.field for one in held if one.level is Level.EMPTY and not one.subaccount}
    missing = Field.CREDIT_SMS in was and Field.CREDIT_SMS not in credits_.amounts
    risen_ = last and _rise(last.credits.amounts[Field.BALANCE], credits_.amounts[Field.BALANCE])
    if credits_.enough and not (missing and not risen_):
        was = set()
    names = (name for name in (Field.BALANCE, Field.CREDIT_SMS) if name in {*was, *credits_.at_zero})
    return [Firing(name, Level.EMPTY, Decimal(0)) for name in names]


def _of_subaccount(
    one: SubAccount,
    rules: tuple[Rule, ...],
    held: tuple[Firing, ...],
    thresholds: dict[_Key, Firing],
    policy: Policy,
) -> list[Firing]:
    if one.balance is None:
        return [fired for fired in held if fired.subaccount == one.id]
    found = [
        Firing(rule.field, rule.level, rule.threshold, one.id, one.currency)
        for rule in rules
        if one.balance < _ends_at(rule, one.id, one.currency, thresholds, policy)
    ]
    was_empty = any(fired.subaccount == one.id and fired.level is Level.EMPTY for fired in held)
    if one.balance <= 0 or (was_empty and one.balance < ENOUGH[Field.BALANCE]):
        found.append(Firing(Field.BALANCE, Level.EMPTY, Decimal(0), one.id))
    return found


def _ends_at(
    rule: Rule, subaccount: str, unit: str, thresholds: dict[_Key, Firing], policy: Policy
) -> Decimal:
    """A rule that fires under this very threshold ends above the margin; any other is judged without it."""
    held = thresholds.get((subaccount, rule.field, rule.level))
    same = held and held.threshold == rule.threshold and same_unit(held.currency, _unit(rule, unit))
    return rearmed_at(rule.threshold, policy) if same else rule.threshold


def _unit(rule: Rule, unit: str) -> str:
    return unit if rule.field is Field.BALANCE else ""


def _levels(fired: tuple[Firing, ...]) -> dict[str, Level]:
    levels: dict[str, Level] = {}
    for one in fired:
        levels[one.subaccount] = max(one.level, levels.get(one.subaccount, Level.OK))
    return levels


def _rise(before: Decimal | None, after: Decimal | None) -> Decimal:
    return max(after - before, Decimal(0)) if before is not None and after is not None else Decimal(0)


def _key(one: Firing) -> _Key:
    return one.subaccount, one.field, one.level
