import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.demo.slack_api import Message, SimulatedSlack

SECRET = "the signing secret"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ALERTS = "C0ALERTS"

Json = dict[str, Any]


@dataclass
class Wall:
    """A clock on the wall, whose hands the test moves."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class WallSeconds(Clock):
    """The same clock, as Slack's own verifier reads it."""

    def __init__(self, wall: Wall) -> None:
        self.wall = wall

    def now(self) -> float:
        return self.wall().timestamp()


async def nothing(_: Json) -> web.Response:
    return web.Response()


@dataclass
class TinyBot:
    """An app as Slack sees it: it verifies with Slack's own verifier, notes what came, answers as told."""

    wall: Wall
    answer: Callable[[Json], Awaitable[web.Response]] = nothing
    received: list[Json] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        verifier = SignatureVerifier(SECRET, WallSeconds(self.wall))
        if not verifier.is_valid_request(body, dict(request.headers)):
            return web.Response(status=401)
        form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
        received = json.loads(form["payload"]) if "payload" in form else form
        self.received.append(received)
        return await self.answer(received)

    def says(self, **body: Any) -> None:
        async def answer(_: Json) -> web.Response:
            return web.json_response(body)

        self.answer = answer

    def fails(self, status: int) -> None:
        async def answer(_: Json) -> web.Response:
            return web.Response(status=status, headers={"Location": "/elsewhere"})

        self.answer = answer

    def hangs(self) -> None:
        async def answer(_: Json) -> web.Response:
            await asyncio.Event().wait()
            raise AssertionError

        self.answer = answer


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def slack(wall: Wall) -> AsyncIterator[SimulatedSlack]:
    simulated = SimulatedSlack(
        bot_token="xoxb-demo", signing_secret=SECRET, app_token="xapp-demo", clock=wall
    )
    async with simulated.serving() as serving:
        yield serving


@pytest.fixture
async def bot(slack: SimulatedSlack, wall: Wall) -> AsyncIterator[TinyBot]:
    tiny = TinyBot(wall)
    app = web.Application()
    app.router.add_post("/slack/events", tiny.take)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield tiny
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(slack: SimulatedSlack, http: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(token="xoxb-demo", base_url=slack.api_url, session=http, retry_handlers=[])


def section(text: str = "*4,812* credits left") -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str, value: str, **further: Any) -> Json:
    text = {"type": "plain_text", "text": action_id}
    return {"type": "button", "text": text, "action_id": action_id, "value": value, **further}


def snooze() -> Json:
    options = [{"text": {"type": "plain_text", "text": hours}, "value": hours} for hours in ("1h", "4h")]
    return {"type": "static_select", "action_id": "snooze", "options": options}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


async def posted(client: AsyncWebClient, slack: SimulatedSlack, *blocks: Json, **further: Any) -> Message:
    await client.chat_postMessage(channel=ALERTS, text="4,812 credits left", blocks=blocks, **further)
    return slack.messages[-1]


async def refusal(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    assert caught.value.response.status_code == 200
    return str(caught.value.response["error"])


# The Web API


async def test_the_real_client_learns_who_it_is_and_with_which_scopes(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == (
        "T0DEMO",
        "U0CREDITBOT",
        "B0CREDITBOT",
    )
    assert answer.headers["x-oauth-scopes"] == "commands,chat:write"


async def test_a_post_is_shown_and_answered_with_its_ts(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    answer = await client.chat_postMessage(
        channel=ALERTS,
        text="4,812 credits left",
        blocks=[section()],
        unfurl_links=False,
        metadata={"event_type": "smscredits", "event_payload": {"kind": "opened"}},
    )
    (message,) = slack.messages
    assert (answer["channel"], answer["ts"]) == (ALERTS, message.ts)
    assert answer["message"]["blocks"] == list(message.blocks)
    assert (message.user, message.text, message.kind) == ("U0CREDITBOT", "4,812 credits left", "message")
    assert message.metadata == {"event_type": "smscredits", "event_payload": {"kind": "opened"}}
    assert message.blocks[0]["block_id"]


async def test_every_ts_is_unique_and_later_than_the_one_before(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    await asyncio.gather(*(client.chat_postMessage(channel=ALERTS, text="x") for _ in range(20)))
    stamps = [message.ts for message in slack.messages]
    assert stamps == sorted(set(stamps))
    assert stamps[0] == f"{int(NOON.timestamp())}.000000"


async def test_a_form_is_read_as_json_is(slack: SimulatedSlack, http: aiohttp.ClientSession) -> None:
    form = {"channel": ALERTS, "text": "x", "blocks": json.dumps([section()]), "unfurl_links": "false"}
    headers = {"Authorization": "Bearer xoxb-demo"}
    async with http.post(f"{slack.api_url}chat.postMessage", data=form, headers=headers) as answer:
        assert (await answer.json())["ok"] is True
    async with http.get(f"{slack.api_url}chat.postMessage", params=form, headers=headers) as answer:
        assert (await answer.json())["ok"] is True
    assert [call.payload["blocks"] for call in slack.calls] == [[section()]] * 2
    assert slack.calls[0].payload["unfurl_links"] is False


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, "invalid_json"),
        ({"json": ["x"]}, "json_not_object"),
        ({"data": {"channel": ALERTS, "text": "x", "blocks": "[{"}}, "invalid_blocks_format"),
    ],
)
async def test_arguments_that_cannot_be_read_are_refused(
    slack: SimulatedSlack, http: aiohttp.ClientSession, body: Json, error: str
) -> None:
    headers = {"Authorization": "Bearer xoxb-demo", **body.pop("headers", {})}
    async with http.post(f"{slack.api_url}chat.postMessage", headers=headers, **body) as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": False, "error": error})


@pytest.mark.parametrize(
    ("header", "method", "error"),
    [
        ({}, "auth.test", "not_authed"),
        ({"Authorization": "Bearer xoxb-other"}, "auth.test", "invalid_auth"),
        ({"Authorization": "Bearer xapp-demo"}, "chat.postMessage", "not_allowed_token_type"),
        ({"Authorization": "Bearer xoxb-demo"}, "apps.connections.open", "not_allowed_token_type"),
        ({"Authorization": "Bearer xapp-other"}, "apps.connections.open", "invalid_auth"),
        ({"Authorization": "Bearer xoxb-demo"}, "conversations.history", "unknown_method"),
    ],
)
async def test_a_wrong_token_or_method_is_refused_as_slack_refuses_it(
    slack: SimulatedSlack, http: aiohttp.ClientSession, header: dict[str, str], method: str, error: str
) -> None:
    async with http.post(f"{slack.api_url}{method}", headers=header) as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": False, "error": error})
        assert answer.headers["x-oauth-scopes"] == "commands,chat:write"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "#sms-alerts", "text": "x"}, "channel_not_found"),
        ({"channel": "C0RANDOM", "text": "x"}, "not_in_channel"),
        ({"channel": "C0ARCHIVED", "text": "x"}, "is_archived"),
        ({"channel": ALERTS}, "no_text"),
        ({"channel": ALERTS, "text": "R&D"}, "invalid_blocks"),
        ({"channel": ALERTS, "text": "x", "thread_ts": "1700000000.000100"}, "thread_not_found"),
    ],
)
async def test_a_post_that_slack_would_refuse_is_refused_and_not_shown(
    client: AsyncWebClient, slack: SimulatedSlack, arguments: Json, error: str
) -> None:
    assert await refusal(client.api_call("chat.postMessage", json=arguments)) == error
    assert slack.messages == []


async def test_a_refused_payload_names_its_faults_and_is_noted(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ALERTS, text="x", blocks=[{"type": "header"}])
    assert caught.value.response["response_metadata"] == {"messages": ["[ERROR] blocks[0].text: missing"]}
    assert slack.refusals == ["chat.postMessage: blocks[0].text: missing"]


async def test_a_reply_stands_in_its_thread_and_may_be_broadcast(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    parent = await posted(client, slack)
    quiet = await posted(client, slack, thread_ts=parent.ts)
    loud = await posted(client, slack, thread_ts=parent.ts, reply_broadcast=True)
    assert [message.thread_ts for message in (parent, quiet, loud)] == [None, parent.ts, parent.ts]
    assert [message.broadcast for message in (parent, quiet, loud)] == [False, False, True]
    assert await refusal(client.chat_postMessage(channel=ALERTS, text="x", thread_ts=quiet.ts)) == (
        "thread_not_found"
    )


async def test_an_update_replaces_the_message_in_its_place(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    first = await posted(client, slack, section(), metadata={"event_type": "a", "event_payload": {}})
    await posted(client, slack)
    answer = await client.chat_update(channel=ALERTS, ts=first.ts, text="ended", blocks=[])
    edited = slack.messages[0]
    assert (answer["ts"], answer["text"]) == (first.ts, "ended")
    assert (edited.ts, edited.text, edited.blocks, edited.metadata) == (first.ts, "ended", (), first.metadata)
    assert (first.edited_ts, edited.edited_ts is not None) == (None, True)


async def test_an_update_without_blocks_keeps_them(client: AsyncWebClient, slack: SimulatedSlack) -> None:
    first = await posted(client, slack, section())
    await client.chat_update(channel=ALERTS, ts=first.ts, text="4,700 credits left")
    assert slack.messages[0].blocks == first.blocks


async def test_only_the_bots_own_messages_can_be_updated(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    bot.says(text="shared", response_type="in_channel")
    line, _ = (await slack.command("share")).messages
    bot.says(text="for you alone")
    (private,) = (await slack.command("")).messages
    update = client.chat_update
    assert await refusal(update(channel=ALERTS, ts=line.ts, text="x")) == "cant_update_message"
    assert await refusal(update(channel=ALERTS, ts=private.ts, text="x")) == "message_not_found"
    assert await refusal(update(channel=ALERTS, ts="1.000000", text="x")) == "message_not_found"


async def test_an_update_is_judged_like_a_post(client: AsyncWebClient, slack: SimulatedSlack) -> None:
    first = await posted(client, slack)
    assert await refusal(client.chat_update(channel=ALERTS, ts=first.ts, text="a < b")) == "invalid_blocks"
    assert slack.messages == [first]


# What goes wrong on purpose


async def test_the_rate_limit_holds_for_as_many_calls_as_asked_and_is_retried_by_the_real_handler(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    slack.fault_next("rate_limited")
    await client.chat_postMessage(channel=ALERTS, text="x")
    assert [(call.status, call.answer["ok"]) for call in slack.calls] == [(429, False), (200, True)]
    assert len(slack.messages) == 1


async def test_a_rate_limited_call_is_told_when_to_come_back(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    slack.fault = "rate_limited"
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ALERTS, text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response["error"] == "ratelimited"
    assert caught.value.response.headers["Retry-After"] == "1"


async def test_a_server_error_is_a_page_and_shows_nothing(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    slack.fault = "server_error"
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ALERTS, text="x")
    assert caught.value.response.status_code == 500
    assert slack.messages == []


@pytest.mark.parametrize(("fault", "shown"), [("timeout_before", 0), ("timeout_after", 1)])
async def test_a_call_that_is_never_answered_may_have_been_accepted(
    client: AsyncWebClient, slack: SimulatedSlack, fault: str, shown: int
) -> None:
    slack.fault_next(fault)
    version = slack.version
    call = asyncio.create_task(client.chat_postMessage(channel=ALERTS, text="x"))
    while not slack.calls:
        version = await slack.changed(version)
    assert not call.done()
    call.cancel()
    assert (len(slack.messages), slack.calls[0].status) == (shown, None)
    await client.chat_postMessage(channel=ALERTS, text="y")
    assert len(slack.messages) == shown + 1


async def test_calls_that_hang_do_not_keep_the_workspace_from_closing(
    wall: Wall, http: aiohttp.ClientSession
) -> None:
    slack = SimulatedSlack(bot_token="xoxb-demo", signing_secret=SECRET, clock=wall)
    slack.fault = "timeout_before"
    async with asyncio.timeout(2), slack.serving():
        client = AsyncWebClient(token="xoxb-demo", base_url=slack.api_url, session=http, retry_handlers=[])
        call = asyncio.create_task(client.chat_postMessage(channel=ALERTS, text="x"))
        await slack.changed(0)
    with pytest.raises(aiohttp.ClientError):
        await asyncio.wait_for(call, 2)


async def test_a_fault_meets_chat_calls_alone(client: AsyncWebClient, slack: SimulatedSlack) -> None:
    slack.fault = "not_in_channel"
    assert await refusal(client.chat_postMessage(channel=ALERTS, text="x")) == "not_in_channel"
    assert (await client.auth_test())["ok"] is True


def test_an_unknown_fault_is_refused(wall: Wall) -> None:
    slack = SimulatedSlack(bot_token="xoxb-demo", signing_secret=SECRET, clock=wall)
    with pytest.raises(ValueError, match="snow"):
        slack.fault = "snow"
    with pytest.raises(ValueError, match="snow"):
        slack.fault_next("snow")


# Slash commands


async def test_a_command_carries_every_field_of_slacks_documents(slack: SimulatedSlack, bot: TinyBot) -> None:
    result = await slack.command("snooze 4h <R&D>", user="U0BRUNO", channel="C0RANDOM")
    (form,) = bot.received
    assert {name: form[name] for name in form if name not in {"token", "trigger_id", "response_url"}} == {
        "team_id": "T0DEMO",
        "team_domain": "demo-workspace",
        "channel_id": "C0RANDOM",
        "channel_name": "random",
        "user_id": "U0BRUNO",
        "user_name": "bruno",
        "command": "/smscredits",
        "text": "snooze 4h <R&D>",
        "api_app_id": "A0CREDITBOT",
        "is_enterprise_install": "false",
    }
    assert re.fullmatch(r"\d+\.\d+\.[0-9a-f]{32}", form["trigger_id"])
    assert (result.status, result.body, result.messages, slack.messages) == (200, {}, (), [])
    assert 0 < result.seconds < 3


async def test_a_command_signed_with_another_secret_or_too_old_is_turned_away(
    slack: SimulatedSlack, bot: TinyBot, http: aiohttp.ClientSession, wall: Wall
) -> None:
    headers = slack.signed_headers("command=x")
    async with http.post(slack.bot_url, data="command=y", headers=headers) as forged:
        assert forged.status == 401
    wall.now += timedelta(minutes=6)
    async with http.post(slack.bot_url, data="command=x", headers=headers) as stale:
        assert stale.status == 401
    assert bot.received == []


async def test_an_answer_in_the_acknowledgement_is_for_the_person_alone(
    slack: SimulatedSlack, bot: TinyBot
) -> None:
    bot.says(text="4,812 credits left", blocks=[section()])
    result = await slack.command("", user="U0BRUNO")
    (message,) = slack.messages
    assert result.messages == (message,)
    assert (message.ephemeral_for, message.user, message.text) == (
        "U0BRUNO",
        "U0CREDITBOT",
        "4,812 credits left",
    )


async def test_plain_words_are_an_answer_too(slack: SimulatedSlack, bot: TinyBot) -> None:
    async def answer(_: Json) -> web.Response:
        return web.Response(text="4,812 credits left")

    bot.answer = answer
    result = await slack.command("")
    assert result.body == {"text": "4,812 credits left"}
    assert [message.text for message in result.messages] == ["4,812 credits left"]


async def test_an_answer_in_the_channel_shows_the_command_too(slack: SimulatedSlack, bot: TinyBot) -> None:
    bot.says(text="4,812 credits left", response_type="in_channel")
    line, answer = (await slack.command("share <b>")).messages
    assert (line.kind, line.user, line.text) == ("command", "U0ALICE", "/smscredits share &lt;b&gt;")
    assert (answer.kind, answer.ephemeral_for) == ("message", None)


async def test_the_command_alone_may_be_shown(slack: SimulatedSlack, bot: TinyBot) -> None:
    bot.says(response_type="in_channel")
    assert [message.kind for message in (await slack.command("share")).messages] == ["command"]


async def test_an_answer_after_slacks_patience_is_a_failure_for_the_person(
    slack: SimulatedSlack, bot: TinyBot
) -> None:
    assert slack.patience == 3.0
    slack.patience = 0.05
    bot.hangs()
    result = await slack.command("")
    (message,) = slack.messages
    assert (result.status, result.messages) == (None, (message,))
    assert message.text == '/smscredits failed with the error "operation_timeout"'
    assert (message.kind, message.user, message.ephemeral_for) == ("message", "USLACKBOT", "U0ALICE")


async def test_the_patience_covers_the_whole_answer_not_only_its_head(
    slack: SimulatedSlack, wall: Wall
) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n4,8")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        slack.bot_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        slack.patience = 0.05
        result = await slack.command("")
    assert "operation_timeout" in result.messages[0].text


@pytest.mark.parametrize("status", [500, 401, 302, 201])
async def test_a_failure_of_the_bot_is_dispatch_failed(
    slack: SimulatedSlack, bot: TinyBot, status: int
) -> None:
    bot.fails(status)
    result = await slack.command("")
    assert result.status == status
    assert [message.text for message in result.messages] == [
        '/smscredits failed with the error "dispatch_failed"'
    ]


async def test_a_bot_that_is_not_there_is_dispatch_failed(slack: SimulatedSlack) -> None:
    without_socket = await slack.command("")
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as gone:
        slack.bot_url = f"http://127.0.0.1:{gone.sockets[0].getsockname()[1]}/"
    without_server = await slack.command("")
    for result in (without_socket, without_server):
        assert (result.status, result.messages[0].text) == (
            None,
            '/smscredits failed with the error "dispatch_failed"',
        )


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('{"text": "x", "blocks": [{"type": "header"}]}', "blocks[0].text: missing"),
        ('{"blocks": [{"type": "divider"}]}', "text: missing"),
        ('{"text": "a < b"}', "text: "),
        ('["x"]', "the body is no JSON object"),
        ("{", "the body is no JSON"),
    ],
)
async def test_an_invalid_answer_is_noted_and_slackbot_says_so(
    slack: SimulatedSlack, bot: TinyBot, body: str, path: str
) -> None:
    async def answer(_: Json) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    bot.answer = answer
    (message,) = (await slack.command("alerts")).messages
    assert (message.user, message.ephemeral_for) == ("USLACKBOT", "U0ALICE")
    assert message.text.startswith(f"invalid payload: {path}")
    assert slack.refusals[0].startswith(f"/smscredits alerts: {path}")


async def test_only_members_and_channels_that_exist_can_type_a_command(slack: SimulatedSlack) -> None:
    with pytest.raises(LookupError):
        await slack.command("", user="U0NOBODY")
    with pytest.raises(LookupError):
        await slack.command("", channel="C0NOWHERE")


# Response URLs


async def response_url(slack: SimulatedSlack, bot: TinyBot) -> AsyncWebhookClient:
    await slack.command("", user="U0BRUNO", channel="C0RANDOM")
    return AsyncWebhookClient(bot.received[-1]["response_url"], retry_handlers=[])


async def test_a_later_answer_comes_through_the_response_url(slack: SimulatedSlack, bot: TinyBot) -> None:
    hook = await response_url(slack, bot)
    private = await hook.send(text="4,812 credits left", blocks=[section()])
    shared = await hook.send(text="4,812 credits left", response_type="in_channel")
    assert (private.status_code, shared.status_code, private.body) == (200, 200, "ok")
    assert [(each.channel, each.ephemeral_for) for each in slack.messages] == [
        ("C0RANDOM", "U0BRUNO"),
        ("C0RANDOM", None),
    ]


async def test_what_a_command_acknowledged_cannot_be_taken_back(slack: SimulatedSlack, bot: TinyBot) -> None:
    bot.says(text="Asking SMS Partner")
    hook = await response_url(slack, bot)
    await hook.send(text="4,812 credits left", replace_original=True)
    deleted = await hook.send_dict({"text": "", "delete_original": True})
    assert deleted.status_code == 200
    assert [message.text for message in slack.messages] == ["Asking SMS Partner", "4,812 credits left"]


async def test_a_response_url_is_good_for_five_answers(slack: SimulatedSlack, bot: TinyBot) -> None:
    hook = await response_url(slack, bot)
    assert [(await hook.send(text="x")).status_code for _ in range(6)] == [200] * 5 + [404]
    assert (await hook.send(text="x")).body == '{"ok": false, "error": "used_url"}'
    assert len(slack.messages) == 5


async def test_a_response_url_is_good_for_thirty_minutes(
    slack: SimulatedSlack, bot: TinyBot, wall: Wall
) -> None:
    hook = await response_url(slack, bot)
    wall.now += timedelta(minutes=30) - timedelta(seconds=1)
    assert (await hook.send(text="x")).status_code == 200
    wall.now += timedelta(seconds=1)
    late = await hook.send(text="x")
    assert (late.status_code, late.body) == (404, '{"ok": false, "error": "expired_url"}')


async def test_a_response_is_judged_like_a_post(slack: SimulatedSlack, bot: TinyBot) -> None:
    hook = await response_url(slack, bot)
    refused = await hook.send(text="x", blocks=[{"type": "header"}])
    assert (refused.status_code, refused.body) == (400, '{"ok": false, "error": "invalid_blocks"}')
    assert slack.refusals == ["response_url: blocks[0].text: missing"]
    assert slack.messages == []


async def test_a_response_url_cannot_be_guessed(slack: SimulatedSlack) -> None:
    hook = AsyncWebhookClient(slack.api_url.replace("/api/", "/response/guess"), retry_handlers=[])
    assert (await hook.send(text="x")).status_code == 404


# Buttons and menus


async def test_a_press_carries_every_field_of_slacks_documents(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    message = await posted(client, slack, section(), actions(button("ack", "7"), snooze()))
    result = await slack.press(message, "ack", user="U0BRUNO")
    (payload,) = bot.received
    block_id = message.blocks[1]["block_id"]
    (action,) = payload["actions"]
    assert result.status == 200
    assert payload["type"] == "block_actions"
    assert payload["user"] == {
        "id": "U0BRUNO",
        "username": "bruno",
        "name": "bruno",
        "team_id": "T0DEMO",
    }
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": ALERTS,
        "is_ephemeral": False,
    }
    assert payload["team"] == {"id": "T0DEMO", "domain": "demo-workspace"}
    assert (payload["enterprise"], payload["is_enterprise_install"]) == (None, False)
    assert payload["channel"] == {"id": ALERTS, "name": "sms-alerts"}
    assert (payload["message"]["ts"], payload["message"]["blocks"]) == (message.ts, list(message.blocks))
    assert payload["state"] == {
        "values": {block_id: {"snooze": {"type": "static_select", "selected_option": None}}}
    }
    assert {name: action[name] for name in ("type", "action_id", "block_id", "value")} == {
        "type": "button",
        "action_id": "ack",
        "block_id": block_id,
        "value": "7",
    }
    assert {"api_app_id", "token", "trigger_id", "response_url"} <= set(payload)


async def test_a_choice_from_a_menu_stands_in_the_action_and_in_the_state(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    message = await posted(client, slack, actions(snooze()))
    await slack.press(message, "snooze", selected_option="4h")
    chosen = {"text": {"type": "plain_text", "text": "4h"}, "value": "4h"}
    (payload,) = bot.received
    assert payload["actions"][0]["selected_option"] == chosen
    assert payload["state"]["values"][message.blocks[0]["block_id"]]["snooze"]["selected_option"] == chosen


async def test_a_button_with_an_address_sends_its_action_too(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    message = await posted(client, slack, actions(button("top_up", "7", url="https://example.org/")))
    await slack.press(message, "top_up")
    assert bot.received[0]["actions"][0]["action_id"] == "top_up"


async def test_the_value_tells_buttons_of_one_action_apart(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    message = await posted(client, slack, actions(button("ack", "7")), actions(button("ack", "8")))
    await slack.press(message, "ack", value="8")
    assert bot.received[0]["actions"][0]["block_id"] == message.blocks[1]["block_id"]


async def test_only_what_is_shown_can_be_pressed(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    message = await posted(client, slack, actions(button("ack", "7"), snooze()))
    for action_id, further in (
        ("resume", {}),
        ("ack", {"value": "8"}),
        ("snooze", {"selected_option": "9h"}),
    ):
        with pytest.raises(LookupError):
            await slack.press(message, action_id, **further)
    bot.says(text="x", blocks=[actions(button("ack", "7"))])
    (private,) = (await slack.command("", user="U0BRUNO")).messages
    with pytest.raises(LookupError):
        await slack.press(private, "ack", user="U0ALICE")
    assert len(bot.received) == 1


async def test_a_press_on_an_ephemeral_message_sends_no_copy_of_it(
    slack: SimulatedSlack, bot: TinyBot
) -> None:
    bot.says(text="x", blocks=[actions(button("ack", "7"))])
    (message,) = (await slack.command("")).messages
    await slack.press(message, "ack")
    assert bot.received[1]["container"]["is_ephemeral"] is True
    assert "message" not in bot.received[1]


async def test_a_press_that_is_not_acknowledged_leaves_a_warning_sign_until_the_next(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    message = await posted(client, slack, actions(button("ack", "7")))
    slack.patience = 0.05
    bot.hangs()
    assert (await slack.press(message, "ack")).status is None
    assert slack.press_failed == {message.ts}
    slack.patience = 3.0
    bot.fails(500)
    assert (await slack.press(message, "ack")).status == 500
    assert slack.press_failed == {message.ts}
    bot.answer = nothing
    assert (await slack.press(message, "ack")).status == 200
    assert slack.press_failed == set()


async def test_the_response_url_of_a_press_replaces_and_deletes_its_message(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    message = await posted(client, slack, actions(button("ack", "7")))
    await slack.press(message, "ack")
    hook = AsyncWebhookClient(bot.received[0]["response_url"], retry_handlers=[])
    await hook.send(text="seen by Alice")
    await hook.send(text="acknowledged", replace_original=True)
    replaced, private = slack.messages
    assert (replaced.ts, replaced.text, replaced.blocks) == (message.ts, "acknowledged", ())
    assert (private.text, private.ephemeral_for) == ("seen by Alice", "U0ALICE")
    await hook.send_dict({"delete_original": True})
    assert slack.messages == [private]


# Socket Mode


@pytest.fixture
async def socket(slack: SimulatedSlack) -> AsyncIterator[SocketModeClient]:
    web_client = AsyncWebClient(base_url=slack.api_url, retry_handlers=[])
    client = SocketModeClient(app_token="xapp-demo", web_client=web_client)
    greeted = asyncio.Event()

    async def hello(_: AsyncBaseSocketModeClient, message: Json, __: str | None) -> None:
        if message["type"] == "hello":
            greeted.set()

    client.message_listeners.append(hello)
    await client.connect()  # type: ignore[no-untyped-call] # slack_sdk gives it no types
    await asyncio.wait_for(greeted.wait(), 5)
    yield client
    await client.close()  # type: ignore[no-untyped-call] # slack_sdk gives it no types


def replies(socket: SocketModeClient, payload: Json | None) -> list[SocketModeRequest]:
    received: list[SocketModeRequest] = []

    async def listener(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        received.append(request)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

    socket.socket_mode_request_listeners.append(listener)
    return received


async def test_in_socket_mode_the_acknowledgement_carries_the_answer(
    slack: SimulatedSlack, socket: SocketModeClient
) -> None:
    received = replies(socket, {"text": "4,812 credits left"})
    result = await slack.command("alerts")
    assert (received[0].type, received[0].payload["text"]) == ("slash_commands", "alerts")
    assert received[0].accepts_response_payload is True
    assert (result.status, result.body) == (200, {"text": "4,812 credits left"})
    assert [message.text for message in result.messages] == ["4,812 credits left"]


async def test_in_socket_mode_a_press_is_an_interactive_envelope(
    slack: SimulatedSlack, socket: SocketModeClient, client: AsyncWebClient
) -> None:
    message = await posted(client, slack, actions(button("ack", "7")))
    received = replies(socket, None)
    assert (await slack.press(message, "ack")).status == 200
    assert (received[0].type, received[0].payload["type"]) == ("interactive", "block_actions")


async def test_in_socket_mode_silence_is_a_failure_too(
    slack: SimulatedSlack, socket: SocketModeClient
) -> None:
    slack.patience = 0.05
    result = await slack.command("")
    assert "operation_timeout" in result.messages[0].text
    assert slack.socket_connected


async def test_a_link_answers_pings_and_says_when_it_goes(
    slack: SimulatedSlack, http: aiohttp.ClientSession, wall: Wall
) -> None:
    other = SimulatedSlack(bot_token="xoxb-demo", signing_secret=SECRET, app_token="xapp-demo", clock=wall)
    async with other.serving():
        opened = await AsyncWebClient(base_url=other.api_url).apps_connections_open(app_token="xapp-demo")
        link = await http.ws_connect(opened["url"], autoping=False)
        assert (await link.receive_json(timeout=5))["type"] == "hello"
        await link.ping(b"still there?")
        pong = await link.receive(timeout=5)
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"still there?")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(opened["url"])
        last_words = asyncio.create_task(remaining(link))
    assert await last_words == ["disconnect"]


async def remaining(link: aiohttp.ClientWebSocketResponse) -> list[str]:
    return [message.json()["type"] async for message in link]


# Awaiting


async def test_waiting_finds_what_is_there_and_what_comes(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    waiting = asyncio.create_task(slack.wait_for(lambda message: message.text == "second"))
    for text in ("first", "second"):
        await client.chat_postMessage(channel=ALERTS, text=text)
    assert (await waiting).text == "second"
    assert (await slack.wait_for(lambda message: message.text == "first")).text == "first"


async def test_waiting_in_vain_lists_what_was_there(client: AsyncWebClient, slack: SimulatedSlack) -> None:
    await client.chat_postMessage(channel=ALERTS, text="something else")
    with pytest.raises(TimeoutError, match="something else"):
        await slack.wait_for(lambda message: message.text == "never", timeout=0.01)


async def test_every_change_raises_the_version(
    client: AsyncWebClient, slack: SimulatedSlack, bot: TinyBot
) -> None:
    waiting = asyncio.create_task(slack.changed(slack.version))
    message = await posted(client, slack, actions(button("ack", "7")))
    assert await waiting > 0
    for change in (
        lambda: client.chat_update(channel=ALERTS, ts=message.ts, text="x"),
        lambda: slack.press(message, "ack"),
    ):
        before = slack.version
        await change()
        assert await slack.changed(before) > before
