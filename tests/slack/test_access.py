"""Who is not on a list is refused politely, over the simulated Slack, and changes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog.testing

from bot.core.command import WORDS
from bot.demo.run import Demo, exhibition
from bot.demo.slack_api import SimulatedSlack
from bot.demo.workspace import User
from tests.conftest import exhibit
from tests.slack.test_buttons import press, send
from tests.test_bot import ask, eventually, kinds, told

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


SOCKET: dict[str, Any] = {"slack_app_token": "xapp-demo", "slack_signing_secret": None}
BOTH = pytest.mark.parametrize("mode", [{}, SOCKET], ids=["http", "socket"])
CARLA = User("U0CARLA", "carla", "Carla Ruiz", "T0PARTNER")
DARIO = User("U0DARIO", "dario", "Dario Neri", "E0PARTNER")
STRANGER = "I belong to a different workspace from yours, so I cannot answer you or change anything for you."


@asynccontextmanager
async def shared(**settings: Any) -> AsyncIterator[Demo]:
    """Run the bot in a channel that is shared with people of two other workspaces, one in an organisation."""
    async with exhibit(**{**SETTINGS, **settings}) as demo:
        demo.slack.guests |= {one.id: one for one in (CARLA, DARIO)}
        if "slack_app_token" in settings:
            await eventually(lambda: demo.slack.socket_connected)
        yield demo


async def pressed(demo: Demo, action: str, user: str, words: str) -> None:
    """Press a button of the alert, and wait for the answer that the person alone sees."""
    alert = await told(demo, "SMS credits are low")
    assert (await demo.slack.press(alert, action, user=user)).status == 200
    await demo.slack.wait_for(lambda message: words in message.text and message.ephemeral_for == user)


@BOTH
@pytest.mark.parametrize("guest", [CARLA, DARIO], ids=["workspace", "organisation"])
async def test_people_of_another_workspace_change_nothing_and_ask_nothing(
    mode: dict[str, Any], guest: User
) -> None:
    async with shared(**mode) as demo:
        with structlog.testing.capture_logs() as lines:
            await pressed(demo, "ack", guest.id, STRANGER)
            for text in ("", "alerts", "ack", "share", "help"):
                refused = await demo.slack.command(text, user=guest.id)
                assert [message.ephemeral_for for message in refused.messages] == [guest.id]
                assert refused.messages[0].text.startswith(STRANGER), text
                # A list of the guest alone would lock everybody else out.
                assert (
                    f"list everybody who may use me, including your id, `{guest.id}`"
                    in refused.messages[0].text
                )
        assert "has it" not in await ask(demo, "alerts")
        assert kinds(demo) == ["hello", "opened"]
    refusals = [line for line in lines if line["event"] == "slack.refused"]
    assert [(line["why"], line["user"], line["channel"]) for line in refusals] == [
        ("other_workspace", guest.id, "C0ALERTS")
    ] * 6
    assert {team for line in refusals for team in line["teams"]} == {guest.team_id, "T0DEMO"}
    assert "5,500" not in str(refusals)
    assert "share" not in str(refusals)


@BOTH
async def test_people_of_another_workspace_who_are_listed_ask_and_change(mode: dict[str, Any]) -> None:
    async with shared(**mode, allowed_users="U0ALICE,U0CARLA") as demo:
        assert "5,500 SMS" in await ask(demo, user="U0CARLA")
        await pressed(demo, "ack", "U0DARIO", STRANGER)
        await pressed(demo, "ack", "U0CARLA", "no reminders until")
        assert "<@U0CARLA> has it since" in await ask(demo, "alerts")


async def test_whose_workspace_is_not_told_is_refused(in_alerts: Demo) -> None:
    alert = await told(in_alerts, "SMS credits are low")
    untold = press(in_alerts, alert, {"action_id": "ack", "value": "0123456789ab"}, user={"id": "U0ALICE"})
    assert (await send(in_alerts, untold))[0] == 200
    await in_alerts.slack.wait_for(lambda message: "Slack does not say which workspace" in message.text)


@BOTH
async def test_the_link_of_a_button_is_acknowledged_for_guests_too(mode: dict[str, Any]) -> None:
    async with shared(**mode) as demo:
        alert = await told(demo, "SMS credits are low")
        assert (await demo.slack.press(alert, "top_up", user="U0CARLA")).status == 200
        assert [message for message in demo.slack.messages if message.ephemeral_for] == []


@BOTH
async def test_before_slack_has_said_whose_the_token_is_questions_are_answered_and_changes_refused(
    mode: dict[str, Any],
) -> None:
    def away(_: object, __: object, slack: SimulatedSlack) -> None:
        slack.refuse("auth.test", "internal_error")

    not_yet = "I cannot change anything yet"
    with structlog.testing.capture_logs() as lines:
        async with exhibition(drain=0, accounts="", prepare=away, **{**SETTINGS, **mode}) as demo:
            if mode:
                await eventually(lambda: demo.slack.socket_connected)
            await told(demo, "SMS credits are low")
            assert "5,500 SMS" in await ask(demo)
            assert "SMS credits are low" in await ask(demo, "alerts")
            for text in ("ack", "snooze 2h", "resume"):
                assert (await ask(demo, text)).startswith(not_yet)
            await pressed(demo, "ack", "U0ALICE", not_yet)
            demo.slack.refused.clear()
            await eventually(lambda: "slack.connected" in [line["event"] for line in lines])
            await pressed(demo, "ack", "U0ALICE", "no reminders until")


@BOTH
@pytest.mark.parametrize("org_wide", [False, True], ids=["one_workspace", "org_wide"])
async def test_in_an_enterprise_whoever_is_of_the_organisation_asks_and_changes(
    mode: dict[str, Any], org_wide: bool
) -> None:
    def enterprise(_: object, __: object, slack: SimulatedSlack) -> None:
        slack.enterprise_id, slack.org_wide = "E0DEMO", org_wide
        slack.guests |= {one.id: one for one in (CARLA, DARIO)}

    async with exhibition(drain=0, accounts="", prepare=enterprise, **{**SETTINGS, **mode}) as demo:
        if mode:
            await eventually(lambda: demo.slack.socket_connected)
        await told(demo, "SMS credits are low")
        assert "5,500 SMS" in await ask(demo)
        assert (await ask(demo, user="U0DARIO")).startswith(STRANGER)
        await pressed(demo, "ack", "U0CARLA", STRANGER)
        await pressed(demo, "ack", "U0BRUNO", "no reminders until")
