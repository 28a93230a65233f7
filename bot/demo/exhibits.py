"""The accounts that the demo watches: as a deployment's file says them, and what they hold at first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.demo.holdings import Clock, PrepaidAccount, SubAccounts
from bot.demo.tariffs import TARIFFS
from bot.settings.accounts import Listed, parse

ACCOUNTS = """
[[account]]
name = "sms"
product = "sms"
api_key_env = "KEY_SMS"
subaccounts = true
[account.thresholds]
creditSms = { warning = 5000, critical = 1000 }
balance = { warning = 150 }
[account.subaccount_thresholds]
balance = { warning = 20, critical = 5 }

[[account]]
name = "voice"
product = "voice"
api_key_env = "KEY_VOICE"
[account.thresholds]
balance = { warning = 15, critical = 5 }

[[account]]
name = "mail"
product = "mail"
api_key_env = "KEY_MAIL"
[account.thresholds]
creditMail = { warning = 5000, critical = 1000 }
"""
"""The text that `ACCOUNTS` would hold."""

START: Mapping[str, Decimal] = {
    "sms": Decimal("209.000"),
    "voice": Decimal("19.000"),
    "mail": Decimal("224.200"),
}
SUBACCOUNTS = (Decimal("64.000"), Decimal("26.500"), Decimal("48.250"))
FIRST_SUBACCOUNT = 101


@dataclass(frozen=True)
class Exhibits:
    """The accounts of a demo on both sides: what the bot is set to watch, and what the provider keeps."""

    listed: tuple[Listed, ...]
    keys: Mapping[str, str]
    held: Sequence[PrepaidAccount]


def exhibits(accounts: str, clock: Clock, *, drain: int) -> Exhibits:
    """Read such a text, and open its accounts at the provider; the first one drains by so many a second."""
    variables = re.findall(r'api_key_env = "(\w+)"', accounts)
    listed, faults = parse(accounts, "ACCOUNTS", {name: f"demo-{name}" for name in variables})
    if faults:
        raise ValueError("; ".join(faults))
    held = [_opened(one, clock) for one in listed]
    held[0].drain = drain
    return Exhibits(listed, {one.api_key.get_secret_value(): one.name for one in listed}, held)


def one_alone(api_key: str, clock: Clock, *, drain: int) -> Exhibits:
    """Open the one account of `SMSPARTNER_API_KEY`."""
    account = PrepaidAccount(clock, balance=START["sms"], drain=drain)
    return Exhibits((), {api_key: account.name}, [account])


def _opened(one: Listed, clock: Clock) -> PrepaidAccount:
    subaccounts = SubAccounts(clock, SUBACCOUNTS, first=FIRST_SUBACCOUNT) if one.subaccounts else None
    return PrepaidAccount(
        clock,
        name=one.name,
        tariff=TARIFFS[one.product],
        balance=START[one.product],
        subaccounts=subaccounts,
    )
