"""The composition root: opened in order, wired, closed in reverse; the only owner of the clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import web
from bot.core.model import Account, Field, Level, Policy, Rule
from bot.partner import Partner
from bot.ports import NotDelivered, StoreAway
from bot.schedule import Schedule
from bot.service import Service
from bot.settings import Settings
from bot.slack.blocks import Blocks
from bot.slack.handlers import Handlers
from bot.slack.messenger import SlackMessenger
from bot.slack.receiver import Receiver
from bot.slack.workspace import Workspace
from bot.store import Database, SqlOutbox, SqlWatches
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures

log = structlog.get_logger()

SLACK_SECONDS = 10
LONGEST_PAUSE = 30.0
"""Seconds between two tries to reach what the bot needs at start."""


class SystemClock:
    """The one real clock."""

    def now(self) -> datetime:
        """Return the present time in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that owns the clock


@dataclass(frozen=True)
class Bot:
    """A running bot."""

    port: int
    watching: asyncio.Event


@asynccontextmanager
async def running(settings: Settings, *, host: str | None = None) -> AsyncIterator[Bot]:
    """Run the bot: it serves at once, and watches as soon as the database is ready."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        database = Database(settings.database_url.get_secret_value())
        stack.push_async_callback(database.close)
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url.rstrip("/") + "/",
            session=session,
            timeout=SLACK_SECONDS,
            retry_handlers=[],
        )
        accounts = (account(settings),)
        policy = Policy(settings.unreadable_after, settings.rearm_margin)
        words = Words(ENGLISH, Figures(ENGLISH.locale, settings.timezone), policy)
        blocks = Blocks(
            words, accounts, settings.poll_interval, settings.top_up_url, settings.mention_on_critical or ""
        )
        partner = Partner(
            session, settings.smspartner_api_url, settings.smspartner_api_key.get_secret_value()
        )
        service = Service(
            accounts=accounts,
            policy=policy,
            sources={accounts[0].name: partner},
            watches=SqlWatches(database),
            outbox=SqlOutbox(database),
            messenger=SlackMessenger(client, blocks),
            clock=clock,
        )
        stack.push_async_callback(service.close)
        schedule = Schedule(service, words, settings.poll_interval)
        handlers = Handlers(service, blocks, clock, schedule.deliver_soon)
        stack.push_async_callback(handlers.drain, settings.drain_seconds)
        workspace = Workspace(client)
        bolt = workspace.bolt_app()
        handlers.register(bolt)

        events = None
        if settings.slack_app_token is None and settings.slack_signing_secret is not None:
            secret = settings.slack_signing_secret.get_secret_value()
            events = Receiver(bolt, secret, clock, blocks.went_wrong).receive
        bot = Bot(
            port=await stack.enter_async_context(web.serving(web.application(events), settings.port, host)),
            watching=asyncio.Event(),
        )
        log.info("bot.ready", port=bot.port, mode="http" if events else "socket")
        if not accounts[0].rules:
            log.warning("settings.no_threshold", consequence="warns at empty and unreadable only")
        await stack.enter_async_context(_background(_introduced(workspace, words)))
        if settings.slack_app_token is not None:
            socket = _socket_mode(bolt, client, settings.slack_app_token.get_secret_value(), words)
            await stack.enter_async_context(_background(socket))
        await stack.enter_async_context(
            _watching(database, service, schedule, settings.drain_seconds, bot.watching)
        )
        yield bot
        log.info("bot.stopping")


def account(settings: Settings) -> Account:
    """Return the account that the key variable makes, with the environment's rules."""
    thresholds: tuple[tuple[Field, Level, Decimal | None, str], ...] = (
        (Field.CREDIT_SMS, Level.WARNING, settings.credit_sms_warning, "CREDIT_SMS_WARNING"),
        (Field.CREDIT_SMS, Level.CRITICAL, settings.credit_sms_critical, "CREDIT_SMS_CRITICAL"),
        (Field.BALANCE, Level.WARNING, settings.balance_warning, "BALANCE_WARNING"),
        (Field.BALANCE, Level.CRITICAL, settings.balance_critical, "BALANCE_CRITICAL"),
    )
    rules = tuple(
        Rule(field, level, threshold, source)
        for field, level, threshold, source in thresholds
        if threshold is not None
    )
    return Account("sms", settings.alert_channel, rules)


@asynccontextmanager
async def _background(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _watching(
    database: Database, service: Service, schedule: Schedule, drain_seconds: float, watching: asyncio.Event
) -> AsyncIterator[None]:
    """Watch once the database is there, however long that takes; commands are answered meanwhile."""
    stopping = asyncio.Event()

    async def watch() -> None:
        await _insist(database.migrate, "database.away")
        await _insist(service.greet, "database.away")
        async with schedule.running(drain_seconds):
            watching.set()
            await stopping.wait()

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        stopping.set()
        if not watching.is_set():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _introduced(workspace: Workspace, words: Words) -> None:
    """Learn from Slack whose token this is, so that no command has to wait for it."""

    async def learn() -> None:
        try:
            await workspace.learn()
        except NotDelivered as error:
            log.error("slack.refuses", error=error.error, mend=words.slack_error(error.error))
            raise

    await _insist(learn, "slack.away")


async def _insist(work: Callable[[], Awaitable[None]], event: str) -> None:
    pause = 0.5
    while True:
        try:
            return await work()
        except (StoreAway, NotDelivered) as error:
            log.warning(event, error=str(error), next_try_in=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _socket_mode(app: AsyncApp, client: AsyncWebClient, app_token: str, words: Words) -> None:
    """Hold Socket Mode's connection; asks once first, for the client retries a bad token without a word."""

    async def ask() -> None:
        try:
            await client.apps_connections_open(app_token=app_token)
        except SlackApiError as error:
            data = error.response.data
            reason = data.get("error", "server_fault") if isinstance(data, dict) else "server_fault"
            log.error("socket_mode.refused", error=reason, mend=words.slack_error(reason))
            raise NotDelivered(reason) from None
        except (aiohttp.ClientError, OSError):
            raise NotDelivered("network") from None

    await _insist(ask, "socket_mode.away")
    handler = AsyncSocketModeHandler(app, app_token, web_client=client)
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types
        log.info("socket_mode.connected")
        await asyncio.Event().wait()
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types
