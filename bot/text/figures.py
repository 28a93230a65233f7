"""How counts, money, times and durations look."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from unicodedata import bidirectional
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal
from babel.units import format_unit

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_ISOLATED = "\u2068{}\u2069"


def escape(text: str) -> str:
    """Return a string of somebody else's as Slack's mrkdwn can hold it (docs.slack.dev, "Formatting text").

    One with right-to-left letters is isolated, or figures beside it would be drawn at its other side
    (Unicode's UAX #9, "Explicit Directional Isolates").
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if any(bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return _ISOLATED.format(escaped)
    return escaped


@dataclass(frozen=True)
class Figures:
    """The formats of one language, and the timezone of times that Slack does not convert."""

    locale: str
    timezone: ZoneInfo

    def count(self, amount: Decimal) -> str:
        """Show a count; between two whole ones the next, for a rule that ends at 6,051.1 ends at 6,052."""
        return format_decimal(amount.to_integral_value(ROUND_CEILING), locale=self.locale)

    def threshold(self, amount: Decimal) -> str:
        """Show a threshold of whatever field as it was set."""
        digits = max(-int(amount.normalize().as_tuple().exponent), 0)
        return format_decimal(amount, format="#,##0." + "0" * digits, locale=self.locale)

    def money(self, amount: Decimal, currency: str) -> str:
        """Show money rounded down, so that nobody counts on what is not there."""
        digits = 3 if abs(amount) < 1 and amount else 2
        return self._money(amount, digits, currency)

    def money_to_reach(self, amount: Decimal, currency: str) -> str:
        """Show money rounded up, so that whoever pays in so much has paid in enough."""
        return self._money(amount, 3 if abs(amount) < 1 and amount else 2, currency, ROUND_CEILING)

    def price(self, amount: Decimal, currency: str) -> str:
        """Show a unit price with four decimals."""
        return self._money(amount, 4, currency)

    def _money(self, amount: Decimal, digits: int, currency: str, rounding: str = ROUND_FLOOR) -> str:
        rounded = amount.quantize(Decimal(1).scaleb(-digits), rounding=rounding)
        shown = format_decimal(rounded, format="#,##0." + "0" * digits, locale=self.locale)
        return f"{shown} {escape(currency)}".rstrip()

    def duration(self, span: timedelta) -> str:
        """Show a duration by its two largest units: "2 hr 5 min"."""
        minutes, seconds = divmod(int(span.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        parts = [(days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second")]
        first = next((index for index, (number, _) in enumerate(parts) if number), 3)
        shown = [
            format_unit(number, f"duration-{unit}", length="short", locale=self.locale)
            for number, unit in parts[first : first + 2]
            if number or unit == "second" == parts[first][1]
        ]
        return " ".join(shown)

    def speaking(self, seconds: Decimal) -> str:
        """Show a time of speaking to the second: "5 hr 56 min 6 sec"."""
        minutes, rest = divmod(int(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        parts = [(hours, "hour"), (minutes, "minute"), (rest, "second")]
        shown = [(number, unit) for number, unit in parts if number] or parts[2:]
        return " ".join(
            format_unit(number, f"duration-{unit}", length="short", locale=self.locale)
            for number, unit in shown
        )

    def time(self, at: datetime, pattern: str) -> str:
        """Show a time in mrkdwn, converted by Slack to the reader's timezone (docs.slack.dev, "Date")."""
        local = at.astimezone(self.timezone)
        fallback = f"{format_datetime(local, 'd MMM y, HH:mm', locale=self.locale)} {local.tzname()}"
        return f"<!date^{int(at.timestamp())}^{pattern}|{fallback}>"
