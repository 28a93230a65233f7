import asyncio
import json
from datetime import timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.limits import Dislikes, RateLimit
from bot.demo.slack_api import SimulatedSlack
from tests.demo.conftest import ALERTS, NOON, SECRET, Json, TinyBot, Wall, posted, refusal, section


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


async def test_an_update_with_empty_metadata_takes_it_away(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    first = await posted(client, slack, metadata={"event_type": "a", "event_payload": {}})
    update = {"channel": ALERTS, "ts": first.ts, "text": "ended", "metadata": {}}
    await client.api_call("chat.update", json=update)
    assert slack.messages[0].metadata is None


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


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("fine", "ok"),
        ("not_in_channel", "not_in_channel"),
        ("rate_limited", "HTTP 429"),
        ("server_error", "HTTP 500"),
        ("timeout_before", "no answer"),
        ("timeout_after", "no answer"),
    ],
)
async def test_each_call_tells_its_outcome_in_a_word(
    client: AsyncWebClient, slack: SimulatedSlack, fault: str, outcome: str
) -> None:
    slack.fault = fault
    call = asyncio.create_task(client.chat_postMessage(channel=ALERTS, text="x"))
    version = 0
    while not slack.calls:
        version = await slack.changed(version)
    assert [(each.method, each.outcome) for each in slack.calls] == [("chat.postMessage", outcome)]
    call.cancel()
    await asyncio.wait([call])


async def test_every_answer_says_what_time_it_is_at_slack_and_which_scopes_the_token_has(
    slack: SimulatedSlack, http: aiohttp.ClientSession
) -> None:
    slack.scopes = "commands"
    for token, method, scopes in (
        ("xoxb-demo", "auth.test", "commands"),
        ("xapp-demo", "apps.connections.open", "connections:write"),
    ):
        headers = {"Authorization": f"Bearer {token}"}
        async with http.post(f"{slack.api_url}{method}", headers=headers) as answer:
            assert (await answer.json())["ok"]
            assert answer.headers["x-oauth-scopes"] == scopes
            assert answer.headers["Date"] == format_datetime(slack.clock(), usegmt=True)


async def test_a_post_without_its_scope_names_the_scope_that_is_needed(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    slack.scopes = "commands"
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ALERTS, text="x")
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "chat:write"
    assert slack.messages == []


async def test_a_method_may_be_refused_with_any_error_of_slack(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    slack.refuse("auth.test", "token_revoked")
    assert await refusal(client.auth_test()) == "token_revoked"
    await posted(client, slack)


# What a workspace does not take


async def test_who_presses_is_refused_until_the_wait_is_over_for_that_method_and_channel(
    client: AsyncWebClient, slack: SimulatedSlack, wall: Wall
) -> None:
    slack.rate_limit = RateLimit(every=1, wait=30)
    root = await client.chat_postMessage(channel=ALERTS, text="x")
    for seconds, left in ((0.5, "30"), (1, "29"), (28.5, "1")):
        wall.now += timedelta(seconds=seconds)
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=ALERTS, text="x")
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (
            429,
            left,
        )
    await client.chat_postMessage(channel="C0OPS", text="x")
    await client.chat_update(channel=ALERTS, ts=root["ts"], text="y")
    wall.now += timedelta(seconds=0.5)
    await client.chat_postMessage(channel=ALERTS, text="x")
    assert (slack.rate_limit.refused, slack.rate_limit.refused_in_wait, len(slack.messages)) == (3, 2, 3)


async def test_the_wait_may_be_told_as_a_date(client: AsyncWebClient, slack: SimulatedSlack) -> None:
    slack.rate_limit = RateLimit(every=1, wait=30, as_date=True)
    await client.chat_postMessage(channel=ALERTS, text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ALERTS, text="x")
    until = NOON + timedelta(seconds=31)
    assert caught.value.response.headers["Retry-After"] == format_datetime(until, usegmt=True)


@pytest.mark.parametrize(
    ("embellishment", "worn"),
    [
        ("mention", {"text": "<!channel> empty"}),
        ("mention", {"text": "x", "blocks": [section("<!subteam^S0123> empty")]}),
        ("blocks", {"text": "x", "blocks": [section()]}),
        ("thread", {"text": "x", "thread_ts": "root"}),
        ("broadcast", {"text": "x", "thread_ts": "root", "reply_broadcast": True}),
        ("metadata", {"text": "x", "metadata": {"event_type": "e", "event_payload": {}}}),
    ],
)
async def test_an_embellishment_may_be_refused_in_one_channel_and_the_barer_message_is_taken(
    client: AsyncWebClient, slack: SimulatedSlack, embellishment: str, worn: Json
) -> None:
    slack.dislikes.add(embellishment, "no_such_thing", ALERTS)
    root = await client.chat_postMessage(channel=ALERTS, text="<@U0ALICE> x")
    if "thread_ts" in worn:
        worn = {**worn, "thread_ts": root["ts"]}
    assert await refusal(client.chat_postMessage(channel=ALERTS, **worn)) == "no_such_thing"
    if embellishment in {"mention", "blocks", "metadata"}:
        await client.chat_postMessage(channel="C0OPS", **worn)
    slack.dislikes.clear()
    await client.chat_postMessage(channel=ALERTS, **worn)


async def test_an_edit_mentions_nobody_so_no_mention_is_refused_in_one(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    slack.dislikes.add("mention", "restricted_action")
    slack.dislikes.add("blocks", "invalid_blocks")
    root = await client.chat_postMessage(channel=ALERTS, text="x")
    await client.chat_update(channel=ALERTS, ts=root["ts"], text="<!channel>")
    edit = client.chat_update(channel=ALERTS, ts=root["ts"], text="y", blocks=[section()])
    assert await refusal(edit) == "invalid_blocks"


def test_an_unknown_embellishment_cannot_be_refused() -> None:
    with pytest.raises(ValueError, match="confetti"):
        Dislikes().add("confetti", "invalid_confetti")
