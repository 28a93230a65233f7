"""The demo as a person meets it: the real bot behind the page, in a real browser."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from bot.demo.run import Demo
from tests.browser import chromium_page
from tests.conftest import PAGES, exhibit

pytestmark = PAGES


@pytest_asyncio.fixture(loop_scope="session")
async def demo() -> AsyncIterator[Demo]:
    async with exhibit() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(demo: Demo) -> AsyncIterator[Page]:
    async with chromium_page(demo.url) as opened:
        await expect(opened.locator(":root[data-ready]")).to_be_attached()
        yield opened


async def type_command(page: Page, text: str) -> None:
    field = page.get_by_role("combobox", name="Message")
    await field.fill(text)
    await field.press("Escape")
    await field.press("Enter")


async def test_type_the_command_drain_see_the_alert_top_up_and_read_the_recovery(
    page: Page, demo: Demo
) -> None:
    messages = page.get_by_role("log")
    await type_command(page, "/smscredits")
    await expect(messages).to_contain_text("sms: fine")
    await expect(messages).to_contain_text("5,500")
    await expect(messages).to_contain_text("Only visible to you")

    await page.get_by_role("button", name="Burn 1,000 SMS").click()
    await expect(messages).to_contain_text("SMS credits are low", timeout=10_000)
    await expect(messages).to_contain_text("4,500 SMS left, below the warning threshold of 5,000.")
    await expect(messages.get_by_role("link", name="Top up")).to_have_count(1)

    await page.get_by_role("button", name="Top up 100 EUR").click()
    await expect(messages).to_contain_text("SMS credits are fine again", timeout=10_000)
    await expect(messages).to_contain_text("Topped up: at least 100.00 EUR.")
    await expect(messages).to_contain_text("replied to a thread:")
    await expect(messages.get_by_role("link", name="Top up")).to_have_count(0)
    assert demo.slack.refusals == []


async def test_a_person_sees_neither_what_is_told_to_the_other_nor_misses_what_is_shared(page: Page) -> None:
    messages = page.get_by_role("log")
    await type_command(page, "/smscredits")
    await expect(messages).to_contain_text("Only visible to you")
    await page.get_by_role("radio", name=re.compile("Bruno")).check()
    await expect(messages).not_to_contain_text("Only visible to you")
    await type_command(page, "/smscredits share")
    await expect(messages).to_contain_text("sms: fine")
    await page.get_by_role("radio", name=re.compile("Alice")).check()
    await expect(messages).to_contain_text("sms: fine")


async def test_alice_has_it_bruno_sees_who_and_resumes_the_reminders(page: Page) -> None:
    messages = page.get_by_role("log")
    await page.get_by_role("button", name="Burn 1,000 SMS").click()
    await expect(messages).to_contain_text("SMS credits are low", timeout=10_000)
    await messages.get_by_role("button", name="I have it").click()
    await expect(messages).to_contain_text("no reminders until")
    await expect(messages).to_contain_text("Alice Martin has it since", timeout=10_000)
    await expect(messages.get_by_role("button", name="I have it")).to_have_count(0)

    await page.get_by_role("radio", name=re.compile("Bruno")).check()
    await expect(messages).not_to_contain_text("Only visible to you")
    await expect(messages).to_contain_text("Alice Martin has it since")
    await messages.get_by_role("button", name="Resume reminders").click()
    await expect(messages).to_contain_text("reminders go on.")
    await expect(messages.get_by_role("button", name="I have it")).to_have_count(1)
    await expect(messages).not_to_contain_text("has it since")


@pytest.mark.parametrize(
    ("provider", "cause"),
    [
        ("HTML page", "SMS Partner's answer is not the JSON that it documents."),
        ("Degraded body", "SMS Partner's answer holds no credits."),
        ("Wrong key", "SMS Partner says that the API key is wrong (code 10)."),
    ],
)
async def test_break_the_provider_and_read_why_nothing_can_be_read(
    page: Page, provider: str, cause: str
) -> None:
    await page.get_by_role("radio", name=provider).check()
    await expect(page.get_by_role("log")).to_contain_text("Account sms cannot be read", timeout=15_000)
    await expect(page.get_by_role("log")).to_contain_text(cause)


async def test_slack_that_limits_or_fails_delays_the_alert_and_loses_nothing() -> None:
    async with exhibit() as demo, chromium_page(demo.url) as page:
        await expect(page.get_by_role("log")).to_contain_text("I watch the SMS Partner account sms")
        await page.get_by_role("radio", name="HTTP 429").check()
        seen = len(demo.slack.calls)
        await page.get_by_role("button", name="Burn 1,000 SMS").click()
        while len(demo.slack.calls) == seen:
            await demo.slack.changed(demo.slack.version)
        await expect(page.get_by_role("log")).not_to_contain_text("SMS credits are low")
        await page.get_by_role("radio", name="Fine").last.check()
        await expect(page.get_by_role("log")).to_contain_text("SMS credits are low", timeout=10_000)


async def test_the_account_drains_by_itself_until_the_alert_appears() -> None:
    async with exhibit() as demo, chromium_page(demo.url) as page:
        demo.world.apply({"drain": 500})
        await expect(page.get_by_role("log")).to_contain_text("SMS credits are low", timeout=10_000)
