"""No storms: accounts of one host and channel share one episode of failures that heal by themselves."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.core.episode import Verdict, episode_id, opened, told
from bot.core.model import (
    HEALING,
    Account,
    Ending,
    Episode,
    Failure,
    Level,
    Member,
    Policy,
    Trouble,
    Watch,
)
from bot.core.naming import natural
from bot.core.notice import Kind, Reason, Step, Urgency


def share(watch: Watch, group: Account, accounts: Mapping[str, Watch], now: datetime, policy: Policy) -> Step:
    """Judge what the accounts of a group have in common, from what is known of each.

    `group` bears the group's name and channel, and the product of its accounts.
    """
    failing = _failing(accounts, policy)
    before = watch.unreadable
    if before is None:
        if not failing:
            return Step(watch, now, (Reason.FINE,))
        return told(
            watch, [Verdict(_opened(group, failing, now), Reason.UNREADABLE, Kind.OPENED)], now, policy
        )
    members = _members(before, failing, accounts)
    after = replace(before, members=members, failure=_gravest(failing) if failing else before.failure)
    if failing:
        verdict = Verdict(after, Reason.STILL_UNREADABLE, None, Urgency.NOW if after != before else None)
    elif any(member.until for member in members):
        ended = replace(after, ended_at=now)
        verdict = Verdict(ended, Reason.READABLE_AGAIN, Kind.ENDED, Urgency.NOW)
    else:
        split = replace(after, ended_at=now, ending=Ending.SPLIT, remind_at=None)
        verdict = Verdict(split, Reason.SPLIT, None, Urgency.NOW)
    return told(watch, [verdict], now, policy)


def _failing(accounts: Mapping[str, Watch], policy: Policy) -> tuple[Member, ...]:
    """Return the accounts that fail for long, and have no episode of their own, the first to fail first."""
    found = [
        Member(name, watch.failing_since, watch.failure)
        for name, watch in accounts.items()
        if watch.unreadable is None
        and watch.failures >= policy.unreadable_after
        and watch.failing_since
        and watch.failure
        and watch.failure.cause in HEALING
    ]
    return tuple(sorted(found, key=lambda member: (member.since, natural(member.account))))


def _opened(group: Account, failing: tuple[Member, ...], now: datetime) -> Episode:
    since, failure = failing[0].since, _gravest(failing)
    episode = opened(group, Trouble.UNREADABLE, Level.WARNING, since, failure=failure)
    # The same outage may be shared again, after a change of channel that was taken back: it is told anew.
    return replace(episode, id=episode_id(episode.id, now.isoformat()), members=failing)


def _gravest(failing: tuple[Member, ...]) -> Failure:
    """Return what failed first; an account that cannot be read comes before a list of sub-accounts."""
    return min(failing, key=lambda member: member.failure.listing).failure


def _members(
    before: Episode, failing: tuple[Member, ...], accounts: Mapping[str, Watch]
) -> tuple[Member, ...]:
    """Return who fails, then who was read again; who now has an episode of its own has left."""
    fails = {member.account for member in failing}
    others = (member for member in before.members if member.account not in fails)
    healed = (member if member.until else _healed(member, accounts.get(member.account)) for member in others)
    return (*failing, *(member for member in healed if member))


def _healed(member: Member, watch: Watch | None) -> Member | None:
    if watch is None or watch.failures or watch.reading is None:
        return None
    return replace(member, until=watch.reading.began_at)
