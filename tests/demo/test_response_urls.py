from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.demo.slack_api import SimulatedSlack
from tests.demo.conftest import TinyBot, Wall, actions, button, posted, section


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
