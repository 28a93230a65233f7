"""Messages as Slack wants them; pure.

The top-level `text` says every figure that the blocks show: screen readers and notifications read it
alone (docs.slack.dev, "chat.postMessage", accessibility). Severity is always a word, never only an emoji.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.core.alert import figures_are_old
from bot.core.form import Embellishment
from bot.core.model import Level
from bot.core.notice import Due, Edit, Kind
from bot.core.reading import Reading
from bot.core.watch import Ending, Episode, Trouble, Watch
from bot.ports import StoreAway
from bot.slack.answers import Answers
from bot.slack.elements import (
    EMOJI,
    ENDED,
    UNREADABLE,
    Block,
    Message,
    button,
    context,
    header,
    plain,
    section,
    sections,
)

__all__ = ["Blocks", "Message"]

Bare = frozenset[Embellishment]
"""The embellishments that a message does without."""


@dataclass(frozen=True)
class Blocks(Answers):
    """Builds every message that the bot sends: answers, and what channels are told."""

    def due(self, due: Due, bare: Bare = frozenset()) -> Message:
        """Build the message that tells what is due, as it is at this moment, with nothing that is refused."""
        if due.episode is None:
            said = self.words.gap(due.gap) if due.gap else self._hello(due.channel, due.readings)
            emoji = ":zzz:" if due.gap else ":eyes:"
            repeated = f"{said} {self.words.say.repeat}" if due.repeat else said
            return Message(repeated, (section(f"{emoji} {repeated}"),)).without(bare)
        trouble = due.episode.trouble
        untold = due.worst > _told_by_title(due.episode)
        missed = [self.words.missed(trouble, due.worst, due.since)] if untold else []
        repeat = [self.words.say.repeat] if due.repeat else []
        if due.episode.ended_at:
            late = not due.told_before
            extra = (*missed, *repeat)
            ended = self._ended(due.episode, due.watch, due.readings, told_late=late, extra=extra)
            return ended.without(bare)
        pings = bool(self.mention) and _pings(due.episode, due)
        mentions = pings and Embellishment.MENTION not in bare
        mention = [self.mention if mentions else self.words.not_mentioned(self.mention)] if pings else []
        reminds = due.kind is Kind.REMINDER
        extra = (*missed, *repeat, *mention)
        message = self._open(due.episode, due.watch, due.readings, extra, bare, reminds=reminds)
        return replace(message, mentions=mentions)

    def outage(self, away: StoreAway | None) -> Message:
        """Build the one line that tells why the database cannot be used, or that it can again."""
        return Message(self.words.database_lost(away) if away else self.words.say.database_back)

    def test(self, bare: Bare = frozenset(), *, reply: bool = False) -> Message:
        """Build what shows that a channel can be told: in the form of an alert, or of a reply to it."""
        said = self.words.say.test_reply if reply else self.words.say.test
        mentions = bool(self.mention) and not reply and Embellishment.MENTION not in bare
        text = f"{said} {self.mention}" if mentions else said
        links = [
            {**button("top_up", self.words.say.top_up, "test"), "url": url}
            for url in list(self.top_up_urls.values())[:1]
        ]
        actions = [{"type": "actions", "elements": links}] if links else []
        return Message(text, (section(text), *actions), mentions).without(bare)

    def _hello(self, channel: str, readings: Mapping[str, Reading]) -> str:
        watched = [account for account in self.accounts if account.channel == channel]
        return self.words.hello(watched, self.poll_interval, readings)

    def living(self, edit: Edit, bare: Bare = frozenset()) -> Message:
        """Build the present state of an episode's living message; edits ping nobody, so none is named."""
        if edit.episode.ending is not Ending.RECOVERED:
            return self._closed(edit.episode).without(bare)
        if edit.episode.ended_at:
            return self._ended(edit.episode, edit.watch, edit.readings, told_late=False).without(bare)
        return self._open(edit.episode, edit.watch, edit.readings, bare=bare)

    def _open(
        self,
        episode: Episode,
        watch: Watch,
        readings: Mapping[str, Reading],
        extra: tuple[str, ...] = (),
        bare: Bare = frozenset(),
        *,
        reminds: bool = False,
    ) -> Message:
        words = self.words
        reading = watch.reading
        facts = list(words.facts(episode, reading.credits if reading else None, readings))
        unreadable = episode.trouble is Trouble.UNREADABLE
        listing = episode.failure is not None and episode.failure.listing
        if unreadable and not episode.members and not listing:
            facts.append(words.last_reading(reading))
        elif not unreadable and figures_are_old(watch, words.policy):
            facts.append(words.cannot_read_since(reading))
        facts += [*words.standing(episode, reading.credits if reading else None), *extra]
        title = words.reminder(episode) if reminds else words.title(episode)
        emoji = UNREADABLE if unreadable else EMOJI[episode.level]
        said = [f"{title}.", *facts]
        blocks = [header(f"{emoji} {title}"), *sections(facts)]
        small = [words.whose(episode), words.since(episode)]
        if reading and not unreadable:
            figures = f"{words.everything(reading.credits)}."
            said.append(figures)
            blocks.append(section(figures))
            small.append(words.read_at(reading))
        if reminder := words.next_reminder(episode):
            small.append(reminder)
        said.append(" · ".join(small))
        if Embellishment.BLOCKS in bare:
            return Message(" ".join([*said, self.words.without_buttons(episode)]))
        blocks.append(context(" · ".join(small)))
        blocks.append(self._actions(episode))
        return Message(" ".join(said), tuple(blocks))

    def _closed(self, episode: Episode) -> Message:
        title = self.words.title(replace(episode, ended_at=None))
        why = self.words.closed(episode)
        account = self.words.whose(episode)
        return Message(f"{title}. {why} {account}", (header(title), section(why), context(account)))

    def _ended(
        self,
        episode: Episode,
        watch: Watch,
        readings: Mapping[str, Reading],
        *,
        told_late: bool,
        extra: tuple[str, ...] = (),
    ) -> Message:
        # Told late, the figures may be those of the next one by then.
        since = next((one for one in watch.episodes if one.trouble is episode.trouble), episode)
        reading = watch.reading if since.id == episode.id else None
        title = self.words.ended_title(episode, reading)
        facts = (*self.words.end(episode, reading, readings, told_late=told_late), *extra)
        account = self.words.whose(episode)
        return Message(
            " ".join([f"{title}.", *facts, account]),
            (header(f"{ENDED} {title}"), *sections(facts), context(account)),
        )

    def _actions(self, episode: Episode) -> Block:
        say = self.words.say
        elements: list[Block] = []
        mended_by_money = episode.trouble is Trouble.LOW or episode.level >= Level.CRITICAL
        if mended_by_money and (url := self.top_up_urls.get(episode.product)):
            top_up = button("top_up", say.top_up, episode.id)
            elements.append({**top_up, "style": "primary", "url": url})
        if episode.mute:
            elements.append(button("resume", say.resume, episode.id))
        else:
            elements.append(button("ack", say.ack, episode.id))
            options = [
                {"text": plain(label), "value": f"{episode.id}:{choice}"}
                for choice, label in say.choices.items()
            ]
            elements.append(
                {
                    "type": "static_select",
                    "action_id": "snooze",
                    "placeholder": plain(say.snooze),
                    "options": options,
                }
            )
        return {"type": "actions", "elements": elements}


def _told_by_title(episode: Episode) -> Level:
    """The level that the title tells: an unreadable account's is that of the last failure alone."""
    if episode.ended_at:
        return Level.OK
    return episode.failure.level if episode.failure else episode.level


def _pings(episode: Episode, due: Due) -> bool:
    """Mention people for an opening and for a rise, not for a message that replaces a deleted one."""
    opened = due.kind is Kind.OPENED and not due.told_before
    return episode.level >= Level.CRITICAL and (opened or due.rose)
