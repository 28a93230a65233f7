"""What hosts and watchers ask of a running bot: /healthz, /readyz and /metrics."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
import structlog.testing
from prometheus_client.parser import text_string_to_metric_families

from bot.demo.answers import HOSTILE
from bot.demo.run import API_KEY, Demo, exhibition
from tests.conftest import exhibit
from tests.test_bot import ask, eventually, polls, told

TOKEN = "metrics-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
T = TypeVar("T")
AWAY = "postgres://u:p@127.0.0.1:1/d"


async def asked(
    demo: Demo, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, str, Any]:
    url = f"http://127.0.0.1:{demo.bot.port}{path}"
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, url, headers=headers) as response,
    ):
        return response.status, await response.text(), response.headers


async def readiness(demo: Demo) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{demo.bot.port}/readyz"
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        return response.status, await response.json()


async def until(ask_: Callable[[], Awaitable[T]], seen: Callable[[T], bool]) -> T:
    """Ask again until the answer shows what is waited for; the database is looked at every few seconds."""
    for _ in range(400):
        if seen(answer := await ask_()):
            return answer
        await asyncio.sleep(0.05)
    raise TimeoutError


async def until_ready_is(demo: Demo, reasons: dict[str, str]) -> None:
    status, body = await until(partial(readiness, demo), lambda found: found[1]["reasons"] == reasons)
    assert (status, body["ready"]) == ((503, False) if reasons else (200, True))


async def measured(demo: Demo) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample by its name and the values of its labels."""
    status, text, _ = await asked(demo, "/metrics", headers=BEARER)
    assert status == 200
    return {
        (sample.name.removeprefix("smscredits_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_bot_that_reads_and_tells_is_ready(demo: Demo) -> None:
    await told(demo, "I watch the SMS Partner account sms")
    await until_ready_is(demo, {})


async def test_with_the_database_away_it_lives_and_is_not_ready() -> None:
    async with exhibition(drain=0, database_url=AWAY) as demo:
        await until_ready_is(demo, {"database": "the connection is refused"})
        assert (await asked(demo, "/healthz"))[0] == 200
        assert (await asked(demo, "/"))[0] == 200


async def test_with_a_token_that_slack_refuses_it_is_not_ready() -> None:
    async with exhibit(poll_interval="1h", slack_bot_token="xoxb-wrong") as demo:
        await eventually(lambda: demo.slack.calls)
        _, body = await readiness(demo)
        assert body["reasons"]["slack"] == "not connected"


async def test_in_socket_mode_it_is_ready_once_the_connection_stands() -> None:
    async with exhibit(slack_app_token="xapp-demo", slack_signing_secret=None) as demo:
        await told(demo, "I watch the SMS Partner account sms")
        await until_ready_is(demo, {})
    async with exhibit(slack_app_token="xapp-wrong", slack_signing_secret=None) as demo:
        await told(demo, "I watch the SMS Partner account sms")
        await until_ready_is(demo, {"slack": "not connected"})


async def test_what_slack_refuses_is_counted_and_no_channel_is_named() -> None:
    async with exhibit(alert_channel="C0RANDOM") as demo:
        await eventually(lambda: [call for call in demo.slack.calls if call.method == "chat.postMessage"])
        found = await until(partial(asked, demo, "/readyz"), lambda found: "not delivered" in found[1])
        status, text, _ = found
        assert (status, '"notices": "1 not delivered for' in text) == (503, True)
        assert "C0RANDOM" not in text


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics"])
async def test_probes_take_head_and_no_other_method(path: str) -> None:
    async with exhibit(poll_interval="1h", metrics_token=TOKEN) as demo:
        status, body, _ = await asked(demo, path, "GET", BEARER)
        head, empty, headers = await asked(demo, path, "HEAD", BEARER)
        assert head in (200, status)
        assert (empty, int(headers["Content-Length"]) > 0) == ("", bool(body))
        for method in ("POST", "PUT", "DELETE"):
            assert (await asked(demo, path, method, BEARER))[0] == 405


@pytest.mark.parametrize("path", ["/", "/healthz"])
async def test_a_load_balancer_that_asks_for_the_options_is_answered(path: str) -> None:
    async with exhibit(poll_interval="1h") as demo:
        status, body, headers = await asked(demo, path, "OPTIONS")
        assert (status, body, headers["Allow"]) == (204, "", "GET, HEAD, OPTIONS")


async def test_it_is_ready_as_soon_as_it_watches() -> None:
    async with exhibition(drain=0, poll_interval="1h") as demo:
        # Asked all the time from the beginning on: what it said before is not said again.
        while not demo.bot.watching.is_set():
            await readiness(demo)
        _, body = await readiness(demo)
        assert "database" not in body["reasons"]


async def test_whoever_tries_tokens_is_logged_with_how_often_and_not_each_time() -> None:
    with structlog.testing.capture_logs() as lines:
        async with exhibit(poll_interval="1h", metrics_token=TOKEN) as demo:
            for token in (f"Bearer {number}" for number in range(20)):
                assert (await asked(demo, "/metrics", headers={"Authorization": token}))[0] == 401
            assert (await asked(demo, "/metrics"))[0] == 401
    found = [line for line in lines if line["event"] == "metrics.refused"]
    assert [(line.get("wrong_token"), line.get("no_token")) for line in found] == [(1, None), (19, 1)]
    assert TOKEN not in str(lines)


async def test_without_a_token_in_the_settings_there_are_no_metrics(demo: Demo) -> None:
    assert (await asked(demo, "/metrics", headers=BEARER))[0] == 404


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ü",
        TOKEN,
    ],
)
async def test_metrics_are_for_those_alone_who_bear_the_token(authorization: str | None) -> None:
    async with exhibit(poll_interval="1h", metrics_token=TOKEN) as demo:
        given = {} if authorization is None else {"Authorization": authorization}
        status, body, headers = await asked(demo, "/metrics", headers=given)
        assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
        assert "smscredits_" not in body
        assert TOKEN not in body


async def test_metrics_tell_the_figures_the_alerts_and_what_was_done() -> None:
    async with exhibit(metrics_token=TOKEN, credit_sms_warning="6000") as demo:
        await told(demo, "SMS credits are low")
        assert "5,500 SMS" in await ask(demo)
        await ask(demo, "thresholds")
        await polls(demo, 1)
        found = await measured(demo)
    for name, labels, value in (
        ("credits", ("sms", "creditSms"), 5500),
        ("credits", ("sms", "toSend"), 0),
        ("balance", ("sms", "EUR"), 209),
        ("level", ("sms",), 1),
        ("episode_open", ("sms", "low"), 1),
        ("episode_open", ("sms", "unreadable"), 0),
        ("leader", (), 1),
        ("database_up", (), 1),
        ("notices_undelivered", (), 0),
        ("unready", ("scheduler",), 0),
        ("deliveries_total", ("opened", "posted"), 1),
        ("decisions_total", ("opened",), 1),
        ("commands_total", ("show",), 1),
        ("commands_total", ("thresholds",), 1),
        ("command_duration_seconds_count", (), 2),
        ("build_info", ("0.1.0",), 1),
    ):
        assert found[name, labels] == value, name
    assert found["polls_total", ("sms", "read")] >= 1
    assert found["poll_duration_seconds_count", ()] >= 1
    assert found["reading_timestamp_seconds", ("sms",)] <= found["last_cycle_timestamp_seconds", ()]
    assert found["process_resident_memory_bytes", ()] > 0


async def test_metrics_tell_what_cannot_be_read_and_why() -> None:
    async with exhibit(metrics_token=TOKEN, provider_answer=HOSTILE["code_10"]) as demo:
        await told(demo, "the API key is wrong")
        await polls(demo, 1)
        found = await measured(demo)
        _, text, _ = await asked(demo, "/metrics", headers=BEARER)
    assert found["polls_total", ("sms", "unreadable")] >= 1
    assert found["read_failures_total", ("sms", "key_wrong")] >= 1
    assert found["episode_open", ("sms", "unreadable")] == 1
    assert ("credits", ("sms", "creditSms")) not in found
    assert API_KEY not in text


async def test_with_a_database_that_never_answered_metrics_are_still_served() -> None:
    async with exhibition(drain=0, database_url=AWAY, metrics_token=TOKEN) as demo:
        found = await measured(demo)
    assert found["database_up", ()] == 0
    assert found["leader", ()] == 0
    assert found["unready", ("database",)] == 1


async def test_with_the_database_away_metrics_keep_the_last_known_figures_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    async with exhibit(metrics_token=TOKEN, poll_interval="1h", database_url=f"sqlite:///{path}") as demo:
        await told(demo, "I watch the SMS Partner account sms")
        assert (await measured(demo))["credits", ("sms", "creditSms")] == 5500
        with sqlite3.connect(path) as database:
            database.execute("ALTER TABLE smscredits_notice RENAME TO gone")
        database.close()
        found = await until(partial(measured, demo), lambda found: not found["database_up", ()])
        assert (found["database_up", ()], found["credits", ("sms", "creditSms")]) == (0, 5500)
