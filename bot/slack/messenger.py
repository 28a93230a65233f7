"""Channels told through Slack's Web API, its refusals mapped to `NotDelivered` in one place."""

from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.model import Due, Edit
from bot.ports import NotDelivered
from bot.slack.blocks import Blocks, Message

log = structlog.get_logger()

EVENT_TYPE = "smscredits"

_MENDED_BY_PEOPLE = frozenset(
    {
        "account_inactive",
        "channel_not_found",
        "invalid_auth",
        "invalid_blocks",
        "is_archived",
        "missing_scope",
        "not_authed",
        "not_in_channel",
        "restricted_action",
        "token_revoked",
    }
)
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class SlackMessenger:
    """Posts and edits; it never retries by itself, for a post may have been accepted all the same."""

    def __init__(self, client: AsyncWebClient, blocks: Blocks) -> None:
        self._client = client
        self._blocks = blocks

    async def post(self, due: Due) -> str:
        """Tell the channel what is due; return the message's `ts`; raises `NotDelivered`."""
        metadata: dict[str, Any] = {
            "event_type": EVENT_TYPE,
            "event_payload": {"kind": due.kind.value, "episode": due.episode.id if due.episode else ""},
        }
        where: dict[str, Any] = {"channel": due.channel}
        if due.root:
            where |= {"thread_ts": due.root, "reply_broadcast": True}
        answer = await self._call(
            "chat.postMessage",
            self._blocks.due(due),
            {**where, "metadata": metadata, "unfurl_links": False, "unfurl_media": False},
        )
        return str(answer["ts"])

    async def edit(self, edit: Edit) -> None:
        """Bring a living message up to date; raises `NotDelivered`."""
        await self._call(
            "chat.update", self._blocks.living(edit), {"channel": edit.episode.channel, "ts": edit.root}
        )

    async def _call(self, method: str, message: Message, where: dict[str, Any]) -> Any:
        try:
            return await self._client.api_call(method, json={**where, **message.payload()})
        except SlackApiError as error:
            raise _not_delivered(error) from None
        except TimeoutError:
            raise NotDelivered("timeout") from None
        except (aiohttp.ClientError, OSError):
            raise NotDelivered("network") from None


def _not_delivered(refusal: SlackApiError) -> NotDelivered:
    response = refusal.response
    if response.status_code == 429:
        return NotDelivered("ratelimited", retry_after=_seconds(response.headers.get("Retry-After")))
    error = response.get("error") if isinstance(response.data, dict) else None
    if not isinstance(error, str):
        return NotDelivered("server_fault")
    if error == "invalid_blocks":
        log.error("slack.invalid_blocks", faults=response.get("response_metadata"))
    return NotDelivered(error, permanent=error in _MENDED_BY_PEOPLE, gone=error in _GONE)


def _seconds(header: object) -> float:
    text = str(header)
    return float(text) if text.isdecimal() and text.isascii() else 30.0
