"""The buttons of an alert, pressed over the simulated Slack by two people, and by nobody we know."""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog.testing

from bot.demo.run import Demo
from bot.demo.workspace import Message
from tests.test_bot import ask, eventually, kinds, post, told, told_ephemerally

UNKNOWN = "I cannot tell what was asked"


@pytest.fixture
async def alert(demo: Demo) -> Message:
    demo.world.apply({"burn": 600})
    return await told(demo, "SMS credits are low. 4,900 SMS left")


def actions(message: Message) -> set[str]:
    return {
        element["action_id"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    }


async def living(demo: Demo, alert: Message, words: str) -> Message:
    """Wait until the alert's message, as it stands in the channel, says these words."""
    return await demo.slack.wait_for(lambda message: message.ts == alert.ts and words in message.text, 10)


async def answer_to(demo: Demo, user: str, words: str) -> Message:
    return await demo.slack.wait_for(
        lambda message: message.ephemeral_for == user and words in message.text, 10
    )


async def test_having_it_mutes_the_alert_for_all_to_see_and_resuming_ends_that(
    demo: Demo, alert: Message
) -> None:
    assert actions(alert) == {"top_up", "ack", "snooze"}
    assert (await demo.slack.press(alert, "ack")).status == 200
    await answer_to(demo, "U0ALICE", "SMS credits are low: no reminders until")
    muted = await living(demo, alert, "<@U0ALICE> has it since")
    assert actions(muted) == {"top_up", "resume"}

    assert (await demo.slack.press(muted, "resume", user="U0BRUNO")).status == 200
    await answer_to(demo, "U0BRUNO", "SMS credits are low: reminders go on.")
    resumed = await living(demo, alert, "next reminder")
    assert "has it" not in resumed.text
    assert actions(resumed) == {"top_up", "ack", "snooze"}
    assert kinds(demo) == ["hello", "opened"]
    assert demo.slack.refusals == []


async def test_two_people_at_once_make_one_change_and_both_see_who_did_it(demo: Demo, alert: Message) -> None:
    await asyncio.gather(*(demo.slack.press(alert, "ack", user=user) for user in ("U0ALICE", "U0BRUNO")))
    did = await told_ephemerally(demo, "no reminders until")
    saw = await told_ephemerally(demo, f"<@{did.ephemeral_for}> has it already, since")
    assert {did.ephemeral_for, saw.ephemeral_for} == {"U0ALICE", "U0BRUNO"}
    await living(demo, alert, f"<@{did.ephemeral_for}> has it since")


@pytest.mark.parametrize("choice", ["1h", "4h", "tomorrow", "monday"])
async def test_every_choice_of_the_menu_snoozes(demo: Demo, alert: Message, choice: str) -> None:
    menu = next(block for block in alert.blocks if block["type"] == "actions")["elements"][-1]
    option = next(one["value"] for one in menu["options"] if one["value"].endswith(f":{choice}"))
    assert (await demo.slack.press(alert, "snooze", selected_option=option)).status == 200
    await answer_to(demo, "U0ALICE", "SMS credits are low: no reminders until")
    muted = await living(demo, alert, "<@U0ALICE> snoozed it")
    assert actions(muted) == {"top_up", "resume"}


async def test_a_press_on_an_old_copy_says_when_it_ended(demo: Demo, alert: Message) -> None:
    demo.world.apply({"top_up": "209"})
    await living(demo, alert, "SMS credits are fine again.")
    assert (await demo.slack.press(alert, "ack", user="U0BRUNO")).status == 200
    await answer_to(demo, "U0BRUNO", "SMS credits are low: ended <!date^")


async def test_the_commands_do_what_the_buttons_do(demo: Demo, alert: Message) -> None:
    assert "since <!date^" in await ask(demo, "alerts")
    assert "has no duration that I can use" in await ask(demo, "snooze")
    assert "no reminders until" in await ask(demo, "snooze 2h")
    await living(demo, alert, "<@U0ALICE> snoozed it")
    assert "no reminders until" in await ask(demo, "ack sms", user="U0BRUNO")
    await living(demo, alert, "<@U0BRUNO> has it since")
    assert "<@U0BRUNO> has it already" in await ask(demo, "ack")
    assert "<@U0BRUNO> has it since" in await ask(demo, "alerts")
    assert "reminders go on" in await ask(demo, "resume")
    assert "reminders are on already" in await ask(demo, "resume")


async def test_without_an_alert_there_is_nothing_to_mute(demo: Demo) -> None:
    for text in ("alerts", "ack", "snooze 2h", "resume"):
        assert await ask(demo, text) == "No alert is open."


Json = dict[str, Any]


def press(demo: Demo, alert: Message, action: Json, **changes: Any) -> Json:
    """Return what Slack sends for a press of Alice's, with something about it changed (None: left out)."""
    path = demo.slack.response_urls.open("C0ALERTS", "U0ALICE", alert)
    payload: Json = {
        "type": "block_actions",
        "user": {"id": "U0ALICE", "team_id": "T0DEMO"},
        "team": {"id": "T0DEMO"},
        "channel": {"id": "C0ALERTS"},
        "response_url": demo.slack.origin + path,
        "actions": [{"block_id": "b", "type": "button", **action}],
        **changes,
    }
    return {name: value for name, value in payload.items() if value is not None}


async def send(demo: Demo, payload: object) -> tuple[int, str]:
    body = urlencode({"payload": json.dumps(payload)})
    return await post(demo, body, demo.slack.signed_headers(body))


def ephemeral(demo: Demo) -> list[str]:
    return [message.text for message in demo.slack.messages if message.ephemeral_for]


HOSTILE: list[tuple[Json, Json, str]] = [
    ({"action_id": "ack", "value": "abcdef012345"}, {}, "I do not know this alert"),
    ({"action_id": "resume", "value": "abcdef012345"}, {}, "I do not know this alert"),
    ({"action_id": "ack"}, {}, UNKNOWN),
    ({"action_id": "ack", "value": 7}, {}, UNKNOWN),
    ({"action_id": "ack", "value": ["EPISODE"]}, {}, UNKNOWN),
    ({"action_id": "ack", "value": "x" * 10_000}, {}, UNKNOWN),
    ({"action_id": "ack", "value": "EPISODE\x00"}, {}, UNKNOWN),
    ({"action_id": "ack", "value": "\ud800"}, {}, UNKNOWN),
    ({"action_id": "snooze"}, {}, UNKNOWN),
    ({"action_id": "snooze", "selected_option": None}, {}, UNKNOWN),
    ({"action_id": "snooze", "selected_option": ["EPISODE:4h"]}, {}, UNKNOWN),
    ({"action_id": "snooze", "selected_option": {"value": "EPISODE:9h"}}, {}, UNKNOWN),
    ({"action_id": "snooze", "selected_option": {"value": "EPISODE"}}, {}, UNKNOWN),
    ({"action_id": "ack", "value": "EPISODE"}, {"user": None}, UNKNOWN),
    ({"action_id": "ack", "value": "EPISODE"}, {"user": {"id": "<!here>"}}, UNKNOWN),
    ({"action_id": "ack", "value": "EPISODE"}, {"user": {"id": None}}, UNKNOWN),
    (
        {"action_id": "ack", "value": "EPISODE"},
        {"team": {"id": "T0OTHER"}},
        "I belong to a different workspace",
    ),
]


async def test_a_press_that_is_none_of_ours_is_refused_politely_and_changes_nothing(
    demo: Demo, alert: Message, caplog: pytest.LogCaptureFixture
) -> None:
    episode = next(block for block in alert.blocks if block["type"] == "actions")["elements"][0]["value"]
    for action, changes, answer in HOSTILE:
        before = len(ephemeral(demo))
        text = json.dumps(press(demo, alert, action, **changes)).replace("EPISODE", episode)
        status, _ = await send(demo, json.loads(text))
        assert status == 200, action
        while len(ephemeral(demo)) == before:
            await demo.slack.changed(demo.slack.version)
        assert answer in ephemeral(demo)[before], (action, changes)
    assert "has it" not in await ask(demo, "alerts")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


MALFORMED: list[object] = [
    [],
    "text",
    7,
    None,
    {"type": "block_actions"},
    {"type": "block_actions", "actions": None},
    {"type": "block_actions", "actions": []},
    {"type": "block_actions", "actions": {}},
    {"type": "block_actions", "actions": [7]},
    {"type": "block_actions", "actions": [{"action_id": 7}]},
    {"type": "block_actions", "actions": [{}]},
    {"type": "block_actions", "user": 7, "actions": [{"action_id": "ack"}]},
    {"type": "block_actions", "team": 7, "actions": [{"action_id": "ack"}]},
    {"type": "block_actions", "authorizations": 7, "actions": [{"action_id": "ack"}]},
    {"type": ["block_actions"]},
    {"type": "block_actions", "event": [], "actions": [{"action_id": "ack"}]},
    {"type": "block_actions", "event": None, "actions": [{"action_id": "ack"}]},
    {"type": "view_submission"},
    {"type": "event_callback", "event": 7},
    {"type": "event_callback", "event": {"type": 7}},
    {"type": "shortcut", "callback_id": 7},
    {"type": "event_callback", "event": "text"},
    {"command": 7},
    {"command": "/smscredits", "event": "text"},
    {"command": "/smscredits", "text": 7, "user_id": {}},
]


async def test_a_signed_body_of_any_shape_is_never_a_500(
    demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    bodies = [urlencode({"payload": json.dumps(payload)}) for payload in MALFORMED]
    bodies += [json.dumps(payload) for payload in MALFORMED]
    bodies += ["payload=notjson", "payload=[]", "payload=", "{bad", "[]", "", "payload=" + "[" * 100_000]
    with structlog.testing.capture_logs() as lines:
        for body in bodies:
            for type_ in ("application/x-www-form-urlencoded", "application/json"):
                headers = demo.slack.signed_headers(body) | {"Content-Type": type_}
                status, _ = await post(demo, body, headers)
                assert status == 400, (body[:80], type_)
    assert [line for line in lines if "exc_info" in line] == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_an_answer_that_reaches_nobody_is_one_line_without_its_address(
    demo: Demo, alert: Message, caplog: pytest.LogCaptureFixture
) -> None:
    payload = press(demo, alert, {"action_id": "ack", "value": "abcdef012345"})
    with structlog.testing.capture_logs() as lines:
        assert (await send(demo, payload | {"response_url": "http://127.0.0.1:1/canary"}))[0] == 200
        await eventually(lambda: [line for line in lines if line["event"] == "answer.lost"])
    assert "canary" not in f"{lines}{caplog.text}"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
