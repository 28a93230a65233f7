"""Messages as Slack wants them; pure.

The top-level `text` says every figure that the blocks show: screen readers and notifications read it
alone (docs.slack.dev, "chat.postMessage", accessibility). Severity is always a word, never only an emoji.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.command import NotUnderstood
from bot.core.model import (
    Account,
    AccountStatus,
    Credits,
    Due,
    Edit,
    Episode,
    Kind,
    Level,
    Trouble,
    Watch,
)
from bot.text import Words

Block = dict[str, Any]

_EMOJI = {
    Level.OK: ":large_green_circle:",
    Level.WARNING: ":warning:",
    Level.CRITICAL: ":rotating_light:",
    Level.EMPTY: ":no_entry:",
}
_UNREADABLE = ":grey_question:"
_ENDED = ":white_check_mark:"


@dataclass(frozen=True)
class Message:
    """What is posted: the text that says it all, and the blocks that show it."""

    text: str
    blocks: tuple[Block, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return the arguments of Slack's methods that are the same for every kind of message."""
        return {"text": self.text, "blocks": list(self.blocks)}


@dataclass(frozen=True)
class Blocks:
    """Builds every message that the bot sends."""

    words: Words
    accounts: tuple[Account, ...]
    poll_interval: timedelta
    top_up_url: str
    mention: str = ""

    def due(self, due: Due) -> Message:
        """Build the message that tells what is due, as it is at this moment."""
        if due.episode is None:
            watched = [account for account in self.accounts if account.channel == due.channel]
            said = self.words.hello(watched, self.poll_interval)
            return Message(said, (_section(f":eyes: {said}"),))
        if due.episode.ended_at:
            return self._ended(due.episode, due.watch, told_late=not due.root)
        return self._open(due.episode, due.watch, self.mention if _pings(due.episode, due) else "")

    def living(self, edit: Edit) -> Message:
        """Build the present state of an episode's living message; edits ping nobody, so none is named."""
        if edit.episode.ended_at:
            return self._ended(edit.episode, edit.watch, told_late=False)
        return self._open(edit.episode, edit.watch)

    def _open(self, episode: Episode, watch: Watch, mention: str = "") -> Message:
        words = self.words
        reading = watch.reading
        facts = list(words.facts(episode, reading.credits if reading else None))
        unreadable = episode.trouble is Trouble.UNREADABLE
        if unreadable:
            facts.append(words.last_reading(reading))
        elif watch.unreadable:
            facts.append(words.cannot_read_since(reading))
        title = words.title(episode)
        emoji = _UNREADABLE if unreadable else _EMOJI[episode.level]
        said = [f"{title}.", *facts]
        blocks = [_header(f"{emoji} {title}"), _section("\n".join([*facts, *([mention] if mention else [])]))]
        context = [words.account(episode.account)]
        if reading and not unreadable:
            figures = f"{words.everything(reading.credits)}."
            said.append(figures)
            blocks.append(_section(figures))
            context.append(words.read_at(reading))
        said.append(" · ".join(context))
        blocks.append(_context(" · ".join(context)))
        if not unreadable or episode.level >= Level.CRITICAL:
            blocks.append(self._actions(episode))
        return Message(" ".join([*said, *([mention] if mention else [])]), tuple(blocks))

    def _ended(self, episode: Episode, watch: Watch, *, told_late: bool) -> Message:
        title = self.words.title(episode)
        facts = self.words.end(episode, watch.reading, told_late=told_late)
        account = self.words.account(episode.account)
        return Message(
            " ".join([f"{title}.", *facts, account]),
            (_header(f"{_ENDED} {title}"), _section("\n".join(facts)), _context(account)),
        )

    def status(self, statuses: Sequence[AccountStatus], now: datetime) -> Message:
        """Build the answer to the bare command."""
        said: list[str] = []
        blocks: list[Block] = []
        for status in statuses:
            title = self.words.status_title(status)
            facts = list(self._standing(status))
            if status.failure:
                facts = [
                    self.words.cause(status.failure),
                    self.words.mend(status.failure),
                    self.words.aged_reading(status.reading, now),
                ]
            emoji = _UNREADABLE if status.failure else _EMOJI[status.watch.level]
            blocks.append(_section("\n".join([f"{emoji} *{title}*", *facts])))
            said.extend([f"{title}.", *facts])
            if status.reading and not status.failure:
                standing = " · ".join([*self.words.rule_states(status), self.words.read_at(status.reading)])
                blocks += [self._figures(status.reading.credits), _context(standing)]
                said.append(f"{self.words.everything(status.reading.credits)}. {standing}.")
        return Message(" ".join(said), tuple(blocks))

    def _standing(self, status: AccountStatus) -> tuple[str, ...]:
        if status.watch.low is None or status.reading is None:
            return ()
        return self.words.facts(status.watch.low, status.reading.credits)

    def thresholds(self) -> Message:
        """Build the list of the rules in force."""
        title = self.words.say.thresholds_title
        lines = [
            f"*{self.words.account(account.name)}*\n" + "\n".join(self.words.rules(account))
            for account in self.accounts
        ]
        return Message(
            "\n".join([f"{title}:", *lines]), (_header(title), *(_section(line) for line in lines))
        )

    def help(self) -> Message:
        """Build the list of what a person can type."""
        title = self.words.say.help_title
        lines = [f"`{typed}`: {meaning}" for typed, meaning in self.words.commands(self._names)]
        return Message("\n".join([f"{title}:", *lines]), (_section("\n".join([f"*{title}*", *lines])),))

    def not_understood(self, command: NotUnderstood) -> Message:
        """Build the answer to a text that is no command."""
        lines = [self.words.not_understood(command), self.words.usage(self._names)]
        return Message(" ".join(lines), (_section("\n".join(lines)),))

    def asking(self) -> Message:
        """Build the short line that stays while the provider is slow."""
        return Message(self.words.say.asking)

    def went_wrong(self, reference: str) -> Message:
        """Build the answer to a request that failed on our side."""
        return Message(self.words.say.went_wrong.format(reference=reference))

    @property
    def _names(self) -> Iterable[str]:
        return [account.name for account in self.accounts]

    def _figures(self, credits_: Credits) -> Block:
        rows = self.words.table(credits_)
        return {"type": "section", "fields": [_mrkdwn(f"*{label}*\n{value}") for label, value in rows]}

    def _actions(self, episode: Episode) -> Block:
        button = {
            "type": "button",
            "action_id": "top_up",
            "text": {"type": "plain_text", "text": self.words.say.top_up},
            "style": "primary",
            "url": self.top_up_url,
            "value": episode.id,
        }
        return {"type": "actions", "elements": [button]}


def _pings(episode: Episode, due: Due) -> bool:
    return due.kind in {Kind.OPENED, Kind.WORSE} and episode.level >= Level.CRITICAL


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}
