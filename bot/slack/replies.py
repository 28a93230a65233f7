"""Answers to a command or a press that come later, through Slack's `response_url`."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import stamina
import structlog
from yarl import URL

from bot.connecting import cause_of
from bot.core.retry_after import retry_after

log = structlog.get_logger()

TRIES = 3
TRY_SECONDS = 10.0
LONGEST_WAIT = timedelta(minutes=1)
"""An answer for which Slack asks to wait longer is lost: nobody sits there any more."""

HOSTS = (".slack.com", ".slack-gov.com")
"""Where Slack is; answers hold figures, and go nowhere else."""


class Replies:
    """Posts to response URLs; such a URL is a secret for half an hour, so none is ever logged."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, seconds: float = TRY_SECONDS) -> None:
        self._session = session
        self._origin = URL(api_url).origin()
        self._seconds = seconds

    async def send(self, url: object, payload: Mapping[str, Any]) -> None:
        """Answer, with up to three tries; an answer that is lost is logged in one line."""
        try:
            async for attempt in stamina.retry_context(
                on=_wait, attempts=TRIES, timeout=None, wait_initial=0.5, wait_max=2, wait_jitter=0.5
            ):
                with attempt:
                    await self._post(url, payload)
        except _NotTakenError as error:
            mend = "the person can ask again"
            log.error("answer.lost", reference=uuid4().hex[:8], error=str(error), mend=mend)

    async def _post(self, url: object, payload: Mapping[str, Any]) -> None:
        if not self._is_slacks(url):
            raise _NotTakenError("no response_url")
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.post(str(url), json=payload, allow_redirects=False) as response,
            ):
                status, headers = response.status, response.headers
        except aiohttp.InvalidURL:
            raise _NotTakenError("no response_url") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _NotTakenError(cause_of(error).value, again=True) from None
        if status == 429:
            wait = retry_after(headers, otherwise=timedelta(seconds=1), most=timedelta.max)
            raise _NotTakenError("HTTP 429", again=wait <= LONGEST_WAIT and wait.total_seconds())
        if status != 200:
            raise _NotTakenError(f"HTTP {status}", again=status >= 500)

    def _is_slacks(self, url: object) -> bool:
        """Tell whether this is an address at Slack, or where its Web API was set to be."""
        try:
            address = URL(url) if isinstance(url, str) else URL()
            slacks = address.scheme == "https" and (address.host or "").endswith(HOSTS)
            return slacks or address.origin() == self._origin
        except ValueError:
            return False


class _NotTakenError(Exception):
    def __init__(self, why: str, *, again: bool | float = False) -> None:
        super().__init__(why)
        self.again = again


def _wait(error: Exception) -> bool | float:
    """Tell stamina whether to try again, and after how many seconds where Slack has said so."""
    return isinstance(error, _NotTakenError) and error.again
