"""The list of sub-accounts: what a page means, and when the pages are the whole list."""

import json
from typing import Any

import aiohttp
import pytest

from bot.core.model import Account, Product, SubAccounts
from bot.core.reading import Cause, Credits, Failure
from bot.demo.answers import GOOD, HOSTILE, MISSING, Answer, refusal
from bot.demo.provider import SimulatedProvider
from bot.partner import Partner
from bot.partner.client import MOST_LISTED, MOST_PAGES
from bot.partner.decipher import Page, _parsed, decipher_page
from bot.ports import Unreadable
from tests.partner.conftest import KEY

pytestmark = pytest.mark.usefixtures("impatient")
PARENT = Account("marketing", "C0ALERTS", subaccounts=SubAccounts())
NO_ROWS: tuple[object, ...] = (None, 7, "x", [], {}, {"email": "x"})
NO_IDS: tuple[object, ...] = (None, "", True, [], "x" * 41, "a\nb")
INCOMPLETE = Failure(Cause.INCOMPLETE, listing=True)


def row(identity: object, **parts: object) -> dict[str, object]:
    return {"id": identity, "credits": {"balance": "0.800", "currency": "EUR"}, **parts}


def page(*rows: object, total: object = MISSING, **parts: object) -> dict[str, object]:
    found: dict[str, object] = {"success": True, "code": 200, "nb_per_page": 20, "data": list(rows), **parts}
    return found if total is MISSING else {**found, "total": total}


def rows(first: int, last: int) -> list[dict[str, object]]:
    return [row(number) for number in range(first, last + 1)]


def found_on(body: object, number: int = 1) -> Page | Failure:
    try:
        return decipher_page(200, json.dumps(body).encode(), number, Product.SMS, emails=False)
    except Unreadable as error:
        return error.failure


# What a page means


@pytest.mark.parametrize(
    ("body", "number", "ids", "more", "total"),
    [
        pytest.param(page(*rows(1, 20), total=29), 1, 20, True, 29, id="the first of two"),
        pytest.param(page(*rows(21, 29), total=29), 2, 9, False, 29, id="the last"),
        pytest.param(page(*rows(1, 20), total=20), 1, 20, False, 20, id="a full page that is the last"),
        pytest.param(page(*rows(1, 20), total="29"), 1, 20, True, 29, id="a total as text"),
        pytest.param(page(*rows(1, 5), total=6, nb_per_page=5), 1, 5, True, 6, id="shorter pages"),
        pytest.param(page(*rows(1, 20), total=29, nb_per_page=None), 1, 20, True, 29, id="pages of 20"),
        pytest.param(page(*rows(1, 20), total=29, nb_per_page=0), 1, 20, True, 29, id="pages of none"),
        pytest.param(page(total=0), 1, 0, False, 0, id="no sub-account"),
        pytest.param(page(total=29), 2, 0, False, 29, id="an empty page is the last"),
        pytest.param(page(), 1, 0, False, None, id="an empty page without a total"),
        *(
            pytest.param(page(*rows(1, 3), total=ill), 1, 3, True, None, id=f"a total of {ill!r}")
            for ill in (MISSING, None, -1, "many", 2.5, True, [3], 10**15)
        ),
        pytest.param(page(*rows(1, 3), row(3), total=4), 1, 4, False, 4, id="a row shown twice"),
        pytest.param(page(*rows(1, 300), total=300, nb_per_page=300), 1, 300, False, 300, id="a long page"),
    ],
)
def test_a_page_is_its_sub_accounts_whether_another_follows_and_how_many_there_are(
    body: object, number: int, ids: int, more: bool, total: int | None
) -> None:
    found = found_on(body, number)
    assert isinstance(found, Page), found
    assert (len(found.subaccounts), found.more, found.total) == (ids, more, total)


@pytest.mark.parametrize(
    ("body", "cause", "field"),
    [
        (page(data=None), Cause.FIELD_MISSING, "data"),
        (page(data={"1": row(1)}), Cause.FIELD_MISSING, "data"),
        *((page(row(1), bad), Cause.FIELD_MISSING, "id") for bad in NO_ROWS),
        *((page(row(bad)), Cause.FIELD_MISSING, "id") for bad in NO_IDS),
        ({"success": False, "code": 10}, Cause.KEY_WRONG, ""),
        ({"success": False, "code": 40}, Cause.API_REFUSED, ""),
        ([row(1)], Cause.NOT_JSON, ""),
    ],
)
def test_any_other_page_makes_the_list_unreadable(body: object, cause: Cause, field: str) -> None:
    found = found_on(body)
    assert isinstance(found, Failure), found
    assert (found.cause, found.field) == (cause, field)


@pytest.mark.parametrize("name", ["apiKey", "APIKEY", "api_key", "token", "Token"])
def test_a_page_that_was_parsed_holds_no_key_and_no_token_at_any_depth(name: str) -> None:
    holder = {name: "canary", "kept": 1}
    body = {**holder, "data": [{**holder, "credits": holder, "more": [[holder]]}]}
    assert "canary" not in repr(_parsed(json.dumps(body).encode()))


# When the pages are the whole list


async def listed(provider: SimulatedProvider, *pages: Any) -> Credits:
    """Read the account, then these pages, of which the last is given for ever."""
    answers = [one if isinstance(one, Answer) else Answer(body=one) for one in pages]
    provider.answers.extend([GOOD, *answers])
    provider.answer = answers[-1]
    async with aiohttp.ClientSession() as session:
        return await Partner(session, provider.api_url, KEY).read(PARENT)


@pytest.mark.parametrize(
    ("pages", "count"),
    [
        pytest.param([page(total=0)], 0, id="none"),
        pytest.param([page(*rows(1, 20), total=29), page(*rows(21, 29), total=29)], 29, id="two pages"),
        pytest.param([page(*rows(1, 20)), page(*rows(21, 29)), page()], 29, id="without a total"),
        pytest.param(
            [page(*rows(1, 20), total=29), page(*rows(20, 29), total=30)],
            29,
            id="one came while it was paged",
        ),
        pytest.param(
            [page(*rows(1, 20), total=29), page(*rows(22, 29), total=28)],
            28,
            id="one went while it was paged",
        ),
        pytest.param([page(*rows(1, 3), total=2)], 3, id="more than it says"),
    ],
)
async def test_the_pages_together_are_the_list(
    provider: SimulatedProvider, pages: list[Any], count: int
) -> None:
    found = await listed(provider, *pages)
    assert (len(found.subaccounts), found.unlisted) == (count, None)
    assert len({one.id for one in found.subaccounts}) == count


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page(total=29)], id="a total and nothing else"),
        pytest.param([page(*rows(1, 20), total=29)], id="a host that ignores the page"),
        pytest.param([page(*rows(1, 20), total=29), page(total=29)], id="an empty second page"),
        pytest.param([page(*rows(1, 3), row(3), total=4)], id="one shown twice instead of another"),
        pytest.param([page(*rows(1, 20), total=29, nb_per_page=100)], id="pages shorter than they say"),
    ],
)
async def test_fewer_sub_accounts_than_every_page_says_are_no_list(
    provider: SimulatedProvider, pages: list[Any]
) -> None:
    found = await listed(provider, *pages)
    assert (found.subaccounts, found.unlisted) == ((), INCOMPLETE)


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (HOSTILE["http_502"], Cause.SERVER_FAULT),
        (refusal(429), Cause.RATE_LIMITED),
        (page(row(21), None, total=29), Cause.FIELD_MISSING),
    ],
)
async def test_an_error_on_the_second_page_makes_the_whole_list_unreadable(
    provider: SimulatedProvider, second: Any, cause: Cause
) -> None:
    found = await listed(provider, page(*rows(1, 20), total=29), second)
    assert found.subaccounts == ()
    assert found.unlisted
    assert (found.unlisted.cause, found.unlisted.listing) == (cause, True)
    assert found.amounts


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        pytest.param(page(*rows(1, 20), total=MOST_LISTED + 1), 1, id="its total says so"),
        pytest.param(page(*rows(1, 20)), MOST_PAGES, id="pages without an end"),
        pytest.param(page(*rows(1, 10), total=MOST_LISTED, nb_per_page=1), MOST_PAGES, id="short pages"),
    ],
)
async def test_more_sub_accounts_than_are_watched_are_told_as_that(
    provider: SimulatedProvider, first: object, asked: int
) -> None:
    found = await listed(provider, first)
    assert (found.subaccounts, found.unlisted) == ((), Failure(Cause.TOO_MANY, listing=True))
    assert len([one for one in provider.requests if one.path.endswith("/subaccount/list")]) == asked


async def test_as_many_as_are_watched_are_listed(provider: SimulatedProvider) -> None:
    pages = (page(*rows(first, first + 19), total=MOST_LISTED) for first in range(1, MOST_LISTED, 20))
    found = await listed(provider, *pages)
    assert (len(found.subaccounts), found.unlisted) == (MOST_LISTED, None)


@pytest.mark.parametrize(("emails", "shown"), [(True, "a@example.com"), (False, "")])
def test_an_email_is_taken_only_where_it_is_wanted(emails: bool, shown: str) -> None:
    body = json.dumps(page(row(1, email="a@example.com"), total=1)).encode()
    (one,) = decipher_page(200, body, 1, Product.SMS, emails=emails).subaccounts
    assert one.email == shown


async def test_an_error_on_the_second_page_that_passes_is_not_noticed(provider: SimulatedProvider) -> None:
    first, second = page(*rows(1, 20), total=29), page(*rows(21, 29), total=29)
    found = await listed(provider, first, HOSTILE["http_502"], second)
    assert (len(found.subaccounts), found.unlisted) == (29, None)
