import asyncio
import re
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from bot.demo.slack_api import SimulatedSlack
from tests.demo.conftest import Json, TinyBot, Wall, section


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
    assert (result.status, result.body) == (status, {})
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
