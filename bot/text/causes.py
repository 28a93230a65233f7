"""Why an account cannot be read, what to do about it, and what was known of it last."""

from dataclasses import dataclass

from bot.core.model import Account, Product
from bot.core.reading import Cause, Failure, Reading
from bot.ports import StoreAway
from bot.text.amounts import AmountWords, harmless
from bot.text.figures import escape


@dataclass(frozen=True)
class CauseWords(AmountWords):
    """What the bot says of failures."""

    def cause(self, failure: Failure, account: Account | None = None, provider: str = "") -> str:
        """Say why an account could not be read; `provider` where another name than its own is meant."""
        template = self.say.balances_cause if failure.unbalanced else self.say.causes[failure.cause]
        if failure.subaccount:
            template = self.say.currency_cause
        return template.format(
            provider=provider or self.provider(account.product if account else Product.SMS),
            field=escape(failure.field),
            status=failure.status or "?",
            code=escape(failure.code) or "?",
            unit=escape(failure.unit),
            instead=escape(failure.instead),
            amount="" if failure.amount is None else self.figures.money(failure.amount, failure.unit),
            subaccount=harmless(failure.subaccount),
        )

    def listing_failed(self, failure: Failure) -> str:
        """Say how much was read, though not all that the list of sub-accounts should say."""
        return self.say.balances_failed if failure.unbalanced else self.say.listing_failed

    def mend(self, failure: Failure, account: Account | None = None) -> str:
        """Say what to do about it."""
        if failure.subaccount:
            return self.say.currency_mend.format(instead=escape(failure.instead))
        if failure.listing and failure.cause is Cause.FIELD_MISSING:
            return self.say.balances_mend if failure.unbalanced else self.say.listing_mend
        product = account.product if account else Product.SMS
        return self.say.mends[failure.cause].format(
            provider=self.provider(product),
            account_page=self.say.account_pages[product],
            key_page=self.say.key_pages[product],
            key=account.key_source if account else "SMSPARTNER_API_KEY",
            url=self.say.url_settings[product],
            setting=_currency_setting(failure, account),
        )

    def database_cause(self, away: StoreAway) -> str:
        """Say why the database cannot be used."""
        return self.say.database_causes[away.cause].format(detail=away.detail)

    def database_mend(self, away: StoreAway) -> str:
        """Say what to do about it."""
        return self.say.database_mends[away.cause]

    def database_lost(self, away: StoreAway) -> str:
        """Say to a channel that nothing can be watched, why, and what to do."""
        cause, mend = escape(self.database_cause(away)), escape(self.database_mend(away))
        return self.say.database_lost.format(cause=cause, mend=mend)

    def database_away(self, away: StoreAway) -> str:
        """Say to a person why what was asked cannot be done."""
        return self.say.database_away.format(cause=escape(self.database_cause(away)))

    def last_reading(self, reading: Reading | None) -> str:
        """Recall the last good reading."""
        if reading is None:
            return self.say.no_reading
        values = self.main_figures(reading.credits)
        return self.say.last_reading.format(values=values, read_at=self.time(reading.began_at))

    def left(self, reading: Reading) -> str:
        """Say what is left."""
        return self.say.left.format(values=self.main_figures(reading.credits))

    def more(self, count: int) -> tuple[str, ...]:
        """Say how many are not named, if any."""
        return (self.say.and_more.format(count=count),) if count > 0 else ()


def _currency_setting(failure: Failure, account: Account | None) -> str:
    """Return what to set so that an account counts in another unit: its entry's, or everybody's."""
    unit = harmless(failure.unit)
    return f'currency = "{unit}"' if account and account.listed else f"CURRENCY={unit}"
