"""What the provider answers, well and badly: the vendor's sample, its refusals, and every way to go wrong.

After the vendor's page at docpartner.dev (API, SMS Partner, Crédits); there is no sandbox to test against.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from bot.demo.holdings import Mode

MOVED = "/v1/me-moved"
"""Where the answer `redirect` points to."""

_CHUNK = 64 * 1024
_GZIP = 31  # zlib's number for a full window in gzip's wrapper
USER: Final[Mapping[str, str]] = MappingProxyType(
    {"username": "exemple@email.com", "firstname": "John", "lastname": "Doe"}
)
"""The vendor's made-up customer."""

_CREDITS: Final[Mapping[str, object]] = {
    "creditSms": 269082,
    "creditSmsECO": 444570,
    "creditHlr": 2045023,
    "toSend": 0,
    "solde": "10225.119",
    "currency": "EUR",
    "balance": "10225.119",
}


@dataclass(frozen=True)
class Answer:
    """One answer of the provider, good or bad; bytes are sent as they are, any other body as JSON."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_before_headers: float | None = 0.0
    """Seconds; None is for ever."""
    stall_in_body: int | None = None
    """After so many bytes of the body nothing more comes."""
    close_early: bool = False
    """The connection is reset: where the body would stall, else before any header."""
    repeat_to_bytes: int = 0
    """The last byte of the body is repeated until it is so long."""
    gzipped: bool = False
    """The body is compressed on its way, so that little is on the wire."""

    def payload(self) -> bytes:
        """Return the body's own bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def length(self) -> int:
        """Return how long the body is, unpacked."""
        return max(len(self.payload()), self.repeat_to_bytes)

    def chunks(self) -> Iterator[bytes]:
        """Yield what goes over the wire, never holding a huge body in memory."""
        return _gzipped(self._plain_chunks()) if self.gzipped else self._plain_chunks()

    def _plain_chunks(self) -> Iterator[bytes]:
        payload = self.payload()
        yield payload
        missing = self.repeat_to_bytes - len(payload)
        filler = payload[-1:] * _CHUNK
        while missing > 0:
            yield filler[:missing]
            missing -= _CHUNK


class Missing(Enum):
    """The type of MISSING."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""Stands for a field that is not there at all."""


@dataclass(frozen=True)
class RawJson:
    """A JSON literal that is sent as written, such as 1e400, for which `json.dumps` does not do."""

    text: str


def with_value(name: str, value: object) -> Answer:
    """Return a good answer in which one field of `credits` has another value, or is MISSING."""
    return with_values({name: value})


def with_values(values: Mapping[str, object]) -> Answer:
    """Return a good answer in which several fields of `credits` have other values, or are MISSING."""
    fields = ", ".join(
        f"{json.dumps(name)}: {value.text if isinstance(value, RawJson) else json.dumps(value)}"
        for name, value in {**_CREDITS, **values}.items()
        if value is not MISSING
    )
    user = json.dumps(dict(USER))
    return Answer(body=f'{{"success": true, "code": 200, "user": {user}, "credits": {{{fields}}}}}'.encode())


def account(figures: Mapping[str, str], *, xml: bool) -> Answer:
    """Return the good answer about an account with these figures, each given as text."""
    counts = {name: int(figures[name]) for name in ("creditSms", "creditSmsECO", "creditHlr", "toSend")}
    balance, currency = figures["balance"], figures["currency"]
    credit = {**counts, "solde": balance, "currency": currency, "balance": balance}
    return _xml(credit) if xml else Answer(body=_me(credit))


def refusal(code: int | str, **reason: object) -> Answer:
    """Return the provider's refusal with a code; the reason sits wherever the provider puts it."""
    return Answer(body={"success": False, "code": code, **reason})


def html(status: int, title: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a page as a gateway or a maintenance notice shows it."""
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Answer(status, page.encode(), {"Content-Type": "text/html; charset=utf-8", **(headers or {})})


def _typed(content_type: str, encoding: str) -> Answer:
    body = json.dumps(_me(_CREDITS, {**USER, "firstname": "Zoé"}), ensure_ascii=False)
    return Answer(body=body.encode(encoding), headers={"Content-Type": content_type})


def _me(credit: Mapping[str, object], user: Mapping[str, str] = USER) -> dict[str, object]:
    return {"success": True, "code": 200, "user": dict(user), "credits": dict(credit)}


GOOD: Final = Answer(body=_me(_CREDITS))
"""The vendor's own sample."""

_GOOD_BYTES = GOOD.payload()
# The reduced body that an edition of the vendor's documentation prints beside an error.
_NO_CREDITS = {
    "success": False,
    "code": 11,
    "error": {"message": "NOCREDITS"},
    "credits": {"creditSms": 0, "creditSmsLowCost": 0, "toSend": 0, "solde": 0},
}
_DEGRADED = {"success": True, "code": 200, "message": "Request queued for processing"}

HOSTILE: Final[Mapping[str, Answer]] = MappingProxyType(
    {
        "html_200": html(200, "Maintenance en cours"),
        "empty_body": Answer(),
        "truncated_json": Answer(body=_GOOD_BYTES[: len(_GOOD_BYTES) // 2]),
        "json_list": Answer(body=[_me(_CREDITS)]),
        "json_null": Answer(body=None),
        # Seen in production: every request, even without a key, was answered so.
        "degraded": Answer(body=_DEGRADED),
        # The reason stands in another place each time: the vendor's samples know them all.
        "code_1": refusal(1, message="La clé API est requise"),
        "code_10": refusal(10, message="Clé API incorrecte"),
        "code_20": refusal(20, error="Compte désactivé"),
        "code_30": refusal(30, error={"message": "Compte bloqué"}),
        "code_40": refusal(40, error=[{"elementId": "apiKey", "message": "Accès à l'API refusé"}]),
        "code_96": refusal(96, errors=[{"elementId": "ip", "message": "Adresse IP non autorisée"}]),
        "code_11": Answer(body=_NO_CREDITS),
        "code_11_as_4xx": Answer(400, _NO_CREDITS),
        "code_429": refusal(429, message="Trop de requêtes"),
        "notcredit_string_code": refusal("NOT_CREDIT", message="Crédit insuffisant"),
        "http_401": html(401, "Unauthorized"),
        "http_403": html(403, "Forbidden"),
        "http_404": html(404, "Not Found"),
        "http_429": html(429, "Too Many Requests", {"Retry-After": "7"}),
        "http_500": html(500, "Internal Server Error"),
        "http_502": html(502, "Bad Gateway"),
        "http_503": html(503, "Service Unavailable"),
        "redirect": Answer(302, headers={"Location": MOVED}),
        "timeout_before_headers": Answer(body=_me(_CREDITS), delay_before_headers=None),
        "timeout_in_body": Answer(body=_me(_CREDITS), stall_in_body=20),
        "connection_reset": Answer(close_early=True),
        "reset_in_body": Answer(body=_me(_CREDITS), stall_in_body=20, close_early=True),
        "huge_body": Answer(body=b'{"success": true, "code": 200, "message": "x', repeat_to_bytes=50_000_000),
        # A perfect body once unpacked, but for its size: blanks follow it.
        "gzip_bomb": Answer(body=_GOOD_BYTES + b" ", repeat_to_bytes=30_000_000, gzipped=True),
        "broken_gzip": Answer(body=_GOOD_BYTES, headers={"Content-Encoding": "gzip"}),
        "wrong_charset": _typed("application/json; charset=utf-8", "utf-16"),
        "wrong_charset_latin_1": _typed("application/json; charset=utf-8", "latin-1"),
        "unknown_charset": _typed("application/json; charset=klingon", "utf-8"),
        "deep_nesting": Answer(body=b"[" * 100_000 + b"]" * 100_000),
    }
)
"""Bad answers by name; those of a charset hold true figures: a client may read or refuse them, not trip."""

MODE_ANSWERS: Final[Mapping[Mode, Answer]] = MappingProxyType(
    {
        "error": HOSTILE["http_500"],
        "html": HOSTILE["html_200"],
        "degraded": HOSTILE["degraded"],
        "wrong_key": HOSTILE["code_10"],
    }
)
"""What is answered, whatever the key, in the modes that are not about the account."""


def _gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()


def _xml(credit: Mapping[str, object]) -> Answer:
    # Positional, as the vendor prints it: who sits where is known from the order alone.
    user = "".join(f"<{name}>{value}</{name}>" for name, value in USER.items())
    entries = "".join(
        f"<entry>{f'<![CDATA[{value}]]>' if isinstance(value, str) else value}</entry>"
        for value in credit.values()
    )
    text = (
        "<?xml version='1.0' encoding='UTF-8'?>\n<result><entry>true</entry><entry>200</entry>"
        f"<entry>{user}</entry><entry>{entries}</entry></result>\n"
    )
    return Answer(body=text.encode(), headers={"Content-Type": "text/xml; charset=UTF-8"})
