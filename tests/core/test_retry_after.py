from datetime import timedelta

import pytest

from bot.core.retry_after import retry_after

DATE = "Wed, 22 Jul 2026 08:45:00 GMT"


@pytest.mark.parametrize(
    ("asked", "date", "seconds"),
    [
        ("30", DATE, 30),
        (" 7 ", DATE, 7),
        ("0", DATE, 0),
        ("1.5", DATE, 1.5),
        ("Wed, 22 Jul 2026 08:45:40 GMT", DATE, 40),
        ("Wednesday, 22-Jul-26 08:45:41 GMT", DATE, 41),
        ("Wed Jul 22 08:45:42 2026", DATE, 42),
        ("Wed, 22 Jul 2026 10:45:43 +0200", DATE, 43),
        # A date that is over asks for nothing.
        ("Wed, 22 Jul 2026 08:44:00 GMT", DATE, 0),
        # No wait is longer than the longest.
        ("86400", DATE, 3600),
        ("9" * 12, DATE, 3600),
        ("Thu, 23 Jul 2026 08:45:00 GMT", DATE, 3600),
        # What tells no wait gives the usual one.
        ("", DATE, 30),
        ("-5", DATE, 30),
        ("soon", DATE, 30),
        ("inf", DATE, 30),
        ("1e9", DATE, 30),
        ("٣٠", DATE, 30),
        ("9" * 400, DATE, 30),
        ("Wed, 99 Jul 2026 08:45:00 GMT", DATE, 30),
        ("Wed, 22 Jul 2026 08:45:40 GMT", "", 30),
        ("Wed, 22 Jul 2026 08:45:40 GMT", "yesterday", 30),
    ],
)
def test_a_server_asks_to_wait_in_seconds_or_until_a_date(asked: str, date: str, seconds: float) -> None:
    headers = {"retry-AFTER": asked, "date": date}
    wait = retry_after(headers, otherwise=timedelta(seconds=30), most=timedelta(hours=1))
    assert wait == timedelta(seconds=seconds)


def test_without_the_header_the_usual_wait_is_kept_within_the_longest() -> None:
    assert retry_after({}, otherwise=timedelta(hours=2), most=timedelta(hours=1)) == timedelta(hours=1)
