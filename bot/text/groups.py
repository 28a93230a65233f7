"""What the bot says of accounts that cannot be read: of one alone, or of those that share an episode."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.core.group import LISTED
from bot.core.model import Account
from bot.core.reading import Cause, Failure, Reading
from bot.core.watch import Episode, Member, Trouble
from bot.text.causes import CauseWords
from bot.text.figures import escape

NONE_READ: Mapping[str, Reading] = MappingProxyType({})
"""No account that shares the episode has a good reading."""


@dataclass(frozen=True)
class GroupWords(CauseWords):
    """What the bot says of the accounts of an unreadable episode."""

    def account(self, name: str) -> str:
        """Name the account; a group's accounts are named one by one."""
        if "@" in name:
            return self.say.group
        return self.say.account.format(account=escape(name))

    def whose(self, episode: Episode) -> str:
        """Name the account of an episode, or say that they are several."""
        return self.account(self.alone(episode) or episode.account)

    def unreadable_title(self, episode: Episode) -> str:
        """Say the news of an unreadable episode as it is now."""
        ended = episode.ended_at is not None
        if len(episode.members) > 1:
            return self._group_title(episode)
        account = escape(episode.members[0].account if episode.members else episode.account)
        if episode.failure and episode.failure.unbalanced:
            template = self.say.unbalanced_ended_title if ended else self.say.unbalanced_title
            return template.format(account=account)
        if episode.failure and episode.failure.listing:
            template = self.say.unlisted_ended_title if ended else self.say.unlisted_title
            return template.format(account=account)
        if ended:
            return self.say.ended_titles[Trouble.UNREADABLE].format(account=account)
        if episode.failure and episode.failure.cause is Cause.NO_CREDIT:
            return self.say.no_credit_title.format(account=account)
        return self.say.unreadable_title.format(account=account)

    def _group_title(self, episode: Episode) -> str:
        counted = tuple(one for one in episode.members if episode.ended_at or one.until is None)
        unread = tuple(one for one in counted if not one.failure.listing)
        if unread:
            template = self.say.group_ended_title if episode.ended_at else self.say.group_title
        else:
            template = self.say.group_listed_title if episode.ended_at else self.say.group_unlisted_title
        host = escape(episode.account.split("@")[0])
        return template.format(count=self.counted(len(unread or counted)), host=host)

    def unreadable(
        self, episode: Episode, failure: Failure, readings: Mapping[str, Reading], most: int = LISTED
    ) -> tuple[str, ...]:
        """Say why accounts cannot be read, what to do, and which (so many) they are with what they had."""
        account = self._account_of(episode)
        listing: tuple[str, ...] = ()
        if failure.listing:
            several = len(episode.members) > 1
            listing = (self.say.listings_failed if several else self.listing_failed(failure),)
        cause = self.cause(failure, account, self._providers_of(episode))
        why = (*listing, cause, self.mend(failure, account))
        if alone := self.alone(episode):
            # Where the list alone fails, newer figures come in than a message can show.
            return why if failure.listing else (*why, self.last_reading(readings.get(alone)))
        return (*why, *self.members(episode, readings, most))

    def alone(self, episode: Episode) -> str:
        """Return the account that a group's episode is about, if it is one only: then the title names it."""
        return episode.members[0].account if len(episode.members) == 1 else ""

    def members(
        self, episode: Episode, readings: Mapping[str, Reading], most: int = LISTED
    ) -> tuple[str, ...]:
        """Say a line of each account that shares an episode with others, of so many at most."""
        if self.alone(episode):
            return ()
        lines = (
            self._member(episode, member, readings.get(member.account)) for member in episode.members[:most]
        )
        return (*lines, *self.more(len(episode.members) - most))

    def _member(self, episode: Episode, member: Member, reading: Reading | None) -> str:
        account, since = escape(member.account), self.time(member.since)
        until = self.time(member.until) if member.until else ""
        if until and not episode.ended_at:
            return self.say.member_read.format(account=account, until=until)
        if until:
            was = self.say.member_was_unlisted if member.failure.listing else self.say.member_was_failing
            left = f" {self.left(reading)}" if reading else ""
            return was.format(account=account, since=since, until=until) + left
        figures = f" {self.last_reading(reading)}" if reading and not member.failure.listing else ""
        if member.failure == episode.failure:
            return self.say.member_failing.format(account=account, since=since) + figures
        if member.failure.listing:
            return self.say.member_unlisted.format(account=account, since=since)
        cause = self.cause(member.failure, self.accounts.get(member.account) or self._account_of(episode))
        otherwise = self.say.member_failing_otherwise.format(account=account, since=since, cause=cause)
        return otherwise + figures

    def _account_of(self, episode: Episode) -> Account:
        first = episode.members[0].account if episode.members else episode.account
        known = self.accounts.get(first)
        return known or Account(episode.account, episode.channel, product=episode.product)

    def _providers_of(self, episode: Episode) -> str:
        """Name the provider of accounts that share an episode, though one host may serve several products."""
        known = (self.accounts.get(member.account) for member in episode.members)
        products = {account.product for account in known if account}
        return self.say.some_provider if len(products) > 1 else ""
