"""`/smscredits` and the buttons: decode, ask the service, encode."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.core.command import Command, NotUnderstood, Verb, parse
from bot.ports import Clock
from bot.service import Service
from bot.slack.blocks import Blocks, Message

log = structlog.get_logger()

ANSWER_WITHIN = 2.0
"""Seconds: Slack must have received the answer within 3 (docs.slack.dev, "Slash commands")."""

Body = Mapping[str, Any]


class Handlers:
    """What Slack may ask of the bot; owns the answers that are still on their way."""

    def __init__(self, service: Service, blocks: Blocks, clock: Clock, judged: Callable[[], None]) -> None:
        self._service = service
        self._blocks = blocks
        self._clock = clock
        self._judged = judged
        self._on_their_way: set[asyncio.Task[None]] = set()

    def register(self, app: AsyncApp) -> None:
        """Bind every command and action of the manifest."""
        app.command("/smscredits")(self.command)
        app.action("top_up")(self.top_up)

    async def command(self, ack: AsyncAck, respond: AsyncRespond, command: Body) -> None:
        """Answer within Slack's three seconds, whatever the provider does."""
        asked = parse(command.get("text") or "", tuple(account.name for account in self._service.accounts))
        shared = isinstance(asked, Command) and asked.verb is Verb.SHARE
        visibility = "in_channel" if shared else "ephemeral"
        answering = asyncio.create_task(self._answer(asked))
        done, _ = await asyncio.wait({answering}, timeout=ANSWER_WITHIN)
        if done:
            await ack(response_type=visibility, **answering.result().payload())
            return
        await ack(response_type="ephemeral", **self._blocks.asking().payload())
        await self._own(self._respond(respond, answering, visibility))

    async def top_up(self, ack: AsyncAck) -> None:
        """Acknowledge the press: Slack opens the button's link by itself, and warns without an answer."""
        await ack()

    async def drain(self, seconds: float) -> None:
        """Let answers on their way arrive, for so long at most."""
        if self._on_their_way:
            await asyncio.wait(self._on_their_way, timeout=seconds)
        for task in self._on_their_way:
            task.cancel()

    async def _answer(self, asked: Command | NotUnderstood) -> Message:
        try:
            return await self._message(asked)
        except Exception:  # the last stop: a person must hear of any failure
            reference = uuid4().hex[:8]
            log.exception("command.failed", reference=reference)
            return self._blocks.went_wrong(reference)

    async def _message(self, asked: Command | NotUnderstood) -> Message:
        if isinstance(asked, NotUnderstood):
            return self._blocks.not_understood(asked)
        if asked.verb is Verb.HELP:
            return self._blocks.help()
        if asked.verb is Verb.THRESHOLDS:
            return self._blocks.thresholds()
        statuses = await self._service.status(asked.account)
        self._judged()
        return self._blocks.status(statuses, self._clock.now())

    async def _respond(
        self, respond: AsyncRespond, answering: asyncio.Task[Message], visibility: str
    ) -> None:
        message = await answering
        response = await respond(response_type=visibility, **message.payload())
        if response.status_code != 200:
            log.error("command.answer_lost", status=response.status_code, mend="type the command again")

    async def _own(self, work: Awaitable[None]) -> None:
        """Run the rest of a listener as a task of ours: Bolt forgets it as soon as it has acknowledged."""
        task = asyncio.ensure_future(work)
        self._on_their_way.add(task)
        task.add_done_callback(self._on_their_way.discard)
        await asyncio.shield(task)
