"""The simulated provider speaks all three products as the vendor's pages have them."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from bot.core.model import Account, Field, Product, SubAccounts
from bot.core.reading import Credits
from bot.demo.answers import HOSTILE
from bot.demo.holdings import SubAccounts as Children
from bot.demo.products import without_key
from bot.demo.provider import SimulatedProvider
from bot.demo.tariffs import MAIL, VOICE
from bot.demo.world import DemoWorld, PrepaidAccount
from bot.partner import Partner

NOW = datetime(2026, 7, 22, 14, 5, tzinfo=UTC)
KEYS = {"key-sms": "sms", "0123-4567-89ab-cdef": "voice", "key-mail": "mail"}
VOICE_SAMPLE = {
    "success": True,
    "credit": "19",
    "currency": "€",
    "details": {
        "tts": {"h": 5, "m": 55, "s": 66},
        "tts_fixe": {"h": 3, "m": 44, "s": 55},
        "voice": {"message": 10},
    },
}
MAIL_SAMPLE = {
    "success": True,
    "code": 200,
    "user": {"username": "exemple@email.com"},
    "credits": {"creditMail": 269082, "currency": "EUR", "balance": "10225.119"},
}


@dataclass
class Wall:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def world(wall: Wall) -> DemoWorld:
    return DemoWorld(
        PrepaidAccount(wall, subaccounts=Children(wall, [Decimal("0.800")] * 29)),
        PrepaidAccount(wall, name="voice", tariff=VOICE, balance=Decimal(19)),
        PrepaidAccount(wall, name="mail", tariff=MAIL),
    )


@pytest.fixture
async def provider(world: DemoWorld, wall: Wall) -> AsyncIterator[SimulatedProvider]:
    async with SimulatedProvider(world, keys=KEYS, clock=wall, slow_seconds=0.2).serving() as serving:
        yield serving


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as opened:
        yield opened


async def get(
    client: aiohttp.ClientSession, url: str, query: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    async with client.get(url, params=query) as response:
        body = await response.read()
        return response.status, json.loads(body) if body.startswith(b"{") else body


async def voice(
    client: aiohttp.ClientSession, provider: SimulatedProvider, key: str = "0123-4567-89ab-cdef"
) -> Any:
    return (await get(client, f"{provider.url_of('voice')}/me/{key}"))[1]


async def listed(
    client: aiohttp.ClientSession, provider: SimulatedProvider, page: str | None, key: str = "key-sms"
) -> Any:
    query = {"apiKey": key} if page is None else {"apiKey": key, "page": page}
    return (await get(client, f"{provider.api_url}/subaccount/list", query))[1]


async def test_voice_is_the_vendor_s_sample_to_the_letter(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    assert json.dumps(await voice(client, provider)) == json.dumps(VOICE_SAMPLE)


async def test_mail_is_the_vendor_s_sample_to_the_letter(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    _, found = await get(client, f"{provider.url_of('mail')}/me", {"apiKey": "key-mail"})
    assert json.dumps(found) == json.dumps(MAIL_SAMPLE)


@pytest.mark.parametrize(
    ("burnt", "credit", "spoken"),
    [
        (0, "19", {"h": 5, "m": 55, "s": 66}),
        (5, "18.5", {"h": 5, "m": 46, "s": 44}),
        (189, "0.1", {"h": 0, "m": 1, "s": 52}),
        (190, "0", {"h": 0, "m": 0, "s": 0}),
        (999, "0", {"h": 0, "m": 0, "s": 0}),
    ],
)
async def test_voice_follows_its_account(
    client: aiohttp.ClientSession,
    provider: SimulatedProvider,
    world: DemoWorld,
    burnt: int,
    credit: str,
    spoken: Mapping[str, int],
) -> None:
    if burnt:
        world.apply({"account": "voice", "burn": burnt})
    found = await voice(client, provider)
    assert (found["credit"], found["details"]["tts"]) == (credit, spoken)


async def test_the_sixth_voice_request_of_a_minute_is_refused_for_its_key_alone(
    client: aiohttp.ClientSession, provider: SimulatedProvider, wall: Wall
) -> None:
    assert [(await voice(client, provider))["success"] for _ in range(6)] == [True] * 5 + [False]
    assert (await voice(client, provider))["code"] == "429"
    assert (await voice(client, provider, "other"))["code"] == "10"
    wall.now += timedelta(seconds=60)
    assert (await voice(client, provider))["success"] is True


@pytest.mark.parametrize(
    ("product", "path", "query", "code"),
    [
        ("voice", "/me", {}, "1"),
        ("voice", "/me/", {"apiKey": "0123-4567-89ab-cdef"}, "1"),
        ("voice", "/me/key-sms", {}, "10"),
        ("mail", "/me", {}, 1),
        ("mail", "/me", {"apiKey": "key-sms"}, 10),
        ("mail", "/subaccount/list", {"apiKey": "x"}, 10),
        ("sms", "/me", {"apiKey": "key-mail"}, 10),
        ("sms", "/subaccount/list", {}, 1),
    ],
)
async def test_a_key_opens_its_own_product_only(
    client: aiohttp.ClientSession,
    provider: SimulatedProvider,
    product: str,
    path: str,
    query: Mapping[str, str],
    code: int | str,
) -> None:
    status, found = await get(client, provider.url_of(product) + path, query)
    assert (status, found["success"], found["code"]) == (200, False, code)


@pytest.mark.parametrize("path", ["/voice/v1/subaccount/list", "/voice/v1/mexico", "/mail/v2/me", "/v1/me/x"])
async def test_what_no_page_of_the_vendor_knows_is_not_found(
    client: aiohttp.ClientSession, provider: SimulatedProvider, path: str
) -> None:
    assert (await get(client, f"{provider.origin}{path}", {"apiKey": "key-sms"}))[0] == 404


async def test_sub_accounts_come_in_pages_of_twenty_with_their_secrets_in_clear(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    pages = [await listed(client, provider, page) for page in (None, "1", "2", "3")]
    assert pages[0] == pages[1]
    assert [len(page["data"]) for page in pages[1:]] == [20, 9, 0]
    assert {(page["total"], page["nb_per_page"]) for page in pages} == {(29, 20)}
    assert pages[2]["data"][-1] == {
        "id": 29,
        "email": "team-29@example.com",
        "type": "simple",
        "token": "demo-token-of-29",
        "apiKey": "demo-key-of-29",
        "createdAt": "2026-07-22 14:05:00",
        "credits": {"balance": "0.800", "currency": "EUR"},
    }


async def test_the_list_of_an_account_without_sub_accounts_is_empty(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    query = {"apiKey": "key-mail"}
    _, found = await get(client, f"{provider.url_of('mail')}/subaccount/list", query)
    assert (found["success"], found["total"], found["data"]) == (True, 0, [])


async def test_sub_accounts_are_burnt_topped_up_opened_and_closed(
    client: aiohttp.ClientSession, provider: SimulatedProvider, world: DemoWorld
) -> None:
    for change in ({"burn": 10}, {"top_up": "5"}):
        world.apply({"account": "sms", "subaccount": 29, **change})
    world.apply({"account": "sms", "subaccount": 28, "remove": True})
    world.apply({"account": "sms", "add_subaccount": True})
    rows = (await listed(client, provider, "2"))["data"]
    assert [(row["id"], row["credits"]["balance"]) for row in rows[-3:]] == [
        (27, "0.800"),
        (29, "5.420"),
        (30, "50.000"),
    ]


async def test_each_account_may_fail_by_itself_and_all_of_them_together(
    client: aiohttp.ClientSession, provider: SimulatedProvider, world: DemoWorld
) -> None:
    async def statuses() -> list[int]:
        addresses = (
            (f"{provider.api_url}/me", {"apiKey": "key-sms"}),
            (f"{provider.url_of('voice')}/me/0123-4567-89ab-cdef", None),
            (f"{provider.url_of('mail')}/me", {"apiKey": "key-mail"}),
        )
        return [(await get(client, *address))[0] for address in addresses]

    world.apply({"account": "voice", "provider": "error"})
    assert await statuses() == [200, 500, 200]
    world.apply({"every_provider": "error"})
    assert await statuses() == [500, 500, 500]


async def test_a_script_is_for_every_product(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    provider.answers.append(HOSTILE["code_20"])
    assert (await voice(client, provider))["code"] == 20


def test_the_log_of_exchanges_shows_no_key_of_voice_partner() -> None:
    assert without_key("/voice/v1/me/0123-4567") == "/voice/v1/me/KEY"
    assert without_key("/v1/me") == "/v1/me"


@pytest.mark.parametrize(
    ("product", "key", "left"),
    [
        (Product.VOICE, "0123-4567-89ab-cdef", {Field.BALANCE: 19, Field.SPEAKING_MOBILE: 21366}),
        (Product.MAIL, "key-mail", {Field.CREDIT_MAIL: 269082}),
        (Product.SMS, "key-sms", {Field.CREDIT_SMS: 269082}),
    ],
)
async def test_the_bot_s_own_client_reads_each_product(
    client: aiohttp.ClientSession,
    provider: SimulatedProvider,
    product: Product,
    key: str,
    left: Mapping[Field, int],
) -> None:
    partner = Partner(client, provider.url_of(product), key, product)
    with_list = SubAccounts() if product is Product.SMS else None
    found = await partner.read(Account(product, "C0", product=product, subaccounts=with_list))
    assert isinstance(found, Credits)
    assert left.items() <= {name: int(amount) for name, amount in found.amounts.items()}.items()
    assert len(found.subaccounts) == (29 if with_list else 0)
    assert "demo-token" not in repr(found)
