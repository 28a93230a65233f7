"""Messages as Slack wants them; pure.

The top-level `text` says every figure that the blocks show: screen readers and notifications read it
alone (docs.slack.dev, "chat.postMessage", accessibility). Severity is always a word, never only an emoji.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.command import NoDuration, NotUnderstood
from bot.core.model import Account, AccountStatus, Credits, Ending, Episode, Level, Trouble, Watch
from bot.core.notice import Due, Edit, Kind, Reason, Undelivered
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
            said = self.words.gap(due.gap) if due.gap else self._hello(due.channel)
            emoji = ":zzz:" if due.gap else ":eyes:"
            repeated = f"{said} {self.words.say.repeat}" if due.repeat else said
            return Message(repeated, (_section(f"{emoji} {repeated}"),))
        known = Level.OK if due.episode.ended_at else due.episode.level
        missed = [self.words.missed(due.worst, due.since)] if due.worst > known else []
        repeat = [self.words.say.repeat] if due.repeat else []
        if due.episode.ended_at:
            late = not due.told_before
            return self._ended(due.episode, due.watch, told_late=late, extra=(*missed, *repeat))
        mention = [self.mention] if self.mention and _pings(due.episode, due) else []
        return self._open(due.episode, due.watch, (*missed, *repeat, *mention))

    def outage(self, *, away: bool) -> Message:
        """Build the one line that tells that the database is away, or back."""
        return Message(self.words.say.database_lost if away else self.words.say.database_back)

    def _hello(self, channel: str) -> str:
        watched = [account for account in self.accounts if account.channel == channel]
        return self.words.hello(watched, self.poll_interval)

    def living(self, edit: Edit) -> Message:
        """Build the present state of an episode's living message; edits ping nobody, so none is named."""
        if edit.episode.ending is not Ending.RECOVERED:
            return self._closed(edit.episode)
        if edit.episode.ended_at:
            return self._ended(edit.episode, edit.watch, told_late=False)
        return self._open(edit.episode, edit.watch)

    def _open(self, episode: Episode, watch: Watch, extra: tuple[str, ...] = ()) -> Message:
        words = self.words
        reading = watch.reading
        facts = list(words.facts(episode, reading.credits if reading else None))
        unreadable = episode.trouble is Trouble.UNREADABLE
        if unreadable:
            facts.append(words.last_reading(reading))
        elif watch.unreadable:
            facts.append(words.cannot_read_since(reading))
        facts += [*words.standing(episode, reading.credits if reading else None), *extra]
        title = words.title(episode)
        emoji = _UNREADABLE if unreadable else _EMOJI[episode.level]
        said = [f"{title}.", *facts]
        blocks = [_header(f"{emoji} {title}"), _section("\n".join(facts))]
        context = [words.account(episode.account), words.since(episode)]
        if reading and not unreadable:
            figures = f"{words.everything(reading.credits)}."
            said.append(figures)
            blocks.append(_section(figures))
            context.append(words.read_at(reading))
        if reminder := words.next_reminder(episode):
            context.append(reminder)
        said.append(" · ".join(context))
        blocks.append(_context(" · ".join(context)))
        blocks.append(self._actions(episode))
        return Message(" ".join(said), tuple(blocks))

    def _closed(self, episode: Episode) -> Message:
        title = self.words.title(replace(episode, ended_at=None))
        why = self.words.closed(episode)
        account = self.words.account(episode.account)
        return Message(f"{title}. {why} {account}", (_header(title), _section(why), _context(account)))

    def _ended(
        self, episode: Episode, watch: Watch, *, told_late: bool, extra: tuple[str, ...] = ()
    ) -> Message:
        title = self.words.title(episode)
        facts = (*self.words.end(episode, watch.reading, told_late=told_late), *extra)
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
                    *self._still_open(status),
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

    def _still_open(self, status: AccountStatus) -> tuple[str, ...]:
        """Say what is open all the same: what cannot be read is neither fine nor over."""
        low = status.watch.low
        if low is None or status.reading is None:
            return ()
        facts = " ".join((f"*{self.words.title(low)}.*", *self.words.facts(low, status.reading.credits)))
        return (facts, self.words.cannot_read_since(status.reading))

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

    def no_duration(self, command: NoDuration) -> Message:
        """Build the answer to a snooze without a duration that makes sense."""
        return Message(self.words.no_duration(command))

    def alerts(self, open_episodes: Sequence[tuple[Episode, Watch]]) -> Message:
        """Build the list of what is open and why."""
        if not open_episodes:
            return Message(self.words.say.nothing_open)
        title = self.words.say.alerts_title
        lines = ["\n".join(self.words.alert(episode, watch)) for episode, watch in open_episodes]
        return Message(
            "\n".join([f"{title}:", *lines]), (_header(title), *(_section(line) for line in lines))
        )

    def decided(self, outcomes: Sequence[tuple[Reason, Episode | None]]) -> Message:
        """Build the answer to a button or to `ack`, `snooze`, `resume`: what was done."""
        if not outcomes:
            return Message(self.words.say.nothing_open)
        return Message("\n".join(self.words.decided(reason, episode) for reason, episode in outcomes))

    def with_undelivered(self, message: Message, waiting: Sequence[Undelivered]) -> Message:
        """Put what Slack has not taken yet, and the mend, at the head of an answer."""
        if not waiting:
            return message
        said = "\n".join(self.words.undelivered(one) for one in waiting)
        rest = message.blocks or (_section(message.text),)
        return Message(f"{said} {message.text}", (_section(f":warning: {said}"), *rest))

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
        say = self.words.say
        elements: list[Block] = []
        if episode.trouble is Trouble.LOW or episode.level >= Level.CRITICAL:
            top_up = _button("top_up", say.top_up, episode.id)
            elements.append({**top_up, "style": "primary", "url": self.top_up_url})
        if episode.mute:
            elements.append(_button("resume", say.resume, episode.id))
        else:
            elements.append(_button("ack", say.ack, episode.id))
            options = [
                {"text": _plain(label), "value": f"{episode.id}:{choice}"}
                for choice, label in say.choices.items()
            ]
            elements.append(
                {
                    "type": "static_select",
                    "action_id": "snooze",
                    "placeholder": _plain(say.snooze),
                    "options": options,
                }
            )
        return {"type": "actions", "elements": elements}


def _pings(episode: Episode, due: Due) -> bool:
    """Mention people for an opening and for a rise, not for a message that replaces a deleted one."""
    opened = due.kind is Kind.OPENED and not due.told_before
    return episode.level >= Level.CRITICAL and (opened or due.rose or due.kind is Kind.WORSE)


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def _button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": _plain(label), "value": value}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}
