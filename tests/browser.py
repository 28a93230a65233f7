"""A real Chromium for tests of the demo page: one page at a time, and silence in its console."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from playwright.async_api import Page, async_playwright, expect

MISSING = "no Chromium: apt-get install chromium"
PATIENCE = 15_000  # milliseconds; a busy machine starts a browser slowly
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]


def chromium() -> str:
    """Return the path of the system's Chromium; without one skip the test, or fail it on CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path is not None:
            return path
    if os.environ.get("CI"):  # noqa: TID251 - where tests run decides, no setting of the bot
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@asynccontextmanager
async def chromium_page(
    url: str,
    *,
    width: int = 1280,
    height: int = 800,
    colours: Literal["light", "dark"] = "light",
    timezone: str = "Europe/Paris",
    **context: Any,
) -> AsyncIterator[Page]:
    """Open `url` in a fresh browser; whatever it writes to the console as a warning or an error fails."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            page = await browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=colours,
                timezone_id=timezone,
                locale="en-US",
                **context,
            )
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            page.on(
                "console",
                lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(url)
            yield page
        except BaseException as error:
            error.add_note("the browser's console: " + ("; ".join(complaints) or "silent"))
            raise
        finally:
            await browser.close()
    assert not complaints, "the browser complains:\n" + "\n".join(complaints)
