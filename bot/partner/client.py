"""The three products over HTTP: `Partner` only sends.

The key travels in the URL, so no exception of aiohttp's, no URL and no body leaves this package: every
failure becomes a `Failure`, chained to nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import stamina
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from yarl import URL

from bot.connecting import cause_of, not_repeated, patience
from bot.core.model import Account, Product
from bot.core.reading import WORTH_RETRYING, Cause, Credits, Failure, Held, SubAccount
from bot.partner.decipher import Page, decipher, decipher_page, unreadable
from bot.partner.waits import Waits
from bot.ports import Budget, HeldBack, StoreAway, Unreadable

MAX_BODY = 256 * 1024
"""Bytes; a real answer has some 300, a page of 20 sub-accounts some 5,000."""

ATTEMPT_SECONDS = 10
"""As in all samples of the vendor; 5 s aborted good answers in production."""

ATTEMPTS = 3
LISTING_SECONDS = 25
READ_SECONDS = 42
"""For the account and all pages of its sub-accounts: they end before a reading's deadline, whatever came."""

MOST_PAGES = 100
MOST_LISTED = 2000
"""Sub-accounts of one account: pages of 20, all read within `LISTING_SECONDS`."""

_T = TypeVar("_T")


class Partner:
    """Asks one of the products for the credits of one key; the caller owns the session.

    `turn` bounds how many accounts the host is asked about at a time; `budget` how many requests a minute
    may be made; `attempts` how often one thing is asked for, where a fault may pass; `waits` remembers, for
    all accounts, until when the provider asked to be left alone.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api_url: str,
        api_key: str,
        product: Product = Product.SMS,
        *,
        turn: AbstractAsyncContextManager[None] | None = None,
        budget: Budget | None = None,
        attempts: int = ATTEMPTS,
        waits: Waits | None = None,
    ) -> None:
        self._session = session
        self._product = product
        self._base = api_url.rstrip("/")
        self._key = api_key
        self._me = self._address()
        self.turn = turn or nullcontext()
        self._budget = budget
        self._waits = waits
        self._asker = (f"{self._me.raw_host}:{self._me.port}", api_key)
        self._digest = sha256(f"{product}:{api_key}".encode()).hexdigest()
        counted = budget is not None or attempts == 1
        self._headers = {"Connection": "close"} if counted else {}
        self._middlewares = (not_repeated,) if counted else ()
        self._attempts = attempts

    async def read(self, account: Account, *, polled: bool = True) -> Credits:
        """Ask, 34 s at most, then list sub-accounts where wanted; raises `Unreadable` and `HeldBack`.

        Where requests are counted, one that is not `polled` is made once.
        """

        def parse(status: int, body: bytes) -> Credits:
            return decipher(status, body, account.needed, self._product)

        ends_at = asyncio.get_running_loop().time() + READ_SECONDS
        credits_ = await self._insist(self._me, parse, polled=polled)
        if account.subaccounts is None:
            return credits_
        listed = await self._listed(ends_at, emails=account.subaccounts.emails)
        if isinstance(listed, Failure):
            return replace(credits_, unlisted=replace(listed, listing=True))
        return replace(credits_, subaccounts=listed)

    def wait(self, failure: Failure) -> None:
        """Ask nothing before the time that a stored failure names."""
        if self._waits:
            self._waits.resume(self._asker, failure)

    def _address(self) -> URL:
        if self._product is Product.VOICE:
            # A key is one segment of the path, whatever it is made of.
            segment = quote(self._key, safe="").replace(".", "%2E")
            return URL(f"{self._base}/me/{segment}", encoded=True)
        return URL(f"{self._base}/me").with_query(apiKey=self._key, _format="json")

    async def _listed(self, ends_at: float, *, emails: bool) -> tuple[SubAccount, ...] | Failure:
        try:
            left = ends_at - asyncio.get_running_loop().time()
            async with asyncio.timeout(min(LISTING_SECONDS, left)):
                pages = [page async for page in self._pages(emails=emails)]
        except TimeoutError:
            return Failure(Cause.TIMEOUT)
        except HeldBack:
            return Failure(Cause.RATE_LIMITED)
        except Unreadable as error:
            return error.failure
        return _whole_list(pages)

    async def _pages(self, *, emails: bool) -> AsyncIterator[Page]:
        for page in range(1, MOST_PAGES + 1):
            query = {"apiKey": self._key, "_format": "json", "page": str(page)}
            url = URL(f"{self._base}/subaccount/list").with_query(query)

            def parse(status: int, body: bytes, page: int = page) -> Page:
                return decipher_page(status, body, page, self._product, emails=emails)

            found = await self._insist(url, parse)
            if found.total is not None and found.total > MOST_LISTED:
                break
            yield found
            if not found.more:
                return
        unreadable(Cause.TOO_MANY)

    async def _insist(self, url: URL, parse: Callable[[int, bytes], _T], *, polled: bool = True) -> _T:
        """Ask, again where it may help; a budget that ends between two tries leaves the first failure."""
        try:
            return await self._ask(url, parse, polled=polled)
        except Unreadable as error:
            failed = error
        if self._budget and not polled:
            raise failed
        # Here, and not around the first try: the machinery of retrying costs as much as a request.
        async for attempt in stamina.retry_context(
            on=_worth_retrying, attempts=self._attempts, wait_initial=0.5, wait_max=2, wait_jitter=0.5
        ):
            with attempt:
                if attempt.num == 1:
                    raise failed
                try:
                    return await self._ask(url, parse, polled=polled)
                except HeldBack:
                    raise failed from None
        raise failed

    async def _ask(self, url: URL, parse: Callable[[int, bytes], _T], *, polled: bool) -> _T:
        self._keep_waiting()
        if self._budget:
            await _spend(self._budget, self._digest, polled=polled)
            self._keep_waiting()
        answer = await self._answer(url)
        # Raised out here: inside an `except` it would carry aiohttp's error, and that one the URL.
        if isinstance(answer, Cause):
            unreadable(answer)
        status, body, headers = answer
        try:
            return parse(status, body)
        except Unreadable as error:
            failure = error.failure
        if failure.cause is Cause.RATE_LIMITED and self._waits:
            failure = self._waits.begin(self._asker, failure, headers)
        raise Unreadable(failure)

    def _keep_waiting(self) -> None:
        """Raise `Unreadable` while the provider does not want to be asked."""
        if self._waits and (failure := self._waits.failure_of(self._asker)):
            raise Unreadable(failure)

    async def _answer(self, url: URL) -> tuple[int, bytes, Mapping[str, str]] | Cause:
        """Return status, body and headers, or why they did not come."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._get(url)
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            # What cannot be unpacked is no JSON; what was cut off may come whole the next time.
            return Cause.NOT_JSON if isinstance(error.__cause__, ContentEncodingError) else cause_of(error)

    async def _get(self, url: URL) -> tuple[int, bytes, Mapping[str, str]]:
        # A redirect is never followed: it would carry the key to another place.
        async with self._session.get(
            url,
            headers=self._headers,
            middlewares=self._middlewares,
            allow_redirects=False,
            timeout=patience(ATTEMPT_SECONDS),
        ) as response:
            # Before the body, which may not come: a wait that the head alone asks for is one.
            if self._waits and (
                response.status == 429 or (response.status == 503 and "Retry-After" in response.headers)
            ):
                cause = Cause.RATE_LIMITED if response.status == 429 else Cause.SERVER_FAULT
                self._waits.begin(self._asker, Failure(cause, status=response.status), response.headers)
            body = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                body += chunk
                if len(body) > MAX_BODY:
                    response.close()
                    unreadable(Cause.TOO_LARGE, status=response.status)
            return response.status, bytes(body), response.headers


def _whole_list(pages: Sequence[Page]) -> tuple[SubAccount, ...] | Failure:
    """Join the pages, unless they hold fewer sub-accounts than each says that there are.

    A list that moves while it is paged may show one of them twice, and its total may change.
    """
    found = {one.id: one for page in pages for one in page.subaccounts}
    total = min((page.total for page in pages if page.total is not None), default=0)
    return tuple(found.values()) if len(found) >= total else Failure(Cause.INCOMPLETE)


def _worth_retrying(error: Exception) -> bool:
    """Tell whether a second try may help; within a wait that the provider asked for there is none."""
    if not isinstance(error, Unreadable) or error.failure.wait_until:
        return False
    return error.failure.cause in WORTH_RETRYING


async def _spend(budget: Budget, digest: str, *, polled: bool) -> None:
    """Count a request; what cannot be counted is not asked, for others may be asking too."""
    try:
        granted = await budget.spend(digest, polled=polled)
    except StoreAway:
        raise HeldBack(Held.STORE_AWAY) from None
    if not granted:
        raise HeldBack
