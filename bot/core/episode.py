"""How an episode is opened, kept, told and recalled."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from bot.core.model import Account, Level, Policy
from bot.core.notice import Kind, Notice, Reason, Step, Urgency
from bot.core.reading import Failure, Reading
from bot.core.watch import Ending, Episode, Firing, Trouble, Watch


@dataclass(frozen=True)
class Verdict:
    """What became of one episode in one step; `level` is the one that a word of it tells."""

    episode: Episode | None
    reason: Reason
    kind: Kind | None = None
    urgency: Urgency | None = None
    level: Level | None = None


def episode_id(*parts: str) -> str:
    """Return the id that these facts always give."""
    return uuid5(NAMESPACE_URL, "/".join(parts)).hex[:12]


def opened(
    account: Account,
    trouble: Trouble,
    level: Level,
    now: datetime,
    *,
    firing: tuple[Firing, ...] = (),
    failure: Failure | None = None,
) -> Episode:
    """Return a new episode of the account, open since `now`."""
    return Episode(
        id=episode_id(account.name, trouble, now.isoformat()),
        account=account.name,
        trouble=trouble,
        channel=account.channel,
        level=level,
        opened_at=now,
        firing=firing,
        failure=failure,
        product=account.product,
    )


def closed(episode: Episode, now: datetime, ending: Ending, moved_to: str = "") -> Episode:
    """Return an episode that has ended without a word of its own: its message alone says why."""
    return replace(episode, ended_at=now, ending=ending, moved_to=moved_to, remind_at=None)


def told(
    watch: Watch, verdicts: list[Verdict], now: datetime, policy: Policy, reading: Reading | None = None
) -> Step:
    """Return the step that these verdicts make of `watch`, with each episode's next word set."""
    about = [(verdict, verdict.episode) for verdict in verdicts if verdict.episode]
    changed = [(verdict, _scheduled(verdict, episode, now, policy)) for verdict, episode in about]
    return Step(
        watch=with_episodes(watch, tuple(episode for _, episode in changed)),
        at=now,
        reasons=tuple(verdict.reason for verdict in verdicts),
        reading=reading,
        touched=tuple(episode for _, episode in changed),
        notices=tuple(
            Notice(verdict.kind, episode.channel, now, episode.id, verdict.level or episode.level)
            for verdict, episode in changed
            if verdict.kind
        ),
        edits={episode.id: verdict.urgency for verdict, episode in changed if verdict.urgency},
    )


def with_episodes(watch: Watch, changed: tuple[Episode, ...]) -> Watch:
    """Return the state with these episodes in it; those that have ended leave it."""
    for episode in changed:
        still = None if episode.ended_at else episode
        if episode.trouble is Trouble.LOW:
            watch = replace(watch, low=still)
        else:
            watch = replace(watch, unreadable=still)
    return watch


def edited(watch: Watch, episode: Episode, now: datetime, policy: Policy, reason: Reason) -> Step:
    """Return the step that changes an open episode and tells it by an edit alone."""
    after = scheduled(episode, now, policy)
    return Step(
        watch=with_episodes(watch, (after,)),
        at=now,
        reasons=(reason,),
        touched=(after,),
        edits={after.id: Urgency.NOW},
    )


def _scheduled(verdict: Verdict, episode: Episode, now: datetime, policy: Policy) -> Episode:
    return scheduled(replace(episode, pinged_at=now) if verdict.kind else episode, now, policy)


def scheduled(episode: Episode, now: datetime, policy: Policy) -> Episode:
    """Set when the episode is next recalled: when its mute ends, else so long after its last ping."""
    return replace(episode, remind_at=_next_word(episode, now, policy))


def _next_word(episode: Episode, now: datetime, policy: Policy) -> datetime | None:
    if episode.ended_at or episode.pinged_at is None:
        return None
    if episode.mute:
        return episode.mute.until
    critical = episode.trouble is Trouble.LOW and episode.level >= Level.CRITICAL
    interval = policy.reminder_critical if critical else policy.reminder_warning
    if not interval:
        return None
    due = episode.remind_at is not None and episode.pinged_at < episode.remind_at <= now
    if due:
        return episode.remind_at
    missed = (now - episode.pinged_at) // interval
    return episode.pinged_at + interval * (missed + 1)
