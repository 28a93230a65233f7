import asyncio
import gc
import json
import os
import time
import xml.etree.ElementTree as ET
import zlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from bot.demo.answers import (
    GOOD,
    HOSTILE,
    MISSING,
    MODE_ANSWERS,
    Answer,
    RawJson,
    with_value,
    with_values,
)
from bot.demo.provider import SimulatedProvider
from bot.demo.world import MODES, DemoWorld, PrepaidAccount

KEY = "0123456789abcdef0123456789abcdef01234567"
NOW = datetime(2026, 7, 22, 14, 5, tzinfo=UTC)
SAMPLE = {
    "success": True,
    "code": 200,
    "user": {"username": "exemple@email.com", "firstname": "John", "lastname": "Doe"},
    "credits": {
        "creditSms": 269082,
        "creditSmsECO": 444570,
        "creditHlr": 2045023,
        "toSend": 0,
        "solde": "10225.119",
        "currency": "EUR",
        "balance": "10225.119",
    },
}


def clock() -> datetime:
    return NOW


@pytest.fixture
def world() -> DemoWorld:
    return DemoWorld(PrepaidAccount(clock))


@pytest.fixture
async def provider(world: DemoWorld) -> AsyncIterator[SimulatedProvider]:
    async with SimulatedProvider(world, api_key=KEY, clock=clock, slow_seconds=0.2).serving() as serving:
        yield serving


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as opened:
        yield opened


async def me(
    client: aiohttp.ClientSession,
    provider: SimulatedProvider,
    query: Mapping[str, str] | None = None,
    **options: Any,
) -> tuple[int, bytes, Mapping[str, str]]:
    query = {"apiKey": KEY, "_format": "json"} if query is None else query
    async with client.get(f"{provider.api_url}/me", params=query, **options) as response:
        return response.status, await response.read(), response.headers


async def answered(
    client: aiohttp.ClientSession, provider: SimulatedProvider, name: str, **options: Any
) -> tuple[int, bytes, Mapping[str, str]]:
    provider.answers.append(HOSTILE[name])
    return await me(client, provider, **options)


# The account


@pytest.mark.parametrize("query", [{"apiKey": KEY, "_format": "json"}, {"apiKey": KEY}])
async def test_a_good_answer_is_the_vendor_s_sample_to_the_letter(
    client: aiohttp.ClientSession, provider: SimulatedProvider, query: Mapping[str, str]
) -> None:
    status, body, headers = await me(client, provider, query)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert (
        body == json.dumps(SAMPLE).encode()
    )  # fields in the vendor's order, counts as numbers, money as text


async def test_the_answer_follows_the_account(
    client: aiohttp.ClientSession, provider: SimulatedProvider, world: DemoWorld
) -> None:
    world.apply({"empty": True})
    world.apply({"top_up": "1.5"})
    world.apply({"burn": 40})
    _, body, _ = await me(client, provider)
    assert json.loads(body)["credits"] == {
        "creditSms": 0,
        "creditSmsECO": 0,
        "creditHlr": 3,
        "toSend": 1,
        "solde": "0.018",
        "currency": "EUR",
        "balance": "0.018",
    }


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({}, 1, "La clé API est requise"),
        ({"apiKey": ""}, 1, "La clé API est requise"),
        ({"apiKey": KEY.upper()}, 10, "Clé API incorrecte"),
        ({"apiKey": "x", "_format": "xml"}, 10, "Clé API incorrecte"),
    ],
)
async def test_a_missing_or_wrong_key_is_refused_with_http_200(
    client: aiohttp.ClientSession,
    provider: SimulatedProvider,
    query: Mapping[str, str],
    code: int,
    message: str,
) -> None:
    status, body, _ = await me(client, provider, query)
    assert status == 200
    assert json.loads(body) == {"success": False, "code": code, "message": message}


async def test_xml_is_positional(client: aiohttp.ClientSession, provider: SimulatedProvider) -> None:
    _, body, headers = await me(client, provider, {"apiKey": KEY, "_format": "xml"})
    assert headers["Content-Type"].startswith("text/xml")
    result = ET.fromstring(body)  # noqa: S314 the text is our own
    success, code, user, credit = list(result)
    assert (success.text, code.text, user.findtext("username")) == ("true", "200", "exemple@email.com")
    values = ["269082", "444570", "2045023", "0", "10225.119", "EUR", "10225.119"]
    assert [(entry.tag, entry.text) for entry in credit] == [("entry", value) for value in values]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/me", 404), ("GET", "/v1/nothing", 404), ("POST", "/v1/me", 405)],
)
async def test_nothing_else_is_served(
    client: aiohttp.ClientSession, provider: SimulatedProvider, method: str, path: str, status: int
) -> None:
    origin = provider.api_url.removesuffix("/v1")
    async with client.request(method, origin + path, params={"apiKey": KEY}) as response:
        assert (response.status, response.content_type) == (status, "text/html")


# What was asked


async def test_requests_are_recorded_and_can_be_awaited(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(provider.wait_for_requests(2))
        await me(client, provider)
        assert not waiting.done()
        await me(client, provider, {"apiKey": "x"})
    assert [(request.path, request.when) for request in provider.requests] == [("/v1/me", NOW)] * 2
    assert [request.query for request in provider.requests] == [
        {"apiKey": KEY, "_format": "json"},
        {"apiKey": "x"},
    ]


async def test_waiting_for_requests_that_never_come_says_how_many_came(provider: SimulatedProvider) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        await provider.wait_for_requests(1, within=0.01)


# The script


async def test_a_script_is_played_once_then_the_standing_answer_then_the_account(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    provider.answers.extend([Answer(503, b"first"), Answer(body=b"second")])
    provider.answer = Answer(418, b"standing")
    assert [(await me(client, provider))[:2] for _ in range(4)] == [
        (503, b"first"),
        (200, b"second"),
        (418, b"standing"),
        (418, b"standing"),
    ]
    provider.answer = None
    assert (await me(client, provider))[1] == json.dumps(SAMPLE).encode()


async def test_a_delay_comes_before_the_headers(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    provider.answer = Answer(body={"late": True}, delay_before_headers=0.1)
    begun = asyncio.get_running_loop().time()
    assert (await me(client, provider))[1] == b'{"late": true}'
    assert asyncio.get_running_loop().time() - begun >= 0.1


@pytest.mark.parametrize(
    ("name", "value", "literal"),
    [
        ("balance", "12.5", '"balance": "12.5"'),
        ("balance", -3, '"balance": -3'),
        ("creditSms", None, '"creditSms": null'),
        ("creditSms", True, '"creditSms": true'),
        ("creditSms", {"a": [1]}, '"creditSms": {"a": [1]}'),
        ("creditSms", RawJson("1e400"), '"creditSms": 1e400'),
        ("creditSms", RawJson("1" + "0" * 5000), '"creditSms": 1' + "0" * 5000 + ","),
        ("creditSmsLowCost", 7, '"creditSmsLowCost": 7'),
    ],
)
async def test_one_field_may_have_any_value(
    client: aiohttp.ClientSession, provider: SimulatedProvider, name: str, value: object, literal: str
) -> None:
    provider.answer = with_value(name, value)
    body = (await me(client, provider))[1].decode()
    assert literal in body
    assert body.count(f'"{name}":') == 1


def test_a_field_may_be_missing_and_the_rest_stays_good() -> None:
    body = json.loads(with_value("balance", MISSING).payload())
    assert body == {**SAMPLE, "credits": {k: v for k, v in GOOD.body["credits"].items() if k != "balance"}}  # type: ignore[index] # it is the sample


def test_several_fields_may_be_missing_at_once() -> None:
    body = json.loads(with_values({"balance": MISSING, "solde": MISSING, "toSend": 3}).payload())
    assert set(body["credits"]) == {"creditSms", "creditSmsECO", "creditHlr", "toSend", "currency"}
    assert body["credits"]["toSend"] == 3


def test_without_a_change_the_answer_is_the_sample() -> None:
    assert with_values({}).payload() == GOOD.payload() == json.dumps(SAMPLE).encode()


# Every bad answer


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("html_200", 200),
        ("http_401", 401),
        ("http_403", 403),
        ("http_404", 404),
        ("http_429", 429),
        ("http_500", 500),
        ("http_502", 502),
        ("http_503", 503),
    ],
)
async def test_a_gateway_s_page(
    client: aiohttp.ClientSession, provider: SimulatedProvider, name: str, status: int
) -> None:
    got, body, headers = await answered(client, provider, name)
    assert (got, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert body.startswith(b"<!DOCTYPE html>")
    assert headers.get("Retry-After") == ("7" if status == 429 else None)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("empty_body", 200, b""),
        ("json_list", 200, json.dumps([SAMPLE]).encode()),
        ("json_null", 200, b"null"),
        ("degraded", 200, b'{"success": true, "code": 200, "message": "Request queued for processing"}'),
        (
            "code_11",
            200,
            (
                b'{"success": false, "code": 11, "error": {"message": "NOCREDITS"}, '
                b'"credits": {"creditSms": 0, "creditSmsLowCost": 0, "toSend": 0, "solde": 0}}'
            ),
        ),
        ("code_11_as_4xx", 400, HOSTILE["code_11"].payload()),
    ],
)
async def test_a_body_that_is_no_reading(
    client: aiohttp.ClientSession, provider: SimulatedProvider, name: str, status: int, body: bytes
) -> None:
    assert (await answered(client, provider, name))[:2] == (status, body)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *((f"code_{code}", code) for code in (1, 10, 20, 30, 40, 96, 11, 429)),
        ("notcredit_string_code", "NOT_CREDIT"),
    ],
)
async def test_a_refusal_bears_its_code(
    client: aiohttp.ClientSession, provider: SimulatedProvider, name: str, code: int | str
) -> None:
    status, body, _ = await answered(client, provider, name)
    refusal = json.loads(body)
    assert (status, refusal["success"], refusal["code"]) == (200, False, code)
    assert {"message", "error", "errors"} & set(refusal)


def test_the_reason_of_a_refusal_sits_in_each_place_that_the_vendor_uses() -> None:
    bodies = [json.loads(HOSTILE[f"code_{code}"].payload()) for code in (10, 20, 30, 40, 96)]
    places = [
        (name, type(body[name])) for body in bodies for name in ("message", "error", "errors") if name in body
    ]
    assert places == [("message", str), ("error", str), ("error", dict), ("error", list), ("errors", list)]


async def test_truncated_json_ends_in_order_but_too_soon(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    _, body, headers = await answered(client, provider, "truncated_json")
    assert int(headers["Content-Length"]) == len(body)
    assert body
    assert json.dumps(SAMPLE).encode().startswith(body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


async def test_a_redirect_leads_to_a_perfect_body_and_following_it_is_recorded(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    status, _, headers = await answered(client, provider, "redirect", allow_redirects=False)
    assert (status, headers["Location"]) == (302, "/v1/me-moved")
    assert not provider.redirect_followed
    status, body, _ = await answered(client, provider, "redirect")
    assert (status, json.loads(body)) == (200, SAMPLE)
    assert provider.redirect_followed


async def test_a_hanging_answer_sends_no_header(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    with pytest.raises(aiohttp.ServerTimeoutError):
        await answered(
            client, provider, "timeout_before_headers", timeout=aiohttp.ClientTimeout(sock_read=0.1)
        )


async def test_an_answer_that_hangs_in_the_body_has_sent_the_beginning(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    provider.answer = HOSTILE["timeout_in_body"]
    options = aiohttp.ClientTimeout(sock_read=0.1)
    async with client.get(f"{provider.api_url}/me", timeout=options) as response:
        assert response.status == 200
        assert await response.content.readexactly(20) == json.dumps(SAMPLE).encode()[:20]
        with pytest.raises(aiohttp.ServerTimeoutError):
            await response.read()


async def test_an_answer_may_hang_right_after_its_headers(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    provider.answer = Answer(body=b"never seen", stall_in_body=0)
    options = aiohttp.ClientTimeout(sock_read=0.1)
    async with client.get(f"{provider.api_url}/me", timeout=options) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ServerTimeoutError):
            await response.read()


@pytest.mark.parametrize(
    ("name", "error"),
    [("connection_reset", aiohttp.ClientConnectionError), ("reset_in_body", aiohttp.ClientPayloadError)],
)
async def test_a_broken_connection_is_an_error_to_the_client(
    client: aiohttp.ClientSession, provider: SimulatedProvider, name: str, error: type[Exception]
) -> None:
    provider.answer = HOSTILE[name]  # standing, because aiohttp asks again once by itself
    with pytest.raises(error):
        await me(client, provider)


@pytest.mark.parametrize("name", ["connection_reset", "reset_in_body"])
async def test_a_broken_connection_is_reset_not_closed_in_order(
    provider: SimulatedProvider, name: str
) -> None:
    provider.answer = HOSTILE[name]
    port = int(provider.api_url.split(":")[2].removesuffix("/v1"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    with pytest.raises(ConnectionResetError):
        await writer.wait_closed()


async def test_a_huge_body_is_fifty_megabytes_of_what_might_become_json(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    provider.answer = HOSTILE["huge_body"]
    size, tail = 0, b""
    async with client.get(f"{provider.api_url}/me") as response:
        async for chunk in response.content.iter_any():
            if not size:
                assert chunk.startswith(b'{"success": true, "code": 200, "message": "xxx')
            size, tail = size + len(chunk), chunk[-3:]
    assert (size, tail) == (50_000_000, b"xxx")


async def test_who_leaves_a_huge_body_early_leaves_nothing_running(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    provider.answers.append(HOSTILE["huge_body"])
    async with client.get(f"{provider.api_url}/me") as response:
        await response.content.readexactly(1000)
        response.close()
    assert (await me(client, provider))[0] == 200


async def test_a_gzip_bomb_is_small_on_the_wire_and_a_perfect_body_if_unpacked(
    provider: SimulatedProvider,
) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        _, packed, headers = await answered(client, provider, "gzip_bomb")
    assert headers["Content-Encoding"] == "gzip"
    assert len(packed) < 1_000_000
    unpacked = zlib.decompress(packed, wbits=31)
    assert len(unpacked) == 30_000_000
    assert unpacked.rstrip() == json.dumps(SAMPLE).encode()


async def test_a_gzip_bomb_does_not_stop_the_loop_it_shares(provider: SimulatedProvider) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        asking = asyncio.create_task(answered(client, provider, "gzip_bomb"))
        # In this thread's own time: a busy machine is not the provider's fault.
        turns, longest, last = 0, 0.0, time.thread_time()
        while not asking.done():
            await asyncio.wait([asking], timeout=0)
            now = time.thread_time()
            turns, longest, last = turns + 1, max(longest, now - last), now
    assert turns > 100
    assert longest < 0.2


async def test_broken_gzip_cannot_be_unpacked(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await answered(client, provider, "broken_gzip")


@pytest.mark.parametrize(
    ("name", "said", "meant"),
    [
        ("wrong_charset", "utf-8", "utf-16"),
        ("wrong_charset_latin_1", "utf-8", "latin-1"),
        ("unknown_charset", "klingon", "utf-8"),
    ],
)
async def test_the_charset_lies(
    client: aiohttp.ClientSession, provider: SimulatedProvider, name: str, said: str, meant: str
) -> None:
    _, body, headers = await answered(client, provider, name)
    assert headers["Content-Type"] == f"application/json; charset={said}"
    with pytest.raises((UnicodeDecodeError, LookupError)):
        body.decode(said)
    assert json.loads(body.decode(meant))["credits"] == SAMPLE["credits"]


async def test_nesting_is_too_deep_for_a_parser(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    _, body, _ = await answered(client, provider, "deep_nesting")
    assert body == b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(RecursionError):
        json.loads(body)


# The page's modes


@pytest.mark.parametrize(
    ("mode", "status", "part"),
    [
        ("fine", 200, b'"creditSms": 269082'),
        ("slow", 200, b'"creditSms": 269082'),
        ("error", 500, b"Internal Server Error"),
        ("html", 200, b"<html>"),
        ("degraded", 200, b"Request queued for processing"),
        ("wrong_key", 200, b'"code": 10'),
    ],
)
async def test_a_mode_of_the_page_is_how_the_provider_answers(
    client: aiohttp.ClientSession,
    provider: SimulatedProvider,
    world: DemoWorld,
    mode: str,
    status: int,
    part: bytes,
) -> None:
    world.apply({"provider": mode})
    begun = asyncio.get_running_loop().time()
    got, body, _ = await me(client, provider)
    assert got == status
    assert part in body
    assert (asyncio.get_running_loop().time() - begun >= 0.2) is (mode == "slow")


def test_every_mode_of_the_page_is_known() -> None:
    assert {"fine", "slow", *MODE_ANSWERS} == set(MODES)


# Stopping


@pytest.mark.parametrize(
    "answer",
    [
        HOSTILE["timeout_before_headers"],
        HOSTILE["timeout_in_body"],
        HOSTILE["huge_body"],
        Answer(body=b"late", delay_before_headers=60),
        Answer(body=b"later", stall_in_body=0),
    ],
    ids=["before headers", "in the body", "huge and not read", "delayed", "after headers"],
)
async def test_nothing_that_hangs_holds_up_the_end_and_nothing_is_left(
    world: DemoWorld, answer: Answer
) -> None:
    loop = asyncio.get_running_loop()
    gc.collect()
    files = len(os.listdir("/dev/fd"))
    provider = SimulatedProvider(world, api_key=KEY, clock=clock)
    async with aiohttp.ClientSession() as client:
        async with provider.serving():
            provider.answer = answer
            asking = [asyncio.create_task(client.get(f"{provider.api_url}/me")) for _ in range(5)]
            await provider.wait_for_requests(5)
            leaving = loop.time()
        assert loop.time() - leaving < 1
        async with asyncio.timeout(1):
            for result in await asyncio.gather(*asking, return_exceptions=True):
                if isinstance(result, aiohttp.ClientResponse):
                    with pytest.raises(aiohttp.ClientPayloadError):
                        await result.read()
                else:
                    assert isinstance(result, aiohttp.ClientConnectionError)
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"{provider.api_url}/me")
    del result, asking
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(os.listdir("/dev/fd")) <= files


async def test_a_client_that_gives_up_ends_its_hanging_answer(
    client: aiohttp.ClientSession, provider: SimulatedProvider
) -> None:
    await me(client, provider)
    before = asyncio.all_tasks()
    provider.answer = HOSTILE["timeout_before_headers"]
    with pytest.raises(TimeoutError):
        await me(client, provider, timeout=aiohttp.ClientTimeout(total=0.05))
    if hanging := asyncio.all_tasks() - before:
        assert await asyncio.wait(hanging, timeout=1) == (hanging, set())


async def test_the_provider_may_go_away_and_come_back_at_the_same_address(
    client: aiohttp.ClientSession, world: DemoWorld
) -> None:
    provider = SimulatedProvider(world, api_key=KEY, clock=clock)
    async with provider.serving():
        address = provider.api_url
        await me(client, provider)
    async with provider.serving(port=int(address.split(":")[2].removesuffix("/v1"))):
        assert provider.api_url == address
        assert (await me(client, provider))[0] == 200


async def test_an_account_of_one_s_own_can_be_served(client: aiohttp.ClientSession) -> None:
    world = DemoWorld(PrepaidAccount(clock, balance=Decimal("0.038")))
    async with SimulatedProvider(world, api_key="other", clock=clock).serving() as provider:
        _, body, _ = await me(client, provider, {"apiKey": "other"})
    assert json.loads(body)["credits"]["creditSms"] == 1
