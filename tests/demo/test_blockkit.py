import copy
from collections.abc import Mapping
from typing import Any

import pytest

from bot.demo.blockkit import faults

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(action_id: str = "ack", **further: Any) -> Json:
    return {"type": "button", "text": plain("Acknowledge"), "action_id": action_id, "value": "7", **further}


def option(value: str = "1h") -> Json:
    return {"text": plain("1 hour"), "value": value}


def select(**further: Any) -> Json:
    return {"type": "static_select", "action_id": "snooze", "options": [option(), option("4h")], **further}


def overflow(options: int) -> Json:
    return {"type": "overflow", "action_id": "more", "options": [option(str(n)) for n in range(options)]}


def section(text: str = "*4,812* credits", **further: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **further}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def context(*elements: Json) -> Json:
    return {"type": "context", "elements": list(elements)}


def rich(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": list(parts)}


def runs(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def cell(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def table(rows: int = 2, columns: int = 2, **further: Any) -> Json:
    return {"type": "table", "rows": [[cell("x")] * columns for _ in range(rows)], **further}


def data_table(rows: int = 2, **further: Any) -> Json:
    return {**table(rows, **further), "type": "data_table", "caption": "Credits"}


def chart(**further: Any) -> Json:
    points = [{"label": "Mon", "value": 5200}, {"label": "Tue", "value": 4812.5}]
    return {
        "type": "data_visualization",
        "title": "Credits",
        "chart": {
            "type": "line",
            "series": [{"name": "premium", "data": points}],
            "axis_config": {"categories": ["Mon", "Tue"], "x_label": "day"},
            **further,
        },
    }


def image(**further: Any) -> Json:
    return {"type": "image", "image_url": "https://example.org/a.png", "alt_text": "A chart", **further}


def with_confirm(**further: Any) -> Json:
    confirm = {
        "title": plain("Sure?"),
        "text": plain("All of them?"),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    return button(confirm={**confirm, **further})


def message(*blocks: Json, **further: Any) -> Json:
    return {"text": "4,812 credits left", "blocks": list(blocks), **further}


GOOD: Mapping[str, Json] = {
    "a text alone": {"text": "4,812 credits left"},
    "escaped signs": {"text": "R&amp;D &lt;marketing&gt; is low"},
    "a quote": {"text": "He said\n> top up\n>>> now"},
    "mentions": {"text": "<@U0ALICE> <@W012|ann> <#C0ALERTS|sms-alerts> <!subteam^S0123> <!here> <!channel>"},
    "links": {
        "text": "<https://my.example.org/?a=1&amp;b=2|Top up> <http://127.0.0.1:8080/> <mailto:a@b.fr|write>"
    },
    "a date": {"text": "at <!date^1700000000^{date_short_pretty} {time}|14 Nov 2023, 22:13 UTC>"},
    "a linked date": {"text": "<!date^1700000000^on {date_num}^https://example.org/|14 Nov>"},
    "a posted message": message(
        section(), channel="C0ALERTS", thread_ts="1700000000.000100", reply_broadcast=True, unfurl_links=False
    ),
    "an update": message(section(), channel="C0ALERTS", ts="1700000000.000100"),
    "an answer": message(section(), response_type="in_channel", replace_original=False),
    "blocks taken away": message(),
    "a deletion": {"text": "", "delete_original": True},
    "metadata": message(
        metadata={"event_type": "smscredits", "event_payload": {"kind": "hello", "episode": 3}}
    ),
    "a header": message(
        {"type": "header", "text": {**plain("R&D is <low>"), "emoji": True}, "block_id": "top"}
    ),
    "a header at its limit": message({"type": "header", "text": plain("x" * 150)}),
    "a section at its limits": message(
        {"type": "section", "text": mrkdwn("x" * 3000), "fields": [mrkdwn("y" * 2000)] * 10, "expand": True}
    ),
    "a section of fields": message({"type": "section", "fields": [mrkdwn("*ECO*\n1"), plain("2")]}),
    "accessories": message(
        section(accessory=button()),
        section(accessory=select()),
        section(accessory=overflow(5)),
        section(accessory=image()),
    ),
    "50 blocks": message(*[{"type": "divider"}] * 50),
    "a context": message(context(mrkdwn("read at 14:05"), plain("R&D"), image())),
    "actions": message(
        actions(
            button(style="danger"), button("top_up", url="https://my.example.org/"), select(), overflow(1)
        )
    ),
    "the same action in two blocks": message(actions(button()), actions(button())),
    "a confirmation": message(actions(with_confirm(style="danger"))),
    "a menu in groups": message(
        actions(
            {
                "type": "static_select",
                "placeholder": plain("How long"),
                "option_groups": [{"label": plain("Short"), "options": [option()]}],
                "initial_option": option(),
            }
        )
    ),
    "images": message(
        image(title=plain("Chart")), {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "x"}
    ),
    "rich text": message(
        rich(
            runs(
                {"type": "text", "text": "R&D <b>", "style": {"bold": True}},
                {"type": "user", "user_id": "U1"},
            ),
            {"type": "rich_text_list", "style": "bullet", "elements": [runs({"type": "emoji", "name": "x"})]},
            {"type": "rich_text_quote", "elements": [{"type": "link", "url": "https://example.org"}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": " \n"}], "border": 1},
        )
    ),
    "markdown": message({"type": "markdown", "text": "**4,812** & <counting>"}),
    "a table": message(
        table(100, 20, column_settings=[{"align": "right", "is_wrapped": True}, None]),
        data_table(101, page_size=20, row_header_column_index=1),
    ),
    "two charts": message(chart(), chart(type="bar")),
    "a pie": message(
        {
            "type": "data_visualization",
            "title": "Share",
            "chart": {"type": "pie", "segments": [{"label": "sms", "value": 3}]},
        }
    ),
    "a card": message({"type": "card", "title": mrkdwn("*Low*"), "body": plain("x"), "actions": [button()]}),
}

BAD: Mapping[str, tuple[Json, str]] = {
    "no text": ({"blocks": [section()]}, "text: missing"),
    "a blank text": ({"text": " \n", "blocks": [section()]}, "text: "),
    "a text that is a number": ({"text": 4812}, "text: "),
    "a text of 4,001 characters": ({"text": "x" * 4001}, "text: "),
    "a bare ampersand": ({"text": "R&D"}, "text: "),
    "an entity that Slack does not know": ({"text": "a&nbsp;b"}, "text: "),
    "a bare <": ({"text": "balance < 50"}, "text: "),
    "a bare >": ({"text": "balance > 50"}, "text: "),
    "an HTML tag": ({"text": "<b>low</b>"}, "text: "),
    "a bare ampersand in an address": ({"text": "<https://example.org/?a=1&b=2|x>"}, "text: "),
    "a script for an address": ({"text": "<javascript:alert(1)|x>"}, "text: "),
    "a date without fallback": ({"text": "<!date^1700000000^{time}>"}, "text: "),
    "a date in an unknown format": ({"text": "<!date^1700000000^{hour}|22:13>"}, "text: "),
    "a date that is no number": ({"text": "<!date^now^{time}|22:13>"}, "text: "),
    "an unescaped sign in a block": (message(section("R&D")), "blocks[0].text.text: "),
    "a date in plain_text": (
        message({"type": "header", "text": plain("<!date^1^{time}|x>")}),
        "blocks[0].text.text: ",
    ),
    "an unknown field": ({"text": "x", "username": "boss"}, "username: "),
    "a flag that is a word": ({"text": "x", "unfurl_links": "false"}, "unfurl_links: "),
    "a flag that is 1": ({"text": "x", "unfurl_links": 1}, "unfurl_links: "),
    "an unknown response_type": ({"text": "x", "response_type": "private"}, "response_type: "),
    "a thread that is a number": ({"text": "x", "thread_ts": 1700000000.0001}, "thread_ts: "),
    "a thread that is no ts": ({"text": "x", "thread_ts": "yesterday"}, "thread_ts: "),
    "metadata without payload": (
        {"text": "x", "metadata": {"event_type": "a"}},
        "metadata.event_payload: missing",
    ),
    "metadata with a list": (
        {"text": "x", "metadata": {"event_type": "a", "event_payload": []}},
        "metadata.event_payload: ",
    ),
    "metadata with more": (
        {"text": "x", "metadata": {"event_type": "a", "event_payload": {}, "account": "b"}},
        "metadata.account: ",
    ),
    "blocks that are an object": ({"text": "x", "blocks": section()}, "blocks: "),
    "51 blocks": (message(*[{"type": "divider"}] * 51), "blocks: 51"),
    "a block that is a string": (message("x"), "blocks[0]: "),  # type: ignore[arg-type] # the defect
    "a block without type": (message({"text": mrkdwn("x")}), "blocks[0].type: missing"),
    "an unknown block": (message({"type": "heading", "text": plain("x")}), "blocks[0]: "),
    "a block for modals": (
        message({"type": "alert", "text": mrkdwn("x")}),
        "blocks[0]: this block is for modals",
    ),
    "an unknown field of a block": (
        message({"type": "divider", "text": plain("x")}),
        "blocks[0].text: unknown",
    ),
    "a long block_id": (message({"type": "divider", "block_id": "x" * 256}), "blocks[0].block_id: "),
    "a block_id twice": (message(section(block_id="a"), section(block_id="a")), "blocks[1].block_id: "),
    "a header without text": (message({"type": "header"}), "blocks[0].text: missing"),
    "a header in mrkdwn": (message({"type": "header", "text": mrkdwn("x")}), "blocks[0].text: "),
    "a long header": (message({"type": "header", "text": plain("x" * 151)}), "blocks[0].text.text: 151"),
    "an empty text object": (message(section("")), "blocks[0].text.text: "),
    "a text object that is a string": (message({"type": "section", "text": "x"}), "blocks[0].text: "),
    "a text object of an unknown type": (
        message({"type": "section", "text": {"type": "markdown", "text": "x"}}),
        "blocks[0].text: ",
    ),
    "emoji in mrkdwn": (
        message({"type": "section", "text": {**mrkdwn("x"), "emoji": True}}),
        "blocks[0].text.emoji: unknown",
    ),
    "a section of nothing": (message({"type": "section"}), "blocks[0]: "),
    "a long section": (message(section("x" * 3001)), "blocks[0].text.text: 3001"),
    "11 fields": (message(section(fields=[plain("x")] * 11)), "blocks[0].fields: 11"),
    "a long field": (message(section(fields=[plain("x" * 2001)])), "blocks[0].fields[0].text: 2001"),
    "a context without elements": (message(context()), "blocks[0].elements: 0"),
    "11 context elements": (message(context(*[plain("x")] * 11)), "blocks[0].elements: 11"),
    "a button in a context": (message(context(button())), "blocks[0].elements[0]: "),
    "26 actions": (message(actions(*[button(str(n)) for n in range(26)])), "blocks[0].elements: 26"),
    "a text among actions": (message(actions(mrkdwn("x"))), "blocks[0].elements[0]: "),
    "an action_id twice": (message(actions(button(), button())), "blocks[0].elements[1].action_id: "),
    "a long action_id": (message(actions(button("x" * 256))), "blocks[0].elements[0].action_id: 256"),
    "a button in mrkdwn": (message(actions(button(text=mrkdwn("x")))), "blocks[0].elements[0].text: "),
    "a long button": (message(actions(button(text=plain("x" * 76)))), "blocks[0].elements[0].text.text: 76"),
    "a button without text": (
        message(actions({"type": "button", "action_id": "a"})),
        "blocks[0].elements[0].text: ",
    ),
    "a long value": (message(actions(button(value="x" * 2001))), "blocks[0].elements[0].value: 2001"),
    "a value that is a number": (message(actions(button(value=7))), "blocks[0].elements[0].value: "),
    "a long address": (message(actions(button(url="https://" + "x" * 3000))), "blocks[0].elements[0].url: "),
    "an address without scheme": (message(actions(button(url="example.org"))), "blocks[0].elements[0].url: "),
    "an unknown style": (message(actions(button(style="warning"))), "blocks[0].elements[0].style: "),
    "a confirmation without deny": (
        message(actions(button(confirm={"title": plain("x"), "text": plain("x"), "confirm": plain("x")}))),
        "blocks[0].elements[0].confirm.deny: missing",
    ),
    "a long confirmation": (
        message(actions(with_confirm(confirm=plain("x" * 31)))),
        "blocks[0].elements[0].confirm.confirm.text: 31",
    ),
    "a menu without options": (message(actions(select(options=[]))), "blocks[0].elements[0].options: 0"),
    "a menu of 101 options": (
        message(actions(select(options=[option(str(n)) for n in range(101)]))),
        "blocks[0].elements[0].options: 101",
    ),
    "a menu of options and groups": (
        message(actions(select(option_groups=[{"label": plain("x"), "options": [option()]}]))),
        "blocks[0].elements[0]: ",
    ),
    "a choice that is not offered": (
        message(actions(select(initial_option=option("9h")))),
        "blocks[0].elements[0].initial_option: ",
    ),
    "a long option": (
        message(actions(select(options=[{"text": plain("x" * 76), "value": "a"}]))),
        "blocks[0].elements[0].options[0].text.text: 76",
    ),
    "a long option value": (
        message(actions(select(options=[option("x" * 151)]))),
        "blocks[0].elements[0].options[0].value: 151",
    ),
    "six options in an overflow": (message(section(accessory=overflow(6))), "blocks[0].accessory.options: 6"),
    "an unknown accessory": (message(section(accessory={"type": "switch"})), "blocks[0].accessory: "),
    "an image without alt_text": (
        message({"type": "image", "image_url": "https://example.org/a.png"}),
        "blocks[0].alt_text: missing",
    ),
    "an image without source": (message({"type": "image", "alt_text": "x"}), "blocks[0]: needs exactly one"),
    "an unknown part of rich text": (
        message(rich({"type": "rich_text_table", "elements": []})),
        "blocks[0].elements[0]: ",
    ),
    "an unknown run of rich text": (
        message(rich(runs({"type": "bold", "text": "x"}))),
        "blocks[0].elements[0].elements[0]: ",
    ),
    "an unknown style of rich text": (
        message(rich(runs({"type": "text", "text": "x", "style": {"big": True}}))),
        "blocks[0].elements[0].elements[0].style.big: ",
    ),
    "a list of an unknown style": (
        message(
            rich(
                {"type": "rich_text_list", "style": "dash", "elements": [runs({"type": "text", "text": "x"})]}
            )
        ),
        "blocks[0].elements[0].style: ",
    ),
    "long markdown": (message({"type": "markdown", "text": "x" * 12_001}), "blocks[0].text: 12001"),
    "long markdown in two blocks": (
        message(*[{"type": "markdown", "text": "x" * 6001}] * 2),
        "blocks: 12002",
    ),
    "two tables": (message(table(), table()), "blocks: 2"),
    "101 rows": (message(table(101)), "blocks[0].rows: 101"),
    "21 columns": (message(table(1, 21)), "blocks[0].rows[0]: 21"),
    "a table of 10,001 characters": (
        message({"type": "table", "rows": [[cell("x" * 5000)], [cell("x" * 5001)]]}),
        "blocks[0].rows: 10001",
    ),
    "a number in a plain table": (
        message({"type": "table", "rows": [[{"type": "raw_number", "value": 1, "text": "1"}]]}),
        "blocks[0].rows[0][0]: ",
    ),
    "a data table without caption": (
        message({"type": "data_table", "rows": [[cell("a")], [cell("b")]]}),
        "blocks[0].caption: missing",
    ),
    "a data table of a header alone": (message(data_table(1)), "blocks[0].rows: 1"),
    "101 rows under the header": (message(data_table(102)), "blocks[0].rows: 102"),
    "rows of different lengths": (
        message(data_table(rows=2) | {"rows": [[cell("a")], [cell("b"), cell("c")]]}),
        "blocks[0].rows[1]: ",
    ),
    "rich text in a header row": (
        message(data_table() | {"rows": [[rich(runs({"type": "text", "text": "x"}))], [cell("b")]]}),
        "blocks[0].rows[0][0]: ",
    ),
    "a row header beyond the columns": (
        message(data_table(row_header_column_index=2)),
        "blocks[0].row_header_column_index: ",
    ),
    "three charts": (message(chart(), chart(), chart()), "blocks: 3"),
    "a chart with a long title": (message(chart() | {"title": "x" * 51}), "blocks[0].title: 51"),
    "an unknown chart": (message(chart(type="radar")), "blocks[0].chart: "),
    "labels beside the categories": (
        message(chart(axis_config={"categories": ["Mon", "Wed"]})),
        "blocks[0].chart.series[0].data: ",
    ),
    "seven series": (
        message(chart(series=[{"name": str(n), "data": [{"label": "a", "value": 1}]} for n in range(7)])),
        "blocks[0].chart.series: 7",
    ),
    "21 categories": (
        message(chart(axis_config={"categories": [str(n) for n in range(21)]})),
        "blocks[0].chart.axis_config.categories: 21",
    ),
    "a long series name": (
        message(chart(series=[{"name": "x" * 21, "data": [{"label": "Mon", "value": 1}]}])),
        "blocks[0].chart.series[0].name: 21",
    ),
    "a figure that is a string": (
        message(chart(series=[{"name": "a", "data": [{"label": "Mon", "value": "1"}]}])),
        "blocks[0].chart.series[0].data[0].value: ",
    ),
    "a figure that is no number": (
        message(chart(series=[{"name": "a", "data": [{"label": "Mon", "value": float("inf")}]}])),
        "blocks[0].chart.series[0].data[0].value: ",
    ),
    "a card of nothing": (message({"type": "card", "subtitle": plain("x")}), "blocks[0]: "),
    "a long card": (message({"type": "card", "body": plain("x" * 201)}), "blocks[0].body.text: 201"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_sound_message_is_taken(name: str) -> None:
    assert faults(GOOD[name]) == ()


@pytest.mark.parametrize("name", BAD)
def test_a_defect_is_refused_and_nothing_else_is_blamed(name: str) -> None:
    payload, path = BAD[name]
    found = faults(payload)
    assert found
    assert [fault for fault in found if not fault.startswith(path)] == []


def test_every_fault_is_told_not_only_the_first() -> None:
    found = faults({"text": "", "blocks": [{"type": "header", "text": mrkdwn("x")}, section("a < b & c")]})
    assert [fault.split(": ")[0] for fault in found] == [
        "text",
        "blocks[0].text",
        "blocks[1].text.text",
        "blocks[1].text.text",
    ]


def test_judging_changes_nothing() -> None:
    payload = GOOD["actions"]
    before = copy.deepcopy(payload)
    faults(payload)
    assert payload == before
