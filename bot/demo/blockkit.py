"""What Slack takes as a message: every limit and rule of text and blocks, judged without a network.

The rules are those of https://docs.slack.dev/reference/block-kit and of
https://docs.slack.dev/messaging/formatting-message-text. Three are stricter than Slack, on purpose: `text` is
always needed (screen readers read nothing else), it ends at 4,000 characters (Slack cuts at 40,000), and
plain_text may hold no control sequence (Slack shows it raw).
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, cast

Check: TypeAlias = Callable[[object, str], Iterator[str]]
"""Judges the value found at a JSON path and yields one sentence for each fault."""

Rule: TypeAlias = Callable[[Mapping[str, object], str], Iterator[str]]
"""Judges several fields of one object together; runs only when each of them is sound by itself."""


def faults(message: Mapping[str, object]) -> tuple[str, ...]:
    """Return every breach of Slack's rules in a message payload, each with its JSON path; none if sound."""
    if message.get("delete_original") is True and not message.get("text"):
        return ()
    return tuple(_MESSAGE(message, ""))


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _string(
    limit: int, markup: Callable[[str], Iterator[str]] | None = None, *, blank: bool = False
) -> Check:
    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{path}: must be a string, not {_kind(value)}"
        elif not (value if blank else value.strip()):
            yield f"{path}: must not be empty"
        else:
            if len(value) > limit:
                yield f"{path}: {len(value)} characters, {limit} are allowed"
            if markup is not None:
                yield from (f"{path}: {fault}" for fault in markup(value))

    return check


def _pattern(limit: int, expression: str, noun: str) -> Check:
    """A string with a shape, such as an address or a message's ts."""
    shape = re.compile(expression)

    def check(value: object, path: str) -> Iterator[str]:
        wrong = list(_string(limit)(value, path))
        yield from wrong
        if not wrong and not shape.fullmatch(cast("str", value)):
            yield f"{path}: {value!r} is no {noun}"

    return check


def _either(*choices: object) -> Check:
    def check(value: object, path: str) -> Iterator[str]:
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            yield f"{path}: {value!r} is not one of {', '.join(map(repr, choices))}"

    return check


_FLAG = _either(True, False)


def _number(low: float = -math.inf, high: float = math.inf, *, whole: bool = False) -> Check:
    def check(value: object, path: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            yield f"{path}: must be a {'whole ' * whole}number, not {_kind(value)}"
        elif not math.isfinite(value):
            yield f"{path}: must be a finite number"
        elif not low <= value <= high:
            yield f"{path}: {value} is not between {low} and {high}"

    return check


def _list(item: Check, least: int, most: int) -> Check:
    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, list | tuple):
            yield f"{path}: must be a list, not {_kind(value)}"
            return
        if not least <= len(value) <= most:
            yield f"{path}: {len(value)} items, {least} to {most} are allowed"
        for place, entry in enumerate(value):
            yield from item(entry, f"{path}[{place}]")

    return check


def _object(needed: Mapping[str, Check], further: Mapping[str, Check] | None = None, *rules: Rule) -> Check:
    known = {**needed, **(further or {})}

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{path or 'message'}: must be an object, not {_kind(value)}"
            return
        wrong = [f"{_at(path, name)}: missing" for name in needed if name not in value]
        for name, entry in value.items():
            if name in known:
                wrong.extend(known[name](entry, _at(path, name)))
            else:
                wrong.append(f"{_at(path, str(name))}: unknown field")
        yield from wrong
        if not wrong:
            for rule in rules:
                yield from rule(value, path)

    return check


def _typed(noun: str, kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which further fields it has."""

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{path}: must be an object, not {_kind(value)}"
        elif "type" not in value:
            yield f"{_at(path, 'type')}: missing"
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            yield f"{path}: {value['type']!r} is no {noun} known here ({', '.join(kinds)})"
        else:
            rest = {name: entry for name, entry in value.items() if name != "type"}
            yield from kinds[value["type"]](rest, path)

    return check


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


# Text

# A > in front of a line is mrkdwn's own sign for a quote; any other must be escaped.
_SPECIAL = re.compile(
    r"(?P<quote>^>+)|(?P<entity>&(?:amp|lt|gt);)|(?P<control><[^<>]*>)|(?P<bare>[&<>])", re.MULTILINE
)
_CONTROL = re.compile(
    r"""@[UW][A-Z0-9]+(?:\|[^|\n]+)?
    | \#[CG][A-Z0-9]+(?:\|[^|\n]*)?
    | !subteam\^S[A-Z0-9]+(?:\|[^|\n]+)?
    | !(?:here|channel|everyone)(?:\|[^|\n]+)?
    | !date\^\d+\^(?P<format>[^^|\n]+)(?:\^https?://[^\s^|]+)?\|[^|\n]+
    | (?:https?://|mailto:)[^\s|]+(?:\|[^|\n]+)?""",
    re.VERBOSE,
)
_DATE_WORD = re.compile(
    r"date(?:_num|_slash|_long_full|(?:_long|_short)?(?:_pretty)?)|day_divider_pretty|time(?:_secs)?|ago"
)


def _mrkdwn(text: str) -> Iterator[str]:
    for found in _SPECIAL.finditer(text):
        if found.lastgroup == "bare":
            yield f"{found.group()!r} at character {found.start()} must be written &amp; &lt; or &gt;"
        elif found.lastgroup == "control":
            yield from _control(found.group())


def _control(sign: str) -> Iterator[str]:
    control = _CONTROL.fullmatch(sign[1:-1])
    if control is None:
        yield f"{sign!r} is no link, mention or date of mrkdwn"
        return
    if re.search(r"&(?!(?:amp|lt|gt);)", sign):
        yield f"'&' in {sign!r} must be written &amp;"
    if control["format"] is not None:
        words = re.findall(r"\{([^{}]*)\}", control["format"])
        if not words or not all(map(_DATE_WORD.fullmatch, words)):
            yield f"{sign!r} holds a date format that Slack does not know"


def _plain(text: str) -> Iterator[str]:
    if found := re.search(r"<(?:!|@[UW]|#C)", text):
        yield f"plain_text would show {found.group()!r}… (a date, mention or channel) as it is written"


def _text(limit: int) -> Mapping[str, Check]:
    return {
        "plain_text": _object({"text": _string(limit, _plain)}, {"emoji": _FLAG}),
        "mrkdwn": _object({"text": _string(limit, _mrkdwn)}, {"verbatim": _FLAG}),
    }


def _any_text(limit: int) -> Check:
    return _typed("text object", _text(limit))


def _plain_text(limit: int) -> Check:
    return _typed("plain_text object", {"plain_text": _text(limit)["plain_text"]})


# Rules over several fields


def _one_of(*names: str) -> Rule:
    def rule(value: Mapping[str, object], path: str) -> Iterator[str]:
        if sum(name in value for name in names) != 1:
            yield f"{path}: needs exactly one of {', '.join(names)}"

    return rule


def _some_of(*names: str) -> Rule:
    def rule(value: Mapping[str, object], path: str) -> Iterator[str]:
        if not any(name in value for name in names):
            yield f"{path}: needs one of {', '.join(names)}"

    return rule


def _objects(value: object) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", value)


def _unique(items: str, key: str) -> Rule:
    def rule(value: Mapping[str, object], path: str) -> Iterator[str]:
        seen: set[object] = set()
        for place, item in enumerate(_objects(value.get(items, []))):
            if key in item and item[key] in seen:
                yield f"{_at(path, items)}[{place}].{key}: {item[key]!r} stands there twice"
            seen.add(item.get(key))

    return rule


def _initial_option(value: Mapping[str, object], path: str) -> Iterator[str]:
    groups = _objects(value.get("option_groups", [{"options": value.get("options")}]))
    offered = [option for group in groups for option in _objects(group["options"])]
    if "initial_option" in value and value["initial_option"] not in offered:
        yield f"{_at(path, 'initial_option')}: is not among the options"


def _letters(value: object) -> int:
    if isinstance(value, Mapping):
        own = value.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(
            _letters(entry) for entry in value.values() if isinstance(entry, Mapping | list | tuple)
        )
    return sum(map(_letters, value)) if isinstance(value, list | tuple) else 0


def _table_letters(value: Mapping[str, object], path: str) -> Iterator[str]:
    if (total := _letters(value["rows"])) > 10_000:
        yield f"{_at(path, 'rows')}: {total} characters in all, 10000 are allowed"


def _data_table_shape(value: Mapping[str, object], path: str) -> Iterator[str]:
    rows = cast("list[list[Mapping[str, object]]]", value["rows"])
    width = len(rows[0])
    for place, row in enumerate(rows):
        if len(row) != width:
            yield f"{_at(path, 'rows')}[{place}]: {len(row)} cells, the first row has {width}"
    for place, cell in enumerate(rows[0]):
        if cell["type"] == "rich_text":
            yield f"{_at(path, 'rows')}[0][{place}]: rich_text is not allowed in the header row"
    if cast("int", value.get("row_header_column_index", 0)) >= width:
        yield f"{_at(path, 'row_header_column_index')}: there are only {width} columns"


def _chart_labels(value: Mapping[str, object], path: str) -> Iterator[str]:
    categories = list(cast("list[str]", cast("Mapping[str, object]", value["axis_config"])["categories"]))
    for place, series in enumerate(_objects(value["series"])):
        if [point["label"] for point in _objects(series["data"])] != categories:
            yield f"{_at(path, 'series')}[{place}].data: its labels differ from axis_config.categories"


# Elements

_URL = _pattern(3000, r"(?:[a-z][a-z0-9+.-]*://|mailto:)\S+", "address")
_STYLE = _either("primary", "danger")
_ACTION_ID = _string(255)
_CONFIRM = _object(
    {
        "title": _plain_text(100),
        "text": _plain_text(300),
        "confirm": _plain_text(30),
        "deny": _plain_text(30),
    },
    {"style": _STYLE},
)
_BUTTON = _object(
    {"text": _plain_text(75)},
    {
        "action_id": _ACTION_ID,
        "url": _URL,
        "value": _string(2000),
        "style": _STYLE,
        "confirm": _CONFIRM,
        "accessibility_label": _string(75),
    },
)
_OPTION_NEEDS = {"text": _plain_text(75), "value": _string(150)}
_OPTION = _object(_OPTION_NEEDS, {"description": _plain_text(75)})
_OPTIONS = _list(_OPTION, 1, 100)
_STATIC_SELECT = _object(
    {},
    {
        "action_id": _ACTION_ID,
        "placeholder": _plain_text(150),
        "options": _OPTIONS,
        "option_groups": _list(_object({"label": _plain_text(75), "options": _OPTIONS}), 1, 100),
        "initial_option": _OPTION,
        "confirm": _CONFIRM,
        "focus_on_load": _FLAG,
    },
    _one_of("options", "option_groups"),
    _initial_option,
)
_OVERFLOW = _object(
    {"options": _list(_object(_OPTION_NEEDS, {"description": _plain_text(75), "url": _URL}), 1, 5)},
    {"action_id": _ACTION_ID, "confirm": _CONFIRM},
)
_PICTURE = {
    "image_url": _URL,
    "slack_file": _object({}, {"id": _string(255), "url": _URL}, _one_of("id", "url")),
}
_ALT_TEXT = _string(2000)
_IMAGE = _object({"alt_text": _ALT_TEXT}, _PICTURE, _one_of("image_url", "slack_file"))
_ACTIVE: Mapping[str, Check] = {"button": _BUTTON, "static_select": _STATIC_SELECT, "overflow": _OVERFLOW}


# Rich text

_LOOK = {"style": _object({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), _FLAG))}
_TEXT_RUN = _object({"text": _string(3000, blank=True)}, _LOOK)
_LINK_RUN = _object({"url": _URL}, {"text": _string(3000), "unsafe": _FLAG, **_LOOK})
_RUN = _typed(
    "rich text element",
    {
        "text": _TEXT_RUN,
        "link": _LINK_RUN,
        "user": _object({"user_id": _string(255)}, _LOOK),
        "usergroup": _object({"usergroup_id": _string(255)}, _LOOK),
        "team": _object({"team_id": _string(255)}, _LOOK),
        "channel": _object({"channel_id": _string(255)}, _LOOK),
        "emoji": _object(
            {"name": _string(255)}, {"unicode": _string(255), "skin_tone": _number(1, 6, whole=True), **_LOOK}
        ),
        "broadcast": _object({"range": _either("here", "channel", "everyone")}, _LOOK),
        "color": _object({"value": _string(255)}, _LOOK),
        "date": _object(
            {"timestamp": _number(0, whole=True), "format": _string(255)},
            {"url": _URL, "fallback": _string(255), **_LOOK},
        ),
    },
)
_BORDER = {"border": _number(0, 1, whole=True)}
_RUNS = {"elements": _list(_RUN, 1, 1000)}
_ITEM = _typed("list item", {"rich_text_section": _object(_RUNS)})
_CODE = _typed("preformatted text", {"text": _TEXT_RUN, "link": _LINK_RUN})
_INDENT = {"indent": _number(0, 8, whole=True), "offset": _number(0, whole=True)}
_LIST = {"style": _either("bullet", "ordered"), "elements": _list(_ITEM, 1, 1000)}
_PART = _typed(
    "part of a rich text",
    {
        "rich_text_section": _object(_RUNS),
        "rich_text_list": _object(_LIST, {**_INDENT, **_BORDER}),
        "rich_text_quote": _object(_RUNS, _BORDER),
        "rich_text_preformatted": _object({"elements": _list(_CODE, 1, 1000)}, _BORDER),
    },
)
_RICH_TEXT = {"elements": _list(_PART, 1, 1000)}


# Blocks

_CELL_TEXT = {"text": _string(10_000)}
_CELLS: Mapping[str, Check] = {"raw_text": _object(_CELL_TEXT), "rich_text": _object(_RICH_TEXT)}
_NUMBER_CELL = _object({"value": _number(), **_CELL_TEXT})
_TABLE_ROWS = _list(_list(_typed("cell", _CELLS), 1, 20), 1, 100)
_DATA_ROWS = _list(_list(_typed("cell", {**_CELLS, "raw_number": _NUMBER_CELL}), 1, 20), 2, 101)
_COLUMN = _object({}, {"align": _either("left", "center", "right"), "is_wrapped": _FLAG})
_LABEL = _string(20)
_POINTS = _list(_object({"label": _LABEL, "value": _number()}), 1, 20)
_AXES = _object({"categories": _list(_LABEL, 1, 20)}, {"x_label": _string(50), "y_label": _string(50)})
_CHART = _object(
    {"series": _list(_object({"name": _LABEL, "data": _POINTS}), 1, 6), "axis_config": _AXES},
    None,
    _unique("series", "name"),
    _chart_labels,
)
_PIE = _object({"segments": _list(_object({"label": _LABEL, "value": _number(0)}), 1, 6)})


def _column_setting(value: object, path: str) -> Iterator[str]:
    if value is not None:
        yield from _COLUMN(value, path)


def _for_modals(_: object, path: str) -> Iterator[str]:
    yield f"{path}: this block is for modals only"


_CHARTS = {"line": _CHART, "bar": _CHART, "area": _CHART, "pie": _PIE}
_ELEMENTS = _list(_typed("element", _ACTIVE), 1, 25)
_NOTES = _list(_typed("context element", {**_text(3000), "image": _IMAGE}), 1, 10)
_SECTION = {
    "text": _any_text(3000),
    "fields": _list(_any_text(2000), 1, 10),
    "accessory": _typed("accessory", {**_ACTIVE, "image": _IMAGE}),
    "expand": _FLAG,
}
_CARD = {
    "hero_image": _typed("image", {"image": _IMAGE}),
    "icon": _typed("image", {"image": _IMAGE}),
    "title": _any_text(150),
    "subtitle": _any_text(150),
    "body": _any_text(200),
    "actions": _list(_typed("button", {"button": _BUTTON}), 1, 3),
}
_IMAGE_BLOCK = {**_PICTURE, "title": _plain_text(2000)}
_COLUMNS = {"column_settings": _list(_column_setting, 1, 20)}
_PAGING = {"page_size": _number(1, 100, whole=True), "row_header_column_index": _number(0, 19, whole=True)}


def _block(needed: Mapping[str, Check], further: Mapping[str, Check] | None = None, *rules: Rule) -> Check:
    return _object(needed, {"block_id": _string(255), **(further or {})}, *rules)


_BLOCK = _typed(
    "block",
    {
        "header": _block({"text": _plain_text(150)}),
        "section": _block({}, _SECTION, _some_of("text", "fields")),
        "context": _block({"elements": _NOTES}),
        "actions": _block({"elements": _ELEMENTS}, {}, _unique("elements", "action_id")),
        "divider": _block({}),
        "image": _block({"alt_text": _ALT_TEXT}, _IMAGE_BLOCK, _one_of("image_url", "slack_file")),
        "markdown": _block({"text": _string(12_000)}),
        "rich_text": _block(_RICH_TEXT),
        "table": _block({"rows": _TABLE_ROWS}, _COLUMNS, _table_letters),
        "data_table": _block(
            {"caption": _string(3000), "rows": _DATA_ROWS}, _PAGING, _data_table_shape, _table_letters
        ),
        "data_visualization": _block({"title": _string(50), "chart": _typed("chart", _CHARTS)}),
        "card": _block(
            {}, _CARD, _some_of("hero_image", "title", "actions", "body"), _unique("actions", "action_id")
        ),
        "alert": _for_modals,
    },
)


# The message

_AT_MOST = {"table": 1, "data_visualization": 2}


def _few_of_a_kind(value: Mapping[str, object], _: str) -> Iterator[str]:
    blocks = _objects(value.get("blocks", []))
    counted = Counter(cast("str", block["type"]) for block in blocks)
    for kind, most in _AT_MOST.items():
        if counted[kind] > most:
            yield f"blocks: {counted[kind]} blocks of type {kind}, {most} allowed in a message"
    total = sum(len(cast("str", block["text"])) for block in blocks if block["type"] == "markdown")
    if total > 12_000:
        yield f"blocks: {total} characters in all markdown blocks, 12000 are allowed"


def _payload(value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: must be an object, not {_kind(value)}"


_TS = _pattern(30, r"\d+\.\d{6}", "ts of a message")
_FLAGS = (
    *("reply_broadcast", "unfurl_links", "unfurl_media", "mrkdwn", "link_names", "as_user"),
    *("replace_original", "delete_original"),
)
_MESSAGE = _object(
    {"text": _string(4000, _mrkdwn)},
    {
        "blocks": _list(_BLOCK, 0, 50),
        "metadata": _object({"event_type": _string(255), "event_payload": _payload}),
        "channel": _string(255),
        "ts": _TS,
        "thread_ts": _TS,
        "response_type": _either("ephemeral", "in_channel"),
        "parse": _either("none", "full"),
        **dict.fromkeys(_FLAGS, _FLAG),
    },
    _unique("blocks", "block_id"),
    _few_of_a_kind,
)
