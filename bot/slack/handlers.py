"""`/smscredits` and the buttons: decode, ask, encode."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any
from uuid import uuid4

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.core.access import Access, Verdict
from bot.core.command import Command, NoDuration, NotUnderstood, Verb, parse
from bot.core.mute import ACK_LASTS, Decision, snooze_until
from bot.core.watch import AccountStatus
from bot.ports import Clock, StoreAway
from bot.service.observer import Observer, Unobserved
from bot.service.people import People
from bot.slack.blocks import Blocks, Message
from bot.slack.press import Press, decode, person
from bot.slack.replies import Replies

log = structlog.get_logger()

ANSWER_WITHIN = 2.0
"""Seconds: Slack must have received the answer within 3 (docs.slack.dev, "Slash commands")."""

LAST_WORD_SECONDS = 2.0
"""What is left of the drain when those who still wait are told that the bot stops."""

Body = Mapping[str, Any]
Next = Callable[[], Awaitable[BoltResponse]]
Asked = Command | NotUnderstood | NoDuration

_DECISIONS = frozenset({Verb.ACK, Verb.SNOOZE, Verb.RESUME})


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
        self._answering: set[asyncio.Task[Message]] = set()
        self._on_their_way: set[asyncio.Task[None]] = set()

    def register(self, app: AsyncApp, admits: Callable[[str | None], bool]) -> None:
        """Bind every command and action of the manifest, for the teams that are admitted."""

        async def ours(context: AsyncBoltContext, body: Body, next_: Next) -> BoltResponse:
            return await next_() if admits(context.team_id) else self._other_team(body)

        app.use(ours)
        app.error(self.failed)
        app.command("/smscredits")(self.command)
        app.action("top_up")(self.top_up)
        for action in ("ack", "snooze", "resume"):
            app.action(action)(self.press)

    async def command(self, ack: AsyncAck, command: Body) -> None:
        """Answer within Slack's three seconds, whatever the provider does."""
        await self._own(self._command(ack, command))

    async def top_up(self, ack: AsyncAck) -> None:
        """Acknowledge the press: Slack opens the button's link by itself, and warns without an answer."""
        await ack()

    async def press(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Do what a button says, and tell the presser: the edit may be out of sight."""
        await ack()
        await self._own(self._pressed(body, action))

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

    async def _command(self, ack: AsyncAck, command: Body) -> None:
        text = command.get("text")
        names = tuple(account.name for account in self._people.accounts)
        asked = parse(text if isinstance(text, str) else "", names)
        by = person(command.get("user_id"))
        if refusal := self._refusal(asked, by, str(command.get("channel_id"))):
            await ack(response_type="ephemeral", **refusal.payload())
            return
        shared = isinstance(asked, Command) and asked.verb is Verb.SHARE
        visibility = "in_channel" if shared else "ephemeral"
        answering = asyncio.create_task(self._answer(asked, by))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        done, _ = await asyncio.wait({answering}, timeout=ANSWER_WITHIN)
        if done:
            await ack(response_type=visibility, **self._outcome(answering).payload())
            return
        await ack(response_type="ephemeral", **self._blocks.asking().payload())
        await asyncio.wait({answering})
        payload = self._outcome(answering).payload()
        await self._replies.send(command.get("response_url"), {"response_type": visibility, **payload})

    def _refusal(self, asked: Asked, by: str, channel: str) -> Message | None:
        verdict = self._access.to_command(by, channel)
        if verdict is Verdict.ALLOWED:
            return None
        log.warning("command.refused", why=verdict.value)
        why = self._blocks.words.refused(verdict, by, channel, self._access)
        return self._blocks.refused(why, helped=isinstance(asked, Command) and asked.verb is Verb.HELP)

    def _outcome(self, answering: asyncio.Task[Message]) -> Message:
        return Message(self._say.stopping) if answering.cancelled() else answering.result()

    def _other_team(self, body: Body) -> BoltResponse:
        """Refuse politely: in the answer to a command, and to a press where Slack takes words."""
        log.warning("slack.other_team")
        if "actions" in body:
            self._keep(self._reply(body, Message(self._say.other_team)))
            return BoltResponse(status=200, body="")
        return BoltResponse(status=200, body=self._say.other_team)

    async def _pressed(self, body: Body, action: Body) -> None:
        press = decode(body, action)
        if press is None:
            log.warning("press.malformed")
            await self._reply(body, Message(self._say.unknown_press))
            return
        verdict = self._access.to_press(press.by)
        if verdict is not Verdict.ALLOWED:
            log.warning("press.refused", why=verdict.value)
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

    async def _answer(self, asked: Asked, by: str) -> Message:
        async def all_of_it() -> Message:
            message = await self._guarded(self._message(asked, by))
            return self._blocks.with_undelivered(message, await self._people.undelivered())

        began_at = self._clock.now()
        message = await self._guarded(all_of_it())
        verb = asked.verb.value if isinstance(asked, Command) else "not_understood"
        took = self._clock.now() - began_at
        log.info("command.answered", verb=verb, seconds=round(took.total_seconds(), 3))
        self._observer.answered(verb, took)
        return message

    async def _guarded(self, work: Awaitable[Message]) -> Message:
        try:
            return await work
        except StoreAway as error:
            log.warning("command.database_away", error=str(error))
            return Message(self._blocks.words.database_away(error))
        except Exception:  # the last stop: a person must hear of any failure
            reference = uuid4().hex[:8]
            log.exception("command.failed", reference=reference)
            return self._blocks.went_wrong(reference)

    async def _message(self, asked: Asked, by: str) -> Message:
        if isinstance(asked, NotUnderstood):
            return self._blocks.not_understood(asked)
        if isinstance(asked, NoDuration):
            return self._blocks.no_duration(asked)
        if asked.verb is Verb.HELP:
            return self._blocks.help()
        if asked.verb is Verb.THRESHOLDS:
            return self._blocks.thresholds()
        if asked.verb is Verb.ALERTS:
            alerts = await self._people.alerts()
            return self._blocks.alerts(alerts.open, alerts.counting)
        if asked.verb in _DECISIONS:
            if not by:
                return Message(self._say.unknown_press)
            open_episodes = await self._people.open_episodes(asked.account)
            return await self._decide([episode.id for episode, _ in open_episodes], self._decision(asked, by))
        statuses = await self._people.status(asked.account)
        _log_what_was_not_read(statuses)
        self._judged()
        return self._blocks.status(statuses, self._clock.now())

    def _decision(self, asked: Command, by: str) -> Decision:
        if asked.verb is Verb.ACK:
            return Decision(by, self._clock.now() + ACK_LASTS)
        if asked.duration is None:
            return Decision(by, None)
        return Decision(by, self._clock.now() + asked.duration, snoozed=True)

    async def _own(self, work: Coroutine[None, None, None]) -> None:
        """Run a listener as a task of ours: Bolt forgets its own as soon as they have acknowledged."""
        await asyncio.shield(self._keep(work))

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._on_their_way.add(task)
        task.add_done_callback(self._on_their_way.discard)
        return task


def _log_what_was_not_read(statuses: Sequence[AccountStatus]) -> None:
    why = {
        status.account.name: cause.value
        for status in statuses
        if (cause := status.failure.cause if status.failure else status.held_back)
    }
    if why:
        log.warning("command.not_read", why=why)
