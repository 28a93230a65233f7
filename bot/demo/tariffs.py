"""What the money of each product buys: unit prices, derived from the samples of the vendor's pages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

_GRAIN = Decimal("0.001")


@dataclass(frozen=True)
class Tariff:
    """A product: what is sent and at what price, and what else the same money would buy."""

    product: str
    piece: str
    price: Decimal
    currency: str
    counts: Mapping[str, Decimal]
    """Unit prices by the figure's name on the wire; speaking times are in seconds."""
    waits: bool = False
    """Whether the product says how much waits to leave, as SMS do."""


# One wallet buys all three: the vendor's sample counts are the floor of the balance over these unit prices.
SMS = Tariff(
    product="sms",
    piece="SMS",
    price=Decimal("0.038"),
    currency="EUR",
    counts={
        "creditSms": Decimal("0.038"),
        "creditSmsECO": Decimal("0.023"),
        "creditHlr": Decimal("0.005"),
    },
    waits=True,
)
# The vendor's 19 € buy 21,366 s to mobiles, 13,495 s to landlines or 10 voicemail drops.
VOICE = Tariff(
    product="voice",
    piece="calls",
    price=Decimal("0.100"),
    currency="€",
    counts={"tts": Decimal("0.00088925"), "tts_fixe": Decimal("0.0014079"), "voice.message": Decimal("1.8")},
)
MAIL = Tariff(
    product="mail",
    piece="mails",
    price=Decimal("0.038"),
    currency="EUR",
    counts={"creditMail": Decimal("0.038")},
)
TARIFFS: Mapping[str, Tariff] = {tariff.product: tariff for tariff in (SMS, VOICE, MAIL)}


@dataclass(frozen=True)
class Wallet:
    """What a prepaid account holds at one moment."""

    balance: Decimal
    to_send: int = 0
    tariff: Tariff = SMS

    def buys(self, price: Decimal) -> int:
        """Return how many pieces the balance buys at a unit price."""
        return max(0, int(self.balance // price))

    def after(self, ordered: int) -> "Wallet":
        """Return the wallet once so much was ordered: what it cannot pay for waits."""
        sent = min(ordered, self.buys(self.tariff.price))
        waiting = self.to_send + ordered - sent
        return replace(self, balance=self.balance - sent * self.tariff.price, to_send=waiting)

    def figures(self) -> Mapping[str, str]:
        """Return the figures under the provider's names, each as text."""
        waiting = {"toSend": str(self.to_send)} if self.tariff.waits else {}
        return {
            **{name: str(self.buys(price)) for name, price in self.tariff.counts.items()},
            **waiting,
            "balance": f"{self.balance:f}",
            "currency": self.tariff.currency,
        }


def money(amount: Decimal) -> Decimal:
    """Return an amount in thousandths, as the provider counts; ValueError for anything finer."""
    if not amount.is_finite() or amount != amount.quantize(_GRAIN):
        raise ValueError(f"the provider counts money in thousandths, not {amount}")
    return amount.quantize(_GRAIN)
