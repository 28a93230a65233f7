"""How long a server asks to wait: its `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


def retry_after(headers: Mapping[str, str], *, otherwise: timedelta, most: timedelta) -> timedelta:
    """Return the wait that an answer with these headers asks for, at most so long.

    A date is held against the answer's own `Date`, so no clock of ours matters. What is missing or no
    wait at all gives `otherwise`; a date that is over gives none. The names of `headers` have any case.
    """
    said = {name.lower(): value.strip() for name, value in headers.items()}
    asked = said.get("retry-after", "")
    if _SECONDS.fullmatch(asked):
        return min(timedelta(seconds=float(asked)), most)
    until, now = _date(asked), _date(said.get("date", ""))
    if until is None or now is None:
        return min(otherwise, most)
    return min(max(until - now, timedelta(0)), most)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
