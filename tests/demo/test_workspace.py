import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack_api import SimulatedSlack
from tests.demo.conftest import ALERTS, TinyBot, actions, button, posted, refusal


async def test_the_members_are_two_people_and_the_bot(slack: SimulatedSlack) -> None:
    assert [(user.id, user.name, user.real_name) for user in slack.users] == [
        ("U0ALICE", "alice", "Alice Martin"),
        ("U0BRUNO", "bruno", "Bruno Keller"),
        ("U0CREDITBOT", "smscredits", "smscredits"),
    ]


async def test_what_a_person_says_stands_in_the_channel_at_once_and_is_not_the_bots_to_edit(
    client: AsyncWebClient, slack: SimulatedSlack
) -> None:
    waiting = asyncio.create_task(slack.changed(slack.version))
    said = slack.say("U0BRUNO", ALERTS, "R&amp;D, who tops up?")
    assert slack.messages == [said]
    assert (said.user, said.channel, said.text, said.kind) == (
        "U0BRUNO",
        ALERTS,
        "R&amp;D, who tops up?",
        "message",
    )
    assert await waiting > 0
    assert await refusal(client.chat_update(channel=ALERTS, ts=said.ts, text="x")) == "cant_update_message"


@pytest.mark.parametrize(("user", "channel"), [("U0NOBODY", ALERTS), ("U0ALICE", "C0NOWHERE")])
async def test_only_members_can_say_something_and_only_in_a_channel(
    slack: SimulatedSlack, user: str, channel: str
) -> None:
    with pytest.raises(LookupError):
        slack.say(user, channel, "x")


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
