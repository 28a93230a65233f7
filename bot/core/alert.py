"""The life of an alert: pure steps from what was known and what happened to what is owed."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from bot.core.model import (
    TOLD_AT_ONCE,
    Account,
    Credits,
    Episode,
    Failure,
    Field,
    Firing,
    Level,
    Policy,
    Reading,
    Rise,
    Rule,
    Trouble,
    Watch,
)
from bot.core.notice import Kind, Notice, Reason, Step, Urgency


@dataclass(frozen=True)
class _Verdict:
    """What became of one episode in one step."""

    episode: Episode | None
    reason: Reason
    kind: Kind | None = None
    urgency: Urgency | None = None


def step(
    watch: Watch, account: Account, outcome: Reading | Failure, began_at: datetime, policy: Policy
) -> Step:
    """Judge one outcome of reading `account`, asked for at `began_at` (UTC)."""
    # Of a run of failures the first counts: what began before it says nothing of the time since.
    stored = watch.failing_since or (watch.reading and watch.reading.began_at)
    if stored and began_at <= stored:
        return Step(watch, began_at, (Reason.OLDER_THAN_STORED,))
    if isinstance(outcome, Failure):
        return _failed(watch, account, outcome, began_at, policy)
    return _read(watch, account, outcome, policy)


def _read(watch: Watch, account: Account, reading: Reading, policy: Policy) -> Step:
    low = _judge(watch, account, reading, policy)
    verdicts = [low]
    if watch.unreadable:
        ended = replace(watch.unreadable, ended_at=reading.began_at)
        verdicts.append(_Verdict(ended, Reason.READABLE_AGAIN, Kind.ENDED, Urgency.NOW))
        if low.episode:
            verdicts[0] = replace(low, urgency=Urgency.NOW)
    after = Watch(
        reading=reading,
        low=low.episode if low.episode and not low.episode.ended_at else None,
    )
    return _step(after, verdicts, reading.began_at, policy, reading)


def _failed(watch: Watch, account: Account, failure: Failure, now: datetime, policy: Policy) -> Step:
    failures = watch.failures + 1
    since = watch.failing_since or now
    after = replace(watch, failures=failures, failing_since=since)
    open_episode = watch.unreadable
    if open_episode is None:
        if failure.cause not in TOLD_AT_ONCE and failures < policy.unreadable_after:
            return Step(after, now, (Reason.COUNTING_FAILURES,))
        episode = _open(account, Trouble.UNREADABLE, failure.level, since, failure=failure)
        verdict = _Verdict(episode, Reason.UNREADABLE, Kind.OPENED)
    elif failure.level > open_episode.level:
        episode = replace(open_episode, level=failure.level, failure=failure, mute=None)
        verdict = _Verdict(episode, Reason.WORSE_FAILURE, Kind.WORSE, Urgency.NOW)
    else:
        changed = failure != open_episode.failure
        episode = replace(open_episode, failure=failure)
        verdict = _Verdict(episode, Reason.STILL_UNREADABLE, None, Urgency.SOON if changed else None)
    verdicts = [verdict]
    if watch.low and open_episode is None:
        verdicts.append(_Verdict(watch.low, Reason.STILL_LOW, None, Urgency.NOW))
    return _step(replace(after, unreadable=episode), verdicts, now, policy)


def _judge(watch: Watch, account: Account, reading: Reading, policy: Policy) -> _Verdict:
    before = watch.low
    firing = _firing(before.firing if before else (), account.rules, reading.credits, policy)
    level = max((rule.level for rule in firing), default=Level.OK)
    if reading.credits.empty or _still_empty(watch, reading.credits):
        level = Level.EMPTY
    now = reading.began_at
    if before is None:
        if level is Level.OK:
            return _Verdict(None, Reason.FINE)
        return _Verdict(_open(account, Trouble.LOW, level, now, firing=firing), Reason.OPENED, Kind.OPENED)
    rise = _rise(watch.reading, reading)
    episode = replace(
        before,
        topped_up=before.topped_up + rise,
        rise=Rise(rise, now) if rise else before.rise,
        thresholds_changed=_changed_thresholds(before.firing, account.rules, reading.credits, policy),
    )
    if level is Level.OK:
        return _Verdict(replace(episode, ended_at=now), Reason.ENDED, Kind.ENDED, Urgency.NOW)
    after = replace(episode, level=level, firing=firing)
    if level > before.level:
        return _Verdict(replace(after, mute=None), Reason.WORSE, Kind.WORSE, Urgency.NOW)
    if level < before.level:
        return _Verdict(after, Reason.IMPROVED, None, Urgency.NOW)
    if firing != before.firing:
        return _Verdict(after, Reason.SAME_LEVEL, None, Urgency.NOW)
    moved = watch.reading is None or watch.reading.credits != reading.credits
    return _Verdict(after, Reason.STILL_LOW, None, Urgency.SOON if moved else None)


def _firing(
    before: tuple[Firing, ...], rules: tuple[Rule, ...], credits_: Credits, policy: Policy
) -> tuple[Firing, ...]:
    held = {(rule.field, rule.level): rule.threshold for rule in before}
    return tuple(
        Firing(rule.field, rule.level, rule.threshold)
        for rule in rules
        if credits_.amounts[rule.field] < _ends_at(rule, held.get((rule.field, rule.level)), policy)
    )


def _ends_at(rule: Rule, held: Decimal | None, policy: Policy) -> Decimal:
    """A rule that fires under this very threshold ends above the margin; any other is judged without it."""
    return rearmed_at(rule.threshold, policy) if held == rule.threshold else rule.threshold


def rearmed_at(threshold: Decimal, policy: Policy) -> Decimal:
    """The value at which a rule that has fired ends."""
    return threshold * (1 + policy.rearm_margin)


def _changed_thresholds(
    before: tuple[Firing, ...], rules: tuple[Rule, ...], credits_: Credits, policy: Policy
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the changes that matter: what ends under the old threshold too was not ended by the new one."""
    held = {(rule.field, rule.level): rule.threshold for rule in before}
    pairs = (
        (held.get((rule.field, rule.level), rule.threshold), rule.threshold, credits_.amounts[rule.field])
        for rule in rules
    )
    return tuple((old, new) for old, new, value in pairs if old != new and value < rearmed_at(old, policy))


def _still_empty(watch: Watch, credits_: Credits) -> bool:
    """Missing is not a number: a count that was zero and is not given any more ends nothing by itself.

    Only a rise of the balance does: then somebody has topped up, and there is money again.
    """
    if watch.level is not Level.EMPTY or watch.reading is None or Field.CREDIT_SMS in credits_.amounts:
        return False
    last = watch.reading.credits
    by_count = not last.empty or last.amounts.get(Field.CREDIT_SMS, Decimal(1)) <= 0
    return by_count and credits_.amounts[Field.BALANCE] <= last.amounts[Field.BALANCE]


def _rise(before: Reading | None, after: Reading) -> Decimal:
    """What was topped up between two readings, at least: spending in between hides a part of it."""
    if before is None:
        return Decimal(0)
    return max(after.credits.amounts[Field.BALANCE] - before.credits.amounts[Field.BALANCE], Decimal(0))


def episode_id(*parts: str) -> str:
    """Return the id that these facts always give: two processes that find the same open one episode."""
    return uuid5(NAMESPACE_URL, "/".join(parts)).hex[:12]


def _open(
    account: Account,
    trouble: Trouble,
    level: Level,
    now: datetime,
    *,
    firing: tuple[Firing, ...] = (),
    failure: Failure | None = None,
) -> Episode:
    return Episode(
        id=episode_id(account.name, trouble, now.isoformat()),
        account=account.name,
        trouble=trouble,
        channel=account.channel,
        level=level,
        opened_at=now,
        firing=firing,
        failure=failure,
    )


def remind(watch: Watch, now: datetime, policy: Policy) -> Step:
    """Remind of what was not told for long or whose mute is over; missed reminders are not made up."""
    verdicts = [
        _Verdict(replace(episode, mute=None), Reason.REMINDED, Kind.REMINDER, Urgency.NOW)
        for episode in watch.episodes
        if episode.remind_at and episode.remind_at <= now
    ]
    if not verdicts:
        return Step(watch, now, (Reason.NOTHING_DUE,))
    return _step(watch, verdicts, now, policy)


def _step(
    watch: Watch, verdicts: list[_Verdict], now: datetime, policy: Policy, reading: Reading | None = None
) -> Step:
    told = [(verdict, _scheduled(verdict, episode, now, policy)) for verdict, episode in _episodes(verdicts)]
    return Step(
        watch=with_episodes(watch, tuple(episode for _, episode in told)),
        at=now,
        reasons=tuple(verdict.reason for verdict in verdicts),
        reading=reading,
        touched=tuple(episode for _, episode in told),
        notices=tuple(
            Notice(verdict.kind, episode.channel, now, episode.id, episode.level)
            for verdict, episode in told
            if verdict.kind
        ),
        edits={episode.id: verdict.urgency for verdict, episode in told if verdict.urgency},
    )


def _episodes(verdicts: list[_Verdict]) -> list[tuple[_Verdict, Episode]]:
    return [(verdict, verdict.episode) for verdict in verdicts if verdict.episode]


def with_episodes(watch: Watch, changed: tuple[Episode, ...]) -> Watch:
    """Return the state with these episodes in it; those that have ended leave it."""
    for episode in changed:
        still = None if episode.ended_at else episode
        if episode.trouble is Trouble.LOW:
            watch = replace(watch, low=still)
        else:
            watch = replace(watch, unreadable=still)
    return watch


def _scheduled(verdict: _Verdict, episode: Episode, now: datetime, policy: Policy) -> Episode:
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
