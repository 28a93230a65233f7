"""A bot over the real store whose every message is written down as a person would see it."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncAck

from bot.core.access import Access
from bot.core.form import Embellishment
from bot.core.model import Account, Policy, Product
from bot.core.notice import Due, Edit
from bot.core.reading import Credits, Failure
from bot.ports import NotDelivered, StoreAway, Unreadable
from bot.service import Service
from bot.slack.blocks import Blocks
from bot.slack.elements import Message
from bot.slack.handlers import Handlers
from bot.slack.replies import Replies
from bot.store import Database, SqlHistory, SqlLease, SqlOutbox, SqlRounds, SqlWatches
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures
from tests.samples import POLICY
from tests.service.bot import Provider as Scripted
from tests.service.bot import Wall, deliver_all

MINUTE = timedelta(minutes=1)
TOP_UP_URLS = {Product.SMS: "https://my.smspartner.fr/"}

Found = Credits | Failure
OPEN = Access()


_DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|([^>]*)>")


def drawn(message: Mapping[str, Any]) -> list[str]:
    """Write a payload down, line by line: the text that is read aloud, then each block."""
    lines = _rows("text", message["text"])
    for block in message.get("blocks", ()):
        lines += _rows(block["type"], _said(block))
    return lines


def _rows(kind: str, said: str) -> list[str]:
    """Return a row for each line, the kind in front of the first; ⟨a date⟩ is Slack's token for it."""
    lines = _DATE.sub(r"⟨\1⟩", said).split("\n")
    return [f"  {kind if number == 0 else '':<7} | {line}" for number, line in enumerate(lines)]


def _said(block: Mapping[str, Any]) -> str:
    match block:
        case {"type": "actions", "elements": elements}:
            return "  ".join(map(_element, elements))
        case {"type": "context", "elements": elements}:
            return " ".join(one["text"] for one in elements)
        case {"type": "section", "fields": fields}:
            return "\n".join(one["text"].replace("\n", " = ") for one in fields)
        case {"text": {"text": text}}:
            return str(text)
        case _:
            return str({name: value for name, value in block.items() if name != "type"} or "---")


LONGEST = 30
"""Seconds for what follows an acknowledgement."""


def _element(element: Mapping[str, Any]) -> str:
    label = element["text" if "text" in element else "placeholder"]["text"]
    options = [f"{one['text']['text']}={one['value'].split(':')[-1]}" for one in element.get("options", ())]
    leads = element.get("url") or element.get("value") or ", ".join(options)
    style = f" {element['style']}" if "style" in element else ""
    return f"[{label}]({element['action_id']}: {leads}{style})"


class Source(Scripted):
    """The provider of one account, who says the same until told otherwise."""

    def __init__(self, found: Found) -> None:
        super().__init__(0)
        self.found = found

    async def read(self, account: Account, *, polled: bool = True) -> Credits:
        """Say it."""
        self.asked += 1
        if isinstance(self.found, Failure):
            raise Unreadable(self.found)
        return self.found


@dataclass
class Photographer:
    """A messenger that writes posts and edits down, or refuses as the story says."""

    lines: list[str]
    blocks: Blocks | None = None
    refusal: NotDelivered | None = None
    bare: frozenset[Embellishment] = frozenset()
    posted: int = 0

    async def post(self, due: Due, bare: frozenset[Embellishment]) -> str:
        """Write a post down."""
        if self.refusal:
            raise self.refusal
        self.posted += 1
        where = f"#{due.channel}{' (in the thread, and in the channel)' if due.root else ''}"
        self._write(f"POST {due.kind} in {where}", self.drawing.due(due, bare | self.bare))
        return f"1784721900.{self.posted:06}"

    async def edit(self, edit: Edit, bare: frozenset[Embellishment]) -> None:
        """Write an edit down."""
        self._write(f"EDIT in #{edit.episode.channel}", self.drawing.living(edit, bare | self.bare))

    async def say(
        self, channel: str, away: StoreAway | None, bare: frozenset[Embellishment] = frozenset()
    ) -> None:
        """Write the line about the database down."""
        self._write(f"POST in #{channel}", self.drawing.outage(away))

    @property
    def drawing(self) -> Blocks:
        """The builder of messages of the bot that runs now."""
        assert self.blocks is not None
        return self.blocks

    def _write(self, head: str, message: Message) -> None:
        self.lines += [head, *drawn(message.payload())]


@dataclass
class Stage:
    """What a story acts on: time passes, the provider says something else, people ask and press."""

    database: Database
    lines: list[str]
    wall: Wall = field(default_factory=Wall)
    sources: dict[str, Source] = field(default_factory=dict)
    starts: int = 0
    pressed: str = ""

    def __post_init__(self) -> None:
        self.channel = Photographer(self.lines)

    async def start(
        self, *accounts: Account, policy: Policy = POLICY, access: Access = OPEN, mention: str = "<!here>"
    ) -> None:
        """Start the bot, or start it anew with other settings."""
        self.starts += 1
        lease = SqlLease(self.database, f"start-{self.starts}")
        words = Words(
            ENGLISH,
            Figures(ENGLISH.locale, ZoneInfo("Europe/Paris")),
            policy,
            {one.name: one for one in accounts},
        )
        blocks = Blocks(words, accounts, 5 * MINUTE, TOP_UP_URLS, mention)
        self.channel.blocks = blocks
        self.service = Service(
            accounts=accounts,
            policy=policy,
            sources=self.sources,
            watches=SqlWatches(self.database, lease),
            outbox=SqlOutbox(self.database, lease),
            rounds=SqlRounds(self.database, lease),
            history=SqlHistory(self.database, lease),
            lease=lease,
            poll_interval=5 * MINUTE,
            messenger=self.channel,
            clock=self.wall,
        )
        replies = cast(Replies, self)
        self.handlers = Handlers(self.service.people, blocks, access, self.wall, lambda: None, replies)
        await self.service.lead()
        await self.deliver()

    async def poll(self, after: timedelta = 5 * MINUTE, /, **found: Found) -> None:
        """Let time pass, then poll and deliver."""
        for name, what in found.items():
            self.sources.setdefault(name, Source(what)).found = what
        said = ", ".join(f"{name}: {_short(what)}" for name, what in found.items())
        self.wall.pass_(after)
        self.lines.append(f"-- {_passed(after)} later{', ' if said else ''}{said}")
        await self.service.lead()
        await self.service.poll()
        await self.service.lead()
        await self.service.remind()
        await self.deliver()
        self.wall.pass_(MINUTE)
        await self.deliver()

    async def deliver(self) -> None:
        """Deliver all that may be sent within the pace."""
        await deliver_all(self.service, self.wall)

    async def wait(self, after: timedelta) -> None:
        """Let time pass in which nothing is polled; reminders come."""
        self.wall.pass_(after)
        self.lines.append(f"-- {_passed(after)} later")
        await self.service.lead()
        await self.service.remind()
        await self.deliver()

    async def ask(self, text: str, by: str = "U0ALICE", channel: str = "C0ALERTS") -> None:
        """Type the command."""
        self.lines.append(f"> /smscredits {text}".rstrip())

        async def ack(**said: Any) -> None:
            self.lines.append(f"ANSWER {said.pop('response_type')}")
            self.lines.extend(drawn(said))

        body = {"text": text, "user_id": by, "channel_id": channel, "response_url": ""}
        await self.handlers.command(cast(AsyncAck, ack), body)
        await self.handlers.drain(LONGEST)
        self.wall.pass_(timedelta(seconds=11))  # the next answer is read anew
        await self.deliver()

    async def press(self, action: str, choice: str = "", by: str = "U0ALICE") -> None:
        """Press a button of the newest open episode's message."""
        open_episodes = await self.service.people.open_episodes()
        self.pressed = open_episodes[-1][0].id if open_episodes else self.pressed
        self.lines.append(f"> [{action}{' ' if choice else ''}{choice}] pressed by {by}")

        async def ack(**said: Any) -> None:
            assert not said

        said: dict[str, Any] = {"action_id": action, "value": self.pressed}
        if action == "snooze":
            said = {"action_id": action, "selected_option": {"value": f"{self.pressed}:{choice}"}}
        body = {"user": {"id": by}, "actions": [said], "response_url": "x"}
        await self.handlers.press(cast(AsyncAck, ack), body, said)
        await self.handlers.drain(LONGEST)
        await self.deliver()

    async def send(self, url: object, payload: Mapping[str, Any]) -> None:
        """Write an answer to a press down, in the place of `Replies`."""
        self.lines += [f"ANSWER {payload['response_type']}", *drawn(payload)]


@asynccontextmanager
async def staged(lines: list[str]) -> AsyncIterator[Stage]:
    """Open a stage with a database of its own."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'smscredits.db'}")
        await database.migrate()
        yield Stage(database, lines)
        await database.close()


def listing(found: Failure) -> Failure:
    """Return the same failure, of the list of sub-accounts."""
    return replace(found, listing=True)


def _short(found: Found) -> str:
    if isinstance(found, Failure):
        return found.cause.value
    amounts: Sequence[str] = [f"{name.value} {amount}" for name, amount in found.amounts.items()]
    listed = [f"{one.id} {one.balance}" for one in found.subaccounts]
    unlisted = [f"list: {found.unlisted.cause.value}"] if found.unlisted else []
    return ", ".join([*amounts, found.currency, *listed[:3], *(["…"] if listed[3:] else []), *unlisted])


def _passed(span: timedelta) -> str:
    return str(span).removesuffix(":00") if span >= timedelta(hours=1) else f"{span.seconds // 60} min"
