import json
from decimal import Decimal
from typing import Any

import pytest

from bot.core.model import RULED, Field, Product
from bot.core.reading import Cause, Credits, Failure
from bot.partner import decipher
from bot.ports import Unreadable

NEEDED = frozenset({Field.BALANCE})
VOICE: dict[str, Any] = {
    "success": True,
    "credit": "19",
    "currency": "€",
    "details": {
        "tts": {"h": 5, "m": 55, "s": 66},
        "tts_fixe": {"h": 3, "m": 44, "s": 55},
        "voice": {"message": 10},
    },
}
MAIL: dict[str, Any] = {
    "success": True,
    "code": 200,
    "user": {"username": "exemple@email.com"},
    "credits": {"creditMail": 269082, "currency": "EUR", "balance": "10225.119"},
}
SMS: dict[str, Any] = {
    "success": True,
    "code": 200,
    "credits": {"creditSms": 12, "currency": "EUR", "balance": "1.5"},
}
QUEUED = {"success": True, "code": 200, "message": "Request queued for processing"}


def found_in(
    product: Product, body: object, status: int = 200, needed: frozenset[Field] = NEEDED
) -> Credits | Failure:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        return decipher(status, raw, needed, product)
    except Unreadable as error:
        return error.failure


def amounts(product: Product, body: object) -> dict[Field, Decimal]:
    found = found_in(product, body)
    assert isinstance(found, Credits), found
    return dict(found.amounts)


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def test_the_vendor_s_sample_of_voice_is_money_and_times_in_seconds() -> None:
    found = found_in(Product.VOICE, VOICE)
    assert found == Credits(
        {
            Field.BALANCE: Decimal(19),
            Field.SPEAKING_MOBILE: Decimal(5 * 3600 + 55 * 60 + 66),
            Field.SPEAKING_FIXED: Decimal(3 * 3600 + 44 * 60 + 55),
            Field.VOICE_MESSAGES: Decimal(10),
        },
        "EUR",
    )


def test_the_vendor_s_sample_of_mail_is_a_count_and_money() -> None:
    assert found_in(Product.MAIL, MAIL) == Credits(
        {Field.CREDIT_MAIL: Decimal(269082), Field.BALANCE: Decimal("10225.119")}, "EUR"
    )


@pytest.mark.parametrize(
    "body",
    [
        without(VOICE, "success"),
        {**VOICE, "credit": 19},
        {**VOICE, "code": "200"},
        {**VOICE, "user": {"username": "x"}},
        without(VOICE, "currency"),
    ],
)
def test_voice_is_read_with_what_the_vendor_may_add_or_leave_out(body: dict[str, Any]) -> None:
    assert amounts(Product.VOICE, body)[Field.BALANCE] == 19


@pytest.mark.parametrize(
    "details",
    [None, [], "x", {}, {"tts": None}, {"tts": {"h": 1, "m": 2}}, {"tts": {"h": 1, "m": 2, "s": "x"}},
     {"tts": {"h": -1, "m": 2, "s": 3}}, {"tts": {"h": 1.5, "m": 0, "s": 0}}, {"voice": {"message": True}}],
)  # fmt: skip
def test_details_that_are_absent_or_broken_are_not_given_and_never_zero(details: object) -> None:
    assert amounts(Product.VOICE, {**VOICE, "details": details}) == {Field.BALANCE: Decimal(19)}


@pytest.mark.parametrize("zero", [0, "0", "0.00", "-0"])
@pytest.mark.parametrize(("product", "body"), [(Product.VOICE, VOICE), (Product.MAIL, MAIL)])
def test_zero_is_valid_and_the_most_urgent_value(
    product: Product, body: dict[str, Any], zero: object
) -> None:
    empty = {**body, "credit": zero, "credits": {**MAIL["credits"], "balance": zero}}
    found = found_in(product, without(empty, "credits" if product is Product.VOICE else "credit"))
    assert isinstance(found, Credits)
    assert found.at_zero == (Field.BALANCE,)


@pytest.mark.parametrize(
    ("body", "cause", "field"),
    [
        ({**VOICE, "success": False}, Cause.REFUSED, ""),
        ({**VOICE, "success": None}, Cause.REFUSED, ""),
        ({**VOICE, "code": "500"}, Cause.SERVER_FAULT, ""),
        ({"success": False, "code": "10", "message": "Clé API incorrecte"}, Cause.KEY_WRONG, ""),
        ({"success": False, "code": "429"}, Cause.RATE_LIMITED, ""),
        ({"success": False, "error": {"message": "NOT_CREDIT"}}, Cause.NO_CREDIT, ""),
        ({**VOICE, "credit": "x"}, Cause.FIELD_NOT_A_NUMBER, "credit"),
        ({**VOICE, "credit": True}, Cause.FIELD_NOT_A_NUMBER, "credit"),
        ({**VOICE, "credit": "NaN"}, Cause.FIELD_NOT_A_NUMBER, "credit"),
        ({**VOICE, "credit": None}, Cause.DEGRADED, "credit"),
        (without(VOICE, "credit"), Cause.DEGRADED, "credit"),
        (QUEUED, Cause.DEGRADED, "credit"),
        ({}, Cause.DEGRADED, "credit"),
        ([VOICE], Cause.NOT_JSON, ""),
        (b"<html>", Cause.NOT_JSON, ""),
        (b"", Cause.NOT_JSON, ""),
        (MAIL, Cause.FIELD_MISSING, "credit"),
        (SMS, Cause.FIELD_MISSING, "credit"),
    ],
)
def test_everything_else_at_the_voice_address_is_unreadable(body: object, cause: Cause, field: str) -> None:
    found = found_in(Product.VOICE, body)
    assert isinstance(found, Failure)
    assert (found.cause, found.field) == (cause, field)


@pytest.mark.parametrize(
    ("product", "body", "field"),
    [
        (Product.MAIL, SMS, "creditMail"),
        (Product.SMS, MAIL, "creditSms"),
        (Product.MAIL, VOICE, "credits"),
        (Product.SMS, VOICE, "credits"),
    ],
)
def test_another_product_s_answer_is_unreadable_and_names_what_is_missing(
    product: Product, body: object, field: str
) -> None:
    assert found_in(product, body) == Failure(Cause.FIELD_MISSING, field=field)


def test_a_mail_account_without_its_count_is_read_unless_a_rule_needs_it() -> None:
    bare = {**MAIL, "credits": {"balance": "5"}}
    assert amounts(Product.MAIL, bare) == {Field.BALANCE: Decimal(5)}
    failure = found_in(Product.MAIL, bare, needed=frozenset(RULED[Product.MAIL]))
    assert failure == Failure(Cause.FIELD_MISSING, field="creditMail")


def test_a_product_takes_only_its_own_figures() -> None:
    strange = {**MAIL, "credits": {**MAIL["credits"], "creditSms": 0, "toSend": 3, "creditHlr": 1}}
    assert set(amounts(Product.MAIL, strange)) == {Field.CREDIT_MAIL, Field.BALANCE}


@pytest.mark.parametrize(
    ("status", "cause"),
    [(401, Cause.DENIED), (403, Cause.DENIED), (404, Cause.NOT_FOUND), (429, Cause.RATE_LIMITED),
     (500, Cause.SERVER_FAULT), (503, Cause.SERVER_FAULT), (301, Cause.REDIRECT)],
)  # fmt: skip
@pytest.mark.parametrize(("product", "body"), [(Product.VOICE, VOICE), (Product.MAIL, MAIL)])
def test_good_figures_under_a_bad_status_do_not_help(
    product: Product, body: object, status: int, cause: Cause
) -> None:
    found = found_in(product, body, status)
    assert isinstance(found, Failure)
    assert found.cause is cause
