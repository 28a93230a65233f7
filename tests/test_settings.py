"""Settings: read once, every fault reported together, secrets unprintable."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot import settings
from bot.settings import FaultySettings, Settings, from_environment
from bot.settings.environment import nothing_watched

GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-canary-token",
    "SLACK_SIGNING_SECRET": "canary-signing-secret",
    "SMSPARTNER_API_KEY": "canary0123456789abcdef",
    "ALERT_CHANNEL": "C0123456789",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in settings.names():
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def faults(environment: pytest.MonkeyPatch, **changes: str | None) -> tuple[str, ...]:
    for name, value in changes.items():
        environment.delenv(name) if value is None else environment.setenv(name, value)
    with pytest.raises(FaultySettings) as caught:
        from_environment()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value.faults


def test_four_variables_are_enough(environment: pytest.MonkeyPatch) -> None:
    read = from_environment()
    assert read.poll_interval == timedelta(minutes=5)
    assert read.rearm_margin == Decimal("0.1")
    assert read.database_url.get_secret_value() == "sqlite+aiosqlite:///smscredits.db"
    assert read.credit_sms_warning is None


@pytest.mark.parametrize(
    "text", ["C0123456789,C9876543210", " C0123456789 , C9876543210 ", "C0123456789 C9876543210"]
)
def test_ids_stand_with_commas_or_blanks_between_them(environment: pytest.MonkeyPatch, text: str) -> None:
    environment.setenv("ALLOWED_CHANNELS", text)
    assert from_environment().allowed_channels == frozenset({"C0123456789", "C9876543210"})


@pytest.mark.parametrize("name", sorted(GOOD))
def test_each_required_variable_is_missed_by_its_name(environment: pytest.MonkeyPatch, name: str) -> None:
    (fault,) = faults(environment, **{name: None})
    assert fault.startswith(f"{name}: is missing")
    assert f"Example: {name}=" in fault


def test_a_variable_that_is_empty_is_a_variable_that_is_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CREDIT_SMS_WARNING", "")
    assert from_environment().credit_sms_warning is None
    (fault,) = faults(environment, ALERT_CHANNEL="")
    assert fault.startswith("ALERT_CHANNEL: is missing")


def test_socket_mode_needs_no_signing_secret(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SLACK_SIGNING_SECRET")
    environment.setenv("SLACK_APP_TOKEN", "xapp-1-canary")
    assert from_environment().slack_app_token is not None


BAD = [
    ("SLACK_BOT_TOKEN", "xoxp-user-token"),
    ("SLACK_APP_TOKEN", "xoxb-canary-token"),
    ("SLACK_SIGNING_SECRET", "short"),
    ("SLACK_SIGNING_SECRET", "with spaces in it"),
    ("SLACK_API_URL", "http://slack.example.com/api/"),
    ("SMSPARTNER_API_KEY", "clé-canary-0123"),
    ("SMSPARTNER_API_URL", "http://api.smspartner.fr/v1"),
    ("SMSPARTNER_API_URL", f"https://{'é' * 60}.com/v1"),
    ("SMSPARTNER_API_URL", "https://user:canary@api.smspartner.fr/v1"),
    ("SMSPARTNER_API_URL", "https://api.smspartner.fr/v1?apiKey=canary"),
    ("SMSPARTNER_API_URL", "ftp://127.0.0.1/"),
    ("SMSPARTNER_API_URL", "https://canary:abc/v1"),
    ("SMSPARTNER_API_URL", "https://canary:99999/v1"),
    ("SMSPARTNER_API_URL", "https://canary:0/v1"),
    ("SMSPARTNER_API_URL", "https://exa mple/v1"),
    ("SMSPARTNER_API_URL", "https://exa\tmple/v1"),
    ("SMSPARTNER_API_URL", "https://api..example/v1"),
    ("SMSPARTNER_API_URL", "https://-api.example/v1"),
    ("SMSPARTNER_API_URL", "https://[::1/v1"),
    ("SMSPARTNER_API_URL", "https:///v1"),
    ("SMSPARTNER_API_URL", f"https://{'a' * 64}.example/v1"),
    ("SLACK_API_URL", "https://slack.com:canary/api/"),
    ("ALERT_CHANNEL", "#sms-alerts"),
    ("ALERT_CHANNEL", "sms-alerts"),
    ("CREDIT_SMS_WARNING", "0"),
    ("CREDIT_SMS_WARNING", "-5"),
    ("CREDIT_SMS_WARNING", "1.5"),
    ("CREDIT_SMS_WARNING", "1,000"),
    ("CREDIT_SMS_WARNING", "1_000"),
    ("CREDIT_SMS_WARNING", "\u0661\u0660\u0660"),
    ("CREDIT_SMS_CRITICAL", "many"),
    ("BALANCE_WARNING", "NaN"),
    ("BALANCE_WARNING", "Infinity"),
    ("BALANCE_CRITICAL", "1e400"),
    ("BALANCE_CRITICAL", "1e-20000000"),
    ("BALANCE_CRITICAL", "1e-999999999"),
    ("BALANCE_CRITICAL", "12,50"),
    ("POLL_INTERVAL", "5"),
    ("POLL_INTERVAL", "0s"),
    ("POLL_INTERVAL", "-1m"),
    ("POLL_INTERVAL", "2d"),
    ("UNREADABLE_AFTER", "0"),
    ("UNREADABLE_AFTER", "some"),
    ("REMINDER_WARNING", "24"),
    ("REMINDER_WARNING", "00"),
    ("REMINDER_CRITICAL", "never"),
    ("REARM_MARGIN", "0.1"),
    ("REARM_MARGIN", "-10%"),
    ("MENTION_ON_CRITICAL", "@alice"),
    ("ALLOWED_CHANNELS", "#sms-alerts"),
    ("ALLOWED_USERS", "alice"),
    ("ALLOWED_USERS", "C0123456789"),
    ("HEARTBEAT_URL", "http://canary.example/ping"),
    ("HEARTBEAT_URL", "canary"),
    ("HEARTBEAT_URL", "https://hc-ping.com/canary-é"),
    ("HEARTBEAT_URL", "https://é.canary.example/"),
    ("HEARTBEAT_URL", "https://hc-ping.com/canary-\udcff"),
    ("SLACK_API_URL", "https://slack.com/canary-\u202e/"),
    ("SLACK_API_URL", "https://slack.com/canary-\udce9/"),
    ("SMSPARTNER_API_URL", "https://api.example/canary-é"),
    ("VOICEPARTNER_API_URL", "https://api.example/canary-\udcff"),
    ("MAILPARTNER_API_URL", "https://api.example/canary-\u3002"),
    ("TOP_UP_URL", "https://my.example/canary-crédits"),
    ("TOP_UP_URL", "https://my.example/canary-\udcff"),
    ("DATABASE_URL", "postgres://u:canary-é@h/d"),
    ("DATABASE_URL", "postgres://u:canary@hé/d"),
    ("DATABASE_URL", "postgres://u:canary-\udcff@h/d"),
    ("DATABASE_URL", "postgres://u:canary%00@h/d"),
    ("DATABASE_URL", "postgres://u:canary@h/d?target_session_attrs=canary"),
    ("DATABASE_URL", "postgres://u:canary@h/d?channel_binding=canary"),
    ("DATABASE_URL", "postgres://u:canary@h/d?keepalives_idle=canary"),
    ("DATABASE_URL", "sqlite:///canary%00.db"),
    ("DATABASE_URL", "sqlite:///canary-\udcff.db"),
    ("ACCOUNTS", "# canary-\udcff"),
    ("SLACK_BOT_TOKEN", f"xoxb-canary-{'x' * 500}"),
    ("PORT", "\udcff"),
    ("LOG_LEVEL", "canary-\udcff"),
    ("TIMEZONE", "canary-\udcff"),
    ("METRICS_TOKEN", "canary-of-15-ch"),
    ("BIND_ADDRESS", "localhost"),
    ("BIND_ADDRESS", "127.0.0.1:3000"),
    ("BIND_ADDRESS", "[::1]"),
    ("BIND_ADDRESS", "fe80::1%canary"),
    ("BIND_ADDRESS", "fe80::1"),
    ("BIND_ADDRESS", "febf::2:3"),
    ("BIND_ADDRESS", "::1%canary"),
    ("BIND_ADDRESS", "224.0.0.1"),
    ("BIND_ADDRESS", "127.1"),
    ("BIND_ADDRESS", "\uff11\uff12\uff17.0.0.1"),
    ("METRICS_TOKEN", "short"),
    ("DATABASE_URL", "mysql://u:canary@h/db"),
    ("SMSPARTNER_API_KEY", "'canary-0123456789'"),
    ("SLACK_BOT_TOKEN", '"xoxb-canary"'),
    ("DATABASE_URL", '"postgres://u:canary@h/d"'),
    ("DATABASE_URL", "postgres://"),
    ("DATABASE_URL", "postgres:///"),
    ("DATABASE_URL", "postgres://user:abc@canary:tail@host/db"),
    ("DATABASE_URL", "postgres://user:abc@canary@host/db"),
    ("DATABASE_URL", "postgres://u:canary@h:port/d"),
    ("DATABASE_URL", "postgres://u:canary@h:99999/d"),
    ("DATABASE_URL", "postgres://u:canary@h:0/d"),
    ("DATABASE_URL", "postgres://u:canary@a:1,b:0/d"),
    ("DATABASE_URL", "postgres://u:canary@a:1,b:x/d"),
    ("DATABASE_URL", "postgres://u:canary@a:1,:2/d"),
    ("DATABASE_URL", "postgres://u:canary@a,b c/d"),
    ("DATABASE_URL", "postgres://u:canary@a,b/d?target_session_attrs=standby"),
    ("DATABASE_URL", "postgres://u:canary@h x/d"),
    ("DATABASE_URL", "postgres://u:canary@h/d?host=x:canary"),
    ("DATABASE_URL", "postgres://u:canary@h/d?canary=1"),
    ("DATABASE_URL", "postgres://u:canary@h/d?sslmode=canary"),
    ("DATABASE_URL", "postgres://u:canary@h/d?sslmode=require&sslmode=prefer"),
    ("DATABASE_URL", "postgres://u:canary@h/d?connect_timeout=canary"),
    ("DATABASE_URL", "postgres+psy cop://u:canary@h/d?connect_timeout=canary"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///file:x?mode=memory&uri=true"),
    ("DATABASE_URL", "sqlite://canary/x.db"),
    ("DATABASE_URL", "sqlite:///x.db?timeout=canary"),
    ("DATABASE_URL", "sqlite:///x.db?canary=1"),
    ("TIMEZONE", "Paris"),
    ("TIMEZONE", "../../etc/passwd"),
    ("TOP_UP_URL", "javascript:alert(1)"),
    ("TOP_UP_URL", "http://my.example/"),
    ("TOP_UP_URL", "https://user:canary@my.example/"),
    ("TOP_UP_URL", "https://my.example:canary/"),
    ("TOP_UP_URL", "https://my example/"),
    ("PORT", "http"),
    ("PORT", "70000"),
    ("DRAIN_SECONDS", "-1"),
    ("LOG_LEVEL", "loud"),
    ("LOG_FORMAT", "xml"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_one_line_with_an_example_and_without_the_value(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    fault, *others = faults(environment, **{name: value})
    assert fault.startswith(f"{name}: ")
    assert f"Example: {name}=" in fault
    assert "\n" not in fault
    assert "canary" not in "".join((fault, *others))
    assert not others or name == "ACCOUNTS"


# The unit of money


@pytest.mark.parametrize(
    ("text", "unit"),
    [("EUR", "EUR"), ("eur", "EUR"), (" Eur ", "EUR"), ("\u20ac", "EUR"), ("xof", "XOF"), ("F CFA", "F CFA")],
)
def test_the_unit_of_money_has_one_spelling(environment: pytest.MonkeyPatch, text: str, unit: str) -> None:
    environment.setenv("CURRENCY", text)
    (one,) = from_environment().watched
    assert one.account.currency == unit


def test_without_a_unit_of_money_none_is_configured(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CURRENCY", "")
    (one,) = from_environment().watched
    assert one.account.currency == ""


@pytest.mark.parametrize(
    "text", ["12", "12.50", "EUR2", "EUR/USD", "<!here>", ".", "x" * 11, '"EUR"', "5 EUR"]
)
def test_what_is_no_unit_of_money_is_a_fault(environment: pytest.MonkeyPatch, text: str) -> None:
    (fault,) = faults(environment, CURRENCY=text)
    assert fault.startswith("CURRENCY: ")
    assert fault.endswith(". Example: CURRENCY=EUR")


# Numbers as their writers meant them

NBSP, NARROW = "\u00a0", "\u202f"


@pytest.mark.parametrize("name", ["CREDIT_SMS_WARNING", "UNREADABLE_AFTER", "PORT", "DRAIN_SECONDS"])
@pytest.mark.parametrize("mark", [".", ",", " ", "'", "\u2019", "_", NBSP, NARROW])
def test_a_whole_number_is_digits_alone_and_a_separator_is_refused_with_the_right_spelling(
    environment: pytest.MonkeyPatch, name: str, mark: str
) -> None:
    (fault,) = faults(environment, **{name: f"5{mark}000"})
    assert fault == f"{name}: must be digits only: write 5000. Example: {name}=5000"


@pytest.mark.parametrize(
    ("text", "spelling"),
    [("1.234.567", "1234567"), ("1,00,000", "100000"), ("12 345,00", "12345"), ("1,000.00", "1000")],
)
def test_a_whole_number_in_groups_of_any_country_is_refused_with_the_right_spelling(
    environment: pytest.MonkeyPatch, text: str, spelling: str
) -> None:
    (fault,) = faults(environment, CREDIT_SMS_WARNING=text)
    assert f"write {spelling}. " in fault


NO_NUMBERS = [
    *("true", "yes", "on", "inf", "nan", "1e3", "5e-1", "+5", "0x10", "0b1", "\u0665\u0660\u0660", "\uff15"),
    *(
        "5 0",
        "5 SMS",
        "\u20ac5",
        "$5",
        "5 EUR",
        "5k",
        "five",
        "\u00bd",
        "\u00b2",
        "1/2",
        "5..5",
        "5,,5",
        "--5",
    ),
    *(".5", "5.", "1.000.50", "1e-20000000", "1.2.3"),
]


@pytest.mark.parametrize("name", ["CREDIT_SMS_CRITICAL", "BALANCE_WARNING", "PORT", "REARM_MARGIN"])
@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_another_reads_as_a_number_is_none_here(
    environment: pytest.MonkeyPatch, name: str, text: str
) -> None:
    value = f"{text}%" if name == "REARM_MARGIN" else text
    (fault,) = faults(environment, **{name: value})
    assert fault.startswith(f"{name}: ")
    assert "write" not in fault


@pytest.mark.parametrize("text", ["5.5", "5.0", "5,5", "-0", "-5", "0", "000", "9" * 13])
def test_no_whole_number_above_zero(environment: pytest.MonkeyPatch, text: str) -> None:
    (fault,) = faults(environment, CREDIT_SMS_WARNING=text)
    assert fault.startswith("CREDIT_SMS_WARNING: ")


@pytest.mark.parametrize(
    ("text", "either", "other"),
    [
        ("1.000", "1", "1000"),
        ("5,000", "5", "5000"),
        ("1.250", "1.25", "1250"),
        ("12,500", "12.5", "12500"),
        ("123.456", "123.4560", "123456"),
        ("010.500", "10.5", "10500"),
    ],
)
def test_a_decimal_that_may_be_a_group_of_thousands_is_refused_with_both_spellings(
    environment: pytest.MonkeyPatch, text: str, either: str, other: str
) -> None:
    (fault,) = faults(environment, BALANCE_WARNING=text)
    assert fault.startswith(f"BALANCE_WARNING: may mean {either} or {other}: write one of them.")
    for spelling in (either, other):
        environment.setenv("BALANCE_WARNING", spelling)
        assert from_environment().balance_warning == Decimal(spelling)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("12,50", "12.50"),
        ("0,500", "0.500"),
        ("1234,567", "1234.567"),
        ("1,000.50", "1000.50"),
        ("1.000,50", "1000.50"),
        ("1 000", "1000"),
        (f"1{NARROW}000,5", "1000.5"),
        ("1'000.50", "1000.50"),
        ("1_000", "1000"),
        ("1,000,000", "1000000"),
        ("1.000.000", "1000000"),
    ],
)
def test_a_decimal_written_otherwise_is_refused_with_the_right_spelling(
    environment: pytest.MonkeyPatch, text: str, spelling: str
) -> None:
    (fault,) = faults(environment, BALANCE_CRITICAL=text)
    assert fault.endswith(f": write {spelling}. Example: BALANCE_CRITICAL={spelling}")
    environment.setenv("BALANCE_CRITICAL", spelling)
    assert from_environment().balance_critical == Decimal(spelling)


@pytest.mark.parametrize("text", ["0.500", "0.050", "1234.567", "50.1", "50.12", "12.3456", "0050", " 7 "])
def test_a_decimal_that_has_one_meaning_is_taken(environment: pytest.MonkeyPatch, text: str) -> None:
    environment.setenv("BALANCE_WARNING", text)
    assert from_environment().balance_warning == Decimal(text.strip())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "REARM_MARGIN",
            "10,5%",
            "has a comma before its decimals: write 10.5%. Example: REARM_MARGIN=10.5%",
        ),
        ("REARM_MARGIN", "1.000%", "may mean 1 or 1000"),
        ("REARM_MARGIN", "-1%", "must lie between 0% and 999%"),
        ("REARM_MARGIN", "1000%", "must lie between 0% and 999%"),
        ("POLL_INTERVAL", "1.000s", "has a thousands separator: write 1000s"),
        ("POLL_INTERVAL", "1 800s", "has a thousands separator: write 1800s"),
        ("REMINDER_WARNING", "1.5h", "is not a duration"),
        ("REMINDER_WARNING", "\u0662\u0664h", "is not a duration"),
        ("REMINDER_WARNING", "+24h", "is not a duration"),
        ("DRAIN_SECONDS", "20s", "must be a whole number from 0 to 600, in digits only"),
        ("UNREADABLE_AFTER", "3.0", "must be a whole number from 1 to 1000, in digits only"),
        ("CREDIT_SMS_WARNING", '"5000"', "is in quotes: leave them out"),
    ],
)
def test_other_numbers_are_read_no_more_freely(
    environment: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    (fault,) = faults(environment, **{name: text})
    assert fault.startswith(f"{name}: {said}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HEARTBEAT_URL", "'https://hc-ping.com/canary'"),
        ("TOP_UP_URL", '"https://my.example/canary"'),
        ("SMSPARTNER_API_URL", "'https://api.smspartner.fr/v1'"),
        ("BIND_ADDRESS", "'127.0.0.1'"),
    ],
)
def test_an_address_in_quotes_is_told_to_be_one(
    environment: pytest.MonkeyPatch, name: str, text: str
) -> None:
    (fault,) = faults(environment, **{name: text})
    assert fault.startswith(f"{name}: is in quotes: leave them out.")


def test_all_faults_are_reported_together(environment: pytest.MonkeyPatch) -> None:
    changes = {"SLACK_BOT_TOKEN": None, "ALERT_CHANNEL": "#x", "PORT": "x", "BALANCE_WARNING": "x"}
    found = faults(environment, CREDIT_SMS_WARNING="10", CREDIT_SMS_CRITICAL="20", **changes)
    assert {fault.partition(":")[0] for fault in found} == {*changes, "CREDIT_SMS_CRITICAL"}


@pytest.mark.parametrize("pair", ["CREDIT_SMS", "BALANCE"])
def test_a_warning_below_its_critical_is_a_fault_and_equal_ones_are_not(
    environment: pytest.MonkeyPatch, pair: str
) -> None:
    environment.setenv(f"{pair}_WARNING", "10")
    environment.setenv(f"{pair}_CRITICAL", "10")
    from_environment()
    (fault,) = faults(environment, **{f"{pair}_CRITICAL": "11"})
    assert f"is above {pair}_WARNING" in fault


def test_either_threshold_may_stand_alone(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CREDIT_SMS_CRITICAL", "1000")
    environment.setenv("BALANCE_WARNING", "0.50")
    read = from_environment()
    assert (read.credit_sms_critical, read.balance_warning) == (Decimal(1000), Decimal("0.50"))


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:1"])
def test_plain_http_is_for_loopback(environment: pytest.MonkeyPatch, host: str) -> None:
    environment.setenv("SMSPARTNER_API_URL", f"http://{host}/v1")
    assert from_environment().smspartner_api_url == f"http://{host}/v1"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@h:5432/d?sslmode=require", "postgresql+psycopg://u:p@h:5432/d?sslmode=require"),
        ("postgresql://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg2://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+asyncpg://h/d", "postgresql+psycopg://h/d"),
        ("postgres+pg8000://h/d", "postgresql+psycopg://h/d"),
        ("POSTGRES://h/d", "postgresql+psycopg://h/d"),
        ("postgres://u:p%40:/?#ss@h/d", "postgresql+psycopg://u:p%40:/?#ss@h/d"),
        ("postgres://u:p@[::1]:5432/d", "postgresql+psycopg://u:p@[::1]:5432/d"),
        ("postgres://u:p@/d?host=/var/run/pg", "postgresql+psycopg://u:p@/d?host=/var/run/pg"),
        ("postgres://u:p@/d?host=a:1&host=b:2", "postgresql+psycopg://u:p@/d?host=a:1&host=b:2"),
        ("postgres://u:p@/d?host=a,b&port=1,2", "postgresql+psycopg://u:p@/d?host=a,b&port=1,2"),
        (
            "postgres://u:p%40,/@a:5433,[::1],c/d?target_session_attrs=read-write",
            "postgresql+psycopg://u:p%40,/@/d?host=a,::1,c&port=5433,5432,5432&target_session_attrs=read-write",
        ),
        ("postgres://a,b", "postgresql+psycopg:///?host=a,b&port=5432,5432"),
        ("postgres://u:p,w@h/d", "postgresql+psycopg://u:p,w@h/d"),
        ("sqlite:///smscredits.db", "sqlite+aiosqlite:///smscredits.db"),
        ("sqlite+pysqlite:///x.db?timeout=5", "sqlite+aiosqlite:///x.db?timeout=5"),
        ("sqlite:////var/lib/bot.db", "sqlite+aiosqlite:////var/lib/bot.db"),
    ],
)
def test_the_database_is_spelled_as_hosts_spell_it(
    environment: pytest.MonkeyPatch, given: str, used: str
) -> None:
    environment.setenv("DATABASE_URL", given)
    assert from_environment().database_url.get_secret_value() == used


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::", " 192.0.2.7 "])  # noqa: S104
def test_an_address_to_serve_on_is_an_ip_address(environment: pytest.MonkeyPatch, address: str) -> None:
    assert from_environment().bind_address is None
    environment.setenv("BIND_ADDRESS", address)
    assert from_environment().bind_address == address.strip()


def test_a_database_s_file_may_be_named_in_any_alphabet(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "sqlite:////home/josé/bot.db")
    assert from_environment().database_url.get_secret_value() == "sqlite+aiosqlite:////home/josé/bot.db"


@pytest.mark.parametrize("name", ["REMINDER_WARNING", "REMINDER_CRITICAL"])
def test_reminders_are_switched_off_by_a_zero(environment: pytest.MonkeyPatch, name: str) -> None:
    read = from_environment()
    assert (read.reminder_warning, read.reminder_critical) == (timedelta(hours=24), timedelta(hours=4))
    for text, interval in (("0", timedelta()), ("36h", timedelta(hours=36))):
        environment.setenv(name, text)
        assert getattr(from_environment(), name.lower()) == interval


def test_how_much_is_logged_may_be_written_in_any_case(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOG_LEVEL", "INFO")
    environment.setenv("LOG_FORMAT", " Json")
    read = from_environment()
    assert (read.log_level, read.log_format) == ("info", "json")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("12h", 43_200), (" 1d ", 86_400)])
def test_durations(environment: pytest.MonkeyPatch, text: str, seconds: int) -> None:
    environment.setenv("POLL_INTERVAL", text)
    assert from_environment().poll_interval == timedelta(seconds=seconds)


def test_a_dot_env_file_is_read_and_the_environment_wins(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("BALANCE_WARNING=7\nPORT=1234\n")
    environment.setenv("PORT", "4321")
    read = from_environment()
    assert (read.balance_warning, read.port) == (Decimal(7), 4321)


def test_what_the_environment_leaves_empty_hides_nothing_of_a_dot_env_file(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(
        '[[account]]\nname = "marketing"\nproduct = "sms"\napi_key_env = "KEY_MARKETING"\n'
    )
    (tmp_path / ".env").write_text("ACCOUNTS_FILE=a.toml\nKEY_MARKETING=canary0123456789\nPORT=1234\n")
    for name in ("ACCOUNTS_FILE", "KEY_MARKETING", "SMSPARTNER_API_KEY", "PORT"):
        environment.setenv(name, "")
    for read in (from_environment(), settings.partial_from_environment().settings):
        assert [one.account.name for one in read.watched] == ["marketing"]
        assert read.port == 1234


def test_settings_that_name_no_account_are_a_fault(environment: pytest.MonkeyPatch) -> None:
    assert nothing_watched(from_environment()) == ()
    without = {name.lower(): value for name, value in GOOD.items() if name != "SMSPARTNER_API_KEY"}
    (fault,) = nothing_watched(Settings((), accounts_file="a.toml", **without))
    assert fault.startswith("SMSPARTNER_API_KEY: no account is named")
    assert ". Example: SMSPARTNER_API_KEY=" in fault


def test_a_dot_env_file_may_begin_with_a_byte_order_mark(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("BALANCE_WARNING=7\nPORTT=1\n", "utf-8-sig")
    read = from_environment()
    assert read.balance_warning == Decimal(7)
    (warning,) = settings.warnings(read)
    assert warning.startswith("unknown setting PORTT - did you mean PORT?")


@pytest.mark.parametrize("saved_as", ["utf-16", "latin-1"])
def test_a_dot_env_file_that_is_not_utf_8_is_one_fault(
    environment: pytest.MonkeyPatch, tmp_path: Path, saved_as: str
) -> None:
    (tmp_path / ".env").write_text("# clé\nSMSPARTNER_API_KEY=canary0123456789\n", saved_as)
    (fault,) = faults(environment, ALERT_CHANNEL=None)
    assert fault.startswith(".env: is not UTF-8")
    assert "canary" not in fault


def test_lines_of_a_dot_env_file_that_set_nothing_are_one_fault_with_their_numbers(
    environment: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".env").write_text('# fine\nPORT=1\nALERT CHANNEL=canary\nexport\nBALANCE_WARNING="canary\n')
    (fault,) = faults(environment)
    assert fault == ".env: no NAME=value (an open quote?) in line 3, 5. Example: PORT=3000"
    assert settings.partial_from_environment().faults == (fault,)
    assert caplog.messages == []


def test_a_dot_env_that_is_a_folder_is_one_fault(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    (fault,) = faults(environment)
    assert fault.startswith(".env: is a folder")


def test_a_dot_env_file_that_cannot_be_read_is_one_fault(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Whoever runs the tests may read every file of their own: one that no user can read.
    (tmp_path / ".env").symlink_to("/proc/self/mem")
    (fault,) = faults(environment)
    assert fault.startswith(".env: cannot be read")


def test_secrets_are_unprintable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgres://u:canary@h/d")
    assert "canary" not in repr(from_environment())
    assert "canary" not in str(from_environment())


EVERYWHERE = {"sms": "https://x.example/", "voice": "https://x.example/", "mail": "https://x.example/"}


@pytest.mark.parametrize(
    ("chosen", "leads_to"),
    [
        (None, {"sms": "https://my.smspartner.fr/"}),
        ("", {"sms": "https://my.smspartner.fr/"}),
        ("https://x.example/", EVERYWHERE),
    ],
)
def test_the_default_address_for_topping_up_is_sms_partner_s_alone_and_a_chosen_one_is_everybody_s(
    environment: pytest.MonkeyPatch, chosen: str | None, leads_to: dict[str, str]
) -> None:
    if chosen is not None:
        environment.setenv("TOP_UP_URL", chosen)
    assert from_environment().top_up_urls == leads_to
    assert settings.partial_from_environment().settings.top_up_urls == leads_to


def test_settings_are_frozen(environment: pytest.MonkeyPatch) -> None:
    read = from_environment()
    with pytest.raises(ValueError, match="frozen"):
        read.port = 1  # type: ignore[misc]  # what is tested


SLIPS = [
    ("CREDIT_SMS_WARN", "CREDIT_SMS_WARNING"),
    ("CREDIT_SMS_THRESHOLD", "CREDIT_SMS_WARNING or CREDIT_SMS_CRITICAL"),
    ("BALANCE_MIN", "BALANCE_WARNING or BALANCE_CRITICAL"),
    ("REMINDER_INTERVAL", "REMINDER_WARNING or REMINDER_CRITICAL"),
    ("SMSPARTNER_KEY", "SMSPARTNER_API_KEY"),
    ("SMSPARTNER_TOKEN", "SMSPARTNER_API_KEY or SMSPARTNER_API_URL"),
    ("SMS_PARTNER_API_KEY", "SMSPARTNER_API_KEY"),
    ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
    ("SLACK_BOT_OAUTH", "SLACK_BOT_TOKEN"),
    ("SLACK_APP_LEVEL_TOKEN", "SLACK_APP_TOKEN"),
    ("SLACK_SIGNING_KEY", "SLACK_SIGNING_SECRET"),
    ("SLACK_TOKEN", "SLACK_BOT_TOKEN"),
    ("ALERT_CHANNEL_ID", "ALERT_CHANNEL"),
    ("alert_chanel", "ALERT_CHANNEL"),
    ("POLL_INTERVALL", "POLL_INTERVAL"),
    ("TOPUP_URL", "TOP_UP_URL"),
]


@pytest.mark.parametrize(("slip", "meant"), SLIPS)
def test_a_typing_slip_is_named_with_the_setting_that_was_meant(
    environment: pytest.MonkeyPatch, slip: str, meant: str
) -> None:
    expected = f"unknown setting {slip} - did you mean {meant}?"
    assert settings.warnings(from_environment(), {slip: "x", "PATH": "x"}) == (expected,)


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "PORT", "port", "DATABASE_URL", "TEST_DATABASE_URL", "DATABASE_POOL_URL"),
        *("MAILPARTNER_API_KEY", "MAILPARTNER_API_URL", "VOICEPARTNER_API_KEY", "VOICEPARTNER_API_URL"),
        *("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_APP_ID", "SLACK_BOT_USER_ID", "SLACK_TEAM_ID"),
        *("SLACK_WEBHOOK_URL", "SLACK_USER_TOKEN", "SLACK_VERIFICATION_TOKEN"),
    ],
)
def test_names_of_others_are_no_slips(environment: pytest.MonkeyPatch, name: str) -> None:
    assert settings.warnings(from_environment(), {name: "x"}) == ()


LISTED = """
[[account]]
name = "marketing"
product = "sms"
api_key_env = "SMSPARTNER_KEY_MARKETING"
[[account]]
name = "calls"
product = "voice"
api_key_env = "VOICEPARTNER_KEY"
"""


def test_the_variables_of_the_keys_of_accounts_are_no_slips(environment: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ACCOUNTS": LISTED,
        "SMSPARTNER_KEY_MARKETING": "canary-of-marketing",
        "VOICEPARTNER_KEY": "canary-of-calls",
        "SMSPARTNER_KEY_MARKETNG": "canary-of-nobody",
    }.items():
        environment.setenv(name, value)
    (warning,) = settings.warnings(from_environment())
    assert warning.startswith("unknown setting SMSPARTNER_KEY_MARKETNG - did you mean")


def test_accounts_with_the_same_key_are_warned_of_and_the_key_is_not_shown(
    environment: pytest.MonkeyPatch,
) -> None:
    same = GOOD["SMSPARTNER_API_KEY"]
    for name, value in {
        "ACCOUNTS": LISTED,
        "SMSPARTNER_KEY_MARKETING": same,
        "VOICEPARTNER_KEY": same,
    }.items():
        environment.setenv(name, value)
    (warning,) = settings.warnings(from_environment(), {})
    assert warning == (
        "accounts sms and marketing have the same key: each is read and posted by itself; keep one"
    )
    environment.setenv("SMSPARTNER_KEY_MARKETING", "canary-of-marketing")
    assert settings.warnings(from_environment(), {}) == ()


def test_sqlite_on_a_host_that_wipes_its_files_is_warned_of(environment: pytest.MonkeyPatch) -> None:
    (warning,) = settings.warnings(from_environment(), {"DYNO": "web.1"})
    assert "set DATABASE_URL" in warning
    environment.setenv("DATABASE_URL", "postgres://h/d")
    assert settings.warnings(from_environment(), {"DYNO": "web.1"}) == ()


def test_a_channel_that_is_warned_and_may_not_ask_is_warned_of(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALLOWED_CHANNELS", "C9876543210")
    (warning,) = settings.warnings(from_environment(), {})
    assert warning == (
        "ALLOWED_CHANNELS lacks C0123456789, which is warned, so /smscredits does not answer there; add it"
    )
    environment.setenv("ALLOWED_CHANNELS", "C9876543210, C0123456789")
    assert settings.warnings(from_environment(), {}) == ()


def test_the_example_of_a_critical_above_its_warning_is_no_fault_itself(
    environment: pytest.MonkeyPatch,
) -> None:
    (fault,) = faults(environment, CREDIT_SMS_WARNING="1", CREDIT_SMS_CRITICAL="1000")
    assert fault.endswith("Example: CREDIT_SMS_CRITICAL=1")
    environment.setenv("CREDIT_SMS_CRITICAL", "1")
    assert from_environment().credit_sms_critical == 1
