"""Takes the README's pictures of the demo: `make pictures`."""

import asyncio
from pathlib import Path
from typing import Literal

from playwright.async_api import expect

from bot import log
from bot.demo.run import exhibition
from tests.browser import chromium_page, quit_chromium

FOLDER = Path(__file__).parent.parent / "docs"


async def picture(colours: Literal["light", "dark"]) -> None:
    """Take the channel after the command and the first alert."""
    async with exhibition(drain=0) as demo, chromium_page(demo.url, colours=colours, height=860) as page:
        messages = page.get_by_role("log")
        await expect(messages).to_contain_text("I watch the SMS Partner account sms")
        field = page.get_by_role("combobox")
        await field.fill("/smscredits")
        await field.press("Escape")
        await field.press("Enter")
        await expect(messages).to_contain_text("Only visible to you")
        await page.get_by_role("button", name="Burn 1,000 SMS").click()
        await expect(messages).to_contain_text("SMS credits are low", timeout=10_000)
        await page.screenshot(path=FOLDER / f"demo-{colours}.png")


async def main() -> None:
    """Take both."""
    log.configure("error", "console")
    try:
        await picture("light")
        await picture("dark")
    finally:
        quit_chromium()


if __name__ == "__main__":
    asyncio.run(main())
