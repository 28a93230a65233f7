"""The demo's three accounts and the sub-accounts of one, as a person meets them in a real browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo.exhibits import ACCOUNTS
from bot.demo.run import Demo
from tests.browser import chromium_page
from tests.conftest import PAGES, exhibit
from tests.test_demo import type_command

pytestmark = PAGES

EVENLY = "7s"
"""Voice Partner is asked four times a minute at most: that is how long they last, one after the other."""


@asynccontextmanager
async def shown(
    *, poll_interval: str = "1s", unreadable_after: int = 3, **how: Any
) -> AsyncIterator[tuple[Demo, Page]]:
    settings: dict[str, Any] = {"poll_interval": poll_interval, "unreadable_after": unreadable_after}
    async with exhibit(accounts=ACCOUNTS, **settings) as demo:
        async with chromium_page(demo.url, **how) as page:
            await expect(page.locator(":root[data-ready]")).to_be_attached()
            yield demo, page
        assert demo.slack.refusals == []


def world(page: Page) -> Locator:
    return page.get_by_role("complementary", name="The world")


async def choose(page: Page, account: str) -> None:
    await world(page).get_by_role("group", name="Account").get_by_label(account, exact=True).check()


def alert(page: Page, title: str) -> Locator:
    """Return the newest message under this title."""
    articles = page.get_by_role("log").locator("article")
    return articles.filter(has=page.get_by_role("heading", name=title)).last


def answer_to(page: Page) -> Locator:
    """Return the newest message that only the person sees."""
    return page.get_by_role("log").locator("article").filter(has_text="Only visible to you").last


async def test_a_burnt_voice_account_is_warned_of_by_its_name() -> None:
    async with shown(poll_interval=EVENLY) as (_, page):
        await choose(page, "voice")
        await expect(world(page).locator("[data-figure=balance]")).to_have_text("19.000 €")
        await world(page).get_by_role("button", name="Burn 50 calls").click()
        await expect(world(page).locator("[data-figure=balance]")).to_have_text("14.000 €")
        warned = alert(page, "voice: Voice credits are low")
        await expect(warned).to_contain_text(
            "14.00 EUR left, below the warning threshold of 15.00 EUR.", timeout=20_000
        )
        await expect(warned).to_contain_text("Account voice")


async def test_burnt_mails_are_warned_of_by_their_number() -> None:
    async with shown() as (_, page):
        await choose(page, "mail")
        await world(page).get_by_role("button", name="Burn 1,000 mails").click()
        await expect(alert(page, "mail: Mail credits are low")).to_contain_text(
            "4,900 mails left, below the warning threshold of 5,000."
        )


async def test_a_low_sub_account_is_a_line_of_its_parent_s_message_until_it_is_topped_up() -> None:
    async with shown() as (_, page):
        await choose(page, "sms/102")
        await world(page).get_by_role("button", name="Burn 500 SMS").click()
        warned = alert(page, "sms: Sub-account credits are low")
        await expect(warned).to_contain_text(
            "sms/102: 7.50 EUR left, below the warning threshold of 20.00 EUR."
        )
        await choose(page, "sms/101")
        for _ in range(4):
            await world(page).get_by_role("button", name="Burn 500 SMS").click()
        critical = alert(page, "sms: Sub-account credits are critically low")
        await expect(critical).to_contain_text(
            "sms/101: 0.008 EUR left, below the critical threshold of 5.00 EUR."
        )
        await expect(critical).to_contain_text("sms/102: 7.50 EUR left")
        for account, times in (("sms/101", 2), ("sms/102", 1)):
            await choose(page, account)
            for _ in range(times):
                await world(page).get_by_role("button", name="Top up 20 EUR").click()
        await expect(alert(page, "sms: Sub-account credits are fine again")).to_be_visible()


async def test_sub_accounts_appear_and_vanish() -> None:
    async with shown() as (_, page):
        chooser = world(page).get_by_role("group", name="Account")
        await world(page).get_by_role("button", name="Add a sub-account to sms").click()
        await choose(page, "sms/104")
        await choose(page, "sms/102")
        await world(page).get_by_role("button", name="Burn 500 SMS").click()
        await expect(alert(page, "sms: Sub-account credits are low")).to_be_visible()
        await world(page).get_by_role("button", name="Close it").click()
        await expect(chooser.get_by_label("sms/102")).to_have_count(0)
        await expect(chooser.get_by_label("sms", exact=True)).to_be_checked()
        await expect(alert(page, "sms: Sub-accounts that were low are gone")).to_be_visible()
        await type_command(page, "/smscredits sms")
        await expect(page.get_by_role("log")).to_contain_text("sms/104: 50.00 EUR")


async def test_when_all_accounts_of_a_host_fail_one_message_lists_them_and_so_does_its_end() -> None:
    async with shown(poll_interval=EVENLY, unreadable_after=1) as (_, page):
        await expect(page.get_by_role("log")).to_contain_text("I watch 3 accounts")
        faults = world(page).get_by_role("group", name="Provider of sms")
        everywhere = faults.get_by_role("button", name="Do the same to every account")
        await faults.get_by_label("HTML page").check()
        await everywhere.click()
        opened = alert(page, "3 accounts cannot be read from 127.0.0.1")
        await expect(opened).to_contain_text(
            "The provider's answer is not the JSON that it documents.", timeout=20_000
        )
        for name in ("sms", "voice", "mail"):
            await expect(opened).to_contain_text(f"{name} since")
        await expect(page.get_by_role("heading", name="cannot be read")).to_have_count(1)
        await faults.get_by_label("Fine").check()
        await everywhere.click()
        ended = alert(page, "3 accounts can be read again from 127.0.0.1")
        await expect(ended).to_contain_text("mail could not be read from", timeout=20_000)


async def test_an_account_that_fails_alone_is_told_by_its_name() -> None:
    async with shown() as (_, page):
        await choose(page, "mail")
        await world(page).get_by_role("group", name="Provider of mail").get_by_label("Degraded body").check()
        opened = alert(page, "Account mail cannot be read")
        await expect(opened).to_contain_text("Mail Partner's answer holds no credits.")
        await world(page).get_by_role("group", name="Provider of mail").get_by_label("Fine").check()
        await expect(alert(page, "Account mail can be read again")).to_be_visible()


async def test_three_accounts_are_answered_one_by_one_with_all_that_each_has_left() -> None:
    async with shown() as (_, page):
        await type_command(page, "/smscredits")
        answer = answer_to(page)
        await expect(answer.locator("hr")).to_have_count(2)
        for figures in (
            ("sms: fine", "SMS left5,500", "Balance209.00 EUR", "Price per SMS0.0380 EUR"),
            ("voice: fine", "Balance19.00 EUR", "Speaking time to mobiles5 hr 56 min 6 sec"),
            ("mail: fine", "Mails left5,900", "Balance224.20 EUR"),
        ):
            for words in figures:
                await expect(answer).to_contain_text(words)
        await expect(answer).not_to_contain_text("sms/101")


async def test_one_account_in_detail_lists_its_sub_accounts() -> None:
    async with shown() as (_, page):
        await type_command(page, "/smscredits sms")
        answer = answer_to(page)
        for line in ("sms/101: 64.00 EUR", "sms/102: 26.50 EUR", "sms/103: 48.25 EUR"):
            await expect(answer).to_contain_text(line)
        await expect(answer).not_to_contain_text("voice")


async def test_alice_has_the_voice_alert_and_bruno_snoozes_another() -> None:
    async with shown(poll_interval=EVENLY) as (demo, page):
        for account, burns in (("voice", "Burn 50 calls"), ("mail", "Burn 1,000 mails")):
            await choose(page, account)
            await world(page).get_by_role("button", name=burns).click()
        voice, mail = (alert(page, f"{name} credits are low") for name in ("voice: Voice", "mail: Mail"))
        await expect(voice).to_be_visible(timeout=20_000)
        await voice.get_by_role("button", name="I have it").click()
        await expect(answer_to(page)).to_contain_text("voice: Voice credits are low: no reminders until")
        await page.get_by_role("radio", name=re.compile("Bruno")).check()
        await mail.get_by_label("Snooze").select_option(label="For 1 hour")
        await expect(mail).to_contain_text("Bruno Keller snoozed it", timeout=10_000)
        await expect(voice).to_contain_text("Alice Martin has it since", timeout=10_000)
        assert demo.slack.press_failed == set()


async def test_the_account_is_chosen_and_burnt_by_keyboard_alone() -> None:
    async with shown() as (_, page):
        await world(page).get_by_role("group", name="Account").get_by_label("sms", exact=True).focus()
        for _ in range(3):
            await page.keyboard.press("ArrowRight")
        await expect(world(page).get_by_label("sms/103")).to_be_checked()
        await expect(world(page).get_by_label("sms/103")).to_be_focused()
        await world(page).get_by_role("button", name="Burn 100 SMS").press("Enter")
        await expect(world(page).locator("[data-figure=balance]")).to_have_text("44.450 EUR")


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_on_a_phone_every_account_can_be_chosen_and_nothing_is_wider_than_the_window(
    colours: str,
) -> None:
    async with shown(width=390, height=844, colours=colours) as (_, page):
        await page.locator("#world-toggle").click()
        for account in ("sms/101", "voice", "mail", "sms"):
            await choose(page, account)
            inside = world(page).locator(".world-body")
            assert await inside.evaluate("node => node.scrollWidth - node.clientWidth") == 0
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
