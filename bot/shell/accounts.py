"""What every account has left, as a table for people or as JSON for machines; pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.core.model import Rule
from bot.core.reading import Failure, SubAccount
from bot.core.watch import Firing
from bot.shell import wording
from bot.shell.printing import Cell, Tone, table
from bot.shell.reading import Checked, State
from bot.text import Words

LISTED = 10
"""So many sub-accounts of one account have a line of their own."""

_TONES = {
    State.OK: Tone.GOOD,
    State.WARNING: Tone.WARNING,
    State.UNREADABLE: Tone.UNKNOWN,
    State.CRITICAL: Tone.BAD,
    State.EMPTY: Tone.BAD,
}


def exit_code(checked: Sequence[Checked]) -> int:
    """Return the code of the worst: 2 (critical, empty) before 3 (unreadable) before 1 (warning)."""
    return max((one.state for one in checked), default=State.OK).exit_code


def for_people(checked: Sequence[Checked], words: Words) -> str:
    """Show a line for each account, the worst first, and under it one for each sub-account in trouble."""
    ordered = sorted(checked, key=lambda one: -one.state)
    lines = table([row for one in ordered for row in _rows(one, words)])
    read_at = words.figures.time(max(one.read_at for one in checked), "")
    return "\n".join([*lines, wording.READ_AT.format(at=wording.plain(read_at))])


def _rows(checked: Checked, words: Words) -> list[list[Cell]]:
    figures = words.main_figures(checked.credits) if checked.credits else wording.NO_FIGURES
    first = [_word(checked.state), Cell(checked.account.name), Cell(wording.plain(figures))]
    troubled = sorted(_troubled(checked), key=lambda one: -checked.state_of(one.id))
    rows = [[*first, Cell(_why(checked, words, len(troubled)))]]
    rows += [_subaccount_row(checked, one, words) for one in troubled[:LISTED]]
    if len(troubled) > LISTED:
        rows.append([Cell(""), Cell(wording.AND_MORE.format(count=len(troubled) - LISTED))])
    return rows


def _word(state: State) -> Cell:
    return Cell(state.name.lower(), _TONES[state])


def _troubled(checked: Checked) -> list[SubAccount]:
    found = checked.credits.subaccounts if checked.credits else ()
    return [one for one in found if checked.state_of(one.id) is not State.OK]


def _why(checked: Checked, words: Words, troubled: int) -> str:
    """Say which rules fire, or what is wrong and the mend."""
    said = []
    if own := [one for one in checked.firing if not one.subaccount]:
        said.append(_fired(own, words, checked.credits.currency if checked.credits else ""))
    if troubled and checked.credits:
        of = len(checked.credits.subaccounts)
        said.append(wording.SUBACCOUNTS_LOW.format(count=troubled, of=of))
    if checked.failure:
        said.append(wording.failure(checked.failure, checked.account, words))
    if said:
        return "; ".join(said)
    theirs = checked.account.subaccounts.rules if checked.account.subaccounts else ()
    return wording.ABOVE_ALL if checked.account.rules or theirs else wording.NO_RULES


def _fired(fired: Sequence[Firing], words: Words, currency: str) -> str:
    if any(one.threshold == 0 for one in fired):
        return wording.USED_UP
    worst: dict[str, Firing] = {}
    for one in sorted(fired, key=lambda one: -one.level):
        worst.setdefault(one.field, one)
    return ", ".join(wording.plain(words.rule(one, currency)) for one in worst.values())


def _subaccount_row(checked: Checked, one: SubAccount, words: Words) -> list[Cell]:
    state = checked.state_of(one.id)
    balance = words.figures.money(one.balance or Decimal(0), one.currency)
    fired = [firing for firing in checked.firing if firing.subaccount == one.id]
    return [
        _word(state),
        Cell(f"{checked.account.name}/{one.id}"),
        Cell(wording.plain(balance)),
        Cell(_fired(fired, words, one.currency)),
    ]


def for_machines(checked: Sequence[Checked], words: Words, warnings: Sequence[str] = ()) -> str:
    """Show the same as JSON: decimals exact, as strings; what was not given is not there."""
    shown = [_account(one, words) for one in checked]
    return _json(
        {"exit_code": exit_code(checked), "faults": [], "warnings": list(warnings), "accounts": shown}
    )


def nothing_read(faults: Sequence[str]) -> str:
    """Show as JSON why no account was read."""
    code = State.UNREADABLE.exit_code
    return _json({"exit_code": code, "faults": list(faults), "warnings": [], "accounts": []})


def _json(shown: Mapping[str, Any]) -> str:
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _account(checked: Checked, words: Words) -> Mapping[str, Any]:
    credits_, account = checked.credits, checked.account
    amounts = credits_.amounts if credits_ else {}
    theirs = account.subaccounts.rules if account.subaccounts else ()
    return {
        "account": account.name,
        "product": account.product.value,
        "state": checked.state.name.lower(),
        "exit_code": checked.state.exit_code,
        "read_at": _time(checked.read_at),
        "currency": credits_.currency if credits_ else "",
        "amounts": {name.value: exact(amount) for name, amount in amounts.items()},
        "empty": bool(credits_ and credits_.empty),
        "rules": [_rule(rule, checked, read=credits_ is not None) for rule in account.rules],
        "subaccounts": [
            _subaccount(one, checked, theirs) for one in (credits_.subaccounts if credits_ else ())
        ],
        "failure": _failure(checked, checked.failure, words) if checked.failure else None,
    }


def _subaccount(one: SubAccount, checked: Checked, rules: Sequence[Rule]) -> Mapping[str, Any]:
    read = one.balance is not None
    state = checked.state_of(one.id) if read else State.UNREADABLE
    return {
        "id": one.id,
        "state": state.name.lower(),
        "balance": exact(one.balance) if one.balance is not None else None,
        "currency": one.currency,
        "rules": [_rule(rule, checked, one.id, read=read) for rule in rules],
    }


def _rule(rule: Rule, checked: Checked, subaccount: str = "", *, read: bool) -> Mapping[str, Any]:
    fired = {(one.field, one.level, one.subaccount) for one in checked.firing if one.threshold}
    return {
        "field": rule.field.value,
        "level": rule.level.name.lower(),
        "threshold": exact(rule.threshold),
        "fires": (rule.field, rule.level, subaccount) in fired if read else None,
        "source": rule.source,
    }


def _failure(checked: Checked, failure: Failure, words: Words) -> Mapping[str, Any]:
    return {
        "cause": failure.cause.value,
        "of": "subaccounts" if failure.listing else "account",
        "field": failure.field,
        "http_status": failure.status or None,
        "code": failure.code,
        "said": wording.cause(failure, checked.account, words),
        "mend": wording.mend(failure, checked.account, words),
    }


def exact(amount: Decimal) -> str:
    """Write a decimal with every digit it has, and no exponent."""
    return f"{amount:f}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
