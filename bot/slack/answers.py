"""Answers to `/smscredits` and to buttons; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.core.command import NoDuration, NotUnderstood, Verb
from bot.core.model import Account, Level, Product
from bot.core.naming import natural
from bot.core.notice import OpenAlert, Reason, Undelivered
from bot.core.reading import Credits, SubAccount
from bot.core.watch import AccountStatus, Episode, Watch
from bot.slack.elements import (
    ASKING,
    EMOJI,
    LONGEST_ANSWER,
    LONGEST_HEAD,
    LONGEST_LIST,
    UNREADABLE,
    Block,
    Message,
    context,
    divider,
    first_and_fitting,
    fitting,
    header,
    mrkdwn,
    section,
    sections,
)
from bot.text import Words
from bot.text.words import DETAILED

NO_UNITS: Mapping[str, str] = MappingProxyType({})
"""Of no account it is known in which unit its money is counted."""

ALERTS = 8
COMPACT = 20
"""So many alerts, accounts or sub-accounts stand in one answer; the others are counted."""


@dataclass(frozen=True)
class Answers:
    """Builds what a person gets for what was typed or pressed.

    `top_up_urls`: only of the products for which an address is known.
    """

    words: Words
    accounts: tuple[Account, ...]
    poll_interval: timedelta
    top_up_urls: Mapping[Product, str]
    mention: str = ""

    def status(self, statuses: Sequence[AccountStatus], now: datetime) -> Message:
        """Build the answer to the bare command, or about one account."""
        if len(statuses) > DETAILED:
            return self._compact(statuses, now)
        parts = [self._detailed(status, now, alone=len(statuses) == 1) for status in statuses]
        text = " ".join(part.text for part in parts)
        if len(parts) > 1 and len(text) > LONGEST_ANSWER:
            return self._compact(statuses, now)
        divided = [block for part in parts for block in (divider(), *part.blocks)]
        return Message(text, tuple(divided[1:]))

    def _compact(self, statuses: Sequence[AccountStatus], now: datetime) -> Message:
        by_name = sorted(statuses, key=lambda status: natural(status.account.name))
        worst_first = sorted(by_name, key=_gravity, reverse=True)
        lines = fitting((f"{_emoji(one)} {self.words.compact(one, now)}" for one in worst_first), COMPACT)
        rest = worst_first[len(lines) :]
        more = (self.words.rest(rest),) if rest else ()
        last = self.words.say.one_in_detail
        return Message("\n".join([*lines, *more, last]), (*sections([*lines, *more]), context(last)))

    def _detailed(self, status: AccountStatus, now: datetime, *, alone: bool) -> Message:
        title = self.words.status_title(status)
        facts = list(self._standing(status))
        if status.trouble or status.asking:
            facts = [*self._still_open(status), self.words.aged_reading(status.reading, now)]
        if status.trouble:
            facts = [
                self.words.cause(status.trouble, status.account),
                *self.words.wait_until(status.trouble, now),
                self.words.mend(status.trouble, status.account),
                *facts,
            ]
        if status.held_back:
            facts.insert(0, self.words.held_back(status, now))
        blocks = [section("\n".join([f"{_emoji(status)} *{title}*", *facts]))]
        said = [f"{title}.", *facts]
        if status.reading and not status.trouble and not status.asking:
            facts_of_list = self.words.unlisted(status)
            if facts_of_list:
                blocks.append(context(facts_of_list))
                said.append(facts_of_list)
            credits_, product = status.reading.credits, status.account.product
            standing = " · ".join([*self.words.rule_states(status), self.words.read_at(status.reading)])
            blocks += [self._figures(credits_, product), context(standing)]
            said.append(f"{self.words.everything(credits_)}. {standing}.")
            if alone and credits_.subaccounts:
                old = status.unlisted and not status.unlisted.unbalanced
                said += [self.words.last_listed(status)] if old else []
                blocks += [context(said[-1])] if old else []
                room = LONGEST_ANSWER - len(" ".join(said))
                listed = self._subaccounts(status, credits_, min(room, LONGEST_LIST // 2))
                blocks += sections(listed)
                said += listed
        return Message(" ".join(said), tuple(blocks))

    def _subaccounts(self, status: AccountStatus, credits_: Credits, room: int) -> list[str]:
        """Say what each sub-account has left, the worst first, in so many characters."""
        firing = status.watch.low.firing if status.watch.low else ()
        levels = {one.subaccount: one.level for one in sorted(firing, key=lambda one: one.level)}

        def gravity(one: SubAccount) -> tuple[object, ...]:
            unknown_first = one.balance is not None
            return -levels.get(one.id, Level.OK), unknown_first, one.balance or 0, natural(one.id)

        def emoji(one: SubAccount) -> str:
            return UNREADABLE if one.balance is None else EMOJI[levels.get(one.id, Level.OK)]

        rows = sorted(credits_.subaccounts, key=gravity)
        lines = fitting(
            (f"{emoji(one)} {self.words.subaccount(one, status.account.name)}" for one in rows),
            COMPACT,
            room,
        )
        rest = rows[len(lines) :]
        if not rest:
            return list(lines)
        fine = not any(one.id in levels or one.balance is None for one in rest)
        more = self.words.say.rest_fine.format(count=len(rest)) if fine else self.words.more(len(rest))[0]
        return [*lines, more]

    def _still_open(self, status: AccountStatus) -> tuple[str, ...]:
        """Say what is open all the same: what cannot be read is neither fine nor over."""
        low = status.watch.low
        if low is None or status.reading is None:
            return ()
        facts = " ".join((f"*{self.words.title(low)}.*", *self.words.facts(low, status.reading.credits)))
        return (facts, self.words.cannot_read_since(status.reading))

    def _standing(self, status: AccountStatus) -> tuple[str, ...]:
        if status.watch.low is None or status.reading is None:
            return ()
        return self.words.facts(status.watch.low, status.reading.credits)

    def thresholds(self, units: Mapping[str, str] = NO_UNITS) -> Message:
        """Build the list of the rules in force; accounts with the same rules stand together.

        `units` are the units of money of the accounts, as far as they are known.
        """
        title = self.words.say.thresholds_title
        alike: dict[tuple[str, ...], list[Account]] = {}
        for account in self.accounts:
            rules = self.words.rules(account, units.get(account.name, ""))
            alike.setdefault(rules, []).append(account)
        lines = ["\n".join([f"*{self.words.named(accounts)}*", *rules]) for rules, accounts in alike.items()]
        shown = fitting(lines, len(lines))
        left = sum(len(accounts) for accounts in list(alike.values())[len(shown) :])
        lines = [*shown, *self.words.more(left)]
        return Message("\n".join([f"{title}:", *lines]), (header(title), *sections(lines)))

    def help(self) -> Message:
        """Build the list of what a person can type."""
        title = self.words.say.help_title
        lines = [f"`{typed}`: {meaning}" for typed, meaning in self.words.commands(self._names)]
        return Message("\n".join([f"{title}:", *lines]), (section("\n".join([f"*{title}*", *lines])),))

    def refused(self, why: str, *, helped: bool = False) -> Message:
        """Build the answer to somebody who may not ask; `help` lists what works all the same: itself."""
        if not helped:
            return Message(why)
        return Message(f"{why}\n`/smscredits {Verb.HELP}`: {self.words.say.commands[Verb.HELP]}")

    def not_understood(self, command: NotUnderstood) -> Message:
        """Build the answer to a text that is no command."""
        lines = [self.words.not_understood(command), self.words.usage(self._names)]
        return Message(" ".join(lines), (section("\n".join(lines)),))

    def no_duration(self, command: NoDuration) -> Message:
        """Build the answer to a snooze without a duration that makes sense."""
        return Message(self.words.no_duration(command))

    def alerts(
        self, open_alerts: Sequence[OpenAlert], counting: Sequence[tuple[Account, Watch]] = ()
    ) -> Message:
        """Build the list of what is open and why, the gravest first, then of what may be soon."""
        failing = fitting((self.words.counting(*one) for one in counting), COMPACT, LONGEST_LIST // 6)
        soon = [*failing, *self.words.more(len(counting) - len(failing))]
        if not open_alerts:
            lines = [self.words.say.nothing_open, *soon]
            return Message("\n".join(lines), sections(lines) if soon else ())
        title = self.words.say.alerts_title
        gravest_first = sorted(open_alerts, key=lambda one: -one.episode.level)
        room = LONGEST_LIST - sum(len(line) + 1 for line in soon)
        shown = first_and_fitting(("\n".join(self.words.alert(one)) for one in gravest_first), ALERTS, room)
        lines = [*shown, *self.words.more(len(open_alerts) - len(shown)), *soon]
        return Message("\n".join([f"{title}:", *lines]), (header(title), *map(section, lines)))

    def decided(self, outcomes: Sequence[tuple[Reason, Episode | None]]) -> Message:
        """Build the answer to a button or to `ack`, `snooze`, `resume`: what was done."""
        if not outcomes:
            return Message(self.words.say.nothing_open)
        shown = fitting((self.words.decided(reason, episode) for reason, episode in outcomes), COMPACT)
        return Message("\n".join([*shown, *self.words.more(len(outcomes) - len(shown))]))

    def with_undelivered(self, message: Message, waiting: Sequence[Undelivered]) -> Message:
        """Put what Slack has not taken yet, and the mend, at the head of an answer."""
        if not waiting:
            return message
        alike: dict[str, list[Undelivered]] = {}
        for one in waiting:
            alike.setdefault(one.error, []).append(one)
        shown = fitting(map(self.words.undelivered, alike.values()), len(alike), LONGEST_HEAD)
        left = sum(map(len, list(alike.values())[len(shown) :]))
        said = "\n".join([*shown, *self.words.more(left)])
        rest = message.blocks or (section(message.text),)
        return Message(f"{said} {message.text}", (section(f":warning: {said}"), *rest))

    def asking(self, status: AccountStatus, now: datetime) -> Message:
        """Build the first answer about one account whose provider is slow: how it stood last."""
        last = (*self._still_open(status), self.words.aged_reading(status.reading, now))
        return Message(" ".join((self.words.asking(status.account), *last)))

    def partial(self, statuses: Sequence[AccountStatus], now: datetime) -> Message:
        """Build the first answer while providers are slow: what was read, and how the others stood last."""
        return self.asking(statuses[0], now) if len(statuses) == 1 else self.status(statuses, now)

    def went_wrong(self, reference: str) -> Message:
        """Build the answer to a request that failed on our side."""
        return Message(self.words.say.went_wrong.format(reference=reference))

    @property
    def _names(self) -> list[str]:
        return [account.name for account in self.accounts]

    def _figures(self, credits_: Credits, product: Product) -> Block:
        rows = self.words.table(credits_, product)
        return {"type": "section", "fields": [mrkdwn(f"*{label}*\n{value}") for label, value in rows]}


def _gravity(status: AccountStatus) -> tuple[bool, int, bool, bool]:
    """How far up an account stands: what cannot be read before what is empty, for it may be anything."""
    failed = status.unknown and not status.asking
    return failed, status.watch.level, status.asking, status.unlisted is not None


def _emoji(status: AccountStatus) -> str:
    if status.asking:
        return ASKING
    return UNREADABLE if status.unknown else EMOJI[status.watch.level]
