"""A wait that the provider asks for belongs to whoever asks that host with that key, whatever was refused."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.core.asking import DEFAULT_WAIT, LONGEST_WAIT
from bot.core.model import Account, Product, SubAccounts
from bot.core.reading import Cause, Credits, Failure
from bot.demo.answers import GOOD, Answer, html, refusal
from bot.demo.provider import SimulatedProvider
from bot.partner import Partner, Waits
from bot.ports import Unreadable
from tests.partner.conftest import KEY
from tests.samples import NOW, WATCHED
from tests.service.bot import Wall

pytestmark = pytest.mark.usefixtures("impatient")

OTHER_KEY = "9" * 40
A_MINUTE = {"Retry-After": "60"}
A_DATE = {"Retry-After": "Wed, 22 Jul 2026 12:06:00 GMT"}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


class Askers:
    """Clients of one provider that keep its waits together."""

    def __init__(self, session: aiohttp.ClientSession, provider: SimulatedProvider) -> None:
        self.provider = provider
        self.wall = Wall()
        self.session = session
        self.waits = Waits(self.wall)

    async def ask(
        self, key: str = KEY, account: Account = WATCHED, *, polled: bool = True, **how: Any
    ) -> Credits | Failure:
        client = Partner(self.session, self.provider.api_url, key, account.product, waits=self.waits, **how)
        try:
            return await client.read(account, polled=polled)
        except Unreadable as error:
            return error.failure

    @property
    def asked(self) -> int:
        return len(self.provider.requests)


@pytest.fixture
def askers(session: aiohttp.ClientSession, provider: SimulatedProvider) -> Askers:
    return Askers(session, provider)


REFUSALS = {
    "by its status": html(429, "Too Many Requests", A_MINUTE),
    "by its code": replace(refusal(429, message="Trop de requêtes"), headers=A_MINUTE),
    "by its code as a text": replace(refusal("429", message="Trop de requêtes"), headers=A_MINUTE),
    "by both": replace(refusal(429), status=429, headers=A_MINUTE),
    "by its status, with another code": replace(refusal(10), status=429, headers=A_MINUTE),
    "by its status, with figures": replace(GOOD, status=429, headers=A_MINUTE),
    "with a date": html(429, "Too Many Requests", {**A_DATE, "Date": "Wed, 22 Jul 2026 12:05:00 GMT"}),
    "with a body that is far too long": Answer(429, b"x", A_MINUTE, repeat_to_bytes=1_000_000),
    "as being away": html(503, "Service Unavailable", A_MINUTE),
}


@pytest.mark.parametrize("refused", REFUSALS)
async def test_within_a_wait_nothing_is_asked_and_after_it_all_is_as_before(
    askers: Askers, refused: str
) -> None:
    askers.provider.answers.append(REFUSALS[refused])
    assert isinstance(await askers.ask(), Failure)
    for passed in (0, 30, 29.9):
        askers.wall.pass_(timedelta(seconds=passed))
        for polled in (True, False):
            failure = await askers.ask(polled=polled)
            assert isinstance(failure, Failure)
            assert failure.cause in {Cause.RATE_LIMITED, Cause.SERVER_FAULT}
            assert failure.wait_until == NOW + timedelta(seconds=60)
    assert askers.asked == 1
    askers.wall.pass_(timedelta(seconds=0.1))
    assert isinstance(await askers.ask(), Credits)
    assert askers.asked == 2


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, DEFAULT_WAIT),
        ({"Retry-After": "later"}, DEFAULT_WAIT),
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        ({"Retry-After": "86400"}, LONGEST_WAIT),
    ],
)
async def test_a_wait_lasts_as_long_as_the_provider_says_within_bounds(
    askers: Askers, headers: dict[str, str], wait: timedelta
) -> None:
    askers.provider.answers.append(html(429, "Too Many Requests", headers))
    failure = await askers.ask()
    assert isinstance(failure, Failure)
    assert failure.wait_until == NOW + wait


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_fault_that_names_no_wait_is_tried_again_at_once(askers: Askers, status: int) -> None:
    askers.provider.answers.append(html(status, "Down"))
    assert isinstance(await askers.ask(), Credits)
    assert askers.asked == 2


async def test_a_second_try_keeps_a_wait_that_came_between(askers: Askers) -> None:
    askers.provider.answers.extend([html(500, "Down"), html(429, "Too Many Requests", A_MINUTE)])
    failure = await askers.ask()
    assert isinstance(failure, Failure)
    assert (failure.cause, askers.asked) == (Cause.RATE_LIMITED, 2)


async def test_another_key_does_not_wait_and_another_account_with_the_same_key_does(askers: Askers) -> None:
    askers.provider.answers.append(html(429, "Too Many Requests", A_MINUTE))
    await askers.ask()
    await askers.ask(account=replace(WATCHED, name="other"))
    assert askers.asked == 1
    await askers.ask(OTHER_KEY)
    assert askers.asked == 2


PARENT = Account("parent", "C0ALERTS", subaccounts=SubAccounts())


async def test_the_list_of_sub_accounts_waits_for_what_the_account_was_refused_and_the_reverse(
    askers: Askers,
) -> None:
    askers.provider.answers.extend([GOOD, html(429, "Too Many Requests", A_MINUTE)])
    found = await askers.ask(account=PARENT)
    assert isinstance(found, Credits)
    assert found.unlisted == Failure(Cause.RATE_LIMITED, status=429, listing=True)
    assert found.unlisted.wait_until == NOW + timedelta(seconds=60)
    assert isinstance(await askers.ask(account=PARENT), Failure)
    assert askers.asked == 2


async def test_of_two_waits_at_once_the_longer_holds(askers: Askers) -> None:
    waits = Waits(askers.wall)
    waits.begin(("host", "key"), Failure(Cause.RATE_LIMITED), A_MINUTE)
    after = waits.begin(("host", "key"), Failure(Cause.RATE_LIMITED), {"Retry-After": "5"})
    assert after.wait_until == NOW + timedelta(seconds=60)
    assert waits.failure_of(("host", "other key")) is None
    assert waits.failure_of(("other host", "key")) is None


async def test_voice_partner_waits_and_spends_nothing_of_its_minute(
    session: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    class Counting:
        spent = 0

        async def spend(self, _: str, *, polled: bool) -> bool:
            self.spent += 1
            return True

    budget, waits = Counting(), Waits(Wall())
    voice = Account("voice", "C0ALERTS", product=Product.VOICE)
    client = Partner(
        session, provider.url_of("voice"), "0123-4567", Product.VOICE, budget=budget, waits=waits
    )
    provider.answers.append(replace(refusal("429"), headers=A_MINUTE))
    for _ in range(3):
        with pytest.raises(Unreadable):
            await client.read(voice)
    assert (budget.spent, len(provider.requests)) == (1, 1)


async def test_a_wait_that_was_stored_goes_on_and_a_longer_one_is_kept(askers: Askers) -> None:
    client = Partner(askers.session, askers.provider.api_url, KEY, waits=askers.waits)
    for minutes in (2, 1):
        until = NOW + timedelta(minutes=minutes)
        client.wait(Failure(Cause.RATE_LIMITED, status=429, wait_until=until))
        failure = await askers.ask()
        assert isinstance(failure, Failure)
        assert (failure.wait_until, askers.asked) == (NOW + timedelta(minutes=2), 0)
