"""What is watched: the accounts of the key variables and of the file, with the rules in force."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr
from yarl import URL

from bot.core.model import RULED, Account, Field, Product, Rule, SubAccounts
from bot.settings.accounts import Listed, Thresholds, Watched

KEY_VARIABLES: Mapping[str, str] = {
    Product.SMS: "SMSPARTNER_API_KEY",
    Product.VOICE: "VOICEPARTNER_API_KEY",
    Product.MAIL: "MAILPARTNER_API_KEY",
}
"""Each makes an account by its product's name."""


@dataclass(frozen=True)
class Defaults:
    """What holds for every account that does not say otherwise."""

    channel: str
    urls: Mapping[Product, str]
    rules: tuple[Rule, ...]
    currency: str = ""


def composed(
    keys: Mapping[Product, SecretStr | None], listed: tuple[Listed, ...], defaults: Defaults
) -> tuple[Watched, ...]:
    """Return every account to watch; those that share host and channel bear the name of their group."""
    by_key = tuple(
        Listed(product.value, product, KEY_VARIABLES[product], key, "")
        for product, key in keys.items()
        if key is not None
    )
    found = tuple(_watched(one, defaults) for one in (*by_key, *listed))
    groups = Counter(_group(one) for one in found)
    return tuple(
        replace(one, account=replace(one.account, group=_group(one))) if groups[_group(one)] > 1 else one
        for one in found
    )


def _group(one: Watched) -> str:
    url = URL(one.api_url)
    host = url.host or "" if url.is_default_port() else url.authority
    return f"{host[:60]}@{one.account.channel}"


def _watched(one: Listed, defaults: Defaults) -> Watched:
    own = one.thresholds
    rules = tuple(
        rule
        for name in RULED[one.product]
        for rule in (_rules(own, name, one.source) if name in own else defaults.rules)
        if rule.field is name
    )
    theirs = SubAccounts(_rules(one.subaccount_thresholds, Field.BALANCE, one.source), one.subaccount_emails)
    account = Account(
        name=one.name,
        channel=one.channel or defaults.channel,
        rules=rules,
        product=one.product,
        subaccounts=theirs if one.subaccounts else None,
        key_source=one.key_source,
        currency=one.currency or defaults.currency,
        listed=bool(one.source),
    )
    return Watched(account, one.api_key, defaults.urls[one.product])


def _rules(thresholds: Thresholds, name: Field, source: str) -> tuple[Rule, ...]:
    return tuple(Rule(name, level, limit, source) for level, limit in thresholds.get(name, {}).items())
