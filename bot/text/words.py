"""Sentences made from values; mrkdwn, with every foreign string escaped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.access import Access, Verdict
from bot.core.command import NoDuration, NotUnderstood, Verb
from bot.core.gap import Gap
from bot.core.model import Account, Level, Product
from bot.core.notice import Undelivered
from bot.core.reading import Failure, Held, Reading
from bot.core.watch import AccountStatus
from bot.text.alerts import AlertWords
from bot.text.figures import escape
from bot.text.groups import NONE_READ

DETAILED = 3
"""So many accounts are described one by one; of more, only what counts is said."""

NAMED = 12
"""So many accounts are named in the list of commands, and so many channels where the bot answers."""

WAITING = 3
"""So many channels are named at the head of an answer to which nothing is delivered for the same reason."""

LONGEST_ERROR = 50
"""Characters of Slack's error: a word, whatever else came in its place."""


@dataclass(frozen=True)
class Words(AlertWords):
    """All that the bot says."""

    def gap(self, gap: Gap) -> str:
        """Say that nothing was read for long, or that reading goes on."""
        template = self.say.gap_over
        if gap.until is None:
            template = self.say.gap_running
        elif gap.stopped:
            template = self.say.gap_stopped
        elif gap.jumped:
            template = self.say.gap_jumped
        until = self.time(gap.until) if gap.until else ""
        return template.format(since=self.time(gap.since), until=until)

    def undelivered(self, waiting: Sequence[Undelivered]) -> str:
        """Say to which channels nothing is delivered, all for the same reason, since when, and the mend."""
        named = [f"<#{escape(one.channel)}>" for one in waiting[:WAITING]]
        return self.say.undelivered.format(
            since=self.time(min(one.since for one in waiting)),
            channels=", ".join([*named, *self.more(len(waiting) - WAITING)]).removesuffix("."),
            why=escape(self.slack_error(waiting[0].error[:LONGEST_ERROR])),
        )

    def no_duration(self, command: NoDuration) -> str:
        """Say that a snooze has no duration, with examples."""
        return self.say.no_duration.format(text=escape(command.text[:80]).replace("`", "'"))

    def aged_reading(self, reading: Reading | None, now: datetime) -> str:
        """Give the last good reading with its age."""
        if reading is None:
            return self.say.no_reading
        age = self.figures.duration(now - reading.began_at)
        return self.say.aged_reading.format(age=age, values=self.everything(reading.credits))

    def hello(
        self,
        accounts: Sequence[Account],
        interval: timedelta,
        readings: Mapping[str, Reading] = NONE_READ,
    ) -> str:
        """Say what is watched for a channel, and with which thresholds, or where they are listed.

        `readings` are the first of the accounts, if there are any yet: they say the unit of money.
        """
        units = {name: reading.credits.currency for name, reading in readings.items()}
        every = self.figures.duration(interval)
        if len(accounts) > DETAILED:
            counts = Counter(account.product for account in accounts)
            products = (self._of_provider(product, counts[product]) for product in Product if counts[product])
            return self.say.hello_many.format(accounts=", ".join(products), interval=every)
        if len(accounts) == 1:
            return self._watched(self.say.hello, accounts[0], units, interval=every)
        count = self.counted(len(accounts))
        lines = (self._watched(self.say.hello_account, account, units) for account in accounts)
        return "\n".join([self.say.hello_several.format(accounts=count, interval=every), *lines])

    def _watched(self, template: str, account: Account, units: Mapping[str, str], **more: str) -> str:
        provider, name = self.provider(account.product), escape(account.name)
        rules = self._short_rules(account, account.currency or units.get(account.name, ""))
        return template.format(provider=provider, account=name, rules=rules, **more)

    def _of_provider(self, product: Product, count: int) -> str:
        return self.say.hello_products[product].format(count=self.counted(count))

    def _short_rules(self, account: Account, currency: str) -> str:
        own = ", ".join(self.rule(rule, currency) for rule in account.rules) or self.say.hello_no_rules
        if account.subaccounts is None:
            return own
        rules = [self.rule(rule, currency) for rule in account.subaccounts.rules]
        theirs = self.say.subaccount_rules.format(rules=", ".join(rules))
        return f"{own}; {theirs if rules else self.say.subaccount_no_rules}"

    def named(self, accounts: Sequence[Account]) -> str:
        """Name accounts, as many as fit."""
        if len(accounts) == 1:
            return self.account(accounts[0].name)
        names = [escape(account.name) for account in accounts[:NAMED]]
        return ", ".join([*names, *self.more(len(accounts) - NAMED)]).removesuffix(".")

    def asking(self, account: Account) -> str:
        """Say that the provider is being asked."""
        return self.say.asking.format(provider=self.provider(account.product))

    def wait_until(self, failure: Failure, now: datetime) -> tuple[str, ...]:
        """Say until when the provider asks to be left alone, if it does."""
        if failure.wait_until is None or failure.wait_until <= now:
            return ()
        until = self.figures.time(failure.wait_until, self.say.time_to_the_second)
        return (self.say.wait_until.format(until=until),)

    def held_back(self, status: AccountStatus, now: datetime) -> str:
        """Say that the provider was not asked, and how old the figures are."""
        provider = self.provider(status.account.product)
        why = self.say.held_back_why[status.held_back or Held.LIMIT].format(provider=provider)
        if status.reading is None:
            return self.say.held_back_unread.format(why=why)
        age = self.figures.duration(now - status.reading.began_at)
        return self.say.held_back.format(why=why, age=age)

    def compact(self, status: AccountStatus, now: datetime) -> str:
        """Say in one line how an account stands, and how old that is where it is not of now."""
        level = self._level_now(status)
        facts: list[str] = []
        if status.unlisted:
            facts.append(self.unlisted(status))
        if status.trouble:
            facts.append(self.cause(status.trouble, status.account))
            facts += self.wait_until(status.trouble, now)
            facts += [f"{self.title(status.watch.low)}."] if status.watch.low else []
        if status.reading is None:
            facts.append(self.say.no_reading)
        elif status.trouble or status.held_back or status.asking:
            age = self.figures.duration(now - status.reading.began_at)
            facts.append(
                self.say.aged_reading.format(age=age, values=self.main_figures(status.reading.credits))
            )
        else:
            facts.append(self.main_figures(status.reading.credits))
        name = escape(status.account.name)
        return self.say.compact.format(account=name, level=level, facts=" ".join(facts))

    def unlisted(self, status: AccountStatus) -> str:
        """Say that the sub-accounts could not be listed, and why; nothing where they were."""
        if status.unlisted is None:
            return ""
        return f"{self.listing_failed(status.unlisted)} {self.cause(status.unlisted, status.account)}"

    def last_listed(self, status: AccountStatus) -> str:
        """Head the sub-accounts of a list that fails now: they are older than the reading."""
        watch = status.watch
        if watch.failing_since and watch.failure and watch.failure.listing:
            return self.say.last_listed_before.format(since=self.time(watch.failing_since))
        return self.say.last_listed

    def _level_now(self, status: AccountStatus) -> str:
        if status.asking:
            return self.say.asking_level
        return self.say.unreadable_level if status.unknown else self._standing_level(status)

    def _standing_level(self, status: AccountStatus) -> str:
        own, worst = status.own_level, status.watch.level
        if worst <= own:
            return self.level(own)
        return self.say.worse_subaccounts.format(level=self.level(own), worst=self.level(worst))

    def rest(self, statuses: Sequence[AccountStatus]) -> str:
        """Say how the accounts stand that are not named."""
        count = len(statuses)
        levels = Counter(map(self._rests_at, statuses))
        if set(levels) == {Level.OK}:
            return self.say.rest_fine.format(count=count)
        said = [
            self.say.level_counted.format(
                count=number, level=self.level(level) if isinstance(level, Level) else level
            )
            for level, number in levels.items()
        ]
        return self.say.rest.format(count=count, levels=", ".join(said))

    def _rests_at(self, status: AccountStatus) -> Level | str:
        if status.asking:
            return self.say.asking_level
        unknown = status.unknown or (status.unlisted and not status.watch.low)
        return self.say.unreadable_level if unknown else status.watch.level

    def rule_states(self, status: AccountStatus) -> tuple[str, ...]:
        """Say of each rule in force whether it has fired."""
        firing = status.watch.low.firing if status.watch.low else ()
        fired = {(rule.field, rule.level) for rule in firing if not rule.subaccount}
        currency = status.reading.credits.currency if status.reading else status.account.currency
        return tuple(
            (self.say.rule_fired if (rule.field, rule.level) in fired else self.say.rule_fine).format(
                rule=self.rule(rule, currency)
            )
            for rule in status.account.rules
        )

    def status_title(self, status: AccountStatus) -> str:
        """Say how an account stands, in three words."""
        if status.asking:
            return self.say.asking_title.format(account=escape(status.account.name))
        if status.unknown:
            return self.say.failed_title.format(account=escape(status.account.name))
        level = self._standing_level(status)
        return self.say.status_title.format(account=escape(status.account.name), level=level)

    def commands(self, accounts: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """List what a person can type, each with what it answers."""
        lines = [
            (f"/smscredits {'' if verb is Verb.SHOW else verb.value}".rstrip(), meaning)
            for verb, meaning in self.say.commands.items()
        ]
        named = ", ".join(escape(name) for name in accounts[:NAMED])
        if len(accounts) > NAMED:
            named = f"{named}, …"
        lines.insert(1, ("/smscredits ACCOUNT", self.say.account_command.format(accounts=named)))
        return tuple(lines)

    def usage(self, accounts: Sequence[str]) -> str:
        """Say what a person can type, in one line."""
        return self.say.usage.format(usages=", ".join(f"`{typed}`" for typed, _ in self.commands(accounts)))

    def not_understood(self, command: NotUnderstood) -> str:
        """Say that a text is no command, with the nearest one."""
        text = escape(command.text[:80]).replace("`", "'")
        said = self.say.not_understood.format(text=text)
        return (
            f"{said} {self.say.nearest.format(nearest=escape(command.nearest))}" if command.nearest else said
        )

    def refused(self, verdict: Verdict, user: str, channel: str, access: Access) -> str:
        """Say why a person may not ask, and how to be allowed to, with the id to pass on."""
        of_people = {
            Verdict.PERSON_NOT_LISTED: self.say.person_refused,
            Verdict.OTHER_WORKSPACE: self.say.other_workspace,
            Verdict.WORKSPACE_NOT_GIVEN: self.say.workspace_not_given,
            Verdict.INSTALLATION_UNKNOWN: self.say.installation_unknown,
        }
        if verdict in of_people:
            return of_people[verdict].format(user=escape(user))
        listed = sorted(access.channels or ())
        named = [f"<#{escape(one)}>" for one in listed[:NAMED]]
        channels = ", ".join([*named, *self.more(len(listed) - NAMED)]).removesuffix(".")
        return self.say.channel_refused.format(channels=channels, channel=escape(channel))
