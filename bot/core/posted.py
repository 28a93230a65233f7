"""What this process has posted, from memory: a database that was switched over or restored may not know."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.core.notice import Due, Edit, Kind
from bot.core.watch import Episode, Trouble

_Key = tuple[str, str, Trouble]


@dataclass(frozen=True)
class _Shown:
    """The state of an episode that its channel was last shown, and whether its end was posted."""

    episode: Episode
    end_posted: bool = False


@dataclass(frozen=True)
class Posted:
    """The last state of each episode that channels were shown, and the channels that were greeted."""

    shown: Mapping[_Key, _Shown] = field(default_factory=dict)
    greeted: frozenset[str] = frozenset()

    def knows(self, due: Due) -> bool:
        """Whether the channel has this already, so that posting it is a repeat."""
        if due.episode is None:
            return due.kind is Kind.HELLO and due.channel in self.greeted
        last = self.shown.get(_key(due.episode))
        if last is None:
            return False
        same = last.episode.id == due.episode.id
        if due.kind is Kind.OPENED:
            return last.episode.ended_at is None
        if due.kind is Kind.ENDED:
            return same and last.end_posted
        return due.kind is Kind.WORSE and same and _rules(last.episode) == _rules(due.episode) != ()

    def after(self, due: Due) -> "Posted":
        """Return what is known once this was posted, perhaps."""
        if due.episode is None:
            return replace(self, greeted=self.greeted | {due.channel}) if due.kind is Kind.HELLO else self
        return self._showing(_Shown(due.episode, end_posted=due.kind is Kind.ENDED))

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


def _key(episode: Episode) -> _Key:
    return episode.channel, episode.account, episode.trouble


def _rules(episode: Episode) -> tuple[object, ...]:
    """Return the level and all that fires; nothing for an account that cannot be read."""
    return (episode.level, *episode.firing) if episode.trouble is Trouble.LOW else ()
