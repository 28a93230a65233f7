"""Amounts, times and rules as words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.core.model import FIELDS, Account, Field, Level, Policy, Product, Rule
from bot.core.reading import Credits, Reading, SubAccount
from bot.core.rules import rearmed_at
from bot.core.watch import Firing
from bot.text.catalogue import Catalogue
from bot.text.figures import Figures, escape

_MAIN = (Field.CREDIT_SMS, Field.CREDIT_MAIL, Field.BALANCE)
_SPEAKING = frozenset({Field.SPEAKING_MOBILE, Field.SPEAKING_FIXED})


@dataclass(frozen=True)
class AmountWords:
    """What the bot says of figures, in one language, of these accounts, under one policy of judging."""

    say: Catalogue
    figures: Figures
    policy: Policy
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def amount(self, name: Field, amount: Decimal, currency: str) -> str:
        """Name an amount: "4,812 SMS", "182.86 EUR"."""
        return self.say.amounts[name].format(amount=self._number(name, amount, currency))

    def amounts(self, credits_: Credits, names: Iterable[Field]) -> str:
        """List the amounts that the provider gave."""
        given = [name for name in names if name in credits_.amounts]
        return ", ".join(self.amount(name, credits_.amounts[name], credits_.currency) for name in given)

    def table(self, credits_: Credits, product: Product = Product.SMS) -> tuple[tuple[str, str], ...]:
        """Return every figure with its label; what the provider did not give says so."""
        rows = tuple(
            (self.say.fields[name], self._number(name, credits_.amounts[name], credits_.currency))
            if name in credits_.amounts
            else (self.say.fields[name], self.say.not_given)
            for name in FIELDS[product]
        )
        if product is not Product.SMS:
            return rows
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
        """Say what counts: SMS or mails, and money."""
        return self.amounts(credits_, _MAIN)

    def level(self, level: Level) -> str:
        """Name a level."""
        return self.say.levels[level]

    def time(self, at: datetime) -> str:
        """Show a time in the reader's timezone."""
        return self.figures.time(at, self.say.time)

    def read_at(self, reading: Reading) -> str:
        """Say when a reading was made."""
        return self.say.read_at.format(read_at=self.time(reading.began_at))

    def rule(self, rule: Rule | Firing, currency: str) -> str:
        """Say a rule: "warning below 5,000 SMS"; money in this unit, if it is known."""
        amount = self._number(rule.field, rule.threshold, currency)
        if rule.field is Field.BALANCE and not currency:
            amount = self.say.some_currency.format(amount=amount)
        threshold = self.say.thresholds[rule.field].format(amount=amount)
        return self.say.rule.format(level=self.level(rule.level), threshold=threshold)

    def rules(self, account: Account, currency: str = "") -> tuple[str, ...]:
        """Say the rules of an account, each with where it ends and where it comes from."""
        currency = account.currency or currency
        subaccounts = self._subaccount_rules(account, currency)
        if not account.rules:
            settings = self.say.rule_settings[account.product]
            return (self.say.no_rules.format(settings=settings), *subaccounts)
        own = (self._rule_with_source(rule, currency) for rule in account.rules)
        return (*own, *subaccounts)

    def counted(self, count: int) -> str:
        """Say how many accounts."""
        return self.say.accounts_counted["one" if count == 1 else "other"].format(
            count=self.figures.count(Decimal(count))
        )

    def provider(self, product: Product) -> str:
        """Name the provider."""
        return self.say.providers[product]

    def subaccount(self, one: SubAccount, account: str) -> str:
        """Say what a sub-account has left, with its e-mail where that is wanted."""
        shown = self.say.subaccount_fine.format(
            name=self._subaccount_name(account, one.id), value=self._left(one)
        )
        return (
            f"{shown} {self.say.subaccount_email.format(email=harmless(one.email))}" if one.email else shown
        )

    def _subaccount_rules(self, account: Account, currency: str) -> tuple[str, ...]:
        if account.subaccounts is None:
            return ()
        if not account.subaccounts.rules:
            return (self.say.subaccount_no_rules,)
        rules = (self._rule_with_source(rule, currency) for rule in account.subaccounts.rules)
        return tuple(self.say.subaccount_rules.format(rules=rule) for rule in rules)

    def _rule_with_source(self, rule: Rule, currency: str) -> str:
        return self.say.rule_source.format(
            rule=self.rule(rule, currency), ends_at=self._rearmed(rule, currency), source=escape(rule.source)
        )

    def _subaccount_name(self, account: str, identity: str) -> str:
        return f"{escape(account)}/{harmless(identity)}"

    def _left(self, one: SubAccount) -> str:
        return self.say.not_given if one.balance is None else self.figures.money(one.balance, one.currency)

    def _number(self, name: Field, amount: Decimal, currency: str) -> str:
        if name is Field.BALANCE:
            return self.figures.money(amount, currency)
        return self.figures.speaking(amount) if name in _SPEAKING else self.figures.count(amount)

    def _rearmed(self, rule: Rule | Firing, currency: str) -> str:
        value = rearmed_at(rule.threshold, self.policy)
        if rule.field is Field.BALANCE:
            return self.figures.money_to_reach(value, currency)
        return self.figures.count(value)


def harmless(foreign: str) -> str:
    """Return somebody else's string for a place between backticks, where nothing links or pings."""
    return escape(foreign).replace("`", "'")
