"""The last net: what looks like a secret, or is one, is taken out of a line before it is written.

Nothing of ours logs a secret; this is for what libraries, tracebacks and slips to come may say.
"""

import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

from bot.core import key

REDACTED = "[secret]"

SHORTEST = 6
"""Characters; what is shorter stands in many lines by chance."""

_SHAPES: tuple[tuple[str, str], ...] = (
    # Slack's tokens, also those that rotate (docs.slack.dev, "Tokens").
    (r"\b(?:xox[a-z]\.)?x(?:ox[a-z]|app)-[\w-]+", REDACTED),
    # Whoever has such an address can write to the channel.
    (r"(hooks\.slack\.com/)[^\s\"'<>\\]+", rf"\1{REDACTED}"),
    (r"(?i)\b(Bearer\s+)[^\s\"',\\]+", rf"\1{REDACTED}"),
    (
        r"(?i)((?:\bapi_?key|[?&;](?:token|ticket|password|secret))(?:=|%3D))[^\s&#\"'<>)\\]+",
        rf"\1{REDACTED}",
    ),
    (r"(?i)(['\"]api_?key\\*['\"]\s*[:,]\s*\\*['\"])[^'\"\\]*", rf"\1{REDACTED}"),
    # Voice Partner's key is a segment of the path.
    (r"(?<!/home)(/me/)[^\s/?#\"'<>)\\]+", rf"\1{REDACTED}"),
    # A password may hold what should have been escaped: all up to the last @ of the address.
    # Bounded, for a long line must not hold the loop.
    (r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s:/@\"']{0,100}:)[^\s\"']{0,300}(@)", rf"\1{REDACTED}\2"),
    (r"(?i)\b((?:ssl)?password=)[^\s&#\"'<>)\\]+", rf"\1{REDACTED}"),
    (rf"(?<![0-9A-Za-z]){key.HEXADECIMAL}(?![0-9A-Za-z])", REDACTED),
    (rf"(?<![\w-]){key.BLOCKS}(?![\w-])", REDACTED),
)


def net(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return what takes these secrets, and whatever has a secret's shape, out of a text."""
    known = {part for secret in secrets for part in _parts(secret) if len(part) >= SHORTEST}
    exact = "|".join(_spelled(one) for one in sorted(known, key=len, reverse=True))
    shapes = [(re.compile(pattern), put) for pattern, put in _SHAPES]
    if exact:
        shapes.insert(0, (re.compile(exact), REDACTED))

    def redact(text: str) -> str:
        for pattern, put in shapes:
            text = pattern.sub(put, text)
        return text

    return redact


def _parts(secret: str) -> tuple[str, ...]:
    """Return a secret, and of an address also what is secret in it: libraries take addresses apart."""
    if "://" not in secret:
        return (secret,)
    try:
        parts = urlsplit(secret)
    except ValueError:
        return (secret,)
    private: tuple[str, ...] = (parts.path, parts.query)
    if parts.scheme not in {"http", "https"}:
        # Of a database the path is its name, and the query how to connect: with a password, perhaps.
        private = tuple(value for name, value in parse_qsl(parts.query) if "password" in name)
    return (secret, unquote(parts.password or ""), *private)


def _spelled(secret: str) -> str:
    """Return a pattern of a secret as it is, escaped in JSON or Python, or encoded in an address."""
    return "".join(one if one.isascii() and one.isalnum() else _spellings(one) for one in secret)


def _spellings(one: str) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in one.encode())
    escaped = json.dumps(one)[1:-1]
    return rf"(?:\\{{0,8}}{re.escape(one)}|(?i:{re.escape(encoded)})|{re.escape(escaped)})"
