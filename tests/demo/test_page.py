"""The demo's page in a real browser, over a small Slack and a small world of its own."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Locator, Page, expect

from bot.demo.page import CommandHelp, Subcommand, page_app
from tests.browser import chromium_page

Json = dict[str, Any]
NOON = datetime(2026, 3, 5, 11, 0, tzinfo=UTC)  # a Thursday, noon in Paris
AT = int(NOON.timestamp())
ALICE, BRUNO, BOT = "U0ALICE", "U0BRUNO", "U0CREDITBOT"
COMMAND = CommandHelp(
    "/smscredits",
    "Every account, read now",
    (
        Subcommand("alerts", "What is open, and why"),
        Subcommand("ack [ACCOUNT]", "Stop the reminders until it is over"),
        Subcommand("snooze DURATION [ACCOUNT]", "Stop the reminders for a while"),
        Subcommand("share", "The same answer, visible in the channel"),
        Subcommand("help", "What works here"),
    ),
)


@dataclass(frozen=True)
class Said:
    ts: str
    user: str
    text: str
    channel: str = "C0ALERTS"
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    broadcast: bool = False
    ephemeral_for: str | None = None
    edited_ts: str | None = None
    kind: str = "message"


@dataclass(frozen=True)
class Member:
    id: str
    name: str
    real_name: str


@dataclass(frozen=True)
class Call:
    method: str
    outcome: str


@dataclass(frozen=True)
class Result:
    status: int | None


@dataclass
class Changing:
    version: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def changed(self, since: int) -> int:
        async with self.news:
            await self.news.wait_for(lambda: self.version > since)
        return self.version

    async def tell(self) -> None:
        async with self.news:
            self.version += 1
            self.news.notify_all()


@dataclass
class SmallSlack(Changing):
    users: tuple[Member, ...] = (
        Member(ALICE, "alice", "Alice Martin"),
        Member(BRUNO, "bruno", "Bruno Keller"),
        Member(BOT, "smscredits", "smscredits"),
    )
    messages: list[Said] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    press_failed: set[str] = field(default_factory=set)
    fault: str = "fine"
    commands: list[tuple[str, str, str]] = field(default_factory=list)
    presses: list[Json] = field(default_factory=list)
    press_status: int | None = 200
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, text: str = "", *, user: str = BOT, at: float = 0, **more: Any) -> Said:
        blocks = tuple({"block_id": f"b{index}", **block} for index, block in enumerate(more.pop("blocks", ())))
        said = Said(f"{AT + at:.6f}", user, text, blocks=blocks, **more)
        self.messages.append(said)
        return said

    def say(self, user: str, channel: str, text: str) -> None:
        self.messages.append(Said(f"{AT + len(self.messages):.6f}", user, text, channel))

    async def command(self, text: str, *, user: str, channel: str) -> None:
        self.commands.append((text, user, channel))

    async def press(
        self,
        message: Said,
        action_id: str,
        *,
        user: str,
        value: str | None = None,
        selected_option: str | None = None,
    ) -> Result:
        if action_id not in json.dumps(message.blocks):
            raise LookupError(action_id)
        pressed = {"ts": message.ts, "action_id": action_id, "user": user}
        self.presses.append(pressed | {"value": value, "selected_option": selected_option})
        await self.tell()
        await self.may_answer.wait()
        return Result(self.press_status)


@dataclass
class SmallWorld(Changing):
    mode: str = "fine"
    drain: int = 5
    changes: list[Mapping[str, Any]] = field(default_factory=list)
    credits: str = "269082"

    def figures(self) -> Mapping[str, str]:
        return {
            "creditSms": self.credits,
            "creditSmsECO": "444570",
            "creditHlr": "2045023",
            "toSend": "0",
            "balance": "10225.119",
            "currency": "EUR",
        }

    def settings(self) -> Mapping[str, Any]:
        return {"provider": self.mode, "drain": self.drain}

    def apply(self, change: Mapping[str, Any]) -> None:
        if set(change) - {"burn", "empty", "top_up", "drain", "provider"}:
            raise ValueError("no such change")
        self.changes.append(change)
        self.mode = str(change.get("provider", self.mode))
        self.drain = int(change.get("drain", self.drain))


@dataclass
class Demo:
    slack: SmallSlack
    world: SmallWorld
    url: str
    exchanges: list[str]

    async def show(self, text: str = "", **more: Any) -> Said:
        said = self.slack.add(text, **more)
        await self.slack.tell()
        return said


@asynccontextmanager
async def running() -> AsyncIterator[Demo]:
    slack, world, exchanges = SmallSlack(), SmallWorld(), list[str]()
    slack.may_answer.set()
    app = page_app(slack, world, lambda: NOON, command=COMMAND, exchanges=lambda: exchanges)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield Demo(slack, world, f"http://{host}:{port}/", exchanges)
    finally:
        await runner.cleanup()


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with running() as demo:
        yield demo
