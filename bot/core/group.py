"""No storms: accounts of one host and channel share one episode of failures that heal by themselves."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.core.alert import of_the_list
from bot.core.episode import Verdict, closed, episode_id, opened, told
from bot.core.model import Account, Level, Policy
from bot.core.naming import natural
from bot.core.notice import Kind, Reason, Step, Urgency
from bot.core.reading import HEALING, Failure
from bot.core.watch import Ending, Episode, Member, Mute, Trouble, Watch

LISTED = 10
"""So many accounts of a group, or sub-accounts of an account, are named in one message."""


def share(
    watch: Watch,
    group: Account,
    accounts: Mapping[str, Watch],
    now: datetime,
    policy: Policy,
    mute: Mute | None = None,
) -> Step:
    """Judge what the accounts of a group have in common, from what is known of each.

    `group` bears the group's name and channel, and the product of its accounts; `mute` is one that they had
    in another group until now.
    """
    failing = _failing(accounts, policy)
    before = watch.unreadable
    if before is None:
        if not failing:
            return Step(watch, now, (Reason.FINE,))
        episode = replace(_opened(group, failing, now), mute=mute)
        return told(watch, [Verdict(episode, Reason.UNREADABLE, Kind.OPENED)], now, policy)
    return told(watch, [_kept(before, failing, accounts, now)], now, policy)


def _kept(
    before: Episode, failing: tuple[Member, ...], accounts: Mapping[str, Watch], now: datetime
) -> Verdict:
    members = _members(before, failing, accounts)
    unread = tuple(member for member in members if member.until is None)
    if unread:
        after = replace(before, members=members, failure=_gravest(unread))
        if _lists_alone(before.members) and not _lists_alone(unread):
            # That the lists cannot be read was told; that an account itself cannot be is news.
            return Verdict(replace(after, mute=None), Reason.WORSE_FAILURE, Kind.WORSE, Urgency.NOW)
        return Verdict(after, Reason.STILL_UNREADABLE, None, Urgency.NOW if after != before else None)
    if members:
        ended = replace(before, members=members, ended_at=now)
        return Verdict(ended, Reason.READABLE_AGAIN, Kind.ENDED, Urgency.NOW)
    return Verdict(closed(before, now, Ending.SPLIT), Reason.SPLIT, None, Urgency.NOW)


def _failing(accounts: Mapping[str, Watch], policy: Policy) -> tuple[Member, ...]:
    """Return the accounts that fail for long, and have no episode of their own, the first to fail first."""
    found = [
        Member(name, watch.failing_since, watch.failure)
        for name, watch in accounts.items()
        if not _alone(watch, watch.failure)
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


def _lists_alone(members: tuple[Member, ...]) -> bool:
    return all(member.failure.listing for member in members if member.until is None)


def _members(
    before: Episode, failing: tuple[Member, ...], accounts: Mapping[str, Watch]
) -> tuple[Member, ...]:
    """Return who fails, then who was read again; who now has an episode of its own has left."""
    fails = {member.account for member in failing}
    others = (member for member in before.members if member.account not in fails)
    now_of = (member if member.until else _now(member, accounts.get(member.account)) for member in others)
    found = (*failing, *(member for member in now_of if member))
    return tuple(sorted(found, key=lambda member: member.until is not None))


def _now(member: Member, watch: Watch | None) -> Member | None:
    """Return what became of one that is not known to fail for long: it was read, or counts below a new limit.

    One that was read may fail anew by now: it was read all the same.
    """
    if watch is None or _alone(watch, member.failure):
        return None
    if watch.failing_since is not None and watch.failing_since <= member.since:
        return member
    if watch.reading is None:
        return None
    if member.failure.listing and watch.reading.credits.unlisted:
        return member
    return replace(member, until=watch.reading.began_at)


def _alone(watch: Watch, failure: Failure | None) -> bool:
    """Whether an account has an episode of its own of such a failure: one of its list is of no other."""
    own = watch.unreadable
    return own is not None and (not of_the_list(own) or (failure is not None and failure.listing))
