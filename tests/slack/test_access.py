"""Who is not on a list is refused politely, over the simulated Slack, and changes nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.command import WORDS
from bot.demo.run import Demo
from tests.conftest import exhibit
from tests.slack.test_buttons import press, send
from tests.test_bot import ask, kinds, told

SETTINGS: dict[str, Any] = {"credit_sms_warning": "6000", "poll_interval": "1h"}
ON_NO_LIST = (
    "I answer only people who are on my list, and you are not. "
    "Ask whoever runs this bot to add your id to `ALLOWED_USERS`: `U0BRUNO`."
)
ELSEWHERE = (
    "I do not answer in this channel, but in <#C0ALERTS>. To use me here too, "
    "ask whoever runs this bot to add this channel's id to `ALLOWED_CHANNELS`: `C0RANDOM`."
)
HELP = "`/smscredits help`: this list"


@pytest.fixture
async def for_alice() -> AsyncIterator[Demo]:
    async with exhibit(allowed_users="U0ALICE", **SETTINGS) as demo:
        yield demo


@pytest.fixture
async def in_alerts() -> AsyncIterator[Demo]:
    async with exhibit(allowed_channels="C0ALERTS", **SETTINGS) as demo:
        yield demo


async def test_a_person_who_is_not_listed_is_refused_whatever_is_typed_and_sees_no_figure(
    for_alice: Demo,
) -> None:
    await told(for_alice, "SMS credits are low")
    before = len(for_alice.provider.requests)
    for text in ("", "sms", "nonsense", "snooze 2h", "help me", *WORDS):
        if text == "help":
            continue
        refused = await for_alice.slack.command(text, user="U0BRUNO")
        said = [(message.text, message.ephemeral_for) for message in refused.messages]
        assert said == [(ON_NO_LIST, "U0BRUNO")], text
    assert len(for_alice.provider.requests) == before
    assert "has it" not in await ask(for_alice, "alerts")


async def test_a_person_who_is_listed_is_answered(for_alice: Demo) -> None:
    assert "5,500 SMS" in await ask(for_alice)
    assert await ask(for_alice, "help") == await ask(for_alice, "help", user="U0ALICE")
    assert "`/smscredits ack" in await ask(for_alice, "help")


async def test_the_command_answers_in_the_listed_channels_alone(in_alerts: Demo) -> None:
    assert "5,500 SMS" in await ask(in_alerts, user="U0BRUNO")
    assert await ask(in_alerts, channel="C0RANDOM") == ELSEWHERE
    assert await ask(in_alerts, "share", channel="C0RANDOM") == ELSEWHERE


async def test_help_answers_also_without_permission_and_lists_only_itself(
    for_alice: Demo, in_alerts: Demo
) -> None:
    assert await ask(for_alice, " HELP ", user="U0BRUNO") == f"{ON_NO_LIST}\n{HELP}"
    assert await ask(in_alerts, "help", channel="C0RANDOM") == f"{ELSEWHERE}\n{HELP}"


@pytest.mark.parametrize("action", ["ack", "snooze"])
async def test_a_press_of_a_person_who_is_not_listed_is_refused_and_mutes_nothing(
    for_alice: Demo, action: str
) -> None:
    alert = await told(for_alice, "SMS credits are low")
    menu = next(block for block in alert.blocks if block["type"] == "actions")["elements"][-1]
    option = menu["options"][0]["value"] if action == "snooze" else None
    pressed = await for_alice.slack.press(alert, action, user="U0BRUNO", selected_option=option)
    assert pressed.status == 200
    await for_alice.slack.wait_for(lambda message: message.text == ON_NO_LIST)
    assert "has it" not in await ask(for_alice, "alerts")
    assert "snoozed" not in await ask(for_alice, "alerts")
    assert kinds(for_alice) == ["hello", "opened"]


async def test_the_top_up_button_is_acknowledged_for_everybody_for_it_is_a_link(for_alice: Demo) -> None:
    alert = await told(for_alice, "SMS credits are low")
    assert (await for_alice.slack.press(alert, "top_up", user="U0BRUNO")).status == 200
    assert for_alice.slack.press_failed == set()


async def test_buttons_work_wherever_the_bot_has_posted() -> None:
    async with exhibit(allowed_users="U0ALICE", allowed_channels="C0RANDOM", **SETTINGS) as demo:
        alert = await told(demo, "SMS credits are low")
        assert (await demo.slack.press(alert, "ack")).status == 200
        await demo.slack.wait_for(lambda message: "no reminders until" in message.text)


async def test_through_socket_mode_the_lists_are_the_same() -> None:
    async with exhibit(
        slack_app_token="xapp-demo", slack_signing_secret=None, allowed_users="U0ALICE", **SETTINGS
    ) as demo:
        while not demo.slack.socket_connected:
            await demo.slack.changed(demo.slack.version)
        assert await ask(demo, user="U0BRUNO") == ON_NO_LIST
        assert "5,500 SMS" in await ask(demo)


async def test_in_an_enterprise_the_team_is_where_the_press_came_from_not_the_person_s_organisation(
    for_alice: Demo,
) -> None:
    """There `user.team_id` names the organisation, E… (docs.slack.dev, "block_actions payload", user)."""
    alert = await told(for_alice, "SMS credits are low")
    pressed = press(
        for_alice,
        alert,
        {"action_id": "ack", "value": "0123456789ab"},
        user={"id": "U0ALICE", "team_id": "E0DEMO"},
        enterprise={"id": "E0DEMO", "name": "Demo"},
    )
    assert (await send(for_alice, pressed))[0] == 200
    await for_alice.slack.wait_for(lambda message: "I do not know this alert" in message.text)
