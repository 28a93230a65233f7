"""What a changed configuration does to what is open."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from bot.core import rules
from bot.core.alert import counted_anew, of_the_list
from bot.core.episode import closed, edited, episode_id, scheduled, with_episodes
from bot.core.model import Account, Policy
from bot.core.notice import Kind, Notice, Reason, Step, Urgency
from bot.core.watch import Ending, Episode, Watch


def reconcile(
    watch: Watch,
    account: Account | None,
    now: datetime,
    policy: Policy,
    accounts: Mapping[str, Account] = MappingProxyType({}),
) -> Step:
    """Fit what is open to the configuration found at start; `None` stands for an account no longer in it.

    `accounts` are all that are configured: those of a group that is gone may still be among them, and those
    of one that is not say whether its lists of sub-accounts are still asked for.
    """
    if account is None:
        gone = tuple(_gone(episode, accounts, now) for episode in watch.episodes)
        return _without(counted_anew(watch), gone, now, Reason.NOT_CONFIGURED)
    listed = _listed(watch, account, now, accounts)
    ruled = _ruled(listed.watch, account, now, policy)
    moved = _moved(ruled.watch, account, now, policy)
    recalled = _recalled(moved.watch, now, policy)
    return _together(_together(_together(listed, ruled), moved), recalled)


def _gone(episode: Episode, accounts: Mapping[str, Account], now: datetime) -> Episode:
    failing = [accounts[one.account] for one in episode.members if not one.until and one.account in accounts]
    if not failing:
        return closed(episode, now, Ending.NOT_CONFIGURED)
    channels = {one.channel for one in failing}
    if len(channels) == 1 and episode.channel not in channels:
        return closed(episode, now, Ending.MOVED, failing[0].channel)
    return closed(episode, now, Ending.SPLIT)


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
    old = tuple(closed(episode, now, Ending.MOVED, account.channel) for episode in strays)
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


def _listed(watch: Watch, account: Account, now: datetime, accounts: Mapping[str, Account]) -> Step:
    """Close an alert about lists of sub-accounts once none of them is asked for any more."""
    own = watch.unreadable
    if own is None or not of_the_list(own):
        return Step(watch, now, (Reason.NOTHING_DUE,))
    failing = (accounts.get(one.account) for one in own.members if not one.until)
    if any(one and one.subaccounts for one in (account, *failing)):
        return Step(watch, now, (Reason.NOTHING_DUE,))
    after = counted_anew(watch) if of_the_list(watch) else watch
    return _without(after, (closed(own, now, Ending.NOT_CONFIGURED),), now, Reason.NOT_CONFIGURED)


def _ruled(watch: Watch, account: Account, now: datetime, policy: Policy) -> Step:
    low = watch.low
    if low is None:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    kept = tuple(one for one in low.firing if rules.still_configured(one, account))
    if kept == low.firing:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    if not kept:
        return _without(watch, (closed(low, now, Ending.NOT_CONFIGURED),), now, Reason.NOT_CONFIGURED)
    fewer = replace(low, firing=kept, level=rules.level_of(kept))
    return edited(watch, fewer, now, policy, Reason.RULES_CHANGED)


def _without(watch: Watch, gone: tuple[Episode, ...], now: datetime, reason: Reason) -> Step:
    if not gone:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    return Step(
        watch=with_episodes(watch, gone),
        at=now,
        reasons=(reason,),
        touched=gone,
        edits={episode.id: Urgency.NOW for episode in gone},
    )
