"""A late answer is tried three times, and the loss of one is a line in the log without the URL."""

import aiohttp
import pytest
import structlog.testing

from bot.slack.replies import Replies, _wait
from tests.slack.conftest import Says, Scripted

PAYLOAD = {"text": "5,500 SMS"}
LATER = {"Retry-After": "Wed, 22 Jul 2026 09:45:00 GMT", "Date": "Wed, 22 Jul 2026 08:45:00 GMT"}


async def sent(session: aiohttp.ClientSession, url: object, seconds: float = 5.0) -> list[str]:
    """Send a reply and return what was logged, without what the retries themselves log."""
    api_url = url if isinstance(url, str) and url.startswith("http://127.0.0.1") else "https://slack.com/api/"
    with structlog.testing.capture_logs() as lines:
        await Replies(session, api_url, seconds).send(url, PAYLOAD)
    assert "canary" not in str(lines)
    lost = [line for line in lines if line["event"] == "answer.lost"]
    assert all(line["reference"] and line["log_level"] == "error" for line in lost)
    return [line["error"] for line in lost]


@pytest.mark.parametrize("first", [Says(429, "", {"Retry-After": "0"}), Says(429), Says(503)], ids=str)
async def test_what_heals_by_itself_is_tried_again(
    server: Scripted, session: aiohttp.ClientSession, first: Says
) -> None:
    server.says(first, Says(200, "ok"))
    assert await sent(session, f"{server.url}canary") == []
    assert server.asked == [PAYLOAD, PAYLOAD]


@pytest.mark.parametrize(
    ("said", "error", "tries"),
    [
        (Says(404), "HTTP 404", 1),
        (Says(400), "HTTP 400", 1),
        (Says(302, "", {"Location": "/canary"}), "HTTP 302", 1),
        (Says(500), "HTTP 500", 3),
        (Says(429, "", {"Retry-After": "61"}), "HTTP 429", 1),
        (Says(429, "", LATER), "HTTP 429", 1),
        (Says(200, None), "timeout", 3),
    ],
    ids=str,
)
async def test_a_lost_answer_is_one_line_in_the_log(
    server: Scripted, session: aiohttp.ClientSession, said: Says, error: str, tries: int
) -> None:
    server.says(said)
    seconds = 0.1 if said.body is None else 5.0
    assert await sent(session, f"{server.url}canary", seconds) == [error]
    assert len(server.asked) == tries


@pytest.mark.parametrize(
    ("asked_for", "waits"), [({"Retry-After": "30"}, 30), ({"Retry-After": "0"}, 0), ({}, 1)]
)
async def test_slack_is_not_asked_again_within_the_wait_that_it_asks_for(
    server: Scripted,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    asked_for: dict[str, str],
    waits: float,
) -> None:
    waited: list[float] = []

    def remember(error: Exception) -> bool | float:
        waited.append(_wait(error))
        return 0.0

    monkeypatch.setattr("bot.slack.replies._wait", remember)
    server.says(Says(429, "", asked_for), Says(200, "ok"))
    assert await sent(session, f"{server.url}canary") == []
    assert waited == [waits]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (None, "no response_url"),
        (["canary"], "no response_url"),
        ("canary", "no response_url"),
        ("http://127.0.0.1:1/canary", "connection_refused"),
        ("https://evil.example/canary", "no response_url"),
        ("https://hooks.slack.com.evil.example/canary", "no response_url"),
        ("http://hooks.slack.com/canary", "no response_url"),
        ("http://169.254.169.254/canary", "no response_url"),
    ],
    ids=str,
)
async def test_a_url_that_leads_nowhere_is_one_line_too(
    session: aiohttp.ClientSession, url: object, error: str
) -> None:
    assert await sent(session, url) == [error]
