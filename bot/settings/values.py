"""What a setting's text may be, and the value it becomes; a fault names no value, it may be a secret."""

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

_DECIMALS = 9
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def fault(sentence: str, example: str = "") -> PydanticCustomError:
    """Return what a validator raises: a sentence that names no value, and an example of its own perhaps."""
    return PydanticCustomError("fault", sentence, {"example": example})


def _duration(text: object) -> timedelta:
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"(\d{1,6})([smhd])", str(text).strip(), re.ASCII)
    if not match:
        raise fault("is no duration: a whole number and one of s, m, h, d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _duration_or_off(text: object) -> timedelta:
    return timedelta(0) if str(text).strip() == "0" else _duration(text)


def above_zero(text: object) -> Decimal:
    """Return a number above zero, exactly."""
    try:
        number = Decimal(str(text).strip()) if str(text).isascii() else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or "_" in str(text):
        raise fault("is no number: digits, and a dot before decimals")
    if number <= 0:
        raise fault("must be above zero (leave it out to switch the rule off)")
    if number >= 10**12:
        raise fault("is too large: below 1,000,000,000,000")
    if number.as_tuple().exponent < -_DECIMALS:  # type: ignore[operator]  # it is finite
        raise fault(f"has too many decimals: at most {_DECIMALS}")
    return number


def whole_above_zero(text: object) -> Decimal:
    """Return a whole number above zero."""
    number = above_zero(text)
    if number != number.to_integral_value():
        raise fault("must be a whole number")
    return number


def _percentage(text: object) -> Decimal:
    if isinstance(text, Decimal):
        return text
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)\s?%", str(text).strip(), re.ASCII)
    if not match:
        raise fault("is no percentage")
    return Decimal(match[1]) / 100


_CHANNEL = r"[CGD][A-Z0-9]{2,20}"


def channel(text: object) -> str:
    """Return a channel's id."""
    if not re.fullmatch(_CHANNEL, str(text).strip(), re.ASCII):
        raise fault(
            "must be a channel's id, not its name: in Slack, open the channel, click its name, "
            "and copy the id at the bottom of “About”"
        )
    return str(text).strip()


def _ids(pattern: str, sentence: str) -> PlainValidator:
    def check(text: object) -> frozenset[str]:
        found = text if isinstance(text, frozenset) else re.split(r"[\s,]+", str(text).strip(" ,\t\n"))
        if not all(re.fullmatch(pattern, one, re.ASCII) for one in found):
            raise fault(sentence)
        return frozenset(found)

    return PlainValidator(check)


def _mention(text: object) -> str:
    if not re.fullmatch(r"<!subteam\^S[A-Z0-9]+>|<@[UW][A-Z0-9]+>|<!here>|<!channel>", str(text).strip()):
        raise fault("must be a mention as Slack writes it")
    return str(text).strip()


def _timezone(text: object) -> ZoneInfo:
    try:
        return text if isinstance(text, ZoneInfo) else ZoneInfo(str(text).strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise fault("is no timezone of the tz database") from None


def _lower(text: object) -> str:
    return str(text).strip().lower()


def _token(prefix: str) -> BeforeValidator:
    def check(text: object) -> object:
        found = unquoted(text)
        if not re.fullmatch(re.escape(prefix) + r"[!-~]{1,500}", found, re.ASCII):
            raise fault(f"must begin with {prefix} (Slack app page, “{_TOKEN_PAGES[prefix]}”)")
        return found

    return BeforeValidator(check)


_TOKEN_PAGES = {"xoxb-": "OAuth & Permissions", "xapp-": "Basic Information, App-Level Tokens"}


def unquoted(text: object) -> str:
    """Return the text as it is to be taken; some hosts keep the quotes that a shell would take away."""
    stripped = str(text).strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
        raise fault("stands in quotes: leave them out")
    return stripped


def secret(text: object, shortest: int = 8) -> str:
    """Return a secret that may be one; the fault does not show it."""
    found = unquoted(text)
    if not re.fullmatch(rf"[!-~]{{{shortest},200}}", found, re.ASCII):
        raise fault(f"must be {shortest} to 200 printable characters without spaces")
    return found


def _long_secret(text: object) -> str:
    """Return a secret that strangers may try to guess."""
    return secret(text, 16)


Duration = Annotated[timedelta, PlainValidator(_duration)]
DurationOrOff = Annotated[timedelta, PlainValidator(_duration_or_off)]
Threshold = Annotated[Decimal, PlainValidator(above_zero)]
WholeThreshold = Annotated[Decimal, PlainValidator(whole_above_zero)]
Percentage = Annotated[Decimal, PlainValidator(_percentage)]
Channel = Annotated[str, PlainValidator(channel)]
Channels = Annotated[
    frozenset[str], _ids(_CHANNEL, "must list ids of channels, not names, with commas between them")
]
Users = Annotated[
    frozenset[str],
    _ids(
        r"[UW][A-Z0-9]{2,20}",
        "must list ids of people, with commas between them: in Slack, open a profile, ⋮, “Copy member ID”",
    ),
]
Mention = Annotated[str, PlainValidator(_mention)]
Timezone = Annotated[ZoneInfo, PlainValidator(_timezone)]
BotToken = Annotated[SecretStr, _token("xoxb-")]
AppToken = Annotated[SecretStr, _token("xapp-")]
Secret = Annotated[SecretStr, BeforeValidator(secret)]
LongSecret = Annotated[SecretStr, BeforeValidator(_long_secret)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["console", "json"], BeforeValidator(_lower)]
