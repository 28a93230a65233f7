"""The composition root: opened in order, wired, closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp
import structlog
from aiohttp.typedefs import Handler

from bot import web
from bot.clock import SystemClock
from bot.core.access import Access
from bot.core.model import Policy, Product
from bot.core.notice import LONGEST_WAIT
from bot.heartbeat import Heartbeat
from bot.partner import Partner, Waits
from bot.ports import Clock, NotDelivered, StoreAway
from bot.probes import Probes
from bot.schedule import Schedule
from bot.service import Service
from bot.service.cancelling import cancel
from bot.service.lookout import Lookout
from bot.service.observer import Unobserved
from bot.service.reader import ACCOUNTS_PER_HOST
from bot.settings import Settings, Watched
from bot.slack.blocks import Blocks
from bot.slack.handlers import Handlers
from bot.slack.messenger import SlackMessenger
from bot.slack.receiver import Receiver
from bot.slack.replies import Replies
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi, refused
from bot.slack.workspace import Workspace
from bot.store import (
    Database,
    SqlBudget,
    SqlHistory,
    SqlLease,
    SqlOutbox,
    SqlOverviews,
    SqlRounds,
    SqlWatches,
)
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures

if TYPE_CHECKING:
    from bot.metrics import Metrics

log = structlog.get_logger()

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between two tries to reach what the bot needs at start."""

LONGEST_WITHOUT_SOCKET = 10.0
"""Seconds between two tries to connect: meanwhile no command or press arrives."""

SLACK_WAITS = 3.0
"""Seconds after which Slack waits for no acknowledgement any more (docs.slack.dev, "Slash commands")."""

WELL_AFTER = 60.0
"""What lasts for so many seconds was well meanwhile: its next fault is a new one."""


@dataclass(frozen=True)
class Bot:
    """A running bot."""

    port: int
    watching: asyncio.Event


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Bot]:
    """Run the bot: it serves at once, and watches as soon as the database is ready."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        # Every client bounds its own requests; waiting for a connection must not eat an attempt's time.
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
            )
        )
        database = Database(settings.database_url.get_secret_value())
        stack.push_async_callback(database.close)
        lease = SqlLease(database, uuid4().hex)
        metrics = _metrics(settings)
        observer = metrics or Unobserved()
        client = WebApi(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, session)
        watched = settings.watched
        accounts = tuple(one.account for one in watched)
        policy = Policy(
            settings.unreadable_after,
            settings.rearm_margin,
            settings.reminder_warning,
            settings.reminder_critical,
        )
        words = Words(
            ENGLISH,
            Figures(ENGLISH.locale, settings.timezone),
            policy,
            {account.name: account for account in accounts},
        )
        blocks = Blocks(
            words, accounts, settings.poll_interval, settings.top_up_urls, settings.mention_on_critical or ""
        )
        service = Service(
            accounts=accounts,
            policy=policy,
            sources=_sources(watched, session, SqlBudget(database), Waits(clock)),
            watches=SqlWatches(database, lease, observer.decided),
            outbox=SqlOutbox(database, lease),
            lease=lease,
            rounds=SqlRounds(database, lease),
            history=SqlHistory(database, lease),
            poll_interval=settings.poll_interval,
            messenger=SlackMessenger(client, blocks),
            clock=clock,
        )
        stack.push_async_callback(service.close)
        access = Access(settings.allowed_users, settings.allowed_channels)
        workspace = Workspace(client)
        bolt = workspace.bolt_app()
        socket = None
        if settings.slack_app_token is not None:
            socket = SocketMode(bolt, client, settings.slack_app_token.get_secret_value())
            stack.push_async_callback(socket.close)
        lookout = Lookout(service, SqlOverviews(database), partial(_connected, workspace, socket), clock)
        stack.push_async_callback(lookout.close)
        url = settings.heartbeat_url.get_secret_value() if settings.heartbeat_url else ""
        heartbeat = Heartbeat(session, url, lookout, clock, observer, words.heartbeat_error)
        stack.push_async_callback(heartbeat.close)
        schedule = Schedule(service, words, clock, settings.poll_interval, observer, heartbeat.beat_soon)
        replies = Replies(session, settings.slack_api_url)
        handlers = Handlers(service.people, blocks, access, clock, schedule.deliver_soon, replies, observer)
        handlers.register(bolt, lambda: workspace.installation)

        turned_away = web.Tally("http.turned_away", observer.turned_away)
        stack.callback(turned_away.close)
        unmeasured = web.Tally("metrics.refused")
        stack.callback(unmeasured.close)
        events = None
        if settings.slack_app_token is None and settings.slack_signing_secret is not None:
            secret = settings.slack_signing_secret.get_secret_value()
            busy = partial(turned_away.add, "bodies_full")
            events = Receiver(bolt, secret, clock, web.Bodies().read, busy).receive
        front = await stack.enter_async_context(AsyncExitStack())
        bot = Bot(
            port=await front.enter_async_context(
                web.serving(
                    web.application(
                        events, _probes(settings, lookout, clock, words, metrics, unmeasured.add)
                    ),
                    settings.port,
                    settings.bind_address,
                    turned_away=turned_away,
                )
            ),
            watching=asyncio.Event(),
        )
        log.info("bot.ready", port=bot.port, mode="http" if events else "socket")
        for account in accounts:
            if not account.rules:
                log.warning(
                    "settings.no_threshold",
                    account=account.name,
                    consequence="warns at empty and unreadable only",
                )
        await stack.enter_async_context(
            _background(_insist(workspace.keep_learning, "slack", words, words.slack_error))
        )
        if socket is not None:
            mend = words.say.socket_mode_refused.format
            await stack.enter_async_context(
                _background(_insist(socket.hold, "socket_mode", words, mend, longest=LONGEST_WITHOUT_SOCKET))
            )
        watch = _insist(partial(_watch, database, service, schedule, bot.watching), "watch", words)
        await stack.enter_async_context(_background(watch))
        stack.push_async_callback(_drain, schedule, socket, front, handlers, settings.drain_seconds)
        yield bot


def _metrics(settings: Settings) -> "Metrics | None":
    """Return what counts, where somebody may read it."""
    if settings.metrics_token is None:
        return None
    from bot.metrics import Metrics  # noqa: PLC0415 - heavy, and seldom wanted

    return Metrics()


def _probes(
    settings: Settings,
    lookout: Lookout,
    clock: Clock,
    words: Words,
    metrics: "Metrics | None",
    refused: Callable[[str], None],
) -> dict[str, Handler]:
    probes = Probes(lookout, clock, words, refused)
    routes: dict[str, Handler] = {"/readyz": probes.ready}
    if metrics and settings.metrics_token:
        token = settings.metrics_token.get_secret_value()
        routes["/metrics"] = probes.metrics(metrics.exposition, token)
    return routes


async def _connected(workspace: Workspace, socket: SocketMode | None) -> bool:
    return workspace.known and (socket is None or socket.connected)


def _sources(
    watched: Sequence[Watched], session: aiohttp.ClientSession, budget: SqlBudget, waits: Waits
) -> dict[str, Partner]:
    """Return a client for each account; those of one host take turns, those of one key wait together."""
    turns = {one.api_url: asyncio.Semaphore(ACCOUNTS_PER_HOST) for one in watched}
    return {
        one.account.name: Partner(
            session,
            one.api_url,
            one.api_key.get_secret_value(),
            one.account.product,
            turn=turns[one.api_url],
            budget=budget if one.account.product is Product.VOICE else None,
            waits=waits,
        )
        for one in watched
    }


@asynccontextmanager
async def _background(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        await cancel({task})


async def _watch(database: Database, service: Service, schedule: Schedule, watching: asyncio.Event) -> None:
    """Watch as soon as the database is there; commands are answered meanwhile."""
    try:
        await database.migrate()
    except StoreAway as away:
        await service.tell_outage(away)
        raise
    schedule.start()
    watching.set()


async def _drain(
    schedule: Schedule, socket: SocketMode | None, front: AsyncExitStack, handlers: Handlers, seconds: float
) -> None:
    """Take nothing more, then let all that is under way finish, against one deadline."""
    log.info("bot.stopping")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    schedule.stop()
    if socket is not None:
        await socket.leave(min(seconds, SLACK_WAITS))
    await front.aclose()
    await handlers.drain(max(deadline - loop.time(), 0))
    await schedule.drain(max(deadline - loop.time(), 0))


async def _insist(
    work: Callable[[], Awaitable[None]],
    what: str,
    words: Words,
    mend: Callable[[str], str] = str,
    well_after: float = WELL_AFTER,
    longest: float = LONGEST_PAUSE,
) -> None:
    """Try until it succeeds, ever more slowly, and not before the wait that Slack asks for is over.

    What Slack refuses is logged once for each reason. After `well_after` seconds without a fault the next one
    is logged, and tried again, as if it were the first.
    """
    time = asyncio.get_running_loop().time
    told: set[str] = set()
    pause = FIRST_PAUSE
    while True:
        began = time()
        try:
            return await work()
        except Exception as fault:  # noqa: BLE001 - the last stop: nothing in the background may end in silence
            if time() - began > well_after:
                told.clear()
                pause = FIRST_PAUSE
            wait = max(pause, asked_to_wait(fault))
            _tell(fault, what, words, mend, told, wait)
        await asyncio.sleep(wait)
        pause = min(pause * 2, longest)


def asked_to_wait(fault: Exception) -> float:
    """Return the seconds that Slack asked to wait."""
    asked = fault.retry_after if isinstance(fault, NotDelivered) else None
    return min(max(asked or 0, 0), LONGEST_WAIT.total_seconds())


def _tell(
    fault: Exception, what: str, words: Words, mend: Callable[[str], str], told: set[str], pause: float
) -> None:
    match fault:
        case NotDelivered() if not refused(fault):
            log.warning("background.away", work=what, error=fault.error, next_try_in=pause)
        case NotDelivered():
            if fault.error not in told:
                told.add(fault.error)
                log.error("background.refused", work=what, error=fault.error, mend=mend(fault.error))
        case StoreAway():
            log.warning(
                "background.database_away",
                work=what,
                cause=fault.cause,
                error=words.database_cause(fault),
                mend=words.database_mend(fault),
                next_try_in=pause,
            )
        case _:
            log.error("background.failed", work=what, next_try_in=pause, exc_info=fault)
