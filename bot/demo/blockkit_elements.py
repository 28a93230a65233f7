"""What Block Kit's blocks are made of: buttons, menus, images and rich text.

The rules are those of https://docs.slack.dev/reference/block-kit/block-elements.
"""

from collections.abc import Iterator, Mapping

from bot.demo.mrkdwn import plain_text
from bot.demo.payload_checks import (
    FLAG,
    Check,
    Rule,
    at,
    either,
    list_of,
    number,
    object_of,
    objects,
    one_of,
    pattern,
    string,
    typed,
)


def block(needed: Mapping[str, Check], further: Mapping[str, Check] | None = None, *rules: Rule) -> Check:
    """A block: an object that may have an id besides its own fields."""
    return object_of(needed, {"block_id": string(255), **(further or {})}, *rules)


def _initial_option(value: Mapping[str, object], path: str) -> Iterator[str]:
    groups = objects(value.get("option_groups", [{"options": value.get("options")}]))
    offered = [option for group in groups for option in objects(group["options"])]
    if "initial_option" in value and value["initial_option"] not in offered:
        yield f"{at(path, 'initial_option')}: is not among the options"


URL = pattern(3000, r"(?:[a-z][a-z0-9+.-]*://|mailto:)\S+", "address")
_STYLE = either("primary", "danger")
_ACTION_ID = string(255)
_CONFIRM = object_of(
    {
        "title": plain_text(100),
        "text": plain_text(300),
        "confirm": plain_text(30),
        "deny": plain_text(30),
    },
    {"style": _STYLE},
)
BUTTON = object_of(
    {"text": plain_text(75)},
    {
        "action_id": _ACTION_ID,
        "url": URL,
        "value": string(2000),
        "style": _STYLE,
        "confirm": _CONFIRM,
        "accessibility_label": string(75),
    },
)
_OPTION_NEEDS = {"text": plain_text(75), "value": string(150)}
_OPTION = object_of(_OPTION_NEEDS, {"description": plain_text(75)})
_OPTIONS = list_of(_OPTION, 1, 100)
_STATIC_SELECT = object_of(
    {},
    {
        "action_id": _ACTION_ID,
        "placeholder": plain_text(150),
        "options": _OPTIONS,
        "option_groups": list_of(object_of({"label": plain_text(75), "options": _OPTIONS}), 1, 100),
        "initial_option": _OPTION,
        "confirm": _CONFIRM,
        "focus_on_load": FLAG,
    },
    one_of("options", "option_groups"),
    _initial_option,
)
_OVERFLOW = object_of(
    {"options": list_of(object_of(_OPTION_NEEDS, {"description": plain_text(75), "url": URL}), 1, 5)},
    {"action_id": _ACTION_ID, "confirm": _CONFIRM},
)
PICTURE = {
    "image_url": URL,
    "slack_file": object_of({}, {"id": string(255), "url": URL}, one_of("id", "url")),
}
ALT_TEXT = string(2000)
IMAGE = object_of({"alt_text": ALT_TEXT}, PICTURE, one_of("image_url", "slack_file"))
ACTIVE: Mapping[str, Check] = {"button": BUTTON, "static_select": _STATIC_SELECT, "overflow": _OVERFLOW}


# Rich text

_LOOK = {"style": object_of({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), FLAG))}
_TEXT_RUN = object_of({"text": string(3000, blank=True)}, _LOOK)
_LINK_RUN = object_of({"url": URL}, {"text": string(3000), "unsafe": FLAG, **_LOOK})
_RUN = typed(
    "rich text element",
    {
        "text": _TEXT_RUN,
        "link": _LINK_RUN,
        "user": object_of({"user_id": string(255)}, _LOOK),
        "usergroup": object_of({"usergroup_id": string(255)}, _LOOK),
        "team": object_of({"team_id": string(255)}, _LOOK),
        "channel": object_of({"channel_id": string(255)}, _LOOK),
        "emoji": object_of(
            {"name": string(255)}, {"unicode": string(255), "skin_tone": number(1, 6, whole=True), **_LOOK}
        ),
        "broadcast": object_of({"range": either("here", "channel", "everyone")}, _LOOK),
        "color": object_of({"value": string(255)}, _LOOK),
        "date": object_of(
            {"timestamp": number(0, whole=True), "format": string(255)},
            {"url": URL, "fallback": string(255), **_LOOK},
        ),
    },
)
_BORDER = {"border": number(0, 1, whole=True)}
_RUNS = {"elements": list_of(_RUN, 1, 1000)}
_ITEM = typed("list item", {"rich_text_section": object_of(_RUNS)})
_CODE = typed("preformatted text", {"text": _TEXT_RUN, "link": _LINK_RUN})
_INDENT = {"indent": number(0, 8, whole=True), "offset": number(0, whole=True)}
_LIST = {"style": either("bullet", "ordered"), "elements": list_of(_ITEM, 1, 1000)}
_PART = typed(
    "part of a rich text",
    {
        "rich_text_section": object_of(_RUNS),
        "rich_text_list": object_of(_LIST, {**_INDENT, **_BORDER}),
        "rich_text_quote": object_of(_RUNS, _BORDER),
        "rich_text_preformatted": object_of({"elements": list_of(_CODE, 1, 1000)}, _BORDER),
    },
)
RICH_TEXT = {"elements": list_of(_PART, 1, 1000)}
