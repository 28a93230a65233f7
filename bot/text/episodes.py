"""What the bot says of an episode: its news, its cause, who keeps it silent, its end."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.group import LISTED
from bot.core.model import Field, Level
from bot.core.naming import natural
from bot.core.notice import Reason
from bot.core.reading import ENOUGH, Credits, Reading, SubAccount
from bot.core.watch import Ending, Episode, Firing, Rise, ThresholdChange, Trouble
from bot.text.figures import escape
from bot.text.groups import NONE_READ, GroupWords


@dataclass(frozen=True)
class EpisodeWords(GroupWords):
    """What the bot says of episodes."""

    def title(self, episode: Episode) -> str:
        """Say the news of an episode as it is now."""
        if episode.trouble is Trouble.UNREADABLE:
            return self.unreadable_title(episode)
        titles = self.say.low_titles
        template = self.say.ended_titles[Trouble.LOW] if episode.ended_at else titles[episode.level]
        worst = [one for one in episode.firing if episode.ended_at or one.level is episode.level]
        of_subaccounts = bool(worst) and all(one.subaccount for one in worst)
        credits_ = self.say.subaccount_credits if of_subaccounts else self.say.credits[episode.product]
        title = template.format(credits=credits_)
        if len(self.accounts) > 1:
            return self.say.named_title.format(account=escape(episode.account), title=title)
        return title

    def reminder(self, episode: Episode) -> str:
        """Recall what is open: the title must not read as news."""
        return self.say.reminder_title.format(title=self.title(episode))

    def facts(
        self,
        episode: Episode,
        credits_: Credits | None,
        readings: Mapping[str, Reading] = NONE_READ,
        most: int = LISTED,
    ) -> tuple[str, ...]:
        """Give the cause of an open episode: a sentence for each rule that has fired, or why it is silent.

        `readings` are the last good ones of the accounts that share it, of which `most` are named.
        """
        if episode.failure:
            return self.unreadable(episode, episode.failure, readings, most)
        if credits_ is None:
            return (self.say.no_reading,)
        own = tuple(one for one in episode.firing if not one.subaccount)
        if any(one.level is Level.EMPTY for one in own) or (
            episode.level is Level.EMPTY and not episode.firing
        ):
            said: tuple[str, ...] = (self._used_up(credits_),)
        else:
            said = tuple(self._crossed(rule, own, credits_) for rule in _worst_of_each_field(own))
        return (*said, *self._troubled_subaccounts(episode, credits_))

    def ended_title(self, episode: Episode, reading: Reading | None) -> str:
        """Say the news of an end; sub-accounts that are gone have not recovered."""
        if not self._gone(episode, reading):
            return self.title(episode)
        return self.say.named_title.format(account=escape(episode.account), title=self.say.gone_title)

    def _gone(self, episode: Episode, reading: Reading | None) -> tuple[str, ...]:
        """Return the sub-accounts that an episode was about, if none of them is listed any more."""
        listed = {one.id for one in reading.credits.subaccounts} if reading else set()
        troubled = tuple(dict.fromkeys(one.subaccount for one in episode.firing))
        return troubled if reading and all(one and one not in listed for one in troubled) else ()

    def end(
        self,
        episode: Episode,
        reading: Reading | None,
        readings: Mapping[str, Reading] = NONE_READ,
        *,
        told_late: bool,
    ) -> tuple[str, ...]:
        """Tell how an episode ended; `readings` are the last good ones of the accounts that shared it."""
        if episode.ended_at is None:
            return ()
        said = [
            self.say.gone.format(name=self._subaccount_name(episode.account, one))
            for one in self._gone(episode, reading)[:LISTED]
        ]
        reading = reading or readings.get(self.alone(episode))
        if reading:
            said.append(self.left(reading))
        since, until = self.time(episode.opened_at), self.time(episode.ended_at)
        if told_late:
            said.append(self.say.told_late.format(since=since, until=until))
        else:
            lasted = self.figures.duration(episode.ended_at - episode.opened_at)
            said.append(self.say.lasted.format(duration=lasted, since=since))
        if episode.topped_up:
            currency = reading.credits.currency if reading else ""
            said.append(self.say.topped_up.format(amount=self.figures.money(episode.topped_up, currency)))
        said.extend(map(self._threshold_changed, episode.thresholds_changed))
        return (*said, *self.members(episode, readings))

    def _threshold_changed(self, change: ThresholdChange) -> str:
        old = f"{self.figures.threshold(change.old)} {escape(change.old_unit)}".rstrip()
        new = f"{self.figures.threshold(change.new)} {escape(change.new_unit)}".rstrip()
        return self.say.threshold_changed.format(old=old, new=new)

    def without_buttons(self, episode: Episode) -> str:
        """Say what to type where the message has no buttons."""
        name = self.alone(episode) or episode.account
        account = f" {escape(name)}" if name in self.accounts else ""
        template = self.say.resume_by_command if episode.mute else self.say.ack_by_command
        return template.format(account=account)

    def not_mentioned(self, mention: str) -> str:
        """Say that nobody was notified, for Slack refuses the mention."""
        everybody = {"<!channel>": "@channel", "<!here>": "@here"}
        return self.say.not_mentioned.format(whom=everybody.get(mention, "MENTION_ON_CRITICAL"))

    def standing(self, episode: Episode, credits_: Credits | None) -> tuple[str, ...]:
        """Say what else there is to an open episode: money that came in, who keeps it silent."""
        said = []
        if episode.rise and credits_:
            said.append(self._rose(episode, episode.rise, credits_))
        if episode.mute:
            template = self.say.snoozed if episode.mute.snoozed else self.say.acked
            said.append(
                template.format(
                    by=episode.mute.by, at=self.time(episode.mute.at), until=self.time(episode.mute.until)
                )
            )
        return tuple(said)

    def _rose(self, episode: Episode, rise: Rise, credits_: Credits) -> str:
        amount, at = self.figures.money(rise.amount, credits_.currency), self.time(rise.at)
        short = [
            (one, one.threshold - left)
            for one in episode.firing
            if not one.subaccount and (left := credits_.amounts.get(one.field, one.threshold)) < one.threshold
        ]
        if not short:
            return self.say.rose.format(amount=amount, at=at)
        # What ends last counts, in money where money is short: money is what came in.
        rule, missing = max(short, key=lambda one: (one[0].field is Field.BALANCE, one[0].threshold))
        return self.say.rose_still_below.format(
            amount=amount,
            at=at,
            missing=self.amount(rule.field, missing, credits_.currency),
            threshold=self._number(rule.field, rule.threshold, credits_.currency),
        )

    def since(self, episode: Episode) -> str:
        """Say since when an episode is open."""
        return self.say.since.format(since=self.time(episode.opened_at))

    def next_reminder(self, episode: Episode) -> str:
        """Say when the next word comes, whatever happens; nothing while muted or switched off."""
        if episode.mute or episode.remind_at is None:
            return ""
        return self.say.next_reminder.format(at=self.time(episode.remind_at))

    def missed(self, trouble: Trouble, level: Level, since: datetime) -> str:
        """Say what could not be told while it lasted."""
        probably_empty = trouble is Trouble.UNREADABLE and level >= Level.CRITICAL
        template = self.say.missed_no_credit if probably_empty else self.say.missed
        return template.format(level=self.level(level), since=self.time(since))

    def closed(self, episode: Episode) -> str:
        """Say why an episode was closed without a word of its end."""
        if episode.ending is Ending.MOVED:
            return self.say.moved.format(channel=escape(episode.moved_to))
        return self.say.split if episode.ending is Ending.SPLIT else self.say.not_configured

    def decided(self, reason: Reason, episode: Episode | None) -> str:
        """Answer a person's decision about an episode."""
        if episode is None:
            return self.say.unknown_alert
        if reason is Reason.NOT_OPEN and episode.ending is not Ending.RECOVERED:
            return f"{self.title(replace(episode, ended_at=None))}: {self.closed(episode)}"
        mute = episode.mute
        snoozed = reason is Reason.MUTED_ALREADY and mute and mute.snoozed
        template = self.say.snoozed_already if snoozed else self.say.decided[reason]
        return template.format(
            alert=self.title(replace(episode, ended_at=None)),
            by=mute.by if mute else "",
            at=self.time(mute.at) if mute else "",
            until=self.time(mute.until) if mute else "",
            ended_at=self.time(episode.ended_at) if episode.ended_at else "",
        )

    def cannot_read_since(self, reading: Reading | None) -> str:
        """Say that the figures of a low episode are old."""
        if reading is None:
            return ""
        return self.say.cannot_read_since.format(read_at=self.time(reading.began_at))

    def _used_up(self, credits_: Credits) -> str:
        """Say that nothing can be sent any more, or that what came in since is not enough."""
        values = self.main_figures(credits_)
        if credits_.empty or credits_.enough:  # with enough it is the count that is not given any more
            return self.say.used_up.format(values=values)
        counted = credits_.count or Field.BALANCE
        enough = self.amount(counted, ENOUGH[counted], credits_.currency)
        return self.say.still_used_up.format(values=values, enough=enough)

    def _crossed(self, rule: Firing, own: tuple[Firing, ...], credits_: Credits) -> str:
        amount = credits_.amounts.get(rule.field)
        if amount is None:
            return self.rule(rule, rule.currency or credits_.currency)
        value = self.amount(rule.field, amount, credits_.currency)
        threshold = self._number(rule.field, rule.threshold, credits_.currency)
        if amount >= rule.threshold:
            ends_at = self._rearmed(rule, credits_.currency)
            return self.say.in_band.format(value=value, threshold=threshold, ends_at=ends_at)
        below = self.say.below.format(value=value, level=self.level(rule.level), threshold=threshold)
        last = max((one for one in own if one.field is rule.field), key=lambda one: one.threshold)
        return f"{below} {self.say.ends_at.format(ends_at=self._rearmed(last, credits_.currency))}"

    def _troubled_subaccounts(self, episode: Episode, credits_: Credits) -> tuple[str, ...]:
        """Say a line of each sub-account in trouble, the worst first."""
        shown = {one.id: one for one in credits_.subaccounts}
        worst: dict[str, Firing] = {}
        for fired in sorted(episode.firing, key=lambda one: -one.level):
            if fired.subaccount:
                worst.setdefault(fired.subaccount, fired)
        rows = [(fired, shown.get(identity, SubAccount(identity))) for identity, fired in worst.items()]
        rows.sort(
            key=lambda row: (-row[0].level, row[1].balance is None, row[1].balance or 0, natural(row[1].id))
        )
        lines = (self._subaccount_line(episode.account, fired, one) for fired, one in rows[:LISTED])
        return (*lines, *self.more(len(rows) - LISTED))

    def _subaccount_line(self, account: str, fired: Firing, one: SubAccount) -> str:
        template, empty = self.say.subaccount_below, fired.level is Level.EMPTY
        if one.balance is None:
            template = self.say.subaccount_was_empty if empty else self.say.subaccount_unknown
        elif empty:
            template = self.say.subaccount_still_empty if one.balance > 0 else self.say.subaccount_empty
        elif one.balance >= fired.threshold:
            template = self.say.subaccount_in_band
        return template.format(
            name=self._subaccount_name(account, one.id),
            value=self._left(one),
            level=self.level(fired.level),
            threshold=self.figures.money(fired.threshold, one.currency or fired.currency),
            ends_at=self._rearmed(fired, one.currency or fired.currency),
            enough=self.figures.money(ENOUGH[Field.BALANCE], one.currency),
        )


def _worst_of_each_field(firing: tuple[Firing, ...]) -> tuple[Firing, ...]:
    worst: dict[Field, Firing] = {}
    for rule in sorted(firing, key=lambda rule: rule.level, reverse=True):
        worst.setdefault(rule.field, rule)
    return tuple(worst.values())
