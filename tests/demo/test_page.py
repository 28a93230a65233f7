"""The demo's page in a real browser, over a small Slack and a small world of its own."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Locator, Page, expect

from bot.demo.page import page_app
from bot.demo.stage import CommandHelp, Subcommand
from tests.browser import chromium_page
from tests.conftest import PAGES

pytestmark = PAGES

Json = dict[str, Any]
NOON = datetime(2026, 3, 5, 11, 0, tzinfo=UTC)  # a Thursday, noon in Paris
AT = int(NOON.timestamp())
ALICE, BRUNO, BOT = "U0ALICE", "U0BRUNO", "U0CREDITBOT"
COMMAND = CommandHelp(
    "/smscredits",
    "Every account, read now",
    (
        Subcommand("alerts", "What is open, and why"),
        Subcommand("ack [ACCOUNT]", "Stop the reminders until it is over"),
        Subcommand("snooze DURATION [ACCOUNT]", "Stop the reminders for a while"),
        Subcommand("share", "The same answer, visible in the channel"),
        Subcommand("help", "What works here"),
    ),
)


@dataclass(frozen=True)
class Said:
    ts: str
    user: str
    text: str
    channel: str = "C0ALERTS"
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    broadcast: bool = False
    ephemeral_for: str | None = None
    edited_ts: str | None = None
    kind: str = "message"


@dataclass(frozen=True)
class Member:
    id: str
    name: str
    real_name: str


@dataclass(frozen=True)
class Call:
    method: str
    outcome: str


@dataclass(frozen=True)
class Result:
    status: int | None


@dataclass
class Changing:
    version: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def changed(self, since: int) -> int:
        async with self.news:
            await self.news.wait_for(lambda: self.version > since)
        return self.version

    async def tell(self) -> None:
        async with self.news:
            self.version += 1
            self.news.notify_all()


@dataclass
class SmallSlack(Changing):
    users: tuple[Member, ...] = (
        Member(ALICE, "alice", "Alice Martin"),
        Member(BRUNO, "bruno", "Bruno Keller"),
        Member(BOT, "smscredits", "smscredits"),
    )
    messages: list[Said] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    press_failed: set[str] = field(default_factory=set)
    fault: str = "fine"
    commands: list[tuple[str, str, str]] = field(default_factory=list)
    presses: list[Json] = field(default_factory=list)
    press_status: int | None = 200
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, text: str = "", *, user: str = BOT, at: float = 0, **more: Any) -> Said:
        blocks = tuple(
            {"block_id": f"b{index}", **block} for index, block in enumerate(more.pop("blocks", ()))
        )
        said = Said(f"{AT + at:.6f}", user, text, blocks=blocks, **more)
        self.messages.append(said)
        return said

    def say(self, user: str, channel: str, text: str) -> None:
        self.messages.append(Said(f"{AT + len(self.messages):.6f}", user, text, channel))

    async def command(self, text: str, *, user: str, channel: str) -> None:
        self.commands.append((text, user, channel))

    async def press(
        self,
        message: Said,
        action_id: str,
        *,
        user: str,
        value: str | None = None,
        selected_option: str | None = None,
    ) -> Result:
        if action_id not in json.dumps(message.blocks):
            raise LookupError(action_id)
        pressed = {"ts": message.ts, "action_id": action_id, "user": user}
        self.presses.append(pressed | {"value": value, "selected_option": selected_option})
        await self.tell()
        await self.may_answer.wait()
        return Result(self.press_status)


@dataclass
class SmallWorld(Changing):
    mode: str = "fine"
    drain: int = 5
    changes: list[Mapping[str, Any]] = field(default_factory=list)
    credits: str = "269082"

    def figures(self) -> Mapping[str, str]:
        return {
            "creditSms": self.credits,
            "creditSmsECO": "444570",
            "creditHlr": "2045023",
            "toSend": "0",
            "balance": "10225.119",
            "currency": "EUR",
        }

    def accounts(self) -> Sequence[Mapping[str, Any]]:
        account = {"name": "sms", "product": "sms", "piece": "SMS", "price": "0.038", "subaccounts": None}
        return [{**account, "figures": self.figures(), "provider": self.mode, "drain": self.drain}]

    def apply(self, change: Mapping[str, Any]) -> None:
        if set(change) - {"account", "burn", "empty", "top_up", "drain", "provider"}:
            raise ValueError("no such change")
        self.changes.append(change)
        self.mode = str(change.get("provider", self.mode))
        self.drain = int(change.get("drain", self.drain))


@dataclass
class Demo:
    slack: SmallSlack
    world: SmallWorld
    url: str
    exchanges: list[str]

    async def show(self, text: str = "", **more: Any) -> Said:
        said = self.slack.add(text, **more)
        await self.slack.tell()
        return said


@asynccontextmanager
async def running(command: CommandHelp = COMMAND) -> AsyncIterator[Demo]:
    slack, world, exchanges = SmallSlack(), SmallWorld(), list[str]()
    slack.may_answer.set()
    app = page_app(slack, world, lambda: NOON, command=command, exchanges=lambda: exchanges)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield Demo(slack, world, f"http://{host}:{port}/", exchanges)
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def demo() -> AsyncIterator[Demo]:
    async with running() as demo:
        yield demo


@asynccontextmanager
async def opened(demo: Demo, **how: Any) -> AsyncIterator[Page]:
    async with chromium_page(demo.url, **how) as page:
        await page.locator(":root[data-ready]").wait_for(state="attached")
        yield page


def message(page: Page, said: Said, pane: str = "#messages") -> Locator:
    return page.locator(f'{pane} article[data-ts="{said.ts}"]')


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(action_id: str, text: str = "Press", **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def rich(text: str) -> Json:
    element = {"type": "text", "text": text}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [element]}]}


def line_chart(values: Mapping[str, float]) -> Json:
    points = [{"label": label, "value": value} for label, value in values.items()]
    chart = {"type": "line", "series": [{"name": "SMS", "data": points}]}
    return chart | {"axis_config": {"categories": list(values)}}


RAW = {"type": "raw_text", "text": "Account"}
DRAWN = [
    ("section", {"type": "section", "text": mrkdwn("*5* left")}, "strong", "5"),
    ("section_fields", {"type": "section", "fields": [mrkdwn("a"), mrkdwn("b")]}, ".field:nth-child(2)", "b"),
    (
        "section_accessory",
        {"type": "section", "text": mrkdwn("x"), "accessory": button("go", "Go")},
        ".accessory button",
        "Go",
    ),
    ("header", {"type": "header", "text": plain("News &amp; more")}, "h3", "News & more"),
    ("context", {"type": "context", "elements": [mrkdwn("read _now_")]}, ".context-text em", "now"),
    ("divider", {"type": "divider"}, "hr", ""),
    ("button_primary", actions(button("a", "Yes", style="primary")), "button.is-primary", "Yes"),
    ("button_danger", actions(button("a", "No", style="danger")), "button.is-danger", "No"),
    ("button_url", actions(button("a", "Top up", url="https://example.com/")), "a.button", "Top up"),
    (
        "static_select",
        actions(
            {
                "type": "static_select",
                "action_id": "s",
                "placeholder": plain("When"),
                "options": [{"text": plain("1 hour"), "value": "1h"}],
            }
        ),
        "option[value='1h']",
        "1 hour",
    ),
    (
        "overflow",
        actions(
            {"type": "overflow", "action_id": "o", "options": [{"text": plain("Edit"), "value": "e"}]},
        ),
        "[role=menuitem]",
        "Edit",
    ),
    (
        "image",
        {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A chart"},
        "a.picture-frame",
        "A chart",
    ),
    ("rich_text", rich("Rich"), ".rich-section", "Rich"),
    ("markdown", {"type": "markdown", "text": "# Top\n- **one**\n- two"}, "li:first-child strong", "one"),
    ("table", {"type": "table", "rows": [[RAW], [rich("codes")]]}, "tbody td", "codes"),
    (
        "data_table",
        {"type": "data_table", "caption": "Use", "rows": [[RAW], [{"type": "raw_number", "value": 7}]]},
        "caption",
        "Use",
    ),
    (
        "data_visualization",
        {"type": "data_visualization", "title": "Pace", "chart": line_chart({"Mon": 9, "Tue": 4})},
        "figcaption",
        "Pace",
    ),
    ("card", {"type": "card", "title": mrkdwn("SMS"), "body": mrkdwn("4 left")}, ".card-body", "4 left"),
    ("unknown", {"type": "hologram"}, ".unknown-title", "unknown block: hologram"),
    ("malformed", {"type": "section"}, ".unknown-title", "unknown block: section"),
]


async def test_every_block_is_drawn(demo: Demo) -> None:
    texts = [demo.slack.add("fallback", at=at, blocks=[block]) for at, (_, block, *_) in enumerate(DRAWN)]
    async with opened(demo) as page:
        shown, unknown = {}, []
        for said, (name, _, where, _) in zip(texts, DRAWN, strict=True):
            shown[name] = await message(page, said).locator(where).all_text_contents()
            if await message(page, said).locator(".is-unknown").count():
                unknown.append(name)
    assert shown == {name: [words] for name, _, _, words in DRAWN}
    assert unknown == ["unknown", "malformed"]


async def test_a_line_chart_is_a_line_with_its_figures_in_words(demo: Demo) -> None:
    block = {"type": "data_visualization", "title": "Pace", "chart": line_chart({"Mon": 9, "Tue": 4})}
    said = demo.slack.add("pace", blocks=[block])
    async with opened(demo) as page:
        await expect(message(page, said).locator("path.chart-line")).to_have_attribute(
            "d", re.compile(r"^M.+L.+$")
        )
        await expect(message(page, said).get_by_role("img", name="Mon 9, Tue 4")).to_be_visible()


async def test_a_long_data_table_turns_its_pages(demo: Demo) -> None:
    numbers = [[{"type": "raw_number", "value": value}] for value in range(7)]
    said = demo.slack.add("t", blocks=[{"type": "data_table", "caption": "Use", "rows": [[RAW], *numbers]}])
    async with opened(demo) as page:
        await expect(message(page, said).locator("tbody tr")).to_have_count(5)
        await page.get_by_role("button", name="Next rows").click()
        await expect(message(page, said).locator("tbody tr")).to_have_text(["5", "6"])


WRITTEN = {
    "*bold* _italic_ ~gone~": "<strong>bold</strong> <em>italic</em> <s>gone</s>",
    "*a _b_*": "<strong>a <em>b</em></strong>",
    "2*3*4 snake_case_name": "2*3*4 snake_case_name",
    "* no * bold": "* no * bold",
    "`*raw* &lt;`": '<code class="code">*raw* &lt;</code>',
    "a\n```x\n*y*```\nb": 'a<pre class="pre">x\n*y*</pre>b',
    "5 &lt; 6 &amp;&gt; 7": "5 &lt; 6 &amp;&gt; 7",
    "&amp;lt;": "&amp;lt;",
    "&gt; one\n> two\nthree": "<blockquote>one<br>two</blockquote>three",
    "a\nb": "a<br>b",
    ":nothing: 10:30:45": ":nothing: 10:30:45",
    "<@U0BRUNO>": '<span class="mention">@Bruno Keller</span>',
    "<@U0ALICE>": '<span class="mention is-me">@Alice Martin</span>',
    "<#C0ALERTS>": '<span class="mention">#sms-alerts</span>',
    "<#C0OTHER|other>": '<span class="mention">#other</span>',
    "<!subteam^S012|@oncall>": '<span class="mention is-me">@oncall</span>',
    "<!here>": '<span class="mention is-me">@here</span>',
    "<javascript:alert(1)|x>": "&lt;javascript:alert(1)|x&gt;",
    "<!date^nonsense^{date}|5 March>": "5 March",
}


async def test_mrkdwn_reads_as_slack_shows_it(demo: Demo) -> None:
    texts = [demo.slack.add(text, at=index) for index, text in enumerate(WRITTEN)]
    async with opened(demo) as page:
        shown = {said.text: await message(page, said).locator(".text").inner_html() for said in texts}
    assert shown == WRITTEN


async def test_links_emoji_and_bullets_of_mrkdwn(demo: Demo) -> None:
    said = demo.slack.add("<https://example.com/?a=1&amp;b=2|top *up*>\n• first\n• second :warning:")
    async with opened(demo) as page:
        link = message(page, said).locator("a")
        await expect(link).to_have_attribute("href", "https://example.com/?a=1&b=2")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        await expect(link).to_have_text("top *up*")
        await expect(message(page, said).locator(".bullet")).to_have_text(["•first", "•second ⚠️"])
        await expect(message(page, said).get_by_role("img", name="warning")).to_be_visible()


DATES = {
    "{date_num}": "2026-03-05",
    "{date_slash}": "03/05/2026",
    "{date}": "March 5th",
    "{date_pretty}": "Today",
    "{date_short}": "Mar 5",
    "{date_short_pretty} at {time}": "Today at 12:00 PM",
    "on {date_pretty}": "on today",
    "{date_long}": "Thursday, March 5th",
    "{date_long_pretty}": "Today",
    "{date_long_full}": "March 5, 2026",
    "{day_divider_pretty}": "Today",
    "{time}": "12:00 PM",
    "{time_secs}": "12:00:00 PM",
    "{ago}": "Just now",
    "{constructor}": "{constructor}",
}
OTHER_DATES = [
    (-86400, "{date_short_pretty}", "Yesterday"),
    (86400, "{date_pretty}", "Tomorrow"),
    (2 * 86400, "{date_short_pretty}", "Mar 7"),
    (-300 * 86400, "{date_short}", "May 9, 2025"),
    (-300 * 86400, "{date_long}", "Friday, May 9th, 2025"),
    (-3 * 3600, "{ago}", "3 hours ago"),
    (90, "{ago}", "In 1 minute"),
    # Clocks go forward on 29 March: the same time of day stands an hour earlier in UTC.
    (24 * 86400, "{time}", "1:00 PM"),
]


async def test_every_date_token_is_shown_in_the_viewers_timezone(demo: Demo) -> None:
    cases = [(0, token, words) for token, words in DATES.items()] + OTHER_DATES
    texts = [
        demo.slack.add(f"<!date^{AT + after}^{token}|no>", at=index)
        for index, (after, token, _) in enumerate(cases)
    ]
    async with opened(demo) as page:
        shown = [await message(page, said).locator(".text time").text_content() for said in texts]
    # The browser's clock runs on while the scene's stands still, so "now" is a few seconds later.
    assert shown == [words for *_, words in cases]


async def test_a_date_stands_in_the_timezone_of_another_viewer(demo: Demo) -> None:
    said = demo.slack.add(f"<!date^{AT}^{{date_num}} {{time}}|no>")
    async with opened(demo, timezone="Pacific/Auckland") as page:
        await expect(message(page, said).locator(".text")).to_have_text("2026-03-06 12:00 AM")


HOSTILE = "<img src=x onerror=window.hit=1><script>window.hit=1</script>\"'><svg onload=window.hit=1>"


async def test_hostile_text_cannot_become_markup(demo: Demo) -> None:
    address = "javascript:window.hit=1"
    option = {"text": plain(HOSTILE), "value": HOSTILE, "url": address}
    said = demo.slack.add(
        HOSTILE,
        blocks=[
            {"type": "section", "text": mrkdwn(f"{HOSTILE} <{address}|click> *{HOSTILE}*")},
            {"type": "header", "text": plain(HOSTILE)},
            {"type": "context", "elements": [mrkdwn(f"<!date^1^{HOSTILE}|{HOSTILE}>"), plain(HOSTILE)]},
            actions(
                button("a", HOSTILE, url=address, accessibility_label=HOSTILE),
                {
                    "type": "static_select",
                    "action_id": "s",
                    "placeholder": plain(HOSTILE),
                    "options": [option],
                },
                {"type": "overflow", "action_id": "o", "options": [option]},
            ),
            {"type": "image", "image_url": address, "alt_text": HOSTILE},
            {"type": "markdown", "text": f"{HOSTILE} [x]({address}) ![x]({address})\n\n{HOSTILE}"},
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "link", "url": address, "text": HOSTILE},
                            {"type": "color", "value": "red;background:url(//evil.example)"},
                        ],
                    }
                ],
            },
            {"type": "table", "rows": [[RAW], [{"type": "raw_text", "text": HOSTILE}]]},
            {"type": "data_visualization", "title": HOSTILE, "chart": line_chart({HOSTILE: 1, "b": 2})},
            {"type": HOSTILE},
        ],
    )
    demo.slack.add(HOSTILE, user=HOSTILE, at=1)
    demo.slack.calls.append(Call(HOSTILE, HOSTILE))
    async with opened(demo) as page:
        await expect(message(page, said).locator(".header-text")).to_have_text(HOSTILE)
        inside = page.locator("#frame")
        await expect(
            inside.locator("script, [onerror], [onload], img[src=x], [href^='javascript:']")
        ).to_have_count(0)
        assert await page.evaluate("window.hit") is None


async def test_a_message_without_blocks_shows_its_text_and_an_edit_is_marked(demo: Demo) -> None:
    said = demo.slack.add("*Low*: 4,812 left")
    async with opened(demo) as page:
        await expect(message(page, said).locator(".text")).to_have_text("Low: 4,812 left")
        demo.slack.messages[0] = replace(said, text="*Low*: 4,100 left", edited_ts=f"{AT + 5}.0")
        await demo.slack.tell()
        await expect(message(page, said).locator(".text")).to_have_text("Low: 4,100 left (edited)")


async def test_messages_in_a_row_share_one_head(demo: Demo) -> None:
    for at in (0, 60, 900):
        demo.slack.add(f"at {at}", at=at)
    demo.slack.add("mine", user=ALICE, at=901)
    async with opened(demo) as page:
        heads = page.locator("#messages article .author")
        await expect(heads).to_have_text(["smscredits", "smscredits", "Alice Martin"])
        await expect(page.locator("#messages article .badge")).to_have_count(2)


async def test_new_messages_are_spoken_and_scrolled_to(demo: Demo) -> None:
    for at in range(40):
        demo.slack.add(f"line {at}", at=at * 400)
    async with opened(demo) as page:
        await expect(page.locator("#announcer")).to_be_empty()
        said = await demo.show("*Low*: 900 left\nand more", at=20000)
        await expect(page.locator("#announcer")).to_have_text("smscredits: Low: 900 left")
        await expect(message(page, said)).to_be_in_viewport()


async def test_one_who_reads_above_is_not_dragged_down(demo: Demo) -> None:
    for at in range(40):
        demo.slack.add(f"line {at}", at=at * 400)
    async with opened(demo) as page:
        await page.locator("#messages").evaluate("node => { node.scrollTop = 0; }")
        said = await demo.show("news", at=20000)
        await page.get_by_role("button", name="New messages").click()
        await expect(message(page, said)).to_be_in_viewport()
        await expect(page.locator("#newer")).to_be_hidden()


async def test_one_who_reads_above_and_sends_a_command_sees_its_answer(demo: Demo) -> None:
    for at in range(40):
        demo.slack.add(f"line {at}", at=at * 400)
    async with opened(demo) as page:
        await page.locator("#messages").evaluate("node => { node.scrollTop = 0; }")
        await page.get_by_role("combobox").fill("/smscredits ")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("combobox")).to_have_value("")
        said = await demo.show("4,812 SMS left", at=20000, ephemeral_for=ALICE)
        await expect(message(page, said)).to_be_in_viewport()
        await expect(page.locator("#newer")).to_be_hidden()
    assert demo.slack.commands == [("", ALICE, "C0ALERTS")]


async def test_an_ephemeral_message_is_seen_by_its_person_only(demo: Demo) -> None:
    said = demo.slack.add("for Alice", ephemeral_for=ALICE)
    async with opened(demo) as page:
        await expect(message(page, said)).to_contain_text("Only visible to you")
        await page.get_by_label("Bruno").check()
        await expect(message(page, said)).to_have_count(0)
        await page.reload()
        await expect(page.get_by_label("Bruno")).to_be_checked()
        await expect(message(page, said)).to_have_count(0)


async def test_the_completion_is_worked_by_keyboard(demo: Demo) -> None:
    async with opened(demo) as page:
        field = page.get_by_role("combobox")
        await field.press("/")
        offers = page.get_by_role("option")
        await expect(offers).to_have_count(6)
        await expect(field).to_have_attribute("aria-expanded", "true")
        await field.press("ArrowUp")
        await expect(offers.nth(5)).to_have_attribute("aria-selected", "true")
        await field.press("Escape")
        await expect(page.locator("#completion")).to_be_hidden()
        await field.fill("/smscredits s")
        await expect(offers).to_have_count(2)
        await field.press("ArrowDown")
        await field.press("Tab")
        await expect(field).to_have_value("/smscredits share")
        await field.press("Enter")
        await expect(field).to_have_value("")
        assert demo.slack.commands == [("share", ALICE, "C0ALERTS")]


async def test_the_bare_command_is_offered_once_with_its_hint() -> None:
    help_ = CommandHelp(
        "/smscredits", "[account | help]", (Subcommand("", "What is left"), Subcommand("help", "?"))
    )
    async with running(help_) as demo, opened(demo) as page:
        await page.get_by_role("combobox").fill("/")
        offers = page.get_by_role("option")
        await expect(offers).to_have_text(["/smscredits [account | help]What is left", "/smscredits help?"])


async def test_a_completion_with_words_to_come_stays_open_for_them(demo: Demo) -> None:
    async with opened(demo) as page:
        field = page.get_by_role("combobox")
        await field.fill("/sn")
        await field.press("Enter")
        await expect(field).to_have_value("/smscredits snooze ")
        assert demo.slack.commands == []
        await field.press_sequentially("4h sms")
        await field.press("Enter")
        await expect(field).to_have_value("")
        assert demo.slack.commands == [("snooze 4h sms", ALICE, "C0ALERTS")]


async def test_enter_sends_the_bare_command_and_arrow_up_recalls_it(demo: Demo) -> None:
    async with opened(demo) as page:
        field = page.get_by_role("combobox")
        await field.fill("/smscredits")
        await field.press("Enter")
        await expect(field).to_have_value("")
        assert demo.slack.commands == [("", ALICE, "C0ALERTS")]
        await field.press("ArrowUp")
        await expect(field).to_have_value("/smscredits")


async def test_plain_text_is_posted_as_the_persons_own_and_escaped(demo: Demo) -> None:
    async with opened(demo) as page:
        await page.get_by_label("Bruno").check()
        field = page.get_by_role("combobox")
        await field.fill("look: <!here> & go")
        await page.get_by_role("button", name="Send").click()
        article = page.locator("#messages article")
        await expect(article.locator(".author")).to_have_text("Bruno Keller")
        await expect(article.locator(".text")).to_have_text("look: <!here> & go")
    assert demo.slack.messages[0].text == "look: &lt;!here&gt; &amp; go"


async def test_another_command_is_refused_before_it_is_sent(demo: Demo) -> None:
    async with opened(demo) as page:
        await page.get_by_role("combobox").fill("/weather")
        await page.get_by_role("combobox").press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("/weather is not a valid command")
    assert demo.slack.commands == []


async def test_a_press_sends_its_payload_and_spins_until_it_is_answered(demo: Demo) -> None:
    said = demo.slack.add(
        "low", blocks=[actions(button("ack", "Acknowledge", value="episode-1"), button("other"))]
    )
    demo.slack.may_answer.clear()
    async with opened(demo) as page:
        press = page.get_by_role("button", name="Acknowledge")
        await press.click()
        await expect(press).to_have_attribute("aria-busy", "true")
        await expect(press.locator(".spinner")).to_be_visible()
        await press.click()
        demo.slack.may_answer.set()
        await expect(press).not_to_have_attribute("aria-busy", "true")
        await expect(press.locator(".spinner")).to_be_hidden()
        await expect(page.locator(".press-warning")).to_have_count(0)
    sent = {"ts": said.ts, "action_id": "ack", "user": ALICE, "value": "episode-1", "selected_option": None}
    assert demo.slack.presses == [sent]


@pytest.mark.parametrize("status", [500, None])
async def test_a_failed_press_shows_the_warning_sign(demo: Demo, status: int | None) -> None:
    demo.slack.add("low", blocks=[actions(button("ack", "Acknowledge"))])
    demo.slack.press_status = status
    async with opened(demo) as page:
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.get_by_role("img", name="This app did not respond")).to_be_visible()
        demo.slack.press_status = 200
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.locator(".press-warning")).to_have_count(0)


async def test_a_press_that_failed_before_the_page_was_opened_is_told(demo: Demo) -> None:
    said = demo.slack.add("low", blocks=[actions(button("ack"))])
    demo.slack.press_failed.add(said.ts)
    async with opened(demo) as page:
        await expect(message(page, said)).to_contain_text("This app did not respond to the last press.")


async def test_a_choice_from_a_menu_is_sent(demo: Demo) -> None:
    options = [{"text": plain("1 hour"), "value": "1h"}, {"text": plain("4 hours"), "value": "4h"}]
    select = {
        "type": "static_select",
        "action_id": "snooze",
        "placeholder": plain("Snooze"),
        "options": options,
    }
    demo.slack.add(
        "low", blocks=[actions(select, {"type": "overflow", "action_id": "more", "options": options})]
    )
    async with opened(demo) as page:
        await page.get_by_label("Snooze").select_option(label="4 hours")
        await page.get_by_role("button", name="More actions").press("Enter")
        await expect(page.get_by_role("menuitem", name="1 hour")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-busy]")).to_have_count(0)
    chosen = [(press["action_id"], press["selected_option"]) for press in demo.slack.presses]
    assert chosen == [("snooze", "4h"), ("more", "4h")]


async def test_a_button_with_an_address_opens_it_and_sends_the_action(demo: Demo) -> None:
    demo.slack.add("low", blocks=[actions(button("top_up", "Top up", url=f"{demo.url}static/icon.svg"))])
    async with opened(demo) as page:
        async with page.context.expect_page() as opening:
            await page.get_by_role("link", name="Top up").click()
        assert (await opening.value).url == f"{demo.url}static/icon.svg"
        await expect(page.locator("[data-busy]")).to_have_count(0)
    assert [press["action_id"] for press in demo.slack.presses] == ["top_up"]


async def test_a_press_to_be_confirmed_asks_first(demo: Demo) -> None:
    confirm = {
        "title": plain("Sure?"),
        "text": plain("No way back"),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    demo.slack.add("low", blocks=[actions(button("drop", "Drop", confirm=confirm))])
    async with opened(demo) as page:
        await page.get_by_role("button", name="Drop").click()
        await page.get_by_role("button", name="No", exact=True).click()
        assert demo.slack.presses == []
        await page.get_by_role("button", name="Drop").click()
        await page.get_by_role("button", name="Yes", exact=True).click()
        await expect(page.locator("[data-busy]")).to_have_count(0)
    assert [press["action_id"] for press in demo.slack.presses] == ["drop"]


async def test_a_redraw_keeps_the_keyboards_place(demo: Demo) -> None:
    said = demo.slack.add("low", blocks=[actions(button("ack", "Acknowledge"))])
    async with opened(demo) as page:
        press = page.get_by_role("button", name="Acknowledge")
        await press.focus()
        demo.slack.messages[0] = replace(said, edited_ts=f"{AT + 1}.0")
        await demo.slack.tell()
        await expect(message(page, said)).to_contain_text("(edited)")
        await expect(press).to_be_focused()


async def test_a_thread_opens_beside_the_channel(demo: Demo) -> None:
    root = demo.slack.add("Low: 4,812 left")
    first = demo.slack.add("Still low", at=60, thread_ts=root.ts)
    demo.slack.add("Lower", at=120, thread_ts=root.ts)
    async with opened(demo) as page:
        await expect(message(page, first)).to_have_count(0)
        await page.get_by_role("button", name="2 replies").click()
        pane = page.get_by_role("complementary", name="Thread")
        await expect(pane.locator("article .text")).to_have_text(["Low: 4,812 left", "Still low", "Lower"])
        later = await demo.show("Ended", at=180, thread_ts=root.ts)
        await expect(message(page, later, "#thread-messages")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(pane).to_be_hidden()
        await expect(page.get_by_role("button", name="3 replies")).to_be_focused()


async def test_a_broadcast_stands_in_the_channel_and_leads_to_its_thread(demo: Demo) -> None:
    root = demo.slack.add("Low: 4,812 left")
    said = demo.slack.add("Critical: 900 left", at=60, thread_ts=root.ts, broadcast=True)
    async with opened(demo) as page:
        await expect(message(page, said)).to_contain_text("replied to a thread: Low: 4,812 left")
        await message(page, said).get_by_role("button", name="Low: 4,812 left").click()
        await expect(message(page, said, "#thread-messages")).to_contain_text("Also sent to #sms-alerts")


@pytest.mark.parametrize(("colours", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(26, 29, 33)")])
async def test_the_page_follows_the_systems_colours_until_told_otherwise(
    demo: Demo, colours: str, paper: str
) -> None:
    other = {"light": "dark", "dark": "light"}[colours]
    async with opened(demo, colours=colours) as page:
        channel = page.get_by_role("main")
        await expect(channel).to_have_css("background-color", paper)
        await page.get_by_role("button", name=f"Switch to {other} colours").click()
        await expect(channel).not_to_have_css("background-color", paper)
        await page.reload()
        await expect(channel).not_to_have_css("background-color", paper)
        await expect(page.get_by_role("button", name=f"Switch to {colours} colours")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
async def test_nothing_is_wider_than_the_window(demo: Demo, width: int) -> None:
    for index, (_, block, _, _) in enumerate(DRAWN):
        demo.slack.add("x" * 300, at=index, blocks=[block])
    demo.slack.add("y" * 300, at=100)
    async with opened(demo, width=width) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        assert await page.locator("#messages").evaluate("node => node.scrollWidth - node.clientWidth") == 0


async def test_where_there_is_room_the_hint_speaks_of_the_world_beside(demo: Demo) -> None:
    async with opened(demo) as page:
        await expect(page.locator(".intro")).to_contain_text("in the world beside,", use_inner_text=True)
        await expect(page.locator("#world-toggle").get_by_text("The world")).to_be_hidden()


async def test_on_a_phone_the_world_is_a_sheet_that_opens_and_closes(demo: Demo) -> None:
    async with opened(demo, width=390, height=844) as page:
        world = page.get_by_role("complementary", name="The world")
        await expect(world).to_be_hidden()
        await expect(page.locator(".intro")).to_contain_text(
            "in “The world” (at the top),", use_inner_text=True
        )
        await page.locator("#world-toggle").get_by_text("The world").click()
        await expect(world).to_be_visible()
        await page.get_by_role("button", name="Close the world").click()
        await expect(world).to_be_hidden()


async def test_the_world_shows_its_figures_and_changes(demo: Demo) -> None:
    async with opened(demo) as page:
        world = page.get_by_role("complementary", name="The world")
        await expect(world.locator("[data-figure=creditSms]")).to_have_text("269,082")
        await expect(world.locator("[data-figure=balance]")).to_have_text("10,225.119 EUR")
        for name in ("Burn 1,000 SMS", "Burn 10,000 SMS", "Empty the account", "Top up 100 EUR"):
            await world.get_by_role("button", name=name).click()
        slider = world.get_by_label("Slow drain")
        await slider.press("ArrowRight")
        await expect(world.get_by_text("6 SMS/s")).to_be_visible()
        faults = world.get_by_role("group", name="Provider")
        await faults.get_by_label("Degraded body").check()
        await expect(faults).to_contain_text("no credits at all")
        demo.world.credits = "0"
        await demo.world.tell()
        await expect(world.locator("[data-figure=creditSms]")).to_have_text("0")
    assert demo.world.changes == [
        {"account": "sms", **change}
        for change in (
            {"burn": 1000},
            {"burn": 10000},
            {"empty": True},
            {"top_up": "100"},
            {"drain": 6},
            {"provider": "degraded"},
        )
    ]


async def test_slack_can_be_made_to_fail(demo: Demo) -> None:
    async with opened(demo) as page:
        faults = page.get_by_role("group", name="Slack")
        await faults.get_by_label("HTTP 429").check()
        await expect(faults).to_contain_text("they must wait")
    assert demo.slack.fault == "rate_limited"


async def test_the_log_shows_the_last_exchanges_newest_first(demo: Demo) -> None:
    demo.exchanges += ["GET /v1/me → 200"] * 3
    async with opened(demo) as page:
        demo.slack.calls.append(Call("chat.postMessage", "ratelimited"))
        await demo.slack.tell()
        lines = page.get_by_role("list", name="Last HTTP exchanges").get_by_role("listitem")
        await expect(lines).to_have_text(
            [re.compile("chat.postMessage→ ratelimited"), re.compile("GET /v1/me.3→ 200")]
        )
        await expect(lines.nth(0)).to_have_class("is-bad")


@asynccontextmanager
async def asking(demo: Demo) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(demo.url) as client:
        yield client


async def snapshots(stream: aiohttp.StreamReader) -> AsyncIterator[Json]:
    async for line in stream:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


async def test_the_first_event_is_the_whole_scene(demo: Demo) -> None:
    said = demo.slack.add("low", thread_ts=None)
    async with asking(demo) as client, client.get("/events") as answer:
        assert answer.content_type == "text/event-stream"
        scene = await anext(snapshots(answer.content))
    assert scene["channel"] == {"id": "C0ALERTS", "name": "sms-alerts"}
    assert [user["is_bot"] for user in scene["users"]] == [False, False, True]
    assert scene["command"]["subcommands"][1]["text"] == "ack [ACCOUNT]"
    (account,) = scene["world"]["accounts"]
    assert account["figures"]["balance"] == "10225.119"
    assert account["provider"] == "fine"
    assert scene["now"] == AT
    assert scene["messages"] == [
        {
            "ts": said.ts,
            "user": BOT,
            "text": "low",
            "blocks": [],
            "thread_ts": None,
            "broadcast": False,
            "ephemeral_for": None,
            "edited_ts": None,
            "kind": "message",
            "failed": False,
        }
    ]


async def test_messages_of_other_channels_stay_there(demo: Demo) -> None:
    demo.slack.add("elsewhere", channel="C0RANDOM")
    async with asking(demo) as client, client.get("/events") as answer:
        assert (await anext(snapshots(answer.content)))["messages"] == []


async def test_many_changes_at_once_make_few_events(demo: Demo) -> None:
    async with asking(demo) as client, client.get("/events") as answer:
        stream = snapshots(answer.content)
        await anext(stream)
        for at in range(50):
            await demo.show(f"line {at}", at=at)
            for _ in range(10):  # turns of the loop, so that each change could be sent by itself
                await asyncio.sleep(0)
        count = 1
        async for scene in stream:
            if len(scene["messages"]) == 50:
                break
            count += 1
    assert count <= 3


async def test_a_quiet_stream_beats(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.demo.page.HEARTBEAT_SECONDS", 0.02)
    async with asking(demo) as client, client.get("/events") as answer:
        while await answer.content.readline() != b": still here\n":
            pass


async def test_open_streams_do_not_hold_up_the_end() -> None:
    async with aiohttp.ClientSession() as client:
        async with running() as demo:
            answer = await client.get(f"{demo.url}events")
            await answer.content.readline()
            began = time.perf_counter()
        assert time.perf_counter() - began < 2
        assert b"snapshot" in await answer.read()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "10.0.0.1", "127.0.0.1.evil.example", "[::", ""]
)
async def test_a_name_that_is_not_loopback_is_refused(demo: Demo, host: str) -> None:
    async with asking(demo) as client, client.get("/events", headers={"Host": host}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"])
async def test_every_name_of_loopback_is_welcome(demo: Demo, host: str) -> None:
    async with asking(demo) as client, client.get("/", headers={"Host": host}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "https://127.0.0.1"]
)
async def test_another_sites_page_cannot_press_anything(demo: Demo, origin: str) -> None:
    headers = {"Origin": origin}
    said = {"empty": True}
    async with asking(demo) as client, client.post("/demo/world", json=said, headers=headers) as answer:
        assert answer.status == 403
    assert demo.world.changes == []


NONSENSE: list[tuple[str, Json]] = [
    ("/demo/world", {"conjure": 1}),
    ("/demo/slack", {"fault": "on_fire"}),
    ("/demo/slack", {}),
    ("/demo/command", {"user": ALICE, "text": "  "}),
    ("/demo/command", {"user": ALICE}),
    ("/demo/command", {"user": BOT, "text": "hello"}),
    ("/demo/command", {"user": "U0NOBODY", "text": "hello"}),
    ("/demo/command", {"user": ALICE, "text": "/weather"}),
    ("/demo/press", {"user": ALICE, "ts": 5}),
]


@pytest.mark.parametrize(("path", "said"), NONSENSE)
async def test_nonsense_is_answered_with_the_reason(demo: Demo, path: str, said: Json) -> None:
    async with asking(demo) as client, client.post(path, json=said) as answer:
        assert answer.status == 400
        assert await answer.text()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [("empty=true", "application/x-www-form-urlencoded", 415), ('{"empty":true}', "text/plain", 415)]
    + [(body, "application/json", 400) for body in ("", "{", "[]", "null")],
)
async def test_only_a_json_object_is_read(demo: Demo, body: str, kind: str, status: int) -> None:
    headers = {"Content-Type": kind}
    async with asking(demo) as client, client.post("/demo/world", data=body, headers=headers) as answer:
        assert answer.status == status
    assert demo.world.changes == []


PRESS = {"user": ALICE, "action_id": "ack", "block_id": "b0"}


@pytest.mark.parametrize(
    "wrong",
    [{"ts": "1.0"}, {"user": BRUNO}, {"block_id": "b9"}, {"action_id": "gone"}],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_only_what_the_person_sees_can_be_pressed(demo: Demo, wrong: Json) -> None:
    said = demo.slack.add("low", ephemeral_for=ALICE, blocks=[actions(button("ack"))])
    async with asking(demo) as client:
        async with client.post("/demo/press", json=PRESS | {"ts": said.ts} | wrong) as answer:
            assert answer.status == 404
        async with client.post("/demo/press", json=PRESS | {"ts": said.ts}) as answer:
            assert await answer.json() == {"ok": True, "status": 200}
    assert len(demo.slack.presses) == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/static/app.js", "text/javascript"), ("/static/style.css", "text/css")],
)
async def test_the_files_come_with_their_kind_and_a_strict_policy(demo: Demo, path: str, kind: str) -> None:
    async with asking(demo) as client, client.get(path) as answer:
        assert answer.status == 200
        assert answer.content_type == kind
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpage.py", "%2e%2e%2fworld.py"])
async def test_no_other_file_is_served(demo: Demo, name: str) -> None:
    async with asking(demo) as client, client.get(f"/static/{name}") as answer:
        assert answer.status == 404
