"""An account whose money changes its unit, as people see it: channel, answers, `check` and `doctor`."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.demo.answers import Answer, with_values
from bot.settings import partial_from_environment
from bot.shell import doctor
from bot.shell.check import check
from tests.conftest import exhibit
from tests.neighbours import environment_of, neighbours
from tests.test_bot import alerts, ask, polls, told

NOW_IN = "SMS Partner now counts in XOF (7,477.81 XOF) instead of EUR"


def having(balance: str, unit: object = "EUR", sms: int = 300) -> Answer:
    return with_values({"creditSms": sms, "balance": balance, "solde": balance, "currency": unit})


async def test_the_same_money_in_another_unit_is_told_at_once_as_unreadable_and_as_nothing_else() -> None:
    async with exhibit(provider_answer=having("11.40"), balance_warning="50", poll_interval="1s") as demo:
        await told(demo, "11.40 EUR left, below the warning threshold of 50.00 EUR")
        demo.provider.answer = having("7477.81", "XOF")
        message = await told(demo, NOW_IN)
        assert "Set `CURRENCY=XOF` and the thresholds" in message.text
        await polls(demo, 2)
        answer = await ask(demo)
        assert "sms cannot be read now" in answer
        assert NOW_IN in answer
        assert "7,477.81 XOF left" not in answer
        assert re.search(r"Last good reading, .* old: 300 SMS,.* 11.40 EUR", answer)
        demo.provider.answer = having("11.40", "€")
        await told(demo, "Account sms can be read again")
        assert [kind for kind, text in alerts(demo) if "fine again" in text or "opped up" in text] == []


async def test_once_the_new_unit_is_configured_the_account_is_read_in_it(tmp_path: Path) -> None:
    kept: dict[str, Any] = {
        "database_url": f"sqlite:///{tmp_path}/bot.db",
        "poll_interval": "1s",
        "credit_sms_warning": None,
        "credit_sms_critical": None,
    }
    async with exhibit(provider_answer=having("11.40"), balance_warning="50", **kept) as demo:
        await told(demo, "11.40 EUR left")
        demo.provider.answer = having("7477.81", "XOF")
        await told(demo, NOW_IN)
    francs: dict[str, Any] = {"balance_warning": "3000", "balance_critical": None, "currency": "XOF"}
    answer = having("7477.81", "XOF")
    async with exhibit(provider_answer=answer, **kept, **francs) as demo:
        end = await told(demo, "SMS credits are fine again")
        assert "7,477.81 XOF left" in end.text
        assert "opped up" not in end.text, "francs less euros"
        await told(demo, "can be read again")
        assert "warning below a balance of 3,000.00 XOF: fine" in await ask(demo)


@pytest.mark.parametrize("currency", [None, "EUR"])
async def test_the_greeting_and_the_thresholds_say_the_unit(currency: str | None) -> None:
    unit = {"currency": currency} if currency else {}
    async with exhibit(provider_answer=having("342", "€"), balance_warning="50.5", **unit) as demo:
        greeting = await told(demo, "I watch the SMS Partner account sms")
        assert "warning below a balance of 50.50 EUR" in greeting.text
        await polls(demo, 1)
        said = await ask(demo, "thresholds")
        assert "warning below a balance of 50.50 EUR, ends at 55.55 EUR (`BALANCE_WARNING`)" in said


async def test_check_calls_another_unit_than_the_configured_one_unreadable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around:
        around.provider.answer = having("7477.81", "XOF", sms=9000)
        environment_of({**around.settings, "CURRENCY": "eur"}, monkeypatch, tmp_path)
        report = await check(None, as_json=False)
    assert report.exit_code == 3
    assert f"{NOW_IN} → Set CURRENCY=XOF and the thresholds" in report.text


async def test_check_neither_judges_nor_hides_a_unit_that_nobody_configured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around:
        around.provider.answer = having("40", "XOF", sms=9000)
        environment_of({**around.settings, "BALANCE_CRITICAL": "50"}, monkeypatch, tmp_path)
        report = await check(None, as_json=False)
    assert report.exit_code == 2
    assert "40.00 XOF" in report.text
    assert "critical below a balance of 50.00 XOF" in report.text


async def test_the_doctor_holds_the_unit_against_the_one_that_the_bot_last_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/bot.db"
    async with exhibit(provider_answer=having("342", sms=9000), database_url=database) as demo:
        await polls(demo, 1)
    async with neighbours() as around:
        around.provider.answer = having("7477.81", "XOF", sms=9000)
        for configured, verdict in ((None, "problem"), ("EUR", "problem"), ("XOF", "ok")):
            settings = {**around.settings, "DATABASE_URL": database, "CURRENCY": configured}
            environment_of(settings, monkeypatch, tmp_path)
            found = await doctor.examine(partial_from_environment(), SystemClock())
            (line,) = [one for one in found if one.subject == "sms" and one.topic == "account"]
            assert line.verdict == verdict, configured
            assert (NOW_IN in line.said) is (verdict == "problem")
