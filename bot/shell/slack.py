"""What the doctor finds at Slack: token, scopes, clock, Socket Mode, and whether a post arrives."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import aiohttp

from bot.core.form import Embellishment
from bot.core.pace import Way
from bot.ports import Clock, EmbellishmentRefused, NotDelivered
from bot.service.sender import Sender
from bot.settings import Partial
from bot.shell import wording
from bot.shell.finding import Finding, Topic, ok, problem, skipped, warning
from bot.slack.actor import installed_by
from bot.slack.blocks import Blocks
from bot.slack.checkup import Answered, asked
from bot.slack.messenger import SlackMessenger
from bot.slack.web_api import WebApi, refused
from bot.text import Words

NEEDED = frozenset({"commands", "chat:write"})

EXACT = timedelta(seconds=5)
"""A clock that differs by less is right: the answer's way takes its time."""

SPARE_SECONDS = 0.05
"""A timer may be a little early by the clock that the pace is kept by."""

SIGNED_WITHIN = timedelta(minutes=5)
"""A request that seems older, or newer, is refused (docs.slack.dev, "Verifying requests from Slack")."""


async def slack(
    read: Partial,
    opened: aiohttp.ClientSession,
    words: Words,
    clock: Clock,
    channels: Sequence[str],
    *,
    post: bool,
) -> tuple[Finding, ...]:
    """Ask Slack whose token this is; what its answer tells beside; and post, if asked to."""
    if reason := _cannot_ask(read, "slack_bot_token"):
        posts = _not_posted(channels, reason) if post else ()
        return *(skipped(topic, reason) for topic in (Topic.SLACK_TOKEN, Topic.SCOPES, Topic.CLOCK)), *posts
    client = WebApi(read.settings.slack_bot_token.get_secret_value(), read.settings.slack_api_url, opened)
    sent = clock.now()
    answered = await asked(client.auth_test())
    received = clock.now()
    found = (
        _token(answered, words),
        _scopes(answered),
        _clock(answered, sent, received, signed=read.settings.slack_app_token is None),
    )
    if not post:
        return found
    if not channels:
        return *found, skipped(Topic.POST, wording.FAULTY_SETTING.format(name="ALERT_CHANNEL"))
    if answered.error:
        return *found, *_not_posted(channels, _why_not(answered.error))
    messenger = SlackMessenger(client, _blocks(read, words))
    posting = (_posted(messenger, channel, words, clock) for channel in channels)
    return *found, *await asyncio.gather(*posting)


async def socket_mode(read: Partial, opened: aiohttp.ClientSession, words: Words) -> tuple[Finding, ...]:
    """Ask for a connection of Socket Mode, and leave it alone."""
    token = read.settings.slack_app_token
    if token is None and "slack_app_token" not in read.left_out:
        return ()
    reason = _cannot_ask(read, "slack_app_token")
    if token is None or reason:
        return (skipped(Topic.SOCKET_MODE, reason),)
    client = WebApi(read.settings.slack_bot_token.get_secret_value(), read.settings.slack_api_url, opened)
    answered = await asked(client.apps_connections_open(app_token=token.get_secret_value()))
    if answered.error is None:
        return (ok(Topic.SOCKET_MODE, wording.SOCKET_MODE_FINE),)
    if refused(answered.error):
        said = words.say.socket_mode_refused.format(wording.printable(answered.error.error))
        return (problem(Topic.SOCKET_MODE, *wording.halves(said, ": ")),)
    return (problem(Topic.SOCKET_MODE, *wording.slack_error(answered.error.error, words)),)


def _cannot_ask(read: Partial, token: str) -> str:
    """Say which setting is missing to ask Slack; a faulty address must not lead to the usual one."""
    missing = next((name for name in ("slack_api_url", token) if name in read.left_out), None)
    return wording.FAULTY_SETTING.format(name=missing.upper()) if missing else ""


def _token(answered: Answered, words: Words) -> Finding:
    error = answered.error
    installation = installed_by(answered.data)
    if error is None and installation is None:
        error = NotDelivered("server_fault", unknown=True)
    if error:
        return problem(Topic.SLACK_TOKEN, *wording.slack_error(error.error, words))
    user, team = (str(answered.data.get(name) or "?") for name in ("user", "team"))
    if installation and installation.organisation and answered.data.get("is_enterprise_install") is True:
        organisation = installation.organisation
        said = wording.TOKEN_FINE_ORG_WIDE.format(user=user, team=team, organisation=organisation)
        return ok(Topic.SLACK_TOKEN, said)
    return ok(Topic.SLACK_TOKEN, wording.TOKEN_FINE.format(user=user, team=team))


def _scopes(answered: Answered) -> Finding:
    """The token must have what the manifest asks for; what is beyond it is nobody's need."""
    if answered.scopes is None:
        return skipped(Topic.SCOPES, _why_not(answered.error) if answered.error else wording.SCOPES_NOT_SAID)
    missing, further = NEEDED - answered.scopes, answered.scopes - NEEDED
    if missing:
        scopes = " and ".join(sorted(missing))
        return problem(Topic.SCOPES, wording.SCOPES_MISSING.format(scopes=scopes), wording.ADD_SCOPES)
    if further:
        scopes = ", ".join(sorted(further))
        return warning(Topic.SCOPES, wording.SCOPES_FURTHER.format(scopes=scopes), wording.DROP_SCOPES)
    return ok(Topic.SCOPES, wording.SCOPES_FINE)


def _clock(answered: Answered, sent: datetime, received: datetime, *, signed: bool) -> Finding:
    """Compare the clocks; Slack's is rounded down to a second, and was read between the two times given."""
    if answered.time is None:
        return skipped(Topic.CLOCK, _why_not(answered.error) if answered.error else wording.NO_TIME_GIVEN)
    ahead, behind = sent - answered.time - timedelta(seconds=1), answered.time - received
    off = max(ahead, behind, timedelta(0))
    if off <= EXACT:
        return ok(Topic.CLOCK, wording.CLOCK_FINE)
    said = (wording.CLOCK_FAST if ahead > behind else wording.CLOCK_SLOW).format(off=wording.span(off))
    if off <= SIGNED_WITHIN or not signed:
        return warning(Topic.CLOCK, said, wording.SET_CLOCK)
    return problem(Topic.CLOCK, f"{said}{wording.SIGNATURES_REFUSED}", wording.SET_CLOCK)


async def _posted(messenger: SlackMessenger, channel: str, words: Words, clock: Clock) -> Finding:
    """Post in the real forms, an alert and a reply to it, and say what of them Slack refuses."""
    sender = Sender(messenger, clock)
    post = partial(_insisted, sender, messenger, channel, clock)
    left_out: dict[Embellishment, str] = {}
    try:
        root = await post()
        try:
            await post(root)
        except NotDelivered as error:
            if not error.gone:
                raise
            left_out[Embellishment.THREAD] = error.error
    except NotDelivered as error:
        return problem(Topic.POST, *wording.slack_error(error.error, words), subject=channel)
    left_out |= sender.left_out(channel)
    posted = wording.POSTED.format(channel=channel)
    if not left_out:
        return ok(Topic.POST, posted, subject=channel)
    return warning(Topic.POST, *wording.left_out(posted, left_out, words), subject=channel)


async def _insisted(
    sender: Sender, messenger: SlackMessenger, channel: str, clock: Clock, thread: str = ""
) -> str:
    """Post at the pace that a channel takes, each time without what it refused before."""
    while True:
        now = clock.now()
        wait = sender.pace.free_at(Way.POST, channel, now) - now
        await asyncio.sleep(wait.total_seconds() and wait.total_seconds() + SPARE_SECONDS)
        with suppress(EmbellishmentRefused):
            return await sender.send(
                Way.POST, channel, lambda bare: messenger.test(channel, bare, thread=thread)
            )


def _why_not(error: NotDelivered) -> str:
    return wording.TOKEN_NOT_TAKEN if refused(error) else wording.SLACK_AWAY


def _not_posted(channels: Sequence[str], reason: str) -> tuple[Finding, ...]:
    return tuple(skipped(Topic.POST, reason, channel) for channel in channels)


def _blocks(read: Partial, words: Words) -> Blocks:
    accounts = tuple(one.account for one in read.settings.watched)
    mention = read.settings.mention_on_critical or ""
    return Blocks(words, accounts, read.settings.poll_interval, read.settings.top_up_urls, mention)
