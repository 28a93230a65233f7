"""What Slack takes as a message: every limit and rule of text and blocks, judged without a network.

The rules are those of https://docs.slack.dev/reference/block-kit and of
https://docs.slack.dev/messaging/formatting-message-text. Three are stricter than Slack, on purpose: `text` is
always needed (screen readers read nothing else), it ends at 4,000 characters (Slack cuts at 40,000), and
plain_text may hold no control sequence (Slack shows it raw).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import cast

from bot.demo.blockkit_data import DATA_BLOCKS
from bot.demo.blockkit_elements import ACTIVE, ALT_TEXT, BUTTON, IMAGE, PICTURE, RICH_TEXT, block
from bot.demo.mrkdwn import any_text, mrkdwn, plain_text, text_objects
from bot.demo.payload_checks import (
    FLAG,
    either,
    kind_of,
    list_of,
    object_of,
    objects,
    one_of,
    pattern,
    some_of,
    string,
    typed,
    unique,
)


def faults(message: Mapping[str, object]) -> tuple[str, ...]:
    """Return every breach of Slack's rules in a message payload, each with its JSON path; none if sound."""
    if message.get("delete_original") is True and not message.get("text"):
        return ()
    return tuple(_MESSAGE(message, ""))


def _for_modals(_: object, path: str) -> Iterator[str]:
    yield f"{path}: this block is for modals only"


_ELEMENTS = list_of(typed("element", ACTIVE), 1, 25)
_NOTES = list_of(typed("context element", {**text_objects(3000), "image": IMAGE}), 1, 10)
_SECTION = {
    "text": any_text(3000),
    "fields": list_of(any_text(2000), 1, 10),
    "accessory": typed("accessory", {**ACTIVE, "image": IMAGE}),
    "expand": FLAG,
}
_CARD = {
    "hero_image": typed("image", {"image": IMAGE}),
    "icon": typed("image", {"image": IMAGE}),
    "title": any_text(150),
    "subtitle": any_text(150),
    "body": any_text(200),
    "actions": list_of(typed("button", {"button": BUTTON}), 1, 3),
}
_IMAGE_BLOCK = {**PICTURE, "title": plain_text(2000)}
_BLOCK = typed(
    "block",
    {
        "header": block({"text": plain_text(150)}),
        "section": block({}, _SECTION, some_of("text", "fields")),
        "context": block({"elements": _NOTES}),
        "actions": block({"elements": _ELEMENTS}, {}, unique("elements", "action_id")),
        "divider": block({}),
        "image": block({"alt_text": ALT_TEXT}, _IMAGE_BLOCK, one_of("image_url", "slack_file")),
        "markdown": block({"text": string(12_000)}),
        "rich_text": block(RICH_TEXT),
        **DATA_BLOCKS,
        "card": block(
            {}, _CARD, some_of("hero_image", "title", "actions", "body"), unique("actions", "action_id")
        ),
        "alert": _for_modals,
    },
)


# The message

_AT_MOST = {"table": 1, "data_visualization": 2}


def _few_of_a_kind(value: Mapping[str, object], _: str) -> Iterator[str]:
    blocks = objects(value.get("blocks", []))
    counted = Counter(cast("str", each["type"]) for each in blocks)
    for kind, most in _AT_MOST.items():
        if counted[kind] > most:
            yield f"blocks: {counted[kind]} blocks of type {kind}, {most} allowed in a message"
    total = sum(len(cast("str", each["text"])) for each in blocks if each["type"] == "markdown")
    if total > 12_000:
        yield f"blocks: {total} characters in all markdown blocks, 12000 are allowed"


def _payload(value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: must be an object, not {kind_of(value)}"


_TS = pattern(30, r"\d+\.\d{6}", "ts of a message")
_FLAGS = (
    *("reply_broadcast", "unfurl_links", "unfurl_media", "mrkdwn", "link_names", "as_user"),
    *("replace_original", "delete_original"),
)
_MESSAGE = object_of(
    {"text": string(4000, mrkdwn)},
    {
        "blocks": list_of(_BLOCK, 0, 50),
        "metadata": object_of({"event_type": string(255), "event_payload": _payload}),
        "channel": string(255),
        "ts": _TS,
        "thread_ts": _TS,
        "response_type": either("ephemeral", "in_channel"),
        "parse": either("none", "full"),
        **dict.fromkeys(_FLAGS, FLAG),
    },
    unique("blocks", "block_id"),
    _few_of_a_kind,
)
