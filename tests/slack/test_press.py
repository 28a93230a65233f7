"""Only what our own messages send counts as a press."""

from typing import Any

import pytest

from bot.core.mute import Choice
from bot.slack.press import Press, decode

ALICE: dict[str, Any] = {"user": {"id": "U0ALICE"}}


def button(value: object, name: object = "ack") -> dict[str, Any]:
    return {"type": "button", "action_id": name, "value": value}


def menu(option: object) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "snooze", "selected_option": option}


@pytest.mark.parametrize(
    ("action", "press"),
    [
        (button("a1b2c3"), Press("ack", "a1b2c3", "U0ALICE")),
        (button("a1b2c3", "resume"), Press("resume", "a1b2c3", "U0ALICE")),
        (menu({"value": "a1b2c3:4h"}), Press("snooze", "a1b2c3", "U0ALICE", Choice.FOUR_HOURS)),
    ],
)
def test_a_press_is_read(action: dict[str, Any], press: Press) -> None:
    assert decode(ALICE, action) == press


@pytest.mark.parametrize(
    "action",
    [
        {},
        button(None),
        button(""),
        button(7),
        button(["a1b2c3"]),
        button("x" * 10_000),
        button("a1b2c3\x00"),
        button("a1b2c3\n"),
        button("\ud800"),
        button("<!channel>"),
        button("a1b2c3", None),
        button("a1b2c3", "snooze"),
        menu(None),
        menu("a1b2c3:4h"),
        menu({}),
        menu({"value": None}),
        menu({"value": "a1b2c3"}),
        menu({"value": "a1b2c3:"}),
        menu({"value": "a1b2c3:9h"}),
        menu({"value": ":4h"}),
        menu({"value": "a1b2c3:4h:4h"}),
        menu({"value": "a1b2c3:" + "4h" * 5_000}),
    ],
    ids=lambda action: repr(action)[:60],
)
def test_a_value_that_we_never_sent_is_no_press(action: dict[str, Any]) -> None:
    assert decode(ALICE, action) is None


@pytest.mark.parametrize(
    "body",
    [{}, {"user": None}, {"user": "U0ALICE"}, {"user": {}}, {"user": {"id": 7}}, {"user": {"id": "<@U1>"}}],
    ids=str,
)
def test_a_press_of_nobody_is_no_press(body: dict[str, Any]) -> None:
    assert decode(body, button("a1b2c3")) is None
