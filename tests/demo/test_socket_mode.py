import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack_api import SimulatedSlack
from tests.demo.conftest import SECRET, Json, Wall, actions, button, posted


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
    assert slack.socket_connected
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
        assert other.socket_connected
        last_words = asyncio.create_task(remaining(link))
    assert await last_words == ["disconnect"]
    assert not other.socket_connected


async def remaining(link: aiohttp.ClientWebSocketResponse) -> list[str]:
    return [message.json()["type"] async for message in link]
