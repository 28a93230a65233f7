"""Every command leaves a line in the log, and so does what could not be read for it; no figures, no words."""

from typing import Any

import pytest
import structlog.testing

from bot.demo.answers import HOSTILE
from bot.demo.run import exhibition
from tests.conftest import exhibit
from tests.test_bot import ask
from tests.test_probes import AWAY

SETTINGS: dict[str, Any] = {"poll_interval": "1h"}


def of_commands(lines: list[Any]) -> list[Any]:
    return [line for line in lines if line["event"].startswith("command.")]


@pytest.mark.parametrize(("text", "verb"), [("", "show"), ("thresholds", "thresholds")])
async def test_a_command_that_was_answered_is_a_line_with_its_verb(text: str, verb: str) -> None:
    async with exhibit(**SETTINGS) as demo:
        with structlog.testing.capture_logs() as lines:
            await ask(demo, text)
    (line,) = of_commands(lines)
    assert 0 <= line.pop("seconds") < 3
    assert line == {"event": "command.answered", "log_level": "info", "verb": verb}


async def test_what_was_not_understood_is_a_line_without_what_was_typed() -> None:
    async with exhibit(**SETTINGS) as demo:
        with structlog.testing.capture_logs() as lines:
            await ask(demo, "canary")
    (line,) = of_commands(lines)
    assert line["verb"] == "not_understood"
    assert "canary" not in str(lines)


async def test_what_could_not_be_read_for_a_command_is_a_line_with_its_cause() -> None:
    async with exhibit(provider_answer=HOSTILE["code_10"], **SETTINGS) as demo:
        with structlog.testing.capture_logs() as lines:
            await ask(demo)
    not_read, answered = of_commands(lines)
    assert not_read == {"event": "command.not_read", "log_level": "warning", "why": {"sms": "key_wrong"}}
    assert answered["event"] == "command.answered"


async def test_a_database_that_was_away_for_a_command_is_a_line_too() -> None:
    async with exhibition(drain=0, database_url=AWAY, accounts="") as demo:
        with structlog.testing.capture_logs() as lines:
            await ask(demo, "alerts")
    assert "command.database_away" in [line["event"] for line in of_commands(lines)]
