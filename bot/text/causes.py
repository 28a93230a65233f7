"""Why an account cannot be read, what to do about it, and what was known of it last."""

from dataclasses import dataclass

from bot.core.model import Account, Product
from bot.core.reading import Cause, Failure, Reading
from bot.ports import StoreAway
from bot.text.amounts import AmountWords
from bot.text.figures import escape


@dataclass(frozen=True)
class CauseWords(AmountWords):
    """What the bot says of failures."""

    def cause(self, failure: Failure, account: Account | None = None, provider: str = "") -> str:
        """Say why an account could not be read; `provider` where another name than its own is meant."""
        template = self.say.balances_cause if failure.unbalanced else self.say.causes[failure.cause]
        return template.format(
            provider=provider or self.provider(account.product if account else Product.SMS),
            field=escape(failure.field),
            status=failure.status or "?",
            code=escape(failure.code) or "?",
        )

    def listing_failed(self, failure: Failure) -> str:
        """Say how much was read, though not all that the list of sub-accounts should say."""
        return self.say.balances_failed if failure.unbalanced else self.say.listing_failed

    def mend(self, failure: Failure, account: Account | None = None) -> str:
        """Say what to do about it."""
        if failure.listing and failure.cause is Cause.FIELD_MISSING:
            return self.say.balances_mend if failure.unbalanced else self.say.listing_mend
        product = account.product if account else Product.SMS
        return self.say.mends[failure.cause].format(
            provider=self.provider(product),
            account_page=self.say.account_pages[product],
            key_page=self.say.key_pages[product],
            key=account.key_source if account else "SMSPARTNER_API_KEY",
            url=self.say.url_settings[product],
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
