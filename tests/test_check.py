"""`check`: one reading of each account against the raw thresholds, its table, its JSON and its exit code."""

import asyncio
import json
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest

from bot.core.model import Account, Field, Level, Product, Rule, SubAccounts
from bot.core.reading import Cause, Credits, Failure, Reading, SubAccount
from bot.demo.answers import HOSTILE, MISSING, with_values
from bot.settings import Settings
from bot.shell import accounts, wording
from bot.shell.check import Report, check
from bot.shell.reading import Checked, State, judged
from bot.store import Database
from tests.neighbours import API_KEY, Neighbours, environment_of, neighbours, saying, silent, without_secrets
from tests.samples import NOW, account, credit, rule
from tests.test_main import environment, files_in, output

WARNING, CRITICAL = rule(Level.WARNING, 5000), rule(Level.CRITICAL, 1000)
TWO_RULES = account(WARNING, CRITICAL)
WORDS = wording.words_of(
    Settings(
        slack_bot_token="xoxb-x",
        slack_signing_secret="12345678",
        smspartner_api_key="12345678",
        alert_channel="C0ALERTS",
    )
)
VOICE = '{"success": true, "credit": "19", "currency": "€"}'


async def checked(
    patch: pytest.MonkeyPatch,
    folder: Path,
    around: Neighbours,
    name: str | None = None,
    *,
    as_json: bool = False,
    **changes: Any,
) -> Report:
    environment_of({**around.settings, **changes}, patch, folder)
    report = await check(name, as_json=as_json)
    without_secrets(report.text + "".join(report.faults))
    return replace(report, text=click.unstyle(report.text))


async def test_a_setting_with_a_slip_in_its_name_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slip = "unknown setting CREDIT_SMS_WARNNG - did you mean CREDIT_SMS_WARNING?"
    async with neighbours() as around:
        report = await checked(monkeypatch, tmp_path, around, as_json=True, CREDIT_SMS_WARNNG="6000")
    assert report.warnings == (slip,)
    assert json.loads(report.text)["warnings"] == [slip]


def shown_to_people(*checked: Checked) -> str:
    return click.unstyle(accounts.for_people(checked, WORDS))


def unread(cause: Cause = Cause.NETWORK) -> Checked:
    return Checked(TWO_RULES, NOW, failure=Failure(cause))


def read(sms: str | int, balance: str | int = 342) -> Checked:
    return judged(TWO_RULES, Reading(NOW, credit(sms, balance)))


# What an account's figures come to

FIGURES: list[tuple[int, str, State]] = [
    (5000, "342", State.OK),
    (4999, "342", State.WARNING),
    (1000, "342", State.WARNING),
    (999, "342", State.CRITICAL),
    (0, "342", State.EMPTY),
    (9000, "0", State.EMPTY),
    (9000, "-3.5", State.EMPTY),
]


@pytest.mark.parametrize(("sms", "balance", "state"), FIGURES)
def test_a_rule_fires_strictly_below_its_threshold_and_without_any_margin(
    sms: int, balance: str, state: State
) -> None:
    assert read(sms, balance).state is state


def of_subaccounts(*balances: str | None, unlisted: Failure | None = None) -> Checked:
    watched = Account(
        "marketing",
        "C0ALERTS",
        (WARNING,),
        subaccounts=SubAccounts(
            (
                Rule(Field.BALANCE, Level.WARNING, Decimal(20), "ACCOUNTS"),
                Rule(Field.BALANCE, Level.CRITICAL, Decimal(5), "ACCOUNTS"),
            )
        ),
    )
    listed = tuple(
        SubAccount(str(number), Decimal(balance) if balance else None, "EUR")
        for number, balance in enumerate(balances, 1)
    )
    amounts = credit().amounts
    return judged(watched, Reading(NOW, Credits(amounts, "EUR", listed, unlisted)))


@pytest.mark.parametrize(
    ("subaccounts", "state"),
    [
        (of_subaccounts("20", "300"), State.OK),
        (of_subaccounts("19.99", "300"), State.WARNING),
        (of_subaccounts("19.99", "4.99"), State.CRITICAL),
        (of_subaccounts("0", "300"), State.EMPTY),
        (of_subaccounts(None, "300"), State.UNREADABLE),
        (of_subaccounts(None, "4.99"), State.CRITICAL),
        (of_subaccounts(unlisted=Failure(Cause.TIMEOUT, listing=True)), State.UNREADABLE),
    ],
)
def test_sub_accounts_count_and_one_that_cannot_be_read_is_not_fine(
    subaccounts: Checked, state: State
) -> None:
    assert subaccounts.state is state


def test_each_sub_account_in_trouble_has_a_line_below_its_account_the_worst_first() -> None:
    lines = shown_to_people(of_subaccounts("19.99", "300", "3")).splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["critical", "marketing"],
        ["critical", "marketing/3"],
        ["warning", "marketing/1"],
    ]
    assert "2 of 3 sub-accounts low" in lines[0]
    assert "critical below a balance of 5.00 EUR" in lines[1]


def test_of_many_sub_accounts_in_trouble_ten_are_listed() -> None:
    lines = shown_to_people(of_subaccounts(*["3"] * 14)).splitlines()
    assert len(lines) == 1 + 10 + 2
    assert lines[-2].strip() == "and 4 more"


# The exit code

FINE, LOW, CRITICALLY_LOW, EMPTY = read(9000), read(4999), read(999), read(0)
CODES = [
    ([FINE], 0),
    ([LOW], 1),
    ([CRITICALLY_LOW], 2),
    ([EMPTY], 2),
    ([unread()], 3),
    ([unread(Cause.NO_CREDIT)], 3),
    ([FINE, LOW], 1),
    ([LOW, unread()], 3),
    ([unread(), CRITICALLY_LOW, LOW], 2),
    ([FINE, EMPTY, unread(), LOW], 2),
]


@pytest.mark.parametrize(("several", "code"), CODES)
def test_of_several_accounts_2_goes_before_3_and_3_before_1(several: list[Checked], code: int) -> None:
    assert accounts.exit_code(several) == code


ANSWERS = [
    ("fine", with_values({"creditSms": 5000, "balance": "190.00"}), 0),
    ("warning", with_values({"creditSms": 4999, "balance": "189.96"}), 1),
    ("critical", with_values({"creditSms": 999, "balance": "38.00"}), 2),
    ("empty", with_values({"creditSms": 0, "balance": "0.000"}), 2),
    ("field missing", with_values({"creditSms": MISSING}), 3),
    ("degraded", HOSTILE["degraded"], 3),
    ("wrong key", HOSTILE["code_10"], 3),
    ("insufficient credit", HOSTILE["code_11"], 3),
    ("page", HOSTILE["html_200"], 3),
    ("redirect", HOSTILE["redirect"], 3),
]


@pytest.mark.parametrize(("_what", "answer", "code"), ANSWERS, ids=[what for what, _, _ in ANSWERS])
async def test_what_the_provider_answers_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _what: str, answer: Any, code: int
) -> None:
    async with neighbours() as around:
        around.provider.answer = answer
        report = await checked(monkeypatch, tmp_path, around)
        assert report.exit_code == code, report.text
        shown = json.loads((await checked(monkeypatch, tmp_path, around, as_json=True)).text)
        assert shown["exit_code"] == shown["accounts"][0]["exit_code"] == code


async def test_insufficient_credit_is_told_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with neighbours() as around:
        around.provider.answer = HOSTILE["code_11"]
        report = await checked(monkeypatch, tmp_path, around)
    assert report.text.startswith(
        "unreadable  sms  -  SMS Partner refuses with “insufficient credit” (code 11)"
    )
    assert "Look at the account (https://my.smspartner.fr/) and top up\n" in report.text


# What people see


async def test_each_account_is_a_line_with_its_level_figures_and_the_rule_that_fires_the_worst_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mail = (
        '{"success": true, "code": 200, "credits": {"creditMail": 90, "balance": "9.5", "currency": "EUR"}}'
    )
    async with neighbours() as around, saying(200, mail) as (mails, _), saying(200, VOICE) as (voice, _):
        report = await checked(
            monkeypatch,
            tmp_path,
            around,
            BALANCE_WARNING="10",
            MAILPARTNER_API_KEY=API_KEY,
            MAILPARTNER_API_URL=mails,
            VOICEPARTNER_API_KEY=API_KEY,
            VOICEPARTNER_API_URL=voice,
        )
    assert report.exit_code == 1
    assert report.text.splitlines()[:-1] == [
        "warning  mail   90 mails, 9.50 EUR     warning below a balance of 10.00 EUR",
        "ok       sms    5,500 SMS, 209.00 EUR  above every threshold",
        "ok       voice  19.00 EUR              above every threshold",
    ]


async def test_sub_accounts_are_listed_and_judged_and_neither_key_nor_email_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed = [
        {"id": 7, "email": "canary@example.com", "token": "canary", "apiKey": "canary", "credits": held}
        for held in [{"balance": "3.00", "currency": "EUR"}]
    ]
    credits_ = {"creditSms": 9000, "balance": "342", "currency": "EUR"}
    both = {"success": True, "code": 200, "credits": credits_, "data": listed, "total": 1, "nb_per_page": 20}
    accounts_ = (
        '[[account]]\nname = "marketing"\nproduct = "sms"\napi_key_env = "SMSPARTNER_API_KEY"\n'
        "subaccounts = true\nsubaccount_emails = true\n"
        "[account.subaccount_thresholds]\nbalance = { critical = 5 }"
    )
    async with neighbours() as around, saying(200, json.dumps(both)) as (address, _):
        changes: dict[str, Any] = {"ACCOUNTS": accounts_, "SMSPARTNER_API_URL": address}
        report = await checked(monkeypatch, tmp_path, around, "marketing", **changes)
        in_json = await checked(monkeypatch, tmp_path, around, "marketing", as_json=True, **changes)
    assert report.exit_code == in_json.exit_code == 2
    assert [one["id"] for one in json.loads(in_json.text)["accounts"][0]["subaccounts"]] == ["7"]
    for printed in (report.text, in_json.text):
        assert not [secret for secret in ("canary", "@", "example.com") if secret in printed]
    assert report.text.splitlines()[:-1] == [
        "critical  marketing    9,000 SMS, 342.00 EUR  1 of 1 sub-accounts low",
        "critical  marketing/7  3.00 EUR               critical below a balance of 5.00 EUR",
    ]


async def test_one_account_is_checked_by_its_name_without_regard_to_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around, saying(500, "") as (mails, asked):
        keys: dict[str, Any] = {"MAILPARTNER_API_KEY": API_KEY, "MAILPARTNER_API_URL": mails}
        report = await checked(monkeypatch, tmp_path, around, "SMS", **keys)
    assert report.exit_code == 0
    assert asked == []


async def test_an_unknown_account_is_3_with_the_names_that_exist(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around:
        report = await checked(monkeypatch, tmp_path, around, "smss", MAILPARTNER_API_KEY=API_KEY)
    assert (report.exit_code, report.text) == (3, "")
    assert report.faults == ("There is no account called “smss”. There are: sms, mail.",)


async def test_an_account_without_a_threshold_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    none: dict[str, Any] = {"CREDIT_SMS_WARNING": None, "CREDIT_SMS_CRITICAL": None}
    async with neighbours() as around:
        report = await checked(monkeypatch, tmp_path, around, **none)
    assert report.exit_code == 0
    assert "no threshold is set" in report.text


def test_what_the_provider_wrote_cannot_steer_the_terminal() -> None:
    hostile = Reading(NOW, credit(currency="€\x1b[2J\n"))
    assert "\x1b" not in shown_to_people(judged(TWO_RULES, hostile))


# What machines see


async def test_json_has_exact_decimals_levels_rules_and_the_time_of_reading(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around:
        around.provider.answer = with_values({"creditSms": 4999, "balance": "189.9625"})
        report = await checked(monkeypatch, tmp_path, around, as_json=True)
    shown = json.loads(report.text)
    (sms,) = shown.pop("accounts")
    assert shown == {"exit_code": 1, "faults": [], "warnings": []}
    assert sms.pop("read_at").endswith("Z")
    assert sms["amounts"].pop("creditHlr") == "2045023"
    assert sms == {
        "account": "sms",
        "product": "sms",
        "state": "warning",
        "exit_code": 1,
        "currency": "EUR",
        "amounts": {"creditSms": "4999", "creditSmsECO": "444570", "toSend": "0", "balance": "189.9625"},
        "empty": False,
        "rules": [
            {"field": "creditSms", "level": level, "threshold": limit, "fires": fires, "source": source}
            for level, limit, fires, source in (
                ("warning", "5000", True, "CREDIT_SMS_WARNING"),
                ("critical", "1000", False, "CREDIT_SMS_CRITICAL"),
            )
        ],
        "subaccounts": [],
        "failure": None,
    }


def test_json_tells_of_each_sub_account_and_of_what_could_not_be_read() -> None:
    (shown,) = json.loads(accounts.for_machines([of_subaccounts("4.990", None)], WORDS))["accounts"]
    low, unknown = shown["subaccounts"]
    assert (low["id"], low["state"], low["balance"]) == ("1", "critical", "4.990")
    assert [rule["fires"] for rule in low["rules"]] == [True, True]
    assert (unknown["state"], unknown["balance"]) == ("unreadable", None)
    assert [rule["fires"] for rule in unknown["rules"]] == [None, None]
    assert (shown["failure"]["cause"], shown["failure"]["of"]) == ("field_missing", "subaccounts")


def test_json_of_an_account_that_is_unreadable_judges_no_rule() -> None:
    (shown,) = json.loads(accounts.for_machines([unread()], WORDS))["accounts"]
    assert (shown["state"], shown["amounts"], shown["failure"]["cause"]) == ("unreadable", {}, "network")
    assert [rule["fires"] for rule in shown["rules"]] == [None, None]


@pytest.mark.parametrize("amount", ["1E+3", "0.10", "10225.119", "-0.5"])
def test_json_writes_no_exponent_and_drops_no_digit(amount: str) -> None:
    assert Decimal(accounts.exact(Decimal(amount))).as_tuple() in {
        Decimal(amount).as_tuple(),
        Decimal(1000).as_tuple(),
    }
    assert "E" not in accounts.exact(Decimal(amount))


# What is asked, and of whom


async def test_voice_is_asked_once_whatever_it_answers_and_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around, saying(500, "") as (voice, asked):
        report = await checked(
            monkeypatch,
            tmp_path,
            around,
            "voice",
            VOICEPARTNER_API_KEY=API_KEY,
            VOICEPARTNER_API_URL=voice,
        )
    assert report.exit_code == 3
    assert asked == [f"/v1/me/{API_KEY}"]
    assert files_in(tmp_path) == []


async def test_a_fault_that_passes_is_no_reason_to_wake_anybody_for_sms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around:
        around.provider.answers.append(HOSTILE["http_502"])
        assert (await checked(monkeypatch, tmp_path, around)).exit_code == 0
        assert len(around.provider.requests) == 2


async def test_neither_slack_nor_the_database_is_asked_or_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faulty: dict[str, Any] = {
        "SLACK_BOT_TOKEN": None,
        "SLACK_SIGNING_SECRET": "x",
        "SLACK_API_URL": "ftp://x",
        "ALERT_CHANNEL": "#alerts",
        "TIMEZONE": "Mars/Base",
        "PORT": "x",
        "POLL_INTERVAL": "soon",
    }
    async with neighbours() as around, silent() as port:
        for database in ("nonsense", f"postgres://bot:pw@127.0.0.1:{port}/bot", "sqlite:////nowhere/x.db"):
            report = await checked(monkeypatch, tmp_path, around, **faulty, DATABASE_URL=database)
            assert (report.exit_code, report.faults) == (0, ())
        assert len(around.slack.calls) == 0
    assert files_in(tmp_path) == []


async def test_an_existing_database_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "smscredits.db"
    opened = Database(f"sqlite+aiosqlite:///{path}")
    await opened.migrate()
    await opened.close()
    before = path.read_bytes()
    async with neighbours() as around:
        assert (await checked(monkeypatch, tmp_path, around)).exit_code == 0
    assert path.read_bytes() == before


# Settings that hinder it

HINDERING = [
    ({"SMSPARTNER_API_KEY": None}, ["SMSPARTNER_API_KEY"]),
    ({"SMSPARTNER_API_URL": "http://example.com"}, ["SMSPARTNER_API_URL"]),
    ({"CREDIT_SMS_WARNING": "1", "BALANCE_CRITICAL": "-1"}, ["CREDIT_SMS_CRITICAL", "BALANCE_CRITICAL"]),
    ({"ACCOUNTS": "[[account]]\nname = 'x'"}, ["ACCOUNTS, [[account]] 1, line 1"] * 2),
    ({"ACCOUNTS_FILE": "nowhere.toml"}, ["ACCOUNTS_FILE"]),
]


@pytest.mark.parametrize(("changes", "names"), HINDERING)
@pytest.mark.parametrize("as_json", [False, True])
async def test_each_fault_that_hinders_it_is_a_line_and_the_exit_code_is_3(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    changes: dict[str, Any],
    names: list[str],
    as_json: bool,
) -> None:
    async with neighbours() as around:
        report = await checked(monkeypatch, tmp_path, around, as_json=as_json, **changes)
    assert report.exit_code == 3
    assert [fault.partition(":")[0] for fault in report.faults] == names
    if as_json:
        expected = {"exit_code": 3, "faults": list(report.faults), "warnings": [], "accounts": []}
        assert json.loads(report.text) == expected


# As processes


async def test_as_a_process_it_prints_a_plain_table_and_exits_with_the_code(tmp_path: Path) -> None:
    async with neighbours() as around:
        only = {name: value for name, value in around.settings.items() if not name.startswith("SLACK_")}
        only["CREDIT_SMS_WARNING"] = "6000"
        code, out, err = await output("check", cwd=tmp_path, **only)
        assert (code, err) == (1, "")
        assert out.startswith("warning  sms  5,500 SMS, 209.00 EUR  warning below 6,000 SMS\nRead ")
        code, out, err = await output("check", "--json", "--account", "sms", cwd=tmp_path, **only)
        assert (code, err) == (1, "")
        assert json.loads(out)["accounts"][0]["state"] == "warning"
        code, out, err = await output(
            "check", cwd=tmp_path, **{**only, "SMSPARTNER_API_KEY": "wrong-canary-key"}
        )
        assert code == 3
        assert "Compare the key with the account's API page" in without_secrets(out + err)
    assert files_in(tmp_path) == []


WRITTEN_TO = [
    ("check > /dev/full", 3, "The result cannot be written: No space left on device.\n"),
    ("doctor > /dev/full", 1, "The result cannot be written: No space left on device.\n"),
    ("manifest > /dev/full", 1, "The result cannot be written: No space left on device.\n"),
    # Whoever closed it wants the exit code alone.
    ("check >&-", 0, ""),
    ("doctor >&-", 0, ""),
]


@pytest.mark.parametrize(("command", "code", "said"), WRITTEN_TO)
async def test_where_nothing_can_be_written_the_exit_code_is_no_verdict_and_nobody_is_blamed(
    tmp_path: Path, command: str, code: int, said: str
) -> None:
    async with neighbours() as around:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", f"{sys.executable} -m bot {command}",
            cwd=tmp_path, env=environment(**around.settings), stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (code, said)


async def test_what_the_terminal_cannot_show_is_a_question_mark_and_no_verdict(tmp_path: Path) -> None:
    async with neighbours() as around:
        around.provider.answer = HOSTILE["code_11"]
        code, out, err = await output("check", cwd=tmp_path, **around.settings, PYTHONIOENCODING="latin-1")
    assert (code, err) == (3, "")
    assert "(code 11) ? " in out


@pytest.mark.parametrize("wrong", [["--acount", "x"], ["--account"], ["sms"], ["--json=yes"]])
async def test_wrong_usage_is_3_for_2_would_say_that_an_account_is_critical(
    tmp_path: Path, wrong: list[str]
) -> None:
    code, out, err = await output("check", *wrong, cwd=tmp_path)
    assert (code, out) == (3, "")
    assert "Usage: python -m bot check" in err


async def test_an_option_before_the_command_is_3_too(tmp_path: Path) -> None:
    code, out, err = await output("--json", "check", cwd=tmp_path)
    assert (code, out) == (3, "")
    assert "No such option" in err


async def test_faults_are_printed_one_line_each_on_standard_error(tmp_path: Path) -> None:
    code, out, err = await output(
        "check", cwd=tmp_path, CREDIT_SMS_WARNING="many", SLACK_BOT_TOKEN="xoxp-canary"
    )
    assert (code, out) == (3, "")
    assert [line.partition(":")[0] for line in without_secrets(err).splitlines()] == [
        "SMSPARTNER_API_KEY",
        "CREDIT_SMS_WARNING",
    ]


async def test_a_dot_env_that_is_no_text_is_3(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SMSPARTNER_API_KEY=canary".encode("utf-16"))
    assert await output("check", cwd=tmp_path) == (3, "", ".env: is not UTF-8. Save it as UTF-8 text\n")


async def test_nothing_is_loaded_that_only_the_bot_needs() -> None:
    heavy = {"slack_bolt", "apscheduler", "alembic"}
    code = f"import bot.shell.check, sys; print(sorted({heavy} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment(), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out == b"[]\n"


async def test_a_fault_of_its_own_is_3_without_a_traceback(tmp_path: Path) -> None:
    broken = "import bot.shell.check as it; it.session = None; import bot.__main__ as start; start.main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        broken,
        "check",
        cwd=tmp_path,
        env=environment(SMSPARTNER_API_KEY=API_KEY),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, out) == (3, b"")
    assert err == b"check: a fault of this program (TypeError). Please report it.\n"


def test_every_product_has_a_reading_to_judge() -> None:
    for product in Product:
        watched = Account("x", "C0ALERTS", product=product)
        assert judged(watched, Reading(NOW, Credits({Field.BALANCE: Decimal(3)}))).state is State.OK
