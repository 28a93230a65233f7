"""SMS Partner over HTTP: `decipher` says what an answer means, `Partner` only sends.

The key travels in the URL, so no exception of aiohttp's, no URL and no body leaves this module: every
failure becomes a `Failure`, chained to nothing. Source of the rules: the vendor's page on credits
(https://docpartner.dev, "Crédits") and its table of error codes.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

import aiohttp
import stamina
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from yarl import URL

from bot.core.model import WORTH_RETRYING, Account, Cause, Credits, Failure, Field
from bot.ports import Unreadable

MAX_BODY = 256 * 1024
"""Bytes; a real answer has some 300."""

ATTEMPT_SECONDS = 10
"""As in all samples of the vendor; 5 s aborted good answers in production."""

ATTEMPTS = 3

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
_BIGGEST = Decimal(10) ** 15


def decipher(status: int, body: bytes, needed: frozenset[Field]) -> Credits:
    """Return the credits in an answer of `GET /v1/me`; raises `Unreadable` for anything else.

    A good answer is a 2xx, a JSON object, `success` true, `code` 200 where present, and every field of
    `needed` there and a number: a gateway was seen to answer `success: true` with no credits at all.
    """
    answer = _parsed(body)
    if not isinstance(answer, dict):
        _unreadable(_by_status(status) or Cause.NOT_JSON, status=status)
    code = _code(answer)
    refused = answer.get("success") is not True or code not in {"", "200"}
    if refused and code in _CODES:
        _unreadable(_CODES[code], status=status, code=code)
    cause = _by_status(status)
    if cause is Cause.DENIED and code not in {"", "200"}:
        cause = Cause.REFUSED  # a code that nobody knows may be of a fault that passes: not told at once
    if cause:
        _unreadable(cause, status=status, code=code)
    if refused:
        _unreadable(Cause.REFUSED, status=status, code=code)
    credits_ = answer.get("credits")
    if not isinstance(credits_, dict):
        _unreadable(Cause.DEGRADED, status=status, code=code)
    return _credits(credits_, needed)


def _parsed(body: bytes) -> Any:
    # JSON is UTF-8 whatever the header claims; a name in another charset must not hide the figures.
    text = body.decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError):
        return None


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
    return code if re.fullmatch(r"[A-Z0-9_.-]{1,20}", code, re.ASCII | re.IGNORECASE) else "?"


def _by_status(status: int) -> Cause | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Cause.REDIRECT
    if status >= 500:
        return Cause.SERVER_FAULT
    known = {401: Cause.DENIED, 403: Cause.DENIED, 404: Cause.NOT_FOUND, 429: Cause.RATE_LIMITED}
    return known.get(status, Cause.REFUSED)


def _credits(raw: Mapping[str, Any], needed: frozenset[Field]) -> Credits:
    wire = {name: raw.get(name.value) for name in Field}
    if wire[Field.BALANCE] is None:
        wire[Field.BALANCE] = raw.get("solde")
    if wire[Field.CREDIT_SMS_ECO] is None:
        wire[Field.CREDIT_SMS_ECO] = raw.get("creditSmsLowCost")
    amounts: dict[Field, Decimal] = {}
    for name, value in wire.items():
        amount = _amount(value, whole=name is not Field.BALANCE)
        if amount is not None:
            amounts[name] = amount
        elif name in needed:
            missing = Cause.FIELD_MISSING if value is None else Cause.FIELD_NOT_A_NUMBER
            _unreadable(missing, field=name.value)
    return Credits(amounts, _currency(raw.get("currency")))


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
    """Keep what is not known as it is, but for what no database and no message can hold."""
    if not isinstance(value, str):
        return ""
    return "".join(character for character in value if character.isprintable())[:10]


def _unreadable(cause: Cause, *, field: str = "", status: int = 0, code: str = "") -> NoReturn:
    raise Unreadable(Failure(cause, field=field, status=status, code=code)) from None


class Partner:
    """Asks SMS Partner for the credits of one key; the caller owns the session."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, api_key: str) -> None:
        self._session = session
        self._url = URL(api_url.rstrip("/") + "/me").with_query(apiKey=api_key, _format="json")

    async def read(self, account: Account) -> Credits:
        """Ask with up to three tries, 34 s at most; raises `Unreadable`."""
        credits_: Credits | None = None
        async for attempt in stamina.retry_context(
            on=_worth_retrying, attempts=ATTEMPTS, wait_initial=0.5, wait_max=2, wait_jitter=0.5
        ):
            with attempt:
                credits_ = await self._ask(account)
        assert credits_ is not None  # noqa: S101 - the loop above returns or raises
        return credits_

    async def _ask(self, account: Account) -> Credits:
        # Raised out here: inside an `except` it would carry aiohttp's error, and that one the URL.
        answer = await self._answer()
        if isinstance(answer, Cause):
            _unreadable(answer)
        return decipher(*answer, account.needed)

    async def _answer(self) -> tuple[int, bytes] | Cause:
        """Return status and body, or why they did not come."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._get()
        except TimeoutError:
            return Cause.TIMEOUT
        except aiohttp.ClientPayloadError as error:
            # What cannot be unpacked is no JSON; what was cut off may come whole the next time.
            return Cause.NOT_JSON if isinstance(error.__cause__, ContentEncodingError) else Cause.NETWORK
        except (aiohttp.ClientError, HttpProcessingError, OSError):
            return Cause.NETWORK

    async def _get(self) -> tuple[int, bytes]:
        # A redirect is never followed: it would carry the key to another place.
        async with self._session.get(self._url, allow_redirects=False) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                body += chunk
                if len(body) > MAX_BODY:
                    response.close()
                    _unreadable(Cause.TOO_LARGE, status=response.status)
            return response.status, bytes(body)


def _worth_retrying(error: Exception) -> bool:
    return isinstance(error, Unreadable) and error.failure.cause in WORTH_RETRYING
