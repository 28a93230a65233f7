import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack_api import SimulatedSlack
from tests.demo.conftest import ALERTS, TinyBot, actions, button, nothing, posted, section, snooze


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
