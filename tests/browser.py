"""A real Chromium for tests of the demo page: one for a process, and silence in the console of each page.

To start it, or to connect to it, takes longer than most tests of a page; each page has a context of its own,
which shares nothing.
"""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.tools import tool

PATIENCE = 15_000  # milliseconds; a busy machine starts a browser slowly
ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    # No window of its own: whoever connects would wait for it to be drawn.
    "--no-startup-window",
    "--no-first-run",
    # Nothing that looks for a server elsewhere: there is none, and the page waits behind it.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    # Shared memory is small in containers, and full of the databases of other tests.
    "--disable-dev-shm-usage",
]

START_SECONDS = 30

_running = ExitStack()
_connected: list[Browser] = []


def chromium() -> str:
    """Return the path of the system's Chromium.

    The one that can only do without windows is preferred: it opens a page in a quarter of the time.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return tool(*names, package="chromium-headless-shell")


@cache
def _address(executable: str) -> str:
    """Start the browser, and return where it is spoken to."""
    profile = Path(_running.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    browser = subprocess.Popen(
        [executable, *ARGUMENTS, "--remote-debugging-port=0", f"--user-data-dir={profile}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _running.callback(browser.wait)
    # The command may be a shell that waits for the browser.
    _running.callback(os.killpg, browser.pid, signal.SIGTERM)
    told = profile / "DevToolsActivePort"
    for _ in range(START_SECONDS * 50):
        if told.exists() and (lines := told.read_text().splitlines()):
            return f"http://127.0.0.1:{lines[0]}"
        time.sleep(0.02)
    raise TimeoutError("Chromium does not start")


def quit_chromium() -> None:
    """End the browser, if it was started."""
    _running.close()
    _address.cache_clear()


@asynccontextmanager
async def connected() -> AsyncIterator[Browser]:
    """Connect to the browser; every page that is opened meanwhile, in the same loop, uses this connection."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(await asyncio.to_thread(_address, chromium()))
        _connected.append(browser)
        try:
            yield browser
        finally:
            _connected.remove(browser)
            await browser.close()


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    if _connected:
        yield _connected[-1]
        return
    async with connected() as browser:
        yield browser


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
    """Open `url` in a context of its own; any warning or error that it writes to the console fails."""
    complaints: list[str] = []
    async with _browser() as browser:
        own = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=colours,
            timezone_id=timezone,
            locale="en-US",
            **context,
        )
        try:
            page = await own.new_page()
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
            await own.close()
    assert not complaints, "the browser complains:\n" + "\n".join(complaints)
