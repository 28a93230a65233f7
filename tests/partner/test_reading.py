import asyncio
import gzip
import json
import logging
import re
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bot.core.model import FIELDS, Field, Level, Product
from bot.core.reading import TOLD_AT_ONCE, WORTH_RETRYING, Cause, Credits, Failure
from bot.demo.answers import GOOD, HOSTILE, MISSING, Answer, RawJson, refusal, with_value, with_values
from bot.demo.provider import SimulatedProvider
from bot.partner import MAX_BODY, Partner, decipher
from bot.ports import Unreadable
from tests.partner.conftest import KEY
from tests.samples import WATCHED, account, rule

pytestmark = pytest.mark.usefixtures("impatient")
SAMPLE = Credits(
    {
        Field.CREDIT_SMS: Decimal(269082),
        Field.CREDIT_SMS_ECO: Decimal(444570),
        Field.CREDIT_HLR: Decimal(2045023),
        Field.TO_SEND: Decimal(0),
        Field.BALANCE: Decimal("10225.119"),
    },
    "EUR",
)
NEEDED = WATCHED.needed


def found_in(
    answer: Answer | bytes, status: int | None = None, needed: frozenset[Field] = NEEDED
) -> Credits | Failure:
    body = answer if isinstance(answer, bytes) else answer.payload()
    status = status or (200 if isinstance(answer, bytes) else answer.status)
    try:
        return decipher(status, body, needed)
    except Unreadable as unreadable:
        return unreadable.failure


def answer(**parts: Any) -> Answer:
    """Return the vendor's sample with other parts beside the credits, or without some."""
    body = {"success": True, "code": 200, "credits": json.loads(GOOD.payload())["credits"], **parts}
    return Answer(body={name: value for name, value in body.items() if value is not MISSING})


# What an answer means


@pytest.mark.parametrize("name", FIELDS[Product.SMS])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (269082, "269082"),
        ("269082", "269082"),
        (0, "0"),  # zero is valid, and the most urgent value
        ("0", "0"),
        (-3, "-3"),
        ("-3", "-3"),
        (12.0, "12"),
        ("12.000", "12"),
        (RawJson("1e3"), "1000"),
        (RawJson("-0"), "0"),
        ("-0", "0"),
        (999_999_999_999_999, "999999999999999"),
    ],
)
def test_numbers_are_read_in_every_spelling(name: Field, value: object, expected: str) -> None:
    found = found_in(with_value(name, value), needed=frozenset(FIELDS[Product.SMS]))
    assert isinstance(found, Credits)
    assert found.amounts[name] == Decimal(expected)
    assert str(found.amounts[name]) != "-0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10225.119", "10225.119"),
        (RawJson("10225.119"), "10225.119"),
        (RawJson("0.1"), "0.1"),
        ("0.001", "0.001"),
        (RawJson("10225.119000000001"), "10225.119000000001"),  # as PHP writes a float
        ("-12.5", "-12.5"),
        ("0.000", "0"),
        ("-0.000", "0"),
        ("123456789012345.123456789", "123456789012345.123456789"),
    ],
)
def test_money_is_exact(value: object, expected: str) -> None:
    found = found_in(with_values({"balance": value, "solde": MISSING}))
    assert isinstance(found, Credits)
    assert found.amounts[Field.BALANCE] == Decimal(expected)


@pytest.mark.parametrize("name", FIELDS[Product.SMS])
@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "12,5",
        "1 000",
        "1,000",
        "1_000",
        "+5",
        ".5",
        "5.",
        "1e3",
        "0x10",
        "NaN",
        "Infinity",
        "12\n",
        " 12",
        "\N{ARABIC-INDIC DIGIT FIVE}",
        "\N{FULLWIDTH DIGIT FIVE}",
        "ten",
        "9" * 16,
        "9" * 10_000,
        True,
        False,
        [],
        [5],
        {},
        {"amount": 5},
        RawJson("1e15"),
        RawJson("1e400"),
        RawJson("-1e400"),
        RawJson("1e1000000"),
        RawJson("-1e1000000"),
        RawJson("9" * 10_000),
    ],
)
def test_what_is_no_number_is_unreadable_where_a_rule_needs_it_and_absent_elsewhere(
    name: Field, value: object
) -> None:
    bad = with_value(name, value)
    assert found_in(bad, needed=frozenset({name})) == Failure(Cause.FIELD_NOT_A_NUMBER, field=name.value)
    elsewhere = found_in(bad, needed=frozenset())
    assert isinstance(elsewhere, Credits)
    assert set(elsewhere.amounts) == set(FIELDS[Product.SMS]) - {name}


@pytest.mark.parametrize("name", [name for name in FIELDS[Product.SMS] if name is not Field.BALANCE])
@pytest.mark.parametrize("value", ["12.5", 12.5, "0.001"])
def test_half_an_sms_is_no_number(name: Field, value: object) -> None:
    failure = Failure(Cause.FIELD_NOT_A_NUMBER, field=name.value)
    assert found_in(with_value(name, value), needed=frozenset({name})) == failure


@pytest.mark.parametrize("name", FIELDS[Product.SMS])
@pytest.mark.parametrize("value", [MISSING, None])
def test_missing_is_not_zero(name: Field, value: object) -> None:
    bad = with_values({name: value, "solde": value})
    assert found_in(bad, needed=frozenset({name})) == Failure(Cause.FIELD_MISSING, field=name.value)
    elsewhere = found_in(bad, needed=frozenset())
    assert isinstance(elsewhere, Credits)
    assert name not in elsewhere.amounts


def test_money_is_always_needed_and_counts_are_where_a_rule_asks_for_them() -> None:
    eco = rule(Level.WARNING, 100, Field.CREDIT_SMS_ECO)
    assert account().needed == {Field.BALANCE}
    assert account(eco).needed == {Field.BALANCE, Field.CREDIT_SMS_ECO}
    assert isinstance(found_in(with_value("creditSms", MISSING), needed=account(eco).needed), Credits)


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        ({"balance": MISSING, "solde": "12.5"}, Field.BALANCE, "12.5"),
        ({"balance": None, "solde": 12.5}, Field.BALANCE, "12.5"),
        ({"balance": "7", "solde": MISSING}, Field.BALANCE, "7"),
        ({"balance": "0", "solde": "12.5"}, Field.BALANCE, "0"),
        ({"creditSmsECO": MISSING, "creditSmsLowCost": 3}, Field.CREDIT_SMS_ECO, "3"),
        ({"creditSmsECO": 0, "creditSmsLowCost": 3}, Field.CREDIT_SMS_ECO, "0"),
    ],
)
def test_older_names_stand_in_for_absent_ones_and_for_no_others(
    values: dict[str, object], name: Field, expected: str
) -> None:
    found = found_in(with_values(values))
    assert isinstance(found, Credits)
    assert found.amounts[name] == Decimal(expected)


def test_a_balance_that_is_no_number_is_not_replaced_by_its_duplicate() -> None:
    failure = Failure(Cause.FIELD_NOT_A_NUMBER, field="balance")
    assert found_in(with_values({"balance": "soon", "solde": "12.5"})) == failure


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("EUR", "EUR"),
        ("€", "EUR"),
        ("XTS", "XTS"),
        (MISSING, ""),
        (None, ""),
        (978, ""),
        (["EUR"], ""),
        ("<!channel> & more", "<!channel>"),
        ("eur", "EUR"),
        (" Eur ", "EUR"),
        ("\uff25\uff35\uff32", "EUR"),
        ("F  CFA", "F CFA"),
        # What no database holds and no message shows is left out: it must not make the account unreadable.
        ("E\x00U\nR\u202e", "EUR"),
        (RawJson('"\\ud800EUR"'), "EUR"),
        ("x" * 100_000, "x" * 10),
    ],
)
def test_any_currency_is_kept_as_it_is_as_far_as_it_can_be_shown(value: object, kept: str) -> None:
    found = found_in(with_value("currency", value))
    assert isinstance(found, Credits)
    assert found.currency == kept


CODES = [
    (1, Cause.KEY_MISSING),
    (10, Cause.KEY_WRONG),
    (11, Cause.NO_CREDIT),
    (20, Cause.ACCOUNT_DISABLED),
    (30, Cause.ACCOUNT_BLOCKED),
    (40, Cause.API_REFUSED),
    (96, Cause.ADDRESS_REFUSED),
    (429, Cause.RATE_LIMITED),
    (500, Cause.SERVER_FAULT),
]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
@pytest.mark.parametrize(("code", "cause"), CODES)
def test_the_code_decides_whatever_the_status_and_the_language(code: int, cause: Cause, status: int) -> None:
    for spelling in (code, str(code)):
        refused = refusal(spelling, message="Clé API incorrecte")
        assert found_in(refused, status) == Failure(cause, status=status, code=str(code))


@pytest.mark.parametrize(
    "reason",
    [
        {"message": "NOTCREDIT? no: NOT_CREDIT"},
        {"error": "NOCREDITS"},
        {"error": {"message": "NOCREDITS"}},
        {"error": [{"elementId": "x", "message": "NOT_CREDIT"}]},
        {"errors": [{"elementId": "x", "message": "ok"}, {"message": "NOCREDITS"}]},
        {"errors": ["NOT_CREDIT"]},
    ],
)
@pytest.mark.parametrize("code", [999, None, "E-7"])
def test_insufficient_credit_is_found_wherever_the_reason_sits(
    reason: dict[str, object], code: object
) -> None:
    found = found_in(Answer(body={"success": False, "code": code, **reason}))
    assert isinstance(found, Failure)
    assert found.cause is Cause.NO_CREDIT


def test_a_code_that_is_known_says_more_than_the_words_beside_it() -> None:
    wrong = found_in(refusal(10, message="NOT_CREDIT"))
    assert wrong == Failure(Cause.KEY_WRONG, status=200, code="10")


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (answer(success=False), Cause.REFUSED),
        (answer(success=None), Cause.REFUSED),
        (answer(success=MISSING), Cause.REFUSED),
        (answer(success="true"), Cause.REFUSED),
        (answer(success=1), Cause.REFUSED),
        (answer(code=201), Cause.REFUSED),
        (answer(code=999), Cause.REFUSED),
        (answer(code=True), Cause.REFUSED),
        (answer(code=[200]), Cause.REFUSED),
        (answer(code=10), Cause.KEY_WRONG),  # "success": true notwithstanding
        (answer(code="NOT_CREDIT"), Cause.NO_CREDIT),
        (answer(success=False, code=MISSING, message=None, error=None, errors=None), Cause.REFUSED),
        (answer(credits=MISSING), Cause.DEGRADED),
        (answer(credits=None), Cause.DEGRADED),
        (answer(credits=[]), Cause.DEGRADED),
        (answer(credits="0"), Cause.DEGRADED),
        (answer(credits=0), Cause.DEGRADED),
        (answer(credits={}), Cause.FIELD_MISSING),
        (b"", Cause.NOT_JSON),
        (b"\x00", Cause.NOT_JSON),
        (b"0", Cause.NOT_JSON),
        (b'"269082"', Cause.NOT_JSON),
        (b"{" * 200_000, Cause.NOT_JSON),
        (b'{"success": true, "credits": {"balance": NaN, "creditSms": 1}}', Cause.NOT_JSON),
        (b'{"success": true, "credits": {"balance": 1e99999999999999999999}}', Cause.NOT_JSON),
        (GOOD.payload() + b"{}", Cause.NOT_JSON),
        (b"<result><entry>true</entry></result>", Cause.NOT_JSON),
    ],
)
def test_everything_but_a_whole_good_answer_is_unreadable(bad: Answer | bytes, cause: Cause) -> None:
    found = found_in(bad)
    assert isinstance(found, Failure)
    assert found.cause is cause


@pytest.mark.parametrize(
    "good",
    [
        answer(),
        answer(code="200"),
        answer(code=None),
        answer(code=MISSING),
        answer(message="NOT_CREDIT is what a refusal would say"),
    ],
)
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf", b" \r\n"])
def test_a_good_answer_is_read(good: Answer, prefix: bytes) -> None:
    assert found_in(prefix + good.payload()) == SAMPLE


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (201, None),
        (204, None),
        (301, Cause.REDIRECT),
        (302, Cause.REDIRECT),
        (304, Cause.REDIRECT),
        (308, Cause.REDIRECT),
        (400, Cause.REFUSED),
        (401, Cause.DENIED),
        (402, Cause.REFUSED),
        (403, Cause.DENIED),
        (404, Cause.NOT_FOUND),
        (418, Cause.REFUSED),
        (429, Cause.RATE_LIMITED),
        (500, Cause.SERVER_FAULT),
        (502, Cause.SERVER_FAULT),
        (503, Cause.SERVER_FAULT),
        (599, Cause.SERVER_FAULT),
    ],
)
def test_without_a_known_code_the_status_decides_and_good_figures_do_not_help(
    status: int, cause: Cause | None
) -> None:
    if cause is None:
        assert found_in(GOOD, status) == SAMPLE
        return
    assert found_in(GOOD, status) == Failure(cause, status=status, code="200")
    assert found_in(b"<html>", status) == Failure(cause, status=status)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("code", [999, "999", 401, "E-7"])
def test_denied_with_a_code_that_nobody_knows_is_not_taken_for_a_wrong_key(
    status: int, code: int | str
) -> None:
    found = found_in(refusal(code, message="Une erreur"), status)
    assert found == Failure(Cause.REFUSED, status=status, code=str(code))
    assert found.cause not in TOLD_AT_ONCE


@pytest.mark.parametrize("status", [401, 403])
def test_denied_without_a_code_is_told_at_once(status: int) -> None:
    for bare in (b"", b"[]", Answer(body={"success": False, "message": "no"})):
        found = found_in(bare, status)
        assert found == Failure(Cause.DENIED, status=status)
        assert found.cause in TOLD_AT_ONCE


@pytest.mark.parametrize("code", [KEY, f"x{KEY}", "<!channel>", "a b", "é", "x" * 21, {"code": KEY}])
def test_a_code_that_is_no_word_is_not_repeated(code: object) -> None:
    assert found_in(refusal(code, message=KEY)) == Failure(Cause.REFUSED, status=200, code="?")  # type: ignore[arg-type]


# Over the wire


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.partner.client.ATTEMPT_SECONDS", 0.2)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def read(session: aiohttp.ClientSession, api_url: str) -> Credits | Unreadable:
    try:
        return await Partner(session, api_url, KEY).read(WATCHED)
    except Unreadable as unreadable:
        return unreadable


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error with all that Python attaches to it."""
    if error is None:
        return []
    return [error, *chain(error.__cause__), *chain(error.__context__)]


def said_by(error: BaseException) -> str:
    """Return all that a log, a debugger or a reporter of errors may print of an error."""
    return "\n".join(f"{link} {link!r} {vars(link)!r}" for link in chain(error))


READABLE = {"wrong_charset_latin_1", "unknown_charset"}
"""JSON is UTF-8 whatever the header claims (RFC 8259): the figures are as true as ever."""

CAUSES = {
    "html_200": Cause.NOT_JSON,
    "empty_body": Cause.NOT_JSON,
    "truncated_json": Cause.NOT_JSON,
    "json_list": Cause.NOT_JSON,
    "json_null": Cause.NOT_JSON,
    "degraded": Cause.DEGRADED,
    "code_1": Cause.KEY_MISSING,
    "code_10": Cause.KEY_WRONG,
    "code_20": Cause.ACCOUNT_DISABLED,
    "code_30": Cause.ACCOUNT_BLOCKED,
    "code_40": Cause.API_REFUSED,
    "code_96": Cause.ADDRESS_REFUSED,
    "code_11": Cause.NO_CREDIT,
    "code_11_as_4xx": Cause.NO_CREDIT,
    "code_429": Cause.RATE_LIMITED,
    "notcredit_string_code": Cause.NO_CREDIT,
    "http_401": Cause.DENIED,
    "http_403": Cause.DENIED,
    "http_404": Cause.NOT_FOUND,
    "http_429": Cause.RATE_LIMITED,
    "http_500": Cause.SERVER_FAULT,
    "http_502": Cause.SERVER_FAULT,
    "http_503": Cause.SERVER_FAULT,
    "redirect": Cause.REDIRECT,
    "timeout_before_headers": Cause.TIMEOUT,
    "timeout_in_body": Cause.TIMEOUT,
    "connection_reset": Cause.BROKEN_OFF,
    "reset_in_body": Cause.BROKEN_OFF,
    "huge_body": Cause.TOO_LARGE,
    "gzip_bomb": Cause.TOO_LARGE,
    "broken_gzip": Cause.NOT_JSON,
    # Figures in UTF-16 are no JSON, and to guess a charset is to guess figures.
    "wrong_charset": Cause.NOT_JSON,
    "deep_nesting": Cause.NOT_JSON,
}


def test_every_hostile_answer_is_expected_to_be_something() -> None:
    assert set(HOSTILE) == CAUSES.keys() | READABLE


@pytest.mark.parametrize(("name", "cause"), CAUSES.items())
async def test_a_hostile_answer_is_never_a_number_and_never_tells_the_key(
    provider: SimulatedProvider,
    session: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    name: str,
    cause: Cause,
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.answer = HOSTILE[name]
    found = await read(session, provider.api_url)
    assert isinstance(found, Unreadable)
    assert found.failure.cause is cause
    assert len(chain(found)) == 1
    assert KEY not in said_by(found) + caplog.text + "".join(capfd.readouterr())
    assert not provider.redirect_followed
    # aiohttp sends a GET again by itself where the connection breaks.
    tries = {3, 6} if cause in WORTH_RETRYING else {1}
    assert len(provider.requests) in tries


@pytest.mark.parametrize("name", sorted(READABLE))
async def test_a_header_that_lies_about_the_charset_hides_no_figures(
    provider: SimulatedProvider, session: aiohttp.ClientSession, name: str
) -> None:
    provider.answer = HOSTILE[name]
    assert await read(session, provider.api_url) == SAMPLE


async def test_the_account_is_asked_for_by_its_key_in_json(
    provider: SimulatedProvider, session: aiohttp.ClientSession
) -> None:
    assert await read(session, provider.api_url + "/") == SAMPLE
    (request,) = provider.requests
    assert (request.path, request.query) == ("/v1/me", {"apiKey": KEY, "_format": "json"})


@pytest.mark.parametrize("key", ["a&_format=xml#?", "%41+b/=", "é ü"])
async def test_a_key_of_any_characters_arrives_whole(
    provider: SimulatedProvider, session: aiohttp.ClientSession, key: str
) -> None:
    partner = Partner(session, provider.api_url, key)
    with pytest.raises(Unreadable):
        await partner.read(WATCHED)
    assert provider.requests[0].query == {"apiKey": key, "_format": "json"}
    assert key not in repr(partner)


@pytest.mark.parametrize("name", ["http_500", "connection_reset", "reset_in_body", "timeout_in_body"])
async def test_a_fault_that_passes_is_not_noticed(
    provider: SimulatedProvider, session: aiohttp.ClientSession, name: str
) -> None:
    provider.answers.append(HOSTILE[name])
    assert await read(session, provider.api_url) == SAMPLE
    assert len(provider.requests) == 2


@pytest.mark.parametrize("name", ["huge_body", "gzip_bomb"])
async def test_a_huge_answer_takes_little_memory(
    provider: SimulatedProvider, session: aiohttp.ClientSession, name: str
) -> None:
    provider.answer = HOSTILE[name]
    tracemalloc.start()
    try:
        await read(session, provider.api_url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize(("size", "readable"), [(MAX_BODY, True), (MAX_BODY + 1, False)])
async def test_the_longest_answer_is_read_and_a_byte_more_is_not(
    provider: SimulatedProvider, session: aiohttp.ClientSession, size: int, readable: bool
) -> None:
    provider.answer = Answer(body=GOOD.payload() + b" ", repeat_to_bytes=size)
    assert isinstance(await read(session, provider.api_url), Credits) is readable


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = GOOD.payload()


@asynccontextmanager
async def answering(raw: bytes) -> AsyncIterator[str]:
    """Answer every request with these bytes, for what no HTTP server would send."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        pytest.param(b"", Cause.BROKEN_OFF, id="nothing"),
        pytest.param(b"\x00\x01 SMTP ready\r\n\r\n", Cause.NOT_HTTP, id="another protocol"),
        pytest.param(WHOLE, Cause.NOT_HTTP, id="a body without a head"),
        pytest.param(HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n", Cause.NOT_HTTP, id="a huge header"),
        pytest.param(HEAD + b"X: a\r\n" * 5000 + b"\r\n", Cause.NOT_HTTP, id="many headers"),
        pytest.param(HEAD + b"Content-Length: 9999\r\n\r\n" + WHOLE, Cause.BROKEN_OFF, id="cut off"),
        pytest.param(HEAD + b"Content-Length: -5\r\n\r\n" + WHOLE, Cause.NOT_HTTP, id="negative length"),
        pytest.param(HEAD + b"Content-Encoding: br\r\n\r\nabc", Cause.NOT_HTTP, id="packed unasked"),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", Cause.NOT_HTTP, id="a chunk of no length"
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc", Cause.BROKEN_OFF, id="a chunk cut off"
        ),
        pytest.param(
            HEAD + b"Content-Encoding: deflate\r\nContent-Length: 5\r\n\r\nabcde",
            Cause.NOT_JSON,
            id="bad packing",
        ),
        pytest.param(
            HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(WHOLE)[:-30],
            Cause.NOT_JSON,
            id="packed and cut off",
        ),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n", Cause.REDIRECT, id="bad redirect"),
        pytest.param(b"HTTP/1.1 999 ?\r\n\r\n" + WHOLE, Cause.SERVER_FAULT, id="a status of its own"),
    ],
)
async def test_what_is_hardly_http_is_unreadable_and_never_tells_the_key(
    session: aiohttp.ClientSession, raw: bytes, cause: Cause
) -> None:
    async with answering(raw) as api_url:
        found = await read(session, api_url)
    assert isinstance(found, Unreadable)
    assert found.failure.cause is cause
    assert KEY not in said_by(found)
    assert len(chain(found)) == 1


@pytest.mark.parametrize(
    ("api_url", "cause"),
    [
        ("http://127.0.0.1:1/v1", Cause.CONNECTION_REFUSED),
        ("https://127.0.0.1:1/v1", Cause.CONNECTION_REFUSED),
        ("http://[::1]:1/v1", Cause.CONNECTION_REFUSED),
        ("ftp://127.0.0.1/v1", Cause.NETWORK),
        ("http:///v1", Cause.NETWORK),
    ],
)
async def test_a_provider_out_of_reach_never_tells_the_key(
    session: aiohttp.ClientSession, api_url: str, cause: Cause
) -> None:
    found = await read(session, api_url)
    assert isinstance(found, Unreadable)
    assert found.failure == Failure(cause)
    assert not re.search(f"{KEY}|{quote(KEY)}|apiKey", said_by(found))
    assert len(chain(found)) == 1
