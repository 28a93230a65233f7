"""What the provider's answers mean; pure.

Source of the rules: the vendor's pages on credits and on sub-accounts (https://docpartner.dev), and its
table of error codes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from bot.core.currency import unit_of
from bot.core.model import FIELDS, Field, Product
from bot.core.reading import Cause, Credits, Failure, SubAccount
from bot.ports import Unreadable

_CODES: Mapping[str, Cause] = {
    "1": Cause.KEY_MISSING,
    "10": Cause.KEY_WRONG,
    "11": Cause.NO_CREDIT,
    "20": Cause.ACCOUNT_DISABLED,
    "30": Cause.ACCOUNT_BLOCKED,
    "40": Cause.API_REFUSED,
    "96": Cause.ADDRESS_REFUSED,
    "429": Cause.RATE_LIMITED,
    "500": Cause.SERVER_FAULT,
    "NOT_CREDIT": Cause.NO_CREDIT,
    "NOCREDITS": Cause.NO_CREDIT,
}

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_CODE = re.compile(r"[A-Z0-9_.-]{1,20}", re.ASCII | re.IGNORECASE)
_BIGGEST = Decimal(10) ** 15
_LONGEST_ID = 40


_SECRETS = frozenset({"apikey", "api_key", "token"})
"""What the list of sub-accounts holds in clear, and nobody here may see."""

_WIRE = {(Product.VOICE, Field.BALANCE): "credit"}
"""Names on the wire that are not the field's own."""


def decipher(status: int, body: bytes, needed: frozenset[Field], product: Product = Product.SMS) -> Credits:
    """Return the credits in an answer of `GET /v1/me`; raises `Unreadable` for anything else.

    A good answer is a 2xx, a JSON object, `success` true (Voice Partner may leave it out), `code` 200 where
    present, and every field of `needed` there and a number: a gateway was seen to answer `success: true`
    with no credits at all.
    """
    answer = _accepted(status, body, product)
    if product is Product.VOICE:
        return _voice(answer, needed, status)
    credits_ = answer.get("credits")
    if not isinstance(credits_, dict):
        if "credit" in answer:
            unreadable(Cause.FIELD_MISSING, field="credits")  # an answer of Voice Partner's
        unreadable(Cause.DEGRADED, status=status, code=_code(answer))
    _of_this_product(credits_, product)
    raw = {name: credits_.get(name.value) for name in FIELDS[product]}
    if raw[Field.BALANCE] is None:
        raw[Field.BALANCE] = credits_.get("solde")
    if product is Product.SMS and raw[Field.CREDIT_SMS_ECO] is None:
        raw[Field.CREDIT_SMS_ECO] = credits_.get("creditSmsLowCost")
    return Credits(_amounts(raw, needed, product), _currency(credits_.get("currency")))


@dataclass(frozen=True)
class Page:
    """One page of the list of sub-accounts; `more` says whether another follows.

    `total` is how many all pages hold, as far as the answer says so.
    """

    subaccounts: tuple[SubAccount, ...]
    more: bool
    total: int | None = None


def decipher_page(status: int, body: bytes, page: int, product: Product, *, emails: bool) -> Page:
    """Return one page of `GET /v1/subaccount/list`; raises `Unreadable`.

    The answer holds each sub-account's API key and token in clear: both are dropped while it is parsed.
    """
    answer = _accepted(status, body, product)
    rows = answer.get("data")
    if not isinstance(rows, list):
        unreadable(Cause.FIELD_MISSING, field="data", status=status)
    found = tuple(_subaccount(row, emails=emails) for row in rows)
    total, per_page = _whole(answer.get("total")), _whole(answer.get("nb_per_page"))
    last = total is not None and page * (per_page or 20) >= total
    return Page(found, more=bool(found) and not last, total=total)


def unreadable(cause: Cause, *, field: str = "", status: int = 0, code: str = "") -> NoReturn:
    """Raise `Unreadable`, chained to nothing: what came before may hold the key."""
    raise Unreadable(Failure(cause, field=field, status=status, code=code)) from None


def _accepted(status: int, body: bytes, product: Product) -> dict[str, Any]:
    """Return the answer if the provider calls it a success."""
    answer = _parsed(body)
    if not isinstance(answer, dict):
        unreadable(_by_status(status) or Cause.NOT_JSON, status=status)
    code = _code(answer)
    silent = product is Product.VOICE and "success" not in answer
    refused = (answer.get("success") is not True and not silent) or code not in {"", "200"}
    if refused and code in _CODES:
        unreadable(_CODES[code], status=status, code=code)
    cause = _by_status(status)
    if cause is Cause.DENIED and code not in {"", "200"}:
        cause = Cause.REFUSED  # a code that nobody knows may be of a fault that passes: not told at once
    if cause:
        unreadable(cause, status=status, code=code)
    if refused:
        unreadable(Cause.REFUSED, status=status, code=code)
    return answer


def _parsed(body: bytes) -> Any:
    # JSON is UTF-8 whatever the header claims; a name in another charset must not hide the figures.
    text = body.decode("utf-8-sig", errors="replace")
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_without_secrets,
        )
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _without_secrets(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if name.casefold() not in _SECRETS}


def _no_number(literal: str) -> NoReturn:
    raise ValueError(literal)


def _code(answer: Mapping[str, Any]) -> str:
    """Return the application's code; the reason of a refusal may stand in a message instead."""
    code = "" if answer.get("code") is None else _printable(str(answer["code"]))
    if code in _CODES or answer.get("success") is True:
        return code
    words = json.dumps([answer.get(key) for key in ("message", "error", "errors")], default=str)
    named = re.search(r"NOT_CREDIT|NOCREDITS", words)
    return named[0] if named else code


def _printable(code: str) -> str:
    return code if _CODE.fullmatch(code) else "?"


def _by_status(status: int) -> Cause | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Cause.REDIRECT
    if status >= 500:
        return Cause.SERVER_FAULT
    known = {401: Cause.DENIED, 403: Cause.DENIED, 404: Cause.NOT_FOUND, 429: Cause.RATE_LIMITED}
    return known.get(status, Cause.REFUSED)


def _voice(answer: Mapping[str, Any], needed: frozenset[Field], status: int) -> Credits:
    if answer.get("credit") is None:
        other = isinstance(answer.get("credits"), dict)
        unreadable(Cause.FIELD_MISSING if other else Cause.DEGRADED, field="credit", status=status)
    details = _object(answer.get("details"))
    raw = {
        Field.BALANCE: answer["credit"],
        Field.SPEAKING_MOBILE: _seconds(details.get("tts")),
        Field.SPEAKING_FIXED: _seconds(details.get("tts_fixe")),
        Field.VOICE_MESSAGES: _object(details.get("voice")).get("message"),
    }
    return Credits(_amounts(raw, needed, Product.VOICE), _currency(answer.get("currency")))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(spoken: object) -> Decimal | None:
    """Return a time of speaking in seconds; the vendor's own sample has 66 s beside hours and minutes."""
    parts = [_amount(_object(spoken).get(unit), whole=True) for unit in ("h", "m", "s")]
    hours, minutes, seconds = parts
    if hours is None or minutes is None or seconds is None or min(hours, minutes, seconds) < 0:
        return None
    return hours * 3600 + minutes * 60 + seconds


def _of_this_product(credits_: Mapping[str, Any], product: Product) -> None:
    """Refuse an answer that is clearly another product's: the address may be wrong."""
    ours, theirs = Field.CREDIT_SMS, Field.CREDIT_MAIL
    if product is Product.MAIL:
        ours, theirs = theirs, ours
    if credits_.get(ours) is None and credits_.get(theirs) is not None:
        unreadable(Cause.FIELD_MISSING, field=ours)


def _amounts(raw: Mapping[Field, object], needed: frozenset[Field], product: Product) -> dict[Field, Decimal]:
    amounts: dict[Field, Decimal] = {}
    for name, value in raw.items():
        amount = _amount(value, whole=name is not Field.BALANCE)
        if amount is not None:
            amounts[name] = amount
        elif name in needed:
            missing = Cause.FIELD_MISSING if value is None else Cause.FIELD_NOT_A_NUMBER
            unreadable(missing, field=_WIRE.get((product, name), name.value))
    return amounts


def _subaccount(row: object, *, emails: bool) -> SubAccount:
    identity = _object(row).get("id")
    name = str(identity) if isinstance(identity, str | Decimal) else ""
    if not name or len(name) > _LONGEST_ID or not name.isprintable():
        unreadable(Cause.FIELD_MISSING, field="id")
    held = _object(_object(row).get("credits"))
    email = _object(row).get("email")
    return SubAccount(
        id=name,
        balance=_amount(held.get("balance"), whole=False),
        currency=_currency(held.get("currency")),
        email=_shown(email, 100) if emails else "",
    )


def _whole(value: object) -> int | None:
    number = _amount(value, whole=True)
    return int(number) if number is not None and number >= 0 else None


def _amount(value: object, *, whole: bool) -> Decimal | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    # Not abs(): it rounds, and overflows at 1e1000000.
    if not isinstance(value, Decimal) or value.copy_abs() >= _BIGGEST:
        return None
    if whole and value != value.to_integral_value():
        return None
    return value or Decimal(0)  # "-0" is shown as 0


def _currency(value: object) -> str:
    """Return the unit of money; one that is not known is kept, but for what no database can hold."""
    return unit_of(value) if isinstance(value, str) else ""


def _shown(value: object, most: int) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(character for character in value if character.isprintable())[:most]
