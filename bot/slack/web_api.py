"""Slack's Web API: every call bounded, and whatever may come of one mapped to `NotDelivered`."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.connecting import cause_of, never_connected, patience
from bot.core.notice import LONGEST_WAIT
from bot.core.reading import CONNECTION
from bot.core.retry_after import retry_after
from bot.ports import NotDelivered

log = structlog.get_logger()

CALL_SECONDS = 10.0

DEFAULT_RETRY_AFTER = timedelta(seconds=30)

MENDED_BY_PEOPLE = frozenset(
    {
        "account_inactive",
        "channel_not_found",
        "ekm_access_denied",
        "invalid_auth",
        "invalid_blocks",
        "is_archived",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "token_expired",
        "token_revoked",
    }
)
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})

_TOO_MANY = frozenset({"ratelimited", "rate_limited"})

_FAULTS_OF_SLACK = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
"""After these a post may stand in the channel all the same (docs.slack.dev, "chat.postMessage", errors)."""


class WebApi(AsyncWebClient):
    """Slack's own client, each call within its time: its `timeout` means nothing to a session handed in."""

    def __init__(
        self, token: str, api_url: str, session: aiohttp.ClientSession, seconds: float = CALL_SECONDS
    ) -> None:
        super().__init__(token=token, base_url=api_url.rstrip("/") + "/", session=session, retry_handlers=[])
        # slack_sdk takes one from the environment, and heeds no NO_PROXY: all of ours goes straight.
        self.proxy = None
        self.shared = session
        self._seconds = seconds

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Call a method of the Web API; the answer is there within the time, or it is a `TimeoutError`."""
        async with asyncio.timeout(self._seconds):
            return await super().api_call(api_method, **arguments)

    async def _request(self, *, req_args: dict[str, Any], **request: Any) -> dict[str, Any]:
        # A redirect is never followed: figures would go where it leads, and the answer come from there.
        limits = {"allow_redirects": False, "timeout": patience(self._seconds)}
        return await super()._request(req_args={**req_args, **limits}, **request)


async def answer_to(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Wait for Slack's answer; raises `NotDelivered` for all else that may come."""
    try:
        return await call
    # The last two: slack_sdk stumbles over JSON that is no object.
    except (SlackClientError, aiohttp.ClientError, OSError, AttributeError, ValueError) as error:
        raise not_delivered(error) from None


def not_delivered(error: Exception) -> NotDelivered:
    """Say what an error of slack_sdk or aiohttp means for what was to be told."""
    if isinstance(error, SlackApiError):
        return _refusal(error.response)
    if isinstance(error, aiohttp.ClientError | OSError):
        return NotDelivered(cause_of(error).value, unknown=not never_connected(error))
    return NotDelivered("server_fault", unknown=True)


def refused(error: NotDelivered) -> bool:
    """Tell whether Slack answered with a no, which waiting alone will hardly change."""
    return not error.unknown and error.error not in {*CONNECTION, "ratelimited"}


def _refusal(response: AsyncSlackResponse | aiohttp.ClientResponse) -> NotDelivered:
    # Where the body is no JSON, slack_sdk hands out aiohttp's response instead of its own.
    if isinstance(response, aiohttp.ClientResponse):
        status, data = response.status, None
    else:
        status, data = response.status_code, response.data
    if 300 <= status < 400:
        return NotDelivered("redirect", unknown=True)
    error = data.get("error") if isinstance(data, dict) else None
    if status == 429 or str(error) in _TOO_MANY:
        wait = retry_after(response.headers, otherwise=DEFAULT_RETRY_AFTER, most=LONGEST_WAIT)
        return NotDelivered("ratelimited", retry_after=wait.total_seconds())
    wait = retry_after(response.headers, otherwise=timedelta(0), most=LONGEST_WAIT)
    asked = wait.total_seconds() or None if status >= 500 else None
    if not isinstance(error, str):
        return NotDelivered("server_fault", unknown=True, retry_after=asked)
    if error == "invalid_blocks" and isinstance(data, dict):
        log.error("slack.invalid_blocks", faults=data.get("response_metadata"))
    return NotDelivered(
        error,
        permanent=error in MENDED_BY_PEOPLE,
        gone=error in _GONE,
        unknown=status >= 500 or error in _FAULTS_OF_SLACK,
        retry_after=asked,
    )
