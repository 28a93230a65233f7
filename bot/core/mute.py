"""What people decide about an open episode."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.core.command import SHORTEST_SNOOZE
from bot.core.episode import edited
from bot.core.model import Policy
from bot.core.notice import Reason, Step
from bot.core.watch import Mute, Watch

ACK_LASTS = timedelta(days=3)
MORNING = time(9, 0)
AT_ONCE = timedelta(minutes=1)


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
    """Mute or resume one open episode; the last of ack and snooze wins, the same again changes nothing."""
    episode = next((found for found in watch.episodes if found.id == episode_id), None)
    if episode is None:
        return Step(watch, now, (Reason.NOT_OPEN,))
    if decision.until is None:
        if episode.mute is None:
            return Step(watch, now, (Reason.NOT_MUTED,))
        return edited(watch, replace(episode, mute=None, remind_at=None), now, policy, Reason.RESUMED)
    mute = Mute(decision.by, now, decision.until, decision.snoozed)
    if episode.mute and _comes_to_the_same(episode.mute, mute):
        return Step(watch, now, (Reason.MUTED_ALREADY,))
    return edited(watch, replace(episode, mute=mute), now, policy, Reason.MUTED)


def _comes_to_the_same(present: Mute, wanted: Mute) -> bool:
    """Two people who press the same at once make one change."""
    if present.snoozed != wanted.snoozed or present.until <= wanted.at:
        return False
    return not wanted.snoozed or abs(wanted.until - present.until) < AT_ONCE
