"""The connection of Socket Mode: it heals by itself, and a copy that stops leaves it to the others."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import structlog.testing
from slack_bolt.async_app import AsyncAck
from yarl import URL

from bot.demo.run import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from bot.demo.slack_api import SimulatedSlack
from bot.ports import NotDelivered
from bot.slack.socket_mode import SocketMode, slacks_address
from bot.slack.web_api import WebApi
from bot.slack.workspace import Workspace
from tests.slack.link_host import LinkHost, link_host
from tests.test_bot import eventually


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    simulated = SimulatedSlack(
        bot_token=BOT_TOKEN,
        signing_secret=SIGNING_SECRET,
        app_token=APP_TOKEN,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - the simulator lives in real time
    )
    async with simulated.serving() as serving:
        yield serving


@pytest.fixture
async def host(slack: SimulatedSlack) -> AsyncIterator[LinkHost]:
    async with link_host(slack) as running:
        yield running


class Copy:
    """A copy of the bot that answers every command with its name, once it may."""

    def __init__(self, name: str, client: WebApi, hello_seconds: float = 0.3) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()
        self.faults: list[str] = []
        self.times_asked = 0
        bolt = Workspace(client).bolt_app()

        @bolt.command("/smscredits")
        async def answer(ack: AsyncAck) -> None:
            self.times_asked += 1
            self.asked.set()
            await self.may_answer.wait()
            await ack(name)

        self.socket = SocketMode(
            bolt, client, APP_TOKEN, hello_seconds=hello_seconds, ping_every=0.2, shortest_session=0
        )

    async def insist(self) -> None:
        """Stay connected as the bot does, but for its pauses."""
        while True:
            try:
                return await self.socket.hold()
            except NotDelivered as fault:
                self.faults.append(fault.error)
            await asyncio.sleep(0.01)


Start = Callable[[str], Awaitable[Copy]]


@pytest.fixture
async def start(slack: SimulatedSlack, session: aiohttp.ClientSession) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(name: str) -> Copy:
            copy = Copy(name, WebApi(BOT_TOKEN, slack.api_url, session))
            stack.push_async_callback(copy.socket.close)
            insisting = asyncio.create_task(copy.insist())
            stack.callback(insisting.cancel)
            await eventually(lambda: copy.socket.connected)
            return copy

        yield begin


async def said(slack: SimulatedSlack) -> str:
    return (await slack.command("")).messages[-1].text


def opens(slack: SimulatedSlack) -> int:
    return len([call for call in slack.calls if call.method == "apps.connections.open"])


def events(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


def response(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]).encode()


async def test_a_start_asks_for_one_connection(slack: SimulatedSlack, start: Start) -> None:
    copy = await start("only")
    assert await said(slack) == "only"
    assert (opens(slack), copy.faults) == (1, [])


Loss = Callable[[SimulatedSlack, LinkHost], Awaitable[None]]


async def closed(slack: SimulatedSlack, _: LinkHost) -> None:
    await slack.links.drop()


async def cut(_: SimulatedSlack, host: LinkHost) -> None:
    host.cut()


async def silent(_: SimulatedSlack, host: LinkHost) -> None:
    host.fall_silent()


async def disabled(slack: SimulatedSlack, _: LinkHost) -> None:
    await slack.links.announce("link_disabled")


async def closed_before_the_next_is_there(slack: SimulatedSlack, host: LinkHost) -> None:
    host.hangs = True
    await slack.links.announce("refresh_requested")
    await slack.links.drop()
    host.hangs = False


@pytest.mark.parametrize(
    ("loss", "fault"),
    [
        (closed, "closed"),
        (cut, "closed"),
        (silent, "silence"),
        (disabled, "link_disabled"),
        (closed_before_the_next_is_there, None),
    ],
    ids=lambda one: one.__name__ if callable(one) else "",
)
async def test_a_connection_that_is_lost_is_replaced_with_a_url_of_its_own(
    slack: SimulatedSlack, host: LinkHost, start: Start, loss: Loss, fault: str | None
) -> None:
    copy = await start("only")
    await loss(slack, host)
    await eventually(lambda: len(set(host.asked)) == 2 and copy.socket.connected)
    assert await said(slack) == "only"
    assert opens(slack) == len(host.asked)
    assert copy.faults == ([fault] if fault else copy.faults)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_next_connection_stands_before_the_old_one_is_closed(
    slack: SimulatedSlack, start: Start, reason: str
) -> None:
    copy = await start("only")
    with structlog.testing.capture_logs() as lines:
        copy.may_answer.clear()
        asking = asyncio.create_task(said(slack))
        await copy.asked.wait()
        await slack.links.announce(reason)
        await eventually(lambda: events(lines) == ["socket_mode.connected"])
        copy.may_answer.set()
        assert await asking == "only"
        assert await said(slack) == "only"
        await eventually(lambda: slack.links.open == 1)
    assert events(lines) == ["socket_mode.connected"]
    assert (opens(slack), copy.faults) == (2, [])


Trouble = Callable[[LinkHost], Awaitable[None]]


async def away(host: LinkHost) -> None:
    await host.go()


async def hanging(host: LinkHost) -> None:
    host.hangs = True


async def hanging_up(host: LinkHost) -> None:
    host.says = b""


async def no_tls(host: LinkHost) -> None:
    host.slack.link_origin = f"wss://127.0.0.1:{host.port}"
    host.says = response("400 Bad Request")


async def no_hello(host: LinkHost) -> None:
    host.slack.links.hello = False


async def stale_tickets(host: LinkHost) -> None:
    host.slack.links.ticket_seconds = -1


async def refused_at_the_handshake(host: LinkHost) -> None:
    host.says = response("403 Forbidden")


async def elsewhere(host: LinkHost) -> None:
    host.slack.link_origin = "ws://slack.com.example:1"


async def no_connection_granted(host: LinkHost) -> None:
    host.slack.refuse("apps.connections.open", "internal_error")


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [
        (away, "connection_refused"),
        (hanging, "timeout"),
        (hanging_up, "broken_off"),
        (no_tls, "tls"),
        (no_hello, "timeout"),
        (stale_tickets, "handshake answered with HTTP 401"),
        (refused_at_the_handshake, "handshake answered with HTTP 403"),
        (elsewhere, "address refused: ws://slack.com.example"),
        (no_connection_granted, "internal_error"),
    ],
    ids=lambda one: one.__name__ if callable(one) else "",
)
async def test_every_further_try_has_a_url_of_its_own_until_one_succeeds(
    slack: SimulatedSlack, host: LinkHost, start: Start, trouble: Trouble, fault: str
) -> None:
    copy = await start("only")
    await trouble(host)
    await slack.links.drop()
    await eventually(lambda: copy.faults.count(fault) >= 2)
    assert not copy.socket.connected
    await host.go()
    host.hangs, host.says = False, None
    slack.links.hello, slack.links.ticket_seconds = True, 30
    slack.refused.clear()
    await host.come()
    await eventually(lambda: copy.socket.connected)
    assert await said(slack) == "only"
    tickets = [asked for asked in host.asked if "ticket=" in asked]
    assert len(tickets) == len(set(tickets))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 7"], 7),
        (["Date: Wed, 22 Jul 2026 08:45:00 GMT", "Retry-After: Wed, 22 Jul 2026 08:45:40 GMT"], 40),
        (["Retry-After: soon"], None),
        ([], None),
    ],
    ids=str,
)
async def test_a_wait_that_is_asked_for_at_the_handshake_is_handed_on(
    slack: SimulatedSlack,
    host: LinkHost,
    session: aiohttp.ClientSession,
    headers: list[str],
    seconds: float | None,
) -> None:
    host.says = response("429 Too Many Requests", *headers)
    with pytest.raises(NotDelivered) as refused:
        await Copy("only", WebApi(BOT_TOKEN, slack.api_url, session)).socket.hold()
    assert refused.value.retry_after == seconds


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", "7", "{}", "[" * 100_000, '{"type": "disconnect"', '{"envelope_id": 7}']
)
async def test_whatever_comes_over_the_connection_leaves_it_standing(
    slack: SimulatedSlack, start: Start, text: str
) -> None:
    copy = await start("only")
    await slack.links.say(text)
    assert await said(slack) == "only"
    assert (opens(slack), copy.faults) == (1, [])


async def test_no_redirect_of_the_handshake_is_followed(
    slack: SimulatedSlack, host: LinkHost, session: aiohttp.ClientSession
) -> None:
    async with link_host(slack) as other:
        slack.link_origin = f"ws://127.0.0.1:{host.port}"
        for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
            host.says = response(status, f"Location: http://127.0.0.1:{other.port}/link/?ticket=canary")
            copy = Copy("only", WebApi(BOT_TOKEN, slack.api_url, session))
            with pytest.raises(NotDelivered, match=f"^handshake answered with HTTP {status[:3]}$"):
                await copy.socket.hold()
        assert (len(host.asked), other.asked) == (5, [])


@pytest.mark.parametrize(
    ("url", "api", "good"),
    [
        ("wss://wss-primary.slack.com/link/?ticket=1", "https://slack.com/api/", True),
        ("wss://wss-primary.slack.com:443/link/?ticket=1", "https://slack.com/api/", True),
        ("wss://WSS-backup.Slack.com/link/?ticket=1", "https://slack.com/api/", True),
        ("wss://wss-primary.slack-gov.com/link/?ticket=1", "https://slack-gov.com/api/", True),
        ("wss://proxy.example/link/?ticket=1", "https://proxy.example/api/", True),
        ("ws://127.0.0.1:8080/link/?ticket=1", "http://127.0.0.1:80/api/", True),
        ("wss://127.0.0.1:8080/link/?ticket=1", "http://127.0.0.1:80/api/", True),
        ("ws://wss-primary.slack.com/link/?ticket=1", "https://slack.com/api/", False),
        ("https://wss-primary.slack.com/link/?ticket=1", "https://slack.com/api/", False),
        ("ws://proxy.example/link/?ticket=1", "https://proxy.example/api/", False),
        ("ws://wss-primary.slack.com/link/?ticket=1", "http://127.0.0.1:80/api/", False),
        ("http://127.0.0.1:8080/link/?ticket=1", "http://127.0.0.1:80/api/", False),
        ("wss://slack.com.example/link/?ticket=1", "https://slack.com/api/", False),
        ("wss://evilslack.com/link/?ticket=1", "https://slack.com/api/", False),
        ("wss://wss-primary.slack.com@evil.example/?ticket=1", "https://slack.com/api/", False),
        ("wss://[::1/?ticket=1", "https://slack.com/api/", False),
        ("?ticket=1", "https://slack.com/api/", False),
        ("", "https://slack.com/api/", False),
        (7, "https://slack.com/api/", False),
        (None, "https://slack.com/api/", False),
    ],
)
def test_connections_lead_to_slack_alone_and_a_refusal_says_no_ticket(
    url: object, api: str, good: bool
) -> None:
    if good:
        assert slacks_address(url, URL(api)) == URL(str(url))
        return
    with pytest.raises(NotDelivered, match=r"^address refused: ") as refused:
        slacks_address(url, URL(api))
    assert "ticket" not in refused.value.error


async def test_no_ticket_reaches_any_logger_whatever_happens(
    slack: SimulatedSlack, host: LinkHost, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    # slack_sdk's own logger prints answers at debug; it never logs so low (`bot.log`).
    logging.getLogger("slack_sdk").setLevel(logging.WARNING)
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        copy = await start("only")
        for loss in (closed, cut, silent, disabled):
            copy.faults.clear()
            await loss(slack, host)
            await eventually(lambda: copy.faults and copy.socket.connected)
        host.says = response("403 Forbidden")
        host.cut()
        await eventually(lambda: "handshake answered with HTTP 403" in copy.faults)
        await host.go()
        await eventually(lambda: "connection_refused" in copy.faults)
        await asyncio.sleep(0)
    tickets = {asked.partition("ticket=")[2].partition("&")[0] for asked in host.asked}
    assert len(tickets) > 4
    everything = f"{lines}{caplog.text}{copy.faults}"
    assert not [ticket for ticket in tickets if ticket in everything]


async def test_that_the_connection_is_gone_and_that_it_is_back_are_lines_of_our_own(
    slack: SimulatedSlack, host: LinkHost, start: Start
) -> None:
    with structlog.testing.capture_logs() as lines:
        copy = await start("only")
        await host.go()
        await eventually(lambda: events(lines)[1:] == ["socket_mode.disconnected"])
        await host.come()
        await eventually(lambda: events(lines)[2:] == ["socket_mode.connected"])
        await copy.socket.leave(3)
    assert len(events(lines)) == 3


async def test_what_comes_after_a_copy_left_is_answered_by_another(
    slack: SimulatedSlack, start: Start
) -> None:
    await start("older")
    newer = await start("newer")
    assert await said(slack) == "newer"
    await newer.socket.leave(3)
    assert not newer.socket.connected
    assert await said(slack) == "older"


async def test_what_was_taken_is_acknowledged_first_and_what_comes_meanwhile_too(
    slack: SimulatedSlack, start: Start
) -> None:
    await start("older")
    newer = await start("newer")
    newer.may_answer.clear()
    first = asyncio.create_task(said(slack))
    await newer.asked.wait()
    leaving = asyncio.create_task(newer.socket.leave(3))
    newer.asked.clear()
    second = asyncio.create_task(said(slack))
    await newer.asked.wait()
    assert not leaving.done()
    newer.may_answer.set()
    assert (await first, await second) == ("newer", "newer")
    await leaving
    assert await said(slack) == "older"


async def test_what_is_never_acknowledged_does_not_keep_a_copy(slack: SimulatedSlack, start: Start) -> None:
    await start("older")
    newer = await start("newer")
    newer.may_answer.clear()
    slack.patience = 0.2
    lost = asyncio.create_task(said(slack))
    await newer.asked.wait()
    await newer.socket.leave(0.01)
    assert await said(slack) == "older"
    assert "operation_timeout" in await lost
    newer.may_answer.set()


async def test_a_copy_that_left_before_it_was_connected_does_not_connect(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    early = Copy("early", WebApi(BOT_TOKEN, slack.api_url, session))
    await early.socket.leave(3)
    await asyncio.wait_for(early.socket.hold(), 5)
    assert not slack.socket_connected


async def test_a_copy_that_leaves_before_slack_greets_it_closes_what_it_opened(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    slack.links.hello = False
    early = Copy("early", WebApi(BOT_TOKEN, slack.api_url, session))
    connecting = asyncio.create_task(early.insist())
    await eventually(lambda: slack.socket_connected)
    await early.socket.leave(3)
    await asyncio.wait_for(connecting, 5)
    await eventually(lambda: not slack.socket_connected)


async def test_a_copy_that_leaves_during_the_handshake_closes_what_it_opened(
    slack: SimulatedSlack, host: LinkHost, session: aiohttp.ClientSession
) -> None:
    host.may_pass = asyncio.Event()
    early = Copy("early", WebApi(BOT_TOKEN, slack.api_url, session), hello_seconds=5)
    connecting = asyncio.create_task(early.insist())
    await eventually(lambda: host.asked)
    await early.socket.leave(3)
    host.may_pass.set()
    await asyncio.wait_for(connecting, 5)
    await eventually(lambda: not slack.socket_connected)


SAME = {"envelope_id": "one"}
SAID = {"envelope_id": "two", "retry_attempt": 1, "retry_reason": "timeout"}


@pytest.mark.parametrize(("repeat", "answered"), [(SAME, True), (SAID, True), (SAID, False)])
async def test_what_slack_repeats_is_acknowledged_alike_and_does_nothing_twice(
    slack: SimulatedSlack, start: Start, repeat: dict[str, Any], answered: bool
) -> None:
    copy = await start("only")
    payload = {"command": "/smscredits", "text": "", "team_id": "T0DEMO", "trigger_id": "1.2.3"}
    if not answered:
        copy.may_answer.clear()
    first = asyncio.create_task(slack.links.deliver("slash_commands", payload, envelope_id="one"))
    await copy.asked.wait()
    if answered:
        await first
    second = asyncio.create_task(slack.links.deliver("slash_commands", payload, **repeat))
    copy.may_answer.set()
    assert (await second)["payload"] == (await first)["payload"] == {"text": "only"}
    assert copy.times_asked == 1


async def test_a_repeat_of_what_never_arrived_is_new_and_the_same_words_again_are_no_repeat(
    slack: SimulatedSlack, start: Start
) -> None:
    copy = await start("only")
    payload = {"command": "/smscredits", "text": "", "team_id": "T0DEMO"}
    await slack.links.deliver("slash_commands", payload, retry_attempt=1)
    await slack.links.deliver("slash_commands", payload)
    assert copy.times_asked == 2


@pytest.mark.parametrize(
    "payload", [{}, {"type": "block_actions"}, {"command": 5}, {"event": 7}, {"user": []}]
)
async def test_what_the_receiver_would_refuse_is_refused_here_in_a_line_too(
    slack: SimulatedSlack, start: Start, payload: dict[str, Any]
) -> None:
    copy = await start("only")
    with structlog.testing.capture_logs() as lines:
        lost = asyncio.create_task(slack.links.deliver("interactive", payload))
        await eventually(lambda: events(lines) == ["slack.malformed_request"])
        lost.cancel()
    assert not copy.asked.is_set()
    assert await said(slack) == "only"
