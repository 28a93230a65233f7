"""The life of an alert: pure steps from what was known and what happened to what is owed."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bot.core import listing, rules
from bot.core.clock import rewound, set_back
from bot.core.currency import in_one_unit, same_unit
from bot.core.episode import Verdict, episode_id, opened, told, with_episodes
from bot.core.model import Account, Level, Policy
from bot.core.notice import Kind, Reason, Step, Urgency
from bot.core.reading import HEALING, TOLD_AT_ONCE, Failure, Reading
from bot.core.watch import Episode, Mute, Rise, Trouble, Watch


def step(
    watch: Watch,
    account: Account,
    outcome: Reading | Failure,
    began_at: datetime,
    now: datetime,
    policy: Policy,
    *,
    polled: bool = True,
) -> Step:
    """Judge, at `now`, one outcome of reading `account`, asked for at `began_at` (UTC).

    Only what was `polled`, and not read for a command, counts money in another unit, and a list of
    sub-accounts that failed. An account whose stored state cannot be read counts as one that cannot be read.
    """
    if watch.blind and isinstance(outcome, Reading):
        if not polled:
            return Step(watch, began_at, (Reason.STATE_UNREADABLE,))
        outcome = watch.blind
    # Of a run of failures the first counts: what began before it says nothing of the time since.
    stored = max(
        (at for at in (watch.failing_since, watch.reading and watch.reading.began_at) if at), default=None
    )
    if stored is None or began_at > stored:
        return _judged(watch, account, outcome, began_at, policy, polled=polled)
    if set_back(stored, now):
        judged = _judged(rewound(watch, began_at), account, outcome, began_at, policy, polled=polled)
        return replace(judged, reasons=(*judged.reasons, Reason.CLOCK_SET_BACK))
    return Step(watch, began_at, (Reason.OLDER_THAN_STORED,))


def _judged(
    watch: Watch,
    account: Account,
    outcome: Reading | Failure,
    began_at: datetime,
    policy: Policy,
    *,
    polled: bool,
) -> Step:
    if isinstance(outcome, Failure):
        return _failed(watch, account, outcome, began_at, policy)
    found = in_one_unit(outcome, account, watch.reading)
    if isinstance(found, Reading):
        return _read(watch, account, listing.taken(watch.reading, found, account), policy, polled=polled)
    not_counted = Step(watch, began_at, (Reason.NOT_COUNTED,))
    failed = _failed(watch, account, found, began_at, policy) if polled else not_counted
    return replace(failed, failure=found)


def _read(
    watch: Watch,
    account: Account,
    reading: Reading,
    policy: Policy,
    *,
    polled: bool,
) -> Step:
    now = reading.began_at
    low = _judge(watch, account, reading, policy)
    verdicts = [low]
    after = Watch()
    still_unlisted = watch.unreadable if reading.credits.unlisted and of_the_list(watch.unreadable) else None
    if watch.unreadable and not still_unlisted:
        ended = replace(watch.unreadable, ended_at=now)
        verdicts.append(Verdict(ended, Reason.READABLE_AGAIN, Kind.ENDED, Urgency.NOW))
    if reading.credits.unlisted:
        # The account itself was read: failures of its own are over, and those of the list are counted apart.
        counted = watch if of_the_list(watch) else counted_anew(watch)
        after = replace(counted, unreadable=still_unlisted)
    if reading.credits.unlisted and polled:
        after, unreadable = _count_failure(after, account, reading.credits.unlisted, now, policy)
        verdicts.append(unreadable)
    if low.episode and figures_are_old(watch, policy):
        verdicts[0] = replace(low, urgency=Urgency.NOW)
    return told(replace(after, reading=reading), verdicts, now, policy, reading)


def _failed(watch: Watch, account: Account, failure: Failure, now: datetime, policy: Policy) -> Step:
    # The list failed while the account was read: what fails now is counted apart.
    before = counted_anew(watch) if of_the_list(watch) else watch
    after, unreadable = _count_failure(before, account, failure, now, policy)
    verdicts = [unreadable]
    news = figures_are_old(_with(after, unreadable), policy) and not figures_are_old(watch, policy)
    if watch.low and news:
        verdicts.append(Verdict(watch.low, Reason.STILL_LOW, None, Urgency.NOW))
    return told(after, verdicts, now, policy)


def _count_failure(
    watch: Watch, account: Account, failure: Failure, now: datetime, policy: Policy
) -> tuple[Watch, Verdict]:
    """Return the state with one failure more, and what becomes of the account's own unreadable episode."""
    failures = watch.failures + 1
    since = watch.failing_since or now
    after = replace(watch, failures=failures, failing_since=since, failure=failure)
    open_episode = watch.unreadable
    # That the list cannot be read was told; that the account itself cannot be is news.
    graver = of_the_list(open_episode) and not failure.listing
    told_yet = open_episode is not None and not graver
    if not told_yet and failure.cause not in TOLD_AT_ONCE and failures < policy.unreadable_after:
        return after, Verdict(None, Reason.COUNTING_FAILURES)
    if not told_yet and account.group and failure.cause in HEALING:
        return after, Verdict(None, Reason.SHARED_WITH_GROUP)
    if open_episode is None:
        episode = opened(account, Trouble.UNREADABLE, failure.level, since, failure=failure)
        return after, Verdict(episode, Reason.UNREADABLE, Kind.OPENED)
    if graver or failure.level > open_episode.level:
        level = max(failure.level, open_episode.level)
        episode = replace(open_episode, level=level, failure=failure, mute=None)
        return after, Verdict(episode, Reason.WORSE_FAILURE, Kind.WORSE, Urgency.NOW)
    changed = failure != open_episode.failure
    episode = replace(open_episode, failure=failure)
    return after, Verdict(episode, Reason.STILL_UNREADABLE, None, Urgency.SOON if changed else None)


def overdue(watch: Watch, account: Account, now: datetime, policy: Policy, mute: Mute | None = None) -> Step:
    """Tell, by an episode of its own, that an account cannot be read, which it shared with others until now.

    `mute` is the one of what was shared. It was told already, so that no limit of failed polls matters.
    """
    failure, since = watch.failure, watch.failing_since
    if watch.unreadable or failure is None or since is None or not watch.failures:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    episode = opened(account, Trouble.UNREADABLE, failure.level, since, failure=failure)
    # The same outage may have been told so before, in a configuration that was taken back.
    episode = replace(episode, id=episode_id(episode.id, now.isoformat()), mute=mute)
    return told(watch, [Verdict(episode, Reason.UNREADABLE, Kind.OPENED)], now, policy)


def figures_are_old(watch: Watch, policy: Policy) -> bool:
    """Whether the last figures are from before the failures that people are told of."""
    told_of = watch.unreadable is not None and not of_the_list(watch.unreadable)
    return told_of or (watch.failures >= policy.unreadable_after and not of_the_list(watch))


def of_the_list(failing: Watch | Episode | None) -> bool:
    """Whether it is the list of sub-accounts alone that fails."""
    return failing is not None and failing.failure is not None and failing.failure.listing


def counted_anew(watch: Watch) -> Watch:
    """Return the state with no failures in a row: what was counted says nothing of what comes next."""
    return replace(watch, failures=0, failing_since=None)


def _with(watch: Watch, verdict: Verdict) -> Watch:
    return with_episodes(watch, (verdict.episode,)) if verdict.episode else watch


def _judge(watch: Watch, account: Account, reading: Reading, policy: Policy) -> Verdict:
    before = watch.low
    held = before.firing if before else ()
    firing = rules.firing(held, account, reading, watch.reading, policy)
    level = rules.level_of(firing)
    now = reading.began_at
    if before is None:
        if level is Level.OK:
            return Verdict(None, Reason.FINE)
        return Verdict(opened(account, Trouble.LOW, level, now, firing=firing), Reason.OPENED, Kind.OPENED)
    if watch.reading and not same_unit(watch.reading.credits.currency, reading.credits.currency):
        before = replace(before, topped_up=Decimal(0), rise=None)
    rise = rules.risen(watch.reading, reading, held)
    episode = replace(
        before,
        topped_up=before.topped_up + rise,
        rise=Rise(rise, now) if rise else before.rise,
        thresholds_changed=rules.changed_thresholds(held, account, reading.credits, policy),
    )
    if level is Level.OK:
        return Verdict(replace(episode, ended_at=now), Reason.ENDED, Kind.ENDED, Urgency.NOW)
    after = replace(episode, level=level, firing=firing)
    worse = rules.worsened(held, firing)
    # A mute holds for what is no worse than the level it was set at; nothing mutes "empty".
    if worse is Level.EMPTY or worse > (before.level if before.mute else Level.OK):
        return Verdict(replace(after, mute=None), Reason.WORSE, Kind.WORSE, Urgency.NOW, worse)
    if level < before.level:
        return Verdict(after, Reason.IMPROVED, None, Urgency.NOW)
    if firing != before.firing:
        return Verdict(after, Reason.SAME_LEVEL, None, Urgency.NOW)
    moved = watch.reading is None or watch.reading.credits != reading.credits
    return Verdict(after, Reason.STILL_LOW, None, Urgency.SOON if moved else None)


def remind(watch: Watch, now: datetime, policy: Policy) -> Step:
    """Remind of what was not told for long or whose mute is over; missed reminders are not made up."""
    verdicts = [
        Verdict(replace(episode, mute=None), Reason.REMINDED, Kind.REMINDER, Urgency.NOW)
        for episode in watch.episodes
        if episode.remind_at and episode.remind_at <= now
    ]
    if not verdicts:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    return told(watch, verdicts, now, policy)
