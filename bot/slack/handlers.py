"""`/smscredits` and the buttons: decode, ask, encode."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from operator import is_
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.core.access import Access, Actor, Installation, Verdict
from bot.core.command import Command, NoDuration, NotUnderstood, Verb, parse
from bot.core.model import Account
from bot.core.mute import ACK_LASTS, Decision, snooze_until
from bot.core.notice import Undelivered
from bot.core.watch import AccountStatus
from bot.ports import Clock, StoreAway
from bot.service.inquiry import Inquiry
from bot.service.observer import Observer, Unobserved
from bot.service.people import People
from bot.slack.actor import actor, channel_of
from bot.slack.blocks import Blocks, Message
from bot.slack.press import Press, decode, person
from bot.slack.replies import Replies

log = structlog.get_logger()

ANSWER_WITHIN = 2.0
"""Seconds: Slack must have received the answer within 3 (docs.slack.dev, "Slash commands")."""

RECALL_AFTER = 1.0
"""Seconds after which the last good readings are looked up, for those that may not answer in time."""

SHARED_WITHIN = 11.0
"""Seconds: what is shared stands in the channel 12 s after the command, complete or not."""

REST_WITHIN = 44.0
"""Seconds: what was still asked in the first answer follows 45 s after the command, read or not."""

LAST_WORD_SECONDS = 2.0
"""What is left of the drain when those who still wait are told that the bot stops."""

Body = Mapping[str, Any]
Next = Callable[[], Awaitable[BoltResponse]]
Asked = Command | NotUnderstood | NoDuration

First = asyncio.Future[dict[str, Any]]
"""What Slack is answered within its three seconds."""

_DECISIONS = frozenset({Verb.ACK, Verb.SNOOZE, Verb.RESUME})
_READ = frozenset({Verb.SHOW, Verb.SHARE})
_T = TypeVar("_T")


class Handlers:
    """What Slack may ask of the bot; owns the answers that are still on their way."""

    def __init__(
        self,
        people: People,
        blocks: Blocks,
        access: Access,
        clock: Clock,
        judged: Callable[[], None],
        replies: Replies,
        observer: Observer | None = None,
    ) -> None:
        self._people = people
        self._blocks = blocks
        self._say = blocks.words.say
        self._access = access
        self._clock = clock
        self._judged = judged
        self._replies = replies
        self._observer = observer or Unobserved()
        self._said: tuple[Sequence[AccountStatus], Message] = ((), Message(""))
        self._answering: set[asyncio.Task[Any]] = set()
        self._on_their_way: set[asyncio.Task[None]] = set()

    def register(self, app: AsyncApp, installation: Callable[[], Installation | None]) -> None:
        """Bind every command and action of the manifest, for people of whoever installed the app."""

        async def ours(body: Body, next_: Next) -> BoltResponse:
            who = actor(body)
            verdict = self._access.to_act(who, installation(), changes=self._changes(body))
            if verdict is Verdict.ALLOWED or _is_a_link(body):
                return await next_()
            return self._not_ours(body, who, verdict)

        app.use(ours)
        app.error(self.failed)
        app.command("/smscredits")(self.command)
        app.action("top_up")(self.top_up)
        for action in ("ack", "snooze", "resume"):
            app.action(action)(self.press)

    async def command(self, ack: AsyncAck, command: Body) -> None:
        """Answer within Slack's three seconds, whatever the provider and the database do."""
        first: First = asyncio.get_running_loop().create_future()
        self._keep(self._command(first, command))
        await ack(**await first)

    async def top_up(self, ack: AsyncAck) -> None:
        """Acknowledge the press: Slack opens the button's link by itself, and warns without an answer."""
        await ack()

    async def press(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Do what a button says, and tell the presser: the edit may be out of sight."""
        await ack()
        self._keep(self._pressed(body, action))

    async def failed(self, error: Exception) -> BoltResponse:
        """Tell a person of what failed on the way to us; Slack itself would say "dispatch_failed"."""
        reference = uuid4().hex[:8]
        log.error("slack.dispatch_failed", reference=reference, exc_info=error)
        said = {"response_type": "ephemeral", **self._blocks.went_wrong(reference).payload()}
        return BoltResponse(status=200, body=said)

    async def drain(self, seconds: float) -> None:
        """Let answers on their way arrive; who waits for a provider that hangs is told to ask again."""
        if self._on_their_way:
            await asyncio.wait(self._on_their_way, timeout=max(seconds - LAST_WORD_SECONDS, 0))
        for answering in self._answering:
            answering.cancel()
        if self._on_their_way:
            await asyncio.wait(self._on_their_way, timeout=min(seconds, LAST_WORD_SECONDS))
        for task in self._on_their_way:
            task.cancel()

    async def _command(self, first: First, command: Body) -> None:
        try:
            await self._answer(first, command)
        except Exception as fault:
            # Whoever waits for the first answer tells of it: Slack would say "dispatch_failed".
            if first.done():
                raise
            first.set_exception(fault)
        finally:
            first.cancel()

    async def _answer(self, first: First, command: Body) -> None:
        """Give the first answer, and perhaps a further one."""
        asked, url = self._parsed(command), command.get("response_url")
        by = person(command.get("user_id"))
        if refusal := self._refusal(asked, by, channel_of(command)):
            first.set_result(_payload(refusal))
        elif isinstance(asked, Command) and asked.verb in _READ:
            await self._read(asked, first, url)
        else:
            await self._look_up(asked, by, first, url)

    async def _look_up(self, asked: Asked, by: str, first: First, url: object) -> None:
        """Answer what needs no provider; where the database is slow a short line comes first."""
        answering = self._until_stopped(self._looked_up(asked, by))
        await asyncio.wait({answering}, timeout=ANSWER_WITHIN)
        late = not answering.done()
        if late:
            first.set_result(_payload(Message(self._say.looking_up)))
            await asyncio.wait({answering})
        payload = _payload(Message(self._say.stopping) if answering.cancelled() else answering.result())
        if late:
            await self._replies.send(url, payload)
        else:
            first.set_result(payload)

    async def _read(self, asked: Command, first: First, url: object) -> None:
        """Answer with live figures; those that are not there in time follow in one further message."""
        asked_at, time = self._clock.now(), asyncio.get_running_loop().time
        began = time()
        inquiry = self._people.inquire(asked.account)
        reading = self._until_stopped(inquiry.answered())
        undelivered = asyncio.create_task(self._people.undelivered())
        await _in_time(reading, inquiry)
        waiting, late = await undelivered, inquiry.still_asking
        stopped = reading.cancelled

        def said(accounts: Sequence[Account] = (), *, given_up: bool = False) -> Message:
            if stopped():
                return Message(self._say.stopping)
            statuses = inquiry.statuses(accounts, given_up=given_up)
            _log_what_was_not_read(statuses)
            self._note(asked, asked_at)
            return self._said_of(statuses)

        share = asked.verb is Verb.SHARE
        if stopped() or not late:
            message = self._built(said, waiting)
            first.set_result(_payload(message, shared=share and not stopped()))
        elif share:
            first.set_result(_payload(Message(self._say.reading)))
            await asyncio.wait({reading}, timeout=began + SHARED_WITHIN - time())
            message = self._built(said, waiting)
            await self._replies.send(url, _payload(message, shared=not stopped()))
        else:
            partial = self._built(
                lambda: self._blocks.partial(inquiry.statuses(), self._clock.now()), waiting
            )
            first.set_result(_payload(partial))
            await asyncio.wait({reading}, timeout=began + REST_WITHIN - time())
            await self._replies.send(url, _payload(self._built(lambda: said(late, given_up=True))))
        if not stopped() and await self._people.settle(inquiry):
            self._judged()

    def _said_of(self, statuses: Sequence[AccountStatus]) -> Message:
        """Build the answer, or take the last one where it is about the very same readings, all of now."""
        same = len(statuses) == len(self._said[0]) and all(map(is_, statuses, self._said[0]))
        if not same or any(one.unknown or one.held_back for one in statuses):
            self._said = statuses, self._blocks.status(statuses, self._clock.now())
        return self._said[1]

    def _built(self, build: Callable[[], Message], waiting: Sequence[Undelivered] = ()) -> Message:
        """Build an answer that begins with what is undelivered; of a fault of ours a person must hear."""
        try:
            return self._blocks.with_undelivered(build(), waiting)
        except Exception:  # noqa: BLE001 - the last stop; it is logged with its reference
            return self._went_wrong()

    def _refusal(self, asked: Asked, by: str, channel: str) -> Message | None:
        verdict = self._access.to_command(by, channel)
        if verdict is Verdict.ALLOWED:
            return None
        log.warning("command.refused", why=verdict.value, user=by, channel=channel)
        why = self._blocks.words.refused(verdict, by, channel, self._access)
        return self._blocks.refused(why, helped=isinstance(asked, Command) and asked.verb is Verb.HELP)

    def _parsed(self, command: Body) -> Asked:
        text = command.get("text")
        names = tuple(account.name for account in self._people.accounts)
        return parse(text if isinstance(text, str) else "", names)

    def _changes(self, body: Body) -> bool:
        """Whether it asks for a change; of all that Slack sends, only commands may be mere questions."""
        asked = self._parsed(body) if "command" in body else None
        return asked is None or (isinstance(asked, Command) and asked.verb in _DECISIONS)

    def _not_ours(self, body: Body, who: Actor, verdict: Verdict) -> BoltResponse:
        """Refuse politely: in the answer to a command, and to a press where Slack takes words."""
        teams = sorted(who.teams | who.through)
        log.warning("slack.refused", why=verdict.value, user=who.user, teams=teams, channel=channel_of(body))
        why = self._blocks.words.refused(verdict, who.user, "", self._access)
        refusal = Message(why if who.user else self._say.unknown_press)
        if "command" in body:
            return BoltResponse(status=200, body={"response_type": "ephemeral", **refusal.payload()})
        if "response_url" in body:
            self._keep(self._reply(body, refusal))
        return BoltResponse(status=200, body="")

    async def _pressed(self, body: Body, action: Body) -> None:
        press = decode(body, action)
        if press is None:
            log.warning("press.malformed")
            await self._reply(body, Message(self._say.unknown_press))
            return
        verdict = self._access.to_press(press.by)
        if verdict is not Verdict.ALLOWED:
            log.warning("press.refused", why=verdict.value, user=press.by, channel=channel_of(body))
            why = self._blocks.words.refused(verdict, press.by, "", self._access)
            await self._reply(body, self._blocks.refused(why))
            return
        await self._reply(body, await self._guarded(self._decide([press.episode], self._wish(press))))

    async def _reply(self, body: Body, message: Message) -> None:
        payload = {"response_type": "ephemeral", "replace_original": False, **message.payload()}
        await self._replies.send(body.get("response_url"), payload)

    def _wish(self, press: Press) -> Decision:
        now = self._clock.now()
        if press.choice is not None:
            until = snooze_until(press.choice, now, self._blocks.words.figures.timezone)
            return Decision(press.by, until, snoozed=True)
        return Decision(press.by, now + ACK_LASTS if press.action == "ack" else None)

    async def _decide(self, episode_ids: Sequence[str], decision: Decision) -> Message:
        outcomes = [await self._people.decide(identity, decision) for identity in episode_ids]
        self._judged()
        return self._blocks.decided([(outcome.reason, outcome.episode) for outcome in outcomes])

    async def _looked_up(self, asked: Asked, by: str) -> Message:
        asked_at = self._clock.now()
        undelivered = asyncio.create_task(self._people.undelivered())
        message = await self._guarded(self._message(asked, by))
        waiting = await undelivered
        self._note(asked, asked_at)
        return self._built(lambda: message, waiting)

    def _note(self, asked: Asked, asked_at: datetime) -> None:
        verb = asked.verb.value if isinstance(asked, Command) else "not_understood"
        took = self._clock.now() - asked_at
        log.info("command.answered", verb=verb, seconds=round(took.total_seconds(), 3))
        self._observer.answered(verb, took)

    async def _guarded(self, work: Awaitable[Message]) -> Message:
        try:
            return await work
        except StoreAway as error:
            log.warning("command.database_away", error=str(error))
            return Message(self._say.database_away)
        except Exception:  # noqa: BLE001 - the last stop; it is logged with its reference
            return self._went_wrong()

    def _went_wrong(self) -> Message:
        """Log the exception at hand, and build what tells of it."""
        reference = uuid4().hex[:8]
        log.exception("command.failed", reference=reference)  # noqa: LOG004 - called where one is at hand
        return self._blocks.went_wrong(reference)

    async def _message(self, asked: Asked, by: str) -> Message:
        if isinstance(asked, NotUnderstood):
            return self._blocks.not_understood(asked)
        if isinstance(asked, NoDuration):
            return self._blocks.no_duration(asked)
        if asked.verb is Verb.HELP:
            return self._blocks.help()
        if asked.verb is Verb.THRESHOLDS:
            return self._blocks.thresholds(await self._people.units())
        if asked.verb is Verb.ALERTS:
            alerts = await self._people.alerts()
            return self._blocks.alerts(alerts.open, alerts.counting)
        if not by:
            return Message(self._say.unknown_press)
        open_episodes = await self._people.open_episodes(asked.account)
        return await self._decide([episode.id for episode, _ in open_episodes], self._decision(asked, by))

    def _decision(self, asked: Command, by: str) -> Decision:
        if asked.verb is Verb.ACK:
            return Decision(by, self._clock.now() + ACK_LASTS)
        if asked.duration is None:
            return Decision(by, None)
        return Decision(by, self._clock.now() + asked.duration, snoozed=True)

    def _until_stopped(self, work: Coroutine[None, None, _T]) -> asyncio.Task[_T]:
        """Do what a person waits for; it is cut off while the bot stops, and the person hears of that."""
        task = asyncio.create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return task

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._on_their_way.add(task)
        task.add_done_callback(self._on_their_way.discard)
        return task


def _is_a_link(body: Body) -> bool:
    """Whether a press only opens a link: it changes nothing, and Slack warns if nobody acknowledges it."""
    actions = body.get("actions")
    return isinstance(actions, list) and {one.get("action_id") for one in actions} == {"top_up"}


async def _in_time(reading: asyncio.Task[None], inquiry: Inquiry) -> None:
    """Wait as long as a first answer can, and look up the last good readings where it takes long."""
    await asyncio.wait({reading}, timeout=RECALL_AFTER)
    if not reading.done():
        recalling = asyncio.create_task(inquiry.recall())
        await asyncio.wait({reading}, timeout=ANSWER_WITHIN - RECALL_AFTER)
        await asyncio.wait({recalling}, timeout=0 if reading.done() else None)


def _payload(message: Message, *, shared: bool = False) -> dict[str, Any]:
    return {"response_type": "in_channel" if shared else "ephemeral", **message.payload()}


def _log_what_was_not_read(statuses: Sequence[AccountStatus]) -> None:
    why = {
        status.account.name: cause.value
        for status in statuses
        if (cause := status.failure.cause if status.failure else status.held_back)
    }
    if why:
        log.warning("command.not_read", why=why)
