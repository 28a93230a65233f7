"""What a workspace or a channel does not take from an app: too many calls, and embellishments of messages.

The rules are those of https://docs.slack.dev/apis/web-api/rate-limits and of the errors of chat.postMessage.
"""

import json
import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

from bot.demo.workspace import Json

EMBELLISHMENTS = ("mention", "blocks", "thread", "broadcast", "metadata")
_PINGS_MANY = re.compile(r"<!(channel|here|everyone|subteam\^)")


@dataclass
class RateLimit:
    """One call in so many seconds for each method and channel; who presses has to wait for `wait` seconds."""

    every: float
    wait: float
    as_date: bool = False
    refused: int = 0
    refused_in_wait: int = 0
    _taken: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _closed: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def retry_after(self, method: str, channel: str, now: datetime) -> str:
        """Count a call; return the `Retry-After` of its refusal, or nothing if it is taken."""
        key = method, channel
        until, last = self._closed.get(key), self._taken.get(key)
        if until and now < until:
            self.refused_in_wait += 1
        elif last and now - last < timedelta(seconds=self.every):
            self._closed[key] = until = now + timedelta(seconds=self.wait)
        else:
            self._taken[key] = now
            return ""
        self.refused += 1
        if self.as_date:
            return format_datetime(until + timedelta(seconds=1), usegmt=True)
        return str(math.ceil((until - now).total_seconds()))


@dataclass
class Dislikes:
    """The embellishments that are refused, each with Slack's error, in one channel or in all (empty)."""

    errors: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, embellishment: str, error: str, channel: str = "") -> None:
        """Refuse messages with this embellishment from now on."""
        if embellishment not in EMBELLISHMENTS:
            raise ValueError(f"{embellishment!r} is not one of {', '.join(EMBELLISHMENTS)}")
        self.errors[embellishment, channel] = error

    def clear(self) -> None:
        """Take everything again."""
        self.errors.clear()

    def of(self, method: str, arguments: Json) -> str:
        """Return the error for these arguments of a method, or nothing."""
        worn = [one for one in EMBELLISHMENTS if _wears(one, method, arguments)]
        channel = str(arguments.get("channel"))
        found = (self.errors.get((one, where)) for one in worn for where in (channel, ""))
        return next((error for error in found if error), "")


def _wears(embellishment: str, method: str, arguments: Json) -> bool:
    if embellishment == "mention":
        # An edit pings nobody, so Slack has nothing to restrict.
        shown = json.dumps([arguments.get("text"), arguments.get("blocks")])
        return method == "chat.postMessage" and bool(_PINGS_MANY.search(shown))
    names = {"thread": "thread_ts", "broadcast": "reply_broadcast"}
    return bool(arguments.get(names.get(embellishment, embellishment)))
