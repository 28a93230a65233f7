"""What a setting's text may be, and the value it becomes; a fault names no value, it may be a secret."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal
from unicodedata import category
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

from bot.core.currency import LONGEST, unit_of
from bot.settings.faults import fault, unquoted
from bot.settings.numbers import above_zero, decimal, whole_above_zero, whole_within, without_marks

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(text: object) -> timedelta:
    if isinstance(text, timedelta):
        return text
    written = unquoted(text)
    match = re.fullmatch(r"(\d{1,6})([smhd])", written, re.ASCII)
    if not match:
        if written.endswith(tuple(_UNITS)) and (digits := without_marks(written[:-1].rstrip())):
            raise fault(f"has a thousands separator: write {digits}{written[-1]}", digits + written[-1])
        raise fault("is not a duration: digits 0 to 9, followed by s, m, h or d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _duration_or_off(text: object) -> timedelta:
    return timedelta(0) if str(text).strip() == "0" else _duration(text)


def _percentage(text: object) -> Decimal:
    if isinstance(text, Decimal):
        return text
    written = unquoted(text)
    if not written.endswith("%"):
        raise fault("is not a percentage: a number followed by %")
    try:
        percents = decimal(written[:-1])
    except PydanticCustomError as wrong:
        example = (wrong.context or {}).get("example", "")
        raise (fault(f"{wrong.message()}%", f"{example}%") if example else fault(wrong.message())) from None
    if not 0 <= percents < 1000:
        raise fault("must lie between 0% and 999%")
    return percents / 100


def currency(text: object) -> str:
    """Return a unit of money in its one spelling."""
    found = unit_of(unquoted(text))
    signs = all(one.isalpha() or category(one) in {"Sc", "Mn", "Mc"} or one in " ." for one in found)
    if not found or not signs or len(str(text).strip()) > LONGEST or found[0] in " .":
        raise fault("must be written as the provider writes it, in letters or a sign")
    return found


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
        raise fault("is not a timezone of the tz database") from None


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
Currency = Annotated[str, PlainValidator(currency)]
Port = Annotated[int, PlainValidator(whole_within(0, 65535))]
Patience = Annotated[int, PlainValidator(whole_within(1, 1000))]
Seconds = Annotated[int, PlainValidator(whole_within(0, 600))]
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
