"""What people decide about an open episode, and what a changed configuration does to it."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.core.alert import episode_id, scheduled, with_episodes
from bot.core.command import SHORTEST_SNOOZE
from bot.core.model import Account, Ending, Episode, Level, Mute, Policy, Watch
from bot.core.notice import Kind, Notice, Reason, Step, Urgency

ACK_LASTS = timedelta(days=3)
MORNING = time(9, 0)


class Choice(StrEnum):
    """What the snooze menu offers."""

    ONE_HOUR = "1h"
    FOUR_HOURS = "4h"
    TOMORROW = "tomorrow"
    MONDAY = "monday"


@dataclass(frozen=True)
class Decision:
    """What a person wants: to mute until a time, or (without one) to hear reminders again."""

    by: str
    until: datetime | None
    snoozed: bool = False


def snooze_until(choice: Choice, now: datetime, timezone: ZoneInfo) -> datetime:
    """Return the end of a snooze chosen now; mornings are the wall clock's in `timezone`.

    Early on a Monday it is this very morning: a week later would be longer than a snooze may last.
    """
    if choice is Choice.ONE_HOUR:
        return now + timedelta(hours=1)
    if choice is Choice.FOUR_HOURS:
        return now + timedelta(hours=4)
    today = now.astimezone(timezone).date()
    days = 1 if choice is Choice.TOMORROW else -today.weekday() % 7
    morning = datetime.combine(today + timedelta(days=days), MORNING, timezone)
    if choice is Choice.MONDAY and morning - now < SHORTEST_SNOOZE:
        morning += timedelta(days=7)
    return morning.astimezone(now.tzinfo)


def decide(watch: Watch, episode_id: str, decision: Decision, now: datetime, policy: Policy) -> Step:
    """Mute or resume one open episode; the last of ack and snooze wins, a second ack changes nothing."""
    episode = next((found for found in watch.episodes if found.id == episode_id), None)
    if episode is None:
        return Step(watch, now, (Reason.NOT_OPEN,))
    if decision.until is None:
        if episode.mute is None:
            return Step(watch, now, (Reason.NOT_MUTED,))
        return _edited(watch, replace(episode, mute=None, remind_at=None), now, policy, Reason.RESUMED)
    mute = Mute(decision.by, now, decision.until, decision.snoozed)
    acked = episode.mute and not episode.mute.snoozed and episode.mute.until > now
    if acked and not mute.snoozed:
        return Step(watch, now, (Reason.MUTED_ALREADY,))
    return _edited(watch, replace(episode, mute=mute), now, policy, Reason.MUTED)


def reconcile(watch: Watch, account: Account | None, now: datetime, policy: Policy) -> Step:
    """Fit what is open to the configuration found at start; `None` stands for an account no longer in it."""
    if account is None:
        gone = tuple(
            replace(episode, ended_at=now, ending=Ending.NOT_CONFIGURED, remind_at=None)
            for episode in watch.episodes
        )
        # What failed before says nothing of the account should it ever come back.
        return _closed(replace(watch, failures=0, failing_since=None), gone, now, Reason.NOT_CONFIGURED)
    ruled = _ruled(watch, account, now, policy)
    moved = _moved(ruled.watch, account, now, policy)
    recalled = _recalled(moved.watch, now, policy)
    return _together(_together(ruled, moved), recalled)


def _recalled(watch: Watch, now: datetime, policy: Policy) -> Step:
    """Set the next word of what has none: told by a release without reminders, or while they were off."""
    idle = [scheduled(one, now, policy) for one in watch.episodes if one.remind_at is None]
    due = tuple(episode for episode in idle if episode.remind_at)
    if not due:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    return Step(
        watch=with_episodes(watch, due),
        at=now,
        reasons=(Reason.REMINDERS_ON,),
        touched=due,
        edits={episode.id: Urgency.NOW for episode in due},
    )


def _together(first: Step, second: Step) -> Step:
    if second.reasons == (Reason.NOTHING_DUE,):
        return first
    if first.reasons == (Reason.NOTHING_DUE,):
        return second
    return Step(
        watch=second.watch,
        at=second.at,
        reasons=(*first.reasons, *second.reasons),
        touched=tuple({episode.id: episode for episode in (*first.touched, *second.touched)}.values()),
        notices=(*first.notices, *second.notices),
        edits={**first.edits, **second.edits},
    )


def _moved(watch: Watch, account: Account, now: datetime, policy: Policy) -> Step:
    strays = [episode for episode in watch.episodes if episode.channel != account.channel]
    if not strays:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    old = tuple(
        replace(episode, ended_at=now, ending=Ending.MOVED, moved_to=account.channel, remind_at=None)
        for episode in strays
    )
    new = [
        scheduled(
            replace(
                episode, id=episode_id(episode.id, account.channel), channel=account.channel, pinged_at=now
            ),
            now,
            policy,
        )
        for episode in strays
    ]
    return Step(
        watch=with_episodes(watch, tuple(new)),
        at=now,
        reasons=(Reason.CHANNEL_CHANGED,),
        touched=(*old, *new),
        notices=tuple(Notice(Kind.OPENED, fresh.channel, now, fresh.id, fresh.level) for fresh in new),
        edits={episode.id: Urgency.NOW for episode in old},
    )


def _ruled(watch: Watch, account: Account, now: datetime, policy: Policy) -> Step:
    low = watch.low
    ruled = {(rule.field, rule.level) for rule in account.rules}
    if low is None or low.level is Level.EMPTY:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    kept = tuple(rule for rule in low.firing if (rule.field, rule.level) in ruled)
    if kept == low.firing:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    if not kept:
        gone = replace(low, ended_at=now, ending=Ending.NOT_CONFIGURED, remind_at=None)
        return _closed(watch, (gone,), now, Reason.NOT_CONFIGURED)
    fewer = replace(low, firing=kept, level=max(rule.level for rule in kept))
    return _edited(watch, fewer, now, policy, Reason.RULES_CHANGED)


def _closed(watch: Watch, gone: tuple[Episode, ...], now: datetime, reason: Reason) -> Step:
    if not gone:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    return Step(
        watch=with_episodes(watch, gone),
        at=now,
        reasons=(reason,),
        touched=gone,
        edits={episode.id: Urgency.NOW for episode in gone},
    )


def _edited(watch: Watch, episode: Episode, now: datetime, policy: Policy, reason: Reason) -> Step:
    after = scheduled(episode, now, policy)
    return Step(
        watch=with_episodes(watch, (after,)),
        at=now,
        reasons=(reason,),
        touched=(after,),
        edits={after.id: Urgency.NOW},
    )
