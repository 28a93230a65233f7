"""The demo put together: the bot as it is, between a simulated provider and a simulated Slack."""

import asyncio
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bot import app, web
from bot.app import Bot
from bot.clock import SystemClock
from bot.demo.exhibits import ACCOUNTS, exhibits, one_alone
from bot.demo.page import page_app
from bot.demo.provider import SimulatedProvider
from bot.demo.slack_api import SimulatedSlack
from bot.demo.stage import CommandHelp, Subcommand
from bot.demo.world import DemoWorld
from bot.settings import Settings

LOOPBACK = "127.0.0.1"
API_KEY = "demo0000000000000000000000000000000000ab"
BOT_TOKEN = "xoxb-demo"  # noqa: S105 - the simulated Slack takes it, no other
APP_TOKEN = "xapp-demo"  # noqa: S105 - the simulated Slack takes it, no other
SIGNING_SECRET = "demo-signing-secret"  # noqa: S105 - signs requests of the simulated Slack alone

DRAIN = 5
"""SMS a second: the first threshold is crossed within two minutes if nobody touches anything."""

SETTINGS: Mapping[str, Any] = {
    "alert_channel": "C0ALERTS",
    "poll_interval": "1s",
    "mention_on_critical": "<@U0ALICE>",
}
ALONE: Mapping[str, Any] = {
    "smspartner_api_key": API_KEY,
    "credit_sms_warning": "5000",
    "credit_sms_critical": "1000",
    "balance_warning": "150.00",
}
"""What sets the bot to watch one SMS account, without a list of accounts."""

COMMAND = CommandHelp(
    "/smscredits",
    "[account | alerts | ack | snooze 2h | resume | thresholds | share | help]",
    (
        Subcommand("", "what is left, read live"),
        Subcommand("sms", "the account “sms” in detail, with its sub-accounts"),
        Subcommand("alerts", "what is open, and when the next message comes"),
        Subcommand("ack", "no more reminders: you have it"),
        Subcommand("snooze", "no reminders for a while, such as 2h"),
        Subcommand("resume", "reminders again"),
        Subcommand("thresholds", "the rules in force"),
        Subcommand("share", "what is left, shown to the whole channel"),
        Subcommand("help", "what can be typed"),
    ),
)


@dataclass(frozen=True)
class Demo:
    """A running demo; `url` is its page."""

    url: str
    bot: Bot
    world: DemoWorld
    provider: SimulatedProvider
    slack: SimulatedSlack


@asynccontextmanager
async def exhibition(
    port: int = 0,
    *,
    drain: int = DRAIN,
    accounts: str = ACCOUNTS,
    prepare: Callable[[DemoWorld, SimulatedProvider, SimulatedSlack], None] | None = None,
    **settings: Any,
) -> AsyncIterator[Demo]:
    """Run the whole demo on loopback; `prepare` sees the world before the bot does.

    `accounts` is what `ACCOUNTS` would hold; empty for one SMS account of the key variable.
    """
    clock = SystemClock().now
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smscredits-demo-")))
        shown = exhibits(accounts, clock, drain=drain) if accounts else one_alone(API_KEY, clock, drain=drain)
        world = DemoWorld(*shown.held)
        provider = await stack.enter_async_context(
            SimulatedProvider(world, keys=shown.keys, clock=clock).serving()
        )
        slack = await stack.enter_async_context(
            SimulatedSlack(
                bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, app_token=APP_TOKEN, clock=clock
            ).serving()
        )
        if prepare:
            prepare(world, provider, slack)
        page = page_app(slack, world, clock, command=COMMAND, exchanges=lambda: provider.exchanges)
        page_port = await stack.enter_async_context(web.serving(page, port, LOOPBACK))
        chosen = Settings(
            shown.listed,
            **{
                **SETTINGS,
                **({"accounts": accounts} if accounts else ALONE),
                "slack_bot_token": BOT_TOKEN,
                "slack_signing_secret": SIGNING_SECRET,
                "slack_api_url": slack.api_url,
                "smspartner_api_url": provider.url_of("sms"),
                "voicepartner_api_url": provider.url_of("voice"),
                "mailpartner_api_url": provider.url_of("mail"),
                "database_url": f"sqlite:///{folder / 'demo.db'}",
                "port": 0,
                "bind_address": LOOPBACK,
                "drain_seconds": 3,
                **settings,
            },
        )
        bot = await stack.enter_async_context(app.running(chosen))
        if chosen.slack_app_token is None:
            slack.bot_url = f"http://{LOOPBACK}:{bot.port}/slack/events"
        yield Demo(f"http://{LOOPBACK}:{page_port}/", bot, world, provider, slack)


async def demonstrate(port: int, stop: asyncio.Event, *, browser: bool) -> None:
    """Run the demo until `stop`, telling the person at the terminal where to look."""
    async with exhibition(port) as demo:
        click.echo(f"The demo runs at {demo.url} - open it and type /smscredits. Ctrl+C ends it.")
        click.echo("Everything is simulated on this machine: no account, no network, nothing is kept.")
        if browser:
            await asyncio.to_thread(webbrowser.open, demo.url)
        await stop.wait()
