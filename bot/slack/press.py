"""What a person pressed, as a value; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.mute import Choice

# Anything else reaches neither the database nor a message.
_PERSON = re.compile(r"[UW][A-Z0-9]{1,30}")
_EPISODE = re.compile(r"[a-z0-9]{1,32}")


@dataclass(frozen=True)
class Press:
    """A button pressed, or a time chosen from the menu, by a person."""

    action: str
    episode: str
    by: str
    choice: Choice | None = None


def decode(body: Mapping[str, Any], action: Mapping[str, Any]) -> Press | None:
    """Read what Slack says of a press; nothing where it is not what our own messages send."""
    by = person(_get(body.get("user"), "id"))
    name = action.get("action_id")
    value = action.get("value")
    choice: Choice | None = None
    if name == "snooze":
        value, _, chosen = str(_get(action.get("selected_option"), "value")).partition(":")
        choice = next((one for one in Choice if one.value == chosen), None)
        if choice is None:
            return None
    if not (by and isinstance(name, str) and isinstance(value, str) and _EPISODE.fullmatch(value)):
        return None
    return Press(name, value, by, choice)


def person(identity: object) -> str:
    """Return the id of a person, or nothing where it is none."""
    return identity if isinstance(identity, str) and _PERSON.fullmatch(identity) else ""


def _get(thing: object, name: str) -> object:
    return thing.get(name) if isinstance(thing, Mapping) else None
