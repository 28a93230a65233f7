"""What this process has posted, from memory: a database that was switched over or restored may not know."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.notice import Due, Edit, Kind
from bot.core.watch import Episode, Trouble

_Key = tuple[str, str, Trouble]


@dataclass(frozen=True)
class Claim:
    """The note of a post in the database: the notice's id, and when it was about to be posted (UTC)."""

    notice: int
    at: datetime


@dataclass(frozen=True)
class _Shown:
    """What a channel was last shown of an episode, by which post, and whether that was the end."""

    episode: Episode
    claim: Claim
    end_posted: bool = False


@dataclass(frozen=True)
class Posted:
    """The last state of each episode that channels were shown, and the greetings, each by its channel."""

    shown: Mapping[_Key, _Shown] = field(default_factory=dict)
    greeted: Mapping[str, Claim] = field(default_factory=dict)

    def before(self, due: Due) -> Claim | None:
        """Return the post by which the channel has this already, if the database has lost that post."""
        if due.episode is None:
            return self.greeted.get(due.channel) if due.kind is Kind.HELLO else None
        last = self.shown.get(_key(due.episode))
        return last.claim if last and _alike(last, due.kind, due.episode) else None

    def after(self, due: Due, claimed_at: datetime) -> "Posted":
        """Return what is known once this was posted, perhaps."""
        claim = Claim(due.notices[0], claimed_at)
        if due.episode is None:
            greets = due.kind is Kind.HELLO
            return replace(self, greeted={**self.greeted, due.channel: claim}) if greets else self
        return self._showing(_Shown(due.episode, claim, end_posted=due.kind is Kind.ENDED))

    def edited(self, edit: Edit) -> "Posted":
        """Return what is known once a living message shows the present state."""
        last = self.shown.get(_key(edit.episode))
        same = last and last.episode.id == edit.episode.id
        return self._showing(replace(last, episode=edit.episode)) if last and same else self

    def gone(self, episode: Episode) -> "Posted":
        """Return what is known once a message was deleted from its channel."""
        return replace(self, shown={key: one for key, one in self.shown.items() if key != _key(episode)})

    def _showing(self, shown: _Shown) -> "Posted":
        return replace(self, shown={**self.shown, _key(shown.episode): shown})


def _alike(last: _Shown, kind: Kind, episode: Episode) -> bool:
    """Whether a post of this kind says what the channel was last shown."""
    same = last.episode.id == episode.id
    if kind is Kind.OPENED:
        return last.episode.ended_at is None
    if kind is Kind.ENDED:
        return same and last.end_posted
    return kind is Kind.WORSE and same and _rules(last.episode) == _rules(episode) != ()


def _key(episode: Episode) -> _Key:
    return episode.channel, episode.account, episode.trouble


def _rules(episode: Episode) -> tuple[object, ...]:
    """Return the level and all that fires; nothing for an account that cannot be read."""
    return (episode.level, *episode.firing) if episode.trouble is Trouble.LOW else ()
