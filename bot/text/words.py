"""Sentences made from values; mrkdwn, with every foreign string escaped."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.alert import rearmed_at
from bot.core.command import NoDuration, NotUnderstood, Verb
from bot.core.gap import Gap
from bot.core.model import (
    Account,
    AccountStatus,
    Cause,
    Credits,
    Ending,
    Episode,
    Failure,
    Field,
    Firing,
    Level,
    Policy,
    Reading,
    Rule,
    Trouble,
    Watch,
)
from bot.core.notice import Reason, Undelivered
from bot.text.catalogue import Catalogue
from bot.text.figures import Figures, escape


@dataclass(frozen=True)
class Words:
    """What the bot says, in one language, under one policy of judging."""

    say: Catalogue
    figures: Figures
    policy: Policy

    def amount(self, name: Field, amount: Decimal, currency: str) -> str:
        """Name an amount: "4,812 SMS", "182.86 EUR"."""
        return self.say.amounts[name].format(amount=self._number(name, amount, currency))

    def amounts(self, credits_: Credits, names: Iterable[Field]) -> str:
        """List the amounts that the provider gave."""
        given = [name for name in names if name in credits_.amounts]
        return ", ".join(self.amount(name, credits_.amounts[name], credits_.currency) for name in given)

    def table(self, credits_: Credits) -> tuple[tuple[str, str], ...]:
        """Return every figure with its label; what the provider did not give says so."""
        rows = [
            (self.say.fields[name], self._number(name, credits_.amounts[name], credits_.currency))
            if name in credits_.amounts
            else (self.say.fields[name], self.say.not_given)
            for name in Field
        ]
        price = credits_.sms_price
        shown = self.figures.price(price, credits_.currency) if price is not None else self.say.not_given
        return (*rows, (self.say.price_label, shown))

    def everything(self, credits_: Credits) -> str:
        """Say every figure in one line."""
        price = credits_.sms_price
        said = self.amounts(credits_, Field)
        if price is None:
            return said
        return f"{said}, {self.say.price.format(amount=self.figures.price(price, credits_.currency))}"

    def main_figures(self, credits_: Credits) -> str:
        """Say what counts: SMS and money."""
        return self.amounts(credits_, (Field.CREDIT_SMS, Field.BALANCE))

    def level(self, level: Level) -> str:
        """Name a level."""
        return self.say.levels[level]

    def time(self, at: datetime) -> str:
        """Show a time in the reader's timezone."""
        return self.figures.time(at, self.say.time)

    def read_at(self, reading: Reading) -> str:
        """Say when a reading was made."""
        return self.say.read_at.format(read_at=self.time(reading.began_at))

    def account(self, name: str) -> str:
        """Name the account."""
        return self.say.account.format(account=escape(name))

    def title(self, episode: Episode) -> str:
        """Say the news of an episode as it is now."""
        account = escape(episode.account)
        if episode.ended_at:
            return self.say.ended_titles[episode.trouble].format(account=account)
        if episode.trouble is Trouble.LOW:
            return self.say.low_titles[episode.level]
        if episode.failure and episode.failure.cause is Cause.NO_CREDIT:
            return self.say.no_credit_title.format(account=account)
        return self.say.unreadable_title.format(account=account)

    def facts(self, episode: Episode, credits_: Credits | None) -> tuple[str, ...]:
        """Give the cause of an open episode, a sentence for each rule that has fired."""
        if episode.failure:
            return (self.cause(episode.failure), self.mend(episode.failure))
        if credits_ is None:
            return (self.say.no_reading,)
        if episode.level is Level.EMPTY:
            return (self.say.used_up.format(values=self.main_figures(credits_)),)
        return tuple(self._crossed(rule, credits_) for rule in _worst_of_each_field(episode.firing))

    def end(self, episode: Episode, reading: Reading | None, *, told_late: bool) -> tuple[str, ...]:
        """Tell how an episode ended."""
        if episode.ended_at is None:
            return ()
        said = []
        if reading:
            said.append(self.say.left.format(values=self.main_figures(reading.credits)))
        since, until = self.time(episode.opened_at), self.time(episode.ended_at)
        if told_late:
            said.append(self.say.told_late.format(since=since, until=until))
        else:
            lasted = self.figures.duration(episode.ended_at - episode.opened_at)
            said.append(self.say.lasted.format(duration=lasted, since=since))
        if episode.topped_up:
            currency = reading.credits.currency if reading else ""
            said.append(self.say.topped_up.format(amount=self.figures.money(episode.topped_up, currency)))
        said.extend(
            self.say.threshold_changed.format(
                old=self.figures.threshold(old), new=self.figures.threshold(new)
            )
            for old, new in episode.thresholds_changed
        )
        return tuple(said)

    def standing(self, episode: Episode, credits_: Credits | None) -> tuple[str, ...]:
        """Say what else there is to an open episode: money that came in, who keeps it silent."""
        said = []
        if episode.rise and credits_:
            amount = self.figures.money(episode.rise.amount, credits_.currency)
            said.append(self.say.rose.format(amount=amount, at=self.time(episode.rise.at)))
        if episode.mute:
            template = self.say.snoozed if episode.mute.snoozed else self.say.acked
            said.append(
                template.format(
                    by=episode.mute.by, at=self.time(episode.mute.at), until=self.time(episode.mute.until)
                )
            )
        return tuple(said)

    def since(self, episode: Episode) -> str:
        """Say since when an episode is open."""
        return self.say.since.format(since=self.time(episode.opened_at))

    def next_reminder(self, episode: Episode) -> str:
        """Say when the next word comes, whatever happens; nothing while muted or switched off."""
        if episode.mute or episode.remind_at is None:
            return ""
        return self.say.next_reminder.format(at=self.time(episode.remind_at))

    def missed(self, level: Level, since: datetime) -> str:
        """Say what could not be told while it lasted."""
        return self.say.missed.format(level=self.level(level), since=self.time(since))

    def closed(self, episode: Episode) -> str:
        """Say why an episode was closed by a change of configuration."""
        if episode.ending is Ending.MOVED:
            return self.say.moved.format(channel=escape(episode.moved_to))
        return self.say.not_configured

    def decided(self, reason: Reason, episode: Episode | None) -> str:
        """Answer a person's decision about an episode."""
        if episode is None:
            return self.say.unknown_alert
        mute = episode.mute
        return self.say.decided[reason].format(
            alert=self.title(replace(episode, ended_at=None)),
            by=mute.by if mute else "",
            at=self.time(mute.at) if mute else "",
            until=self.time(mute.until) if mute else "",
            ended_at=self.time(episode.ended_at) if episode.ended_at else "",
        )

    def alert(self, episode: Episode, watch: Watch) -> tuple[str, ...]:
        """Say of an open episode why it is open, and when the next word comes."""
        head = self.say.alert.format(
            title=self.title(episode), account=escape(episode.account), since=self.time(episode.opened_at)
        )
        credits_ = watch.reading.credits if watch.reading else None
        reminder = self.next_reminder(episode)
        last = f"{reminder[:1].upper()}{reminder[1:]}." if reminder else ""
        if not (self.policy.reminder_warning or self.policy.reminder_critical or episode.mute):
            last = self.say.no_reminder
        lines = (head, *self.facts(episode, credits_), *self.standing(episode, credits_), last)
        return tuple(line for line in lines if line)

    def gap(self, gap: Gap) -> str:
        """Say that nothing was read for long, or that reading goes on."""
        template = self.say.gap_over
        if gap.until is None:
            template = self.say.gap_running
        elif gap.stopped:
            template = self.say.gap_stopped
        until = self.time(gap.until) if gap.until else ""
        return template.format(since=self.time(gap.since), until=until)

    def undelivered(self, waiting: Undelivered) -> str:
        """Say what is not delivered, why, and the mend."""
        return self.say.undelivered.format(
            since=self.time(waiting.since),
            channel=escape(waiting.channel),
            why=escape(self.slack_error(waiting.error)),
        )

    def no_duration(self, command: NoDuration) -> str:
        """Say that a snooze has no duration, with examples."""
        return self.say.no_duration.format(text=escape(command.text[:80]).replace("`", "'"))

    def cause(self, failure: Failure) -> str:
        """Say why an account could not be read."""
        return self.say.causes[failure.cause].format(
            field=escape(failure.field), status=failure.status or "?", code=escape(failure.code) or "?"
        )

    def mend(self, failure: Failure) -> str:
        """Say what to do about it."""
        return self.say.mends[failure.cause]

    def last_reading(self, reading: Reading | None) -> str:
        """Recall the last good reading."""
        if reading is None:
            return self.say.no_reading
        values = self.main_figures(reading.credits)
        return self.say.last_reading.format(values=values, read_at=self.time(reading.began_at))

    def aged_reading(self, reading: Reading | None, now: datetime) -> str:
        """Give the last good reading with its age."""
        if reading is None:
            return self.say.no_reading
        age = self.figures.duration(now - reading.began_at)
        return self.say.aged_reading.format(age=age, values=self.everything(reading.credits))

    def cannot_read_since(self, reading: Reading | None) -> str:
        """Say that the figures of a low episode are old."""
        if reading is None:
            return ""
        return self.say.cannot_read_since.format(read_at=self.time(reading.began_at))

    def hello(self, accounts: Iterable[Account], interval: timedelta) -> str:
        """Say what is watched for a channel, and with which thresholds."""
        return " ".join(
            self.say.hello.format(
                provider=self.say.provider,
                account=escape(account.name),
                interval=self.figures.duration(interval),
                rules=", ".join(self.rule(rule) for rule in account.rules) or self.say.hello_no_rules,
            )
            for account in accounts
        )

    def rule(self, rule: Rule | Firing) -> str:
        """Say a rule: "warning below 5,000 SMS"."""
        return self.say.rule.format(
            level=self.level(rule.level),
            threshold=self.say.thresholds[rule.field].format(
                amount=self._number(rule.field, rule.threshold, "")
            ),
        )

    def rules(self, account: Account) -> tuple[str, ...]:
        """Say the rules of an account, each with where it ends and where it comes from."""
        if not account.rules:
            return (self.say.no_rules.format(account=escape(account.name)),)
        return tuple(
            self.say.rule_source.format(
                rule=self.rule(rule), ends_at=self._rearmed(rule, ""), source=rule.source
            )
            for rule in account.rules
        )

    def rule_states(self, status: AccountStatus) -> tuple[str, ...]:
        """Say of each rule in force whether it has fired."""
        fired = {(rule.field, rule.level) for rule in status.watch.low.firing} if status.watch.low else set()
        return tuple(
            (self.say.rule_fired if (rule.field, rule.level) in fired else self.say.rule_fine).format(
                rule=self.rule(rule)
            )
            for rule in status.account.rules
        )

    def status_title(self, status: AccountStatus) -> str:
        """Say how an account stands, in three words."""
        if status.failure:
            return self.say.failed_title.format(account=escape(status.account.name))
        level = self.level(status.watch.level)
        return self.say.status_title.format(account=escape(status.account.name), level=level)

    def commands(self, accounts: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """List what a person can type, each with what it answers."""
        lines = [
            (f"/smscredits {'' if verb is Verb.SHOW else verb.value}".rstrip(), meaning)
            for verb, meaning in self.say.commands.items()
        ]
        named = ", ".join(escape(name) for name in accounts)
        lines.insert(1, ("/smscredits ACCOUNT", self.say.account_command.format(accounts=named)))
        return tuple(lines)

    def usage(self, accounts: Iterable[str]) -> str:
        """Say what a person can type, in one line."""
        return self.say.usage.format(usages=", ".join(f"`{typed}`" for typed, _ in self.commands(accounts)))

    def not_understood(self, command: NotUnderstood) -> str:
        """Say that a text is no command, with the nearest one."""
        text = escape(command.text[:80]).replace("`", "'")
        said = self.say.not_understood.format(text=text)
        return f"{said} {self.say.nearest.format(nearest=command.nearest)}" if command.nearest else said

    def slack_error(self, error: str) -> str:
        """Say in plain words why Slack did not take a post, with the mend; for the log."""
        return self.say.slack_errors.get(error) or self.say.slack_error_unknown.format(error=error)

    def _number(self, name: Field, amount: Decimal, currency: str) -> str:
        if name is Field.BALANCE:
            return self.figures.money(amount, currency)
        return self.figures.count(amount)

    def _rearmed(self, rule: Rule | Firing, currency: str) -> str:
        return self._number(rule.field, rearmed_at(rule.threshold, self.policy), currency)

    def _crossed(self, rule: Firing, credits_: Credits) -> str:
        amount = credits_.amounts.get(rule.field)
        if amount is None:
            return self.rule(rule)
        value = self.amount(rule.field, amount, credits_.currency)
        threshold = self._number(rule.field, rule.threshold, credits_.currency)
        ends_at = self._rearmed(rule, credits_.currency)
        if amount >= rule.threshold:
            return self.say.in_band.format(value=value, threshold=threshold, ends_at=ends_at)
        below = self.say.below.format(value=value, level=self.level(rule.level), threshold=threshold)
        return f"{below} {self.say.ends_at.format(ends_at=ends_at)}"


def _worst_of_each_field(firing: tuple[Firing, ...]) -> tuple[Firing, ...]:
    worst: dict[Field, Firing] = {}
    for rule in sorted(firing, key=lambda rule: rule.level, reverse=True):
        worst.setdefault(rule.field, rule)
    return tuple(worst.values())
