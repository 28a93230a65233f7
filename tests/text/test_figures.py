import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.figures import Figures, escape

FIGURES = Figures("en", ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0"),
        ("7", "7"),
        ("4812", "4,812"),
        ("269082", "269,082"),
        ("-3", "-3"),
        ("1E+3", "1,000"),
        ("5000.0", "5,000"),
        ("6051.1", "6,052"),  # where a rule of 5,501 ends
        ("1100.0", "1,100"),
        ("0.001", "1"),
        ("999999999999999", "999,999,999,999,999"),
    ],
)
def test_counts_are_grouped_and_whole(amount: str, shown: str) -> None:
    assert FIGURES.count(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("5000", "5,000"), ("0.50", "0.5"), ("1234.5678", "1,234.5678"), ("1E+3", "1,000"), ("200.00", "200")],
)
def test_a_threshold_is_shown_as_it_was_set(amount: str, shown: str) -> None:
    assert FIGURES.threshold(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("10225.119", "10,225.11 EUR"),
        ("182.869", "182.86 EUR"),
        ("182.8", "182.80 EUR"),
        ("50", "50.00 EUR"),
        ("49.9999", "49.99 EUR"),  # never rounded up to the threshold it is below
        ("1", "1.00 EUR"),
        ("1.009", "1.00 EUR"),
        ("0.9999", "0.999 EUR"),  # three decimals below 1.00
        ("0.5", "0.500 EUR"),
        ("0.038", "0.038 EUR"),
        ("0.0004", "0.000 EUR"),
        ("0", "0.00 EUR"),
        ("-0.0004", "-0.001 EUR"),  # down is away from zero
        ("-0.5", "-0.500 EUR"),
        ("-1.001", "-1.01 EUR"),
        ("-12.5", "-12.50 EUR"),
        ("1E-2000000", "0.000 EUR"),
        ("999999999999999.999999999", "999,999,999,999,999.99 EUR"),
    ],
)
def test_money_is_rounded_down_so_that_nobody_counts_on_what_is_not_there(amount: str, shown: str) -> None:
    assert FIGURES.money(Decimal(amount), "EUR") == shown


@given(st.decimals(min_value=-(10**15), max_value=10**15, allow_nan=False, allow_infinity=False))
def test_shown_money_never_exceeds_the_real_and_is_less_than_a_cent_short(amount: Decimal) -> None:
    shown = Decimal(FIGURES.money(amount, "").replace(",", ""))
    assert shown <= amount < shown + Decimal("0.01")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0.038", "0.0380 EUR"), ("0.03799999", "0.0379 EUR"), ("12", "12.0000 EUR"), ("0.00001", "0.0000 EUR")],
)
def test_unit_prices_have_four_decimals(amount: str, shown: str) -> None:
    assert FIGURES.price(Decimal(amount), "EUR") == shown


@pytest.mark.parametrize(
    ("currency", "shown"),
    [
        ("EUR", "5.00 EUR"),
        ("€", "5.00 €"),
        ("XTS", "5.00 XTS"),
        ("", "5.00"),
        ("<!channel>", "5.00 &lt;!channel&gt;"),
        ("<@U1>&amp;", "5.00 &lt;@U1&gt;&amp;amp;"),
        ("{amount}", "5.00 {amount}"),
    ],
)
def test_any_currency_is_shown_and_none_gives_orders_to_slack(currency: str, shown: str) -> None:
    assert FIGURES.money(Decimal(5), currency) == shown


@given(st.text())
def test_escaped_text_mentions_nobody_and_can_be_read_back(text: str) -> None:
    escaped = escape(text)
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", escaped)
    read_back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert read_back in {text, f"\u2068{text}\u2069"}


@pytest.mark.parametrize(
    "text",
    [
        "sms",
        "101",
        "\u00fcn\u00ef",
        "\u0440\u0430",
        "\u60c5\u5831",
        "\u0e02\u0e49\u0e2d",
        "\u0935\u093f",
        "EUR",
        "",
    ],
)
def test_what_is_written_from_left_to_right_is_said_as_it_is(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize(
    "text", ["\u05d4\u05ea", "7-\u0627\u0644", "\u0627\u0644-7", "\u062f.\u0645.", "a\u07ca"]
)
def test_what_has_right_to_left_letters_is_isolated_from_the_figures_beside_it(text: str) -> None:
    assert escape(text) == f"\u2068{text}\u2069"


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(), "0 sec"),
        (timedelta(milliseconds=900), "0 sec"),
        (timedelta(seconds=9.9), "9 sec"),
        (timedelta(seconds=59.9), "59 sec"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(minutes=5, seconds=1), "5 min 1 sec"),
        (timedelta(hours=1), "1 hr"),
        (timedelta(hours=2, minutes=5, seconds=59), "2 hr 5 min"),
        (timedelta(hours=2, seconds=59), "2 hr"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=1, minutes=59), "1 day"),
        (timedelta(days=3, hours=23, minutes=59), "3 days 23 hr"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_a_duration_is_said_by_its_two_largest_units(span: timedelta, shown: str) -> None:
    assert FIGURES.duration(span) == shown


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 7, 22, 12, 5, tzinfo=UTC), "<!date^1784721900^{time}|22 Jul 2026, 14:05 CEST>"),
        (
            datetime(2026, 1, 5, 23, 59, 59, 999999, tzinfo=UTC),
            "<!date^1767657599^{time}|6 Jan 2026, 00:59 CET>",
        ),
        # The hour that comes twice: the zone's name tells which.
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "<!date^1792888200^{time}|25 Oct 2026, 02:30 CEST>"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "<!date^1792891800^{time}|25 Oct 2026, 02:30 CET>"),
    ],
)
def test_a_time_is_the_reader_s_own_and_the_configured_zone_s_where_slack_does_not_convert(
    at: datetime, shown: str
) -> None:
    assert FIGURES.time(at, "{time}") == shown
