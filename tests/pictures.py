"""Takes the pictures of `docs/`: `make pictures`; names in every alphabet need fonts that have them."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import FloatRect, Locator, Page, expect

from bot import log
from bot.demo.run import Demo, exhibition
from tests.browser import chromium_page, quit_chromium
from tests.samples import named

FOLDER = Path(__file__).parent.parent / "docs"
COLUMN: dict[str, Any] = {"width": 780, "height": 1400}
PATIENCE = 60_000
MONTAGE = """
body { width: max-content; margin: 0; background: #fff; }
p { margin: 0; padding: 7px 20px; background: #e9f2f4; color: #0b6e8a; font: 700 13px Helvetica, sans-serif; }
img { display: block; margin: 4px 0 10px; }
"""
PRODUCTS = ("sms", "sms", "voice", "mail")
THRESHOLDS = {
    "sms": "creditSms = { warning = 5000, critical = 1000 }",
    "voice": "balance = { warning = 15, critical = 5 }",
    "mail": "creditMail = { warning = 5000, critical = 1000 }",
}
TROUBLES: Mapping[int, Mapping[str, object]] = {
    3: {"burn": 1000},
    8: {"burn": 5000},
    21: {"provider": "wrong_key"},
    30: {"burn": 100},
    42: {"empty": True},
    57: {"burn": 1000},
}
"""What befalls some of the two hundred accounts, by number."""


def account(number: int) -> str:
    """Return one of the two hundred accounts as the file says it."""
    product = PRODUCTS[number % len(PRODUCTS)]
    return (
        f'[[account]]\nname = "{named(number)}"\nproduct = "{product}"\napi_key_env = "KEY_{number}"\n'
        f"[account.thresholds]\n{THRESHOLDS[product]}\n"
    )


@asynccontextmanager
async def channel(**settings: Any) -> AsyncIterator[tuple[Demo, Page]]:
    """Show nothing but the channel of a demo that stands still."""
    async with exhibition(drain=0, **settings) as demo, chromium_page(demo.url, **COLUMN) as page:
        await expect(page.get_by_role("log")).to_contain_text("I watch", timeout=PATIENCE)
        yield demo, page


async def type_command(page: Page, text: str) -> None:
    """Type a command, and wait for the answer."""
    field = page.locator("#composer-input")
    await field.fill(text)
    await field.press("Escape")
    await field.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("Only visible to you", timeout=PATIENCE)


def newest(page: Page, text: str) -> Locator:
    """Return the newest message in the channel that says so."""
    return page.get_by_role("log", name="Messages").locator("article").filter(has_text=text).last


async def whole_page(colours: Literal["light", "dark"]) -> None:
    """Take the channel after the command and the first alert."""
    async with (
        exhibition(drain=0) as demo,
        chromium_page(demo.url, colours=colours, height=1010) as page,
    ):
        messages = page.get_by_role("log")
        await expect(messages).to_contain_text("I watch 3 accounts")
        await type_command(page, "/smscredits")
        await page.get_by_role("button", name="Burn 1,000 SMS").click()
        await expect(messages).to_contain_text("SMS credits are low", timeout=PATIENCE)
        await page.screenshot(path=FOLDER / f"demo-{colours}.png")


async def answer(count: int, accounts: str | None = None) -> None:
    """Take the answer to the bare command with so many accounts."""
    settings = {} if accounts is None else {"accounts": accounts}
    async with channel(poll_interval="1h", **settings) as (_, page):
        await type_command(page, "/smscredits")
        await newest(page, "Only visible to you").screenshot(path=FOLDER / f"answer-{count}.png")


async def answer_about_many() -> None:
    """Take the answer of two hundred accounts, of which some are in trouble."""
    accounts = "".join(account(number) for number in range(200))

    def prepare(demo: Any, *_: object) -> None:
        for number, change in TROUBLES.items():
            demo.apply({"account": named(number), **change})

    async with channel(poll_interval="1h", accounts=accounts, prepare=prepare) as (_, page):
        await type_command(page, "/smscredits")
        await newest(page, "Only visible to you").screenshot(path=FOLDER / "answer-200.png")


async def episode() -> None:
    """Take an episode at each of its turns, and put them into two pictures."""
    turns: list[tuple[str, bytes]] = []
    settings = {"accounts": "", "reminder_critical": "20s", "reminder_warning": "24h"}
    async with channel(**settings) as (demo, page):

        async def turn(caption: str, text: str, of: str = "") -> None:
            message = newest(page, text)
            await expect(message).to_be_visible(timeout=PATIENCE)
            if of:
                message = page.locator(f'#messages article[data-ts="{of}"]')
                await expect(message).to_be_visible()
            await page.mouse.move(0, 0)
            # A picture of the element would wait for it to stand still, and it may be edited meanwhile.
            async with asyncio.timeout(PATIENCE / 1000):
                while (box := await message.bounding_box()) is None:
                    pass  # just redrawn
            turns.append((caption, await page.screenshot(clip=FloatRect(**box))))

        demo.world.apply({"burn": 600})
        await turn("Opened: one message in the channel", "SMS credits are low")
        living = await newest(page, "SMS credits are low").get_attribute("data-ts") or ""
        await newest(page, "SMS credits are low").get_by_role("button", name="I have it").click()
        await turn("Alice pressed “I have it”: the same message says so", "has it since", living)
        demo.world.apply({"burn": 4000})
        await turn("Worse: told again, in its thread and in the channel", "critically low")
        worse = await demo.slack.wait_for(lambda said: said.thread_ts == living)
        reminder = await demo.slack.wait_for(lambda said: said.thread_ts == living and said.ts > worse.ts, 60)
        await turn("Nobody had it: a reminder", "Reminder:", reminder.ts)
        demo.world.apply({"top_up": "100"})
        await turn("Topped up, but not enough: the message follows", "+100.00 EUR", living)
        demo.world.apply({"top_up": "150"})
        await turn("Ended: told, with all that came in", "It lasted")
    await montage(turns[:3], FOLDER / "episode-1.png")
    await montage(turns[3:], FOLDER / "episode-2.png")


async def montage(turns: list[tuple[str, bytes]], path: Path) -> None:
    """Put pictures below each other, each under its caption."""
    figures = "".join(
        f'<p>{caption}</p><img alt="" src="data:image/png;base64,{b64encode(picture).decode()}">'
        for caption, picture in turns
    )
    async with chromium_page("about:blank", **COLUMN) as page:
        await page.set_content(f"<!doctype html><style>{MONTAGE}</style>{figures}")
        await page.locator("body").screenshot(path=path)


async def main() -> None:
    """Take them all."""
    log.configure("error", "console")
    try:
        await whole_page("light")
        await whole_page("dark")
        await answer(1, "")
        await answer(3)
        await answer_about_many()
        await episode()
    finally:
        quit_chromium()


if __name__ == "__main__":
    asyncio.run(main())
