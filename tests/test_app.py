"""How the bot starts when nothing is there yet, and how it stops while work is under way."""

import asyncio
import sqlite3
import time
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from bot import web
from bot.app import asked_to_wait
from bot.demo.answers import GOOD, Answer
from bot.demo.run import exhibition
from bot.demo.slack_api import SimulatedSlack
from bot.ports import NotDelivered
from bot.schedule import Schedule
from tests.conftest import exhibit
from tests.test_bot import ask, eventually, told
from tests.test_probes import until_ready_is

HANGS = Answer(delay_before_headers=None)
SOCKET_MODE: dict[str, Any] = {"slack_app_token": "xapp-demo", "slack_signing_secret": None}


def logged(lines: list[Any], event: str, work: str) -> list[Any]:
    return [line for line in lines if (line["event"], line.get("work")) == (event, work)]


@pytest.mark.parametrize(
    ("wrong", "work", "method", "mend"),
    [
        ({"slack_bot_token": "xoxb-wrong"}, "slack", "auth.test", "SLACK_BOT_TOKEN"),
        (
            SOCKET_MODE | {"slack_app_token": "xapp-wrong"},
            "socket_mode",
            "apps.connections.open",
            "SLACK_APP_TOKEN",
        ),
    ],
)
async def test_a_token_that_slack_refuses_is_told_once_with_its_own_mend(
    wrong: dict[str, Any], work: str, method: str, mend: str
) -> None:
    with structlog.testing.capture_logs() as lines:
        async with exhibit(poll_interval="1h", **wrong) as demo:
            await eventually(lambda: len([call for call in demo.slack.calls if call.method == method]) > 2)
    (refused,) = logged(lines, "background.refused", work)
    assert (refused["log_level"], refused["error"]) == ("error", "invalid_auth")
    assert mend in refused["mend"]
    assert logged(lines, "background.away", work) == []


@pytest.mark.parametrize(
    ("method", "work"), [("auth.test", "slack"), ("apps.connections.open", "socket_mode")]
)
async def test_a_wait_that_slack_asks_for_is_heeded_before_it_is_asked_again(method: str, work: str) -> None:
    def limit(_: object, __: object, slack: SimulatedSlack) -> None:
        slack.limited[method] = ["2", "1"]

    def asked() -> list[str]:
        return [call.outcome for call in demo.slack.calls if call.method == method]

    began = time.monotonic()
    with structlog.testing.capture_logs() as lines:
        async with exhibition(drain=0, prepare=limit, **SOCKET_MODE) as demo:
            await eventually(lambda: asked()[2:])
    assert time.monotonic() - began >= 3
    assert asked()[:3] == ["HTTP 429", "HTTP 429", "ok"]
    waits = [(line["error"], line["next_try_in"]) for line in logged(lines, "background.away", work)]
    assert waits == [("ratelimited", 2), ("ratelimited", 1)]


@pytest.mark.parametrize(("asked_for", "waited"), [(None, 0), (0.2, 0.2), (30, 30), (90_000, 3600), (-5, 0)])
def test_no_wait_that_slack_asks_for_is_longer_than_an_hour(asked_for: float | None, waited: float) -> None:
    assert asked_to_wait(NotDelivered("ratelimited", retry_after=asked_for)) == waited
    assert asked_to_wait(OSError()) == 0


async def test_the_port_that_is_said_is_the_one_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    in_no_order = asyncio.Server.sockets.fget  # type: ignore[attr-defined]
    ipv6_first = property(lambda server: sorted(in_no_order(server), key=lambda one: -one.family))
    monkeypatch.setattr(asyncio.Server, "sockets", ipv6_first)
    async with web.serving(web.application(None), 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"200"
        writer.close()


async def test_slack_away_at_start_is_a_warning_for_each_try_and_commands_are_answered() -> None:
    with structlog.testing.capture_logs() as lines:
        async with exhibit(poll_interval="1h", slack_api_url="http://127.0.0.1:1/api/") as demo:
            assert "5,500 SMS" in await ask(demo)
            first = (await eventually(lambda: logged(lines, "background.away", "slack")))[0]
    assert (first["log_level"], first["error"]) == ("warning", "connection_refused")
    assert logged(lines, "background.refused", "slack") == []


async def test_what_nobody_expected_is_logged_at_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, starts = Schedule.start, []

    def start_at_the_second_try(schedule: Schedule) -> None:
        starts.append(schedule)
        if len(starts) == 1:
            raise ZeroDivisionError
        start(schedule)

    monkeypatch.setattr(Schedule, "start", start_at_the_second_try)
    with structlog.testing.capture_logs() as lines:
        async with exhibition(drain=0, database_url=f"sqlite:///{tmp_path / 'bot.db'}") as demo:
            failed = (await eventually(lambda: logged(lines, "background.failed", "watch")))[0]
            assert failed["exc_info"]
            await told(demo, "I watch 3 accounts")


async def test_a_table_of_the_bots_name_that_is_anothers_is_said_and_left_alone_until_it_is_gone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE smscredits_notice (subject TEXT)")
    with structlog.testing.capture_logs() as lines:
        async with exhibition(drain=0, database_url=f"sqlite:///{path}") as demo:
            away = (await eventually(lambda: logged(lines, "background.database_away", "watch")))[0]
            assert away["error"] == "the table smscredits_notice is not the bot's own, or no longer whole"
            assert "nothing was changed" in away["mend"]
            await until_ready_is(demo, {"database": away["error"]})
            assert "5,500 SMS" in await ask(demo)
            with closing(sqlite3.connect(path)) as database:
                assert database.execute("SELECT name FROM sqlite_master").fetchall() == [
                    ("smscredits_notice",)
                ]
                database.execute("DROP TABLE smscredits_notice")
            await told(demo, "I watch 3 accounts")


@pytest.mark.parametrize("mode", [{}, SOCKET_MODE], ids=["http", "socket"])
async def test_a_command_that_was_acknowledged_is_answered_while_the_bot_stops(mode: dict[str, Any]) -> None:
    slow = replace(GOOD, delay_before_headers=2.8)
    async with exhibit(poll_interval="1h", provider_answer=slow, **mode) as demo:
        if mode:
            await eventually(lambda: demo.slack.socket_connected)
        result = await demo.slack.command("")
        assert [one.text for one in result.messages] == ["Asking SMS Partner… There is no earlier reading."]
    answers = [message.text for message in demo.slack.messages if message.ephemeral_for == "U0ALICE"]
    assert "269,082 SMS" in answers[-1]


async def test_a_provider_that_hangs_is_not_waited_for_beyond_the_drain_and_the_person_hears_of_it() -> None:
    async with exhibit(poll_interval="1h", provider_answer=HANGS, drain_seconds=3) as demo:
        await demo.slack.command("")
        began = time.monotonic()
    assert time.monotonic() - began < 3 + 3
    assert demo.slack.messages[-1].text.startswith("I am being restarted")


async def test_a_command_that_is_being_read_when_the_bot_stops_is_still_answered() -> None:
    slow = replace(GOOD, delay_before_headers=0.5)
    async with exhibit(poll_interval="1h", provider_answer=slow) as demo:
        await demo.provider.wait_for_requests(1)
        asking = asyncio.create_task(demo.slack.command(""))
        # The command has been taken when the next one is answered.
        await demo.slack.command("help")
    result = await asking
    assert (result.status, "269,082 SMS" in str(result.body)) == (200, True)


async def test_while_it_stops_in_socket_mode_slack_turns_to_other_copies_at_once() -> None:
    with structlog.testing.capture_logs() as lines:
        async with AsyncExitStack() as stack:
            exhibited = exhibit(provider_answer=HANGS, drain_seconds=1, **SOCKET_MODE)
            demo = await stack.enter_async_context(exhibited)
            await eventually(lambda: demo.slack.socket_connected)
            await demo.provider.wait_for_requests(1, within=20)
            demo.slack.patience = 0.2
            stopping = asyncio.create_task(stack.aclose())
            await eventually(lambda: "bot.stopping" in [line["event"] for line in lines])
            met = [(await demo.slack.command("help")).messages[-1].text for _ in range(3)]
            assert not stopping.done()
            await stopping
    assert "dispatch_failed" in met[-1]
    assert not [said for said in met if "operation_timeout" in said]
