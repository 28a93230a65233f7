"""Channels told through Slack's Web API."""

from collections.abc import Callable
from typing import Any, TypeVar

from bot.core.notice import Due, Edit, Kind
from bot.ports import NotBuilt, NotDelivered, StoreAway
from bot.slack.blocks import Blocks, Message
from bot.slack.web_api import WebApi, answer_to

EVENT_TYPE = "smscredits"
_T = TypeVar("_T")


class SlackMessenger:
    """Posts and edits; it never retries by itself, for a post may have been accepted all the same."""

    def __init__(self, client: WebApi, blocks: Blocks) -> None:
        self._client = client
        self._blocks = blocks

    async def post(self, due: Due) -> str:
        """Tell the channel what is due; return the message's `ts`; raises `NotDelivered` and `NotBuilt`."""
        metadata: dict[str, Any] = {
            "event_type": EVENT_TYPE,
            "event_payload": {"kind": due.kind.value, "episode": due.episode.id if due.episode else ""},
        }
        where: dict[str, Any] = {"channel": due.channel}
        if due.root:
            where |= {"thread_ts": due.root, "reply_broadcast": True}
        answer = await self._call(
            "chat.postMessage",
            _built(self._blocks.due, due),
            {**where, "metadata": metadata, "unfurl_links": False, "unfurl_media": False},
        )
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise NotDelivered("server_fault", unknown=True)
        return ts

    async def say(self, channel: str, away: StoreAway | None) -> None:
        """Tell a channel why the database cannot be used, or that it can again; raises `NotDelivered`."""
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"kind": Kind.GAP.value, "episode": ""}}
        await self._call(
            "chat.postMessage", self._blocks.outage(away), {"channel": channel, "metadata": metadata}
        )

    async def test(self, channel: str) -> None:
        """Show that a channel can be told; raises `NotDelivered`."""
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"kind": Kind.TEST.value, "episode": ""}}
        await self._call("chat.postMessage", self._blocks.test(), {"channel": channel, "metadata": metadata})

    async def edit(self, edit: Edit) -> None:
        """Bring a living message up to date; raises `NotDelivered` and `NotBuilt`."""
        message = _built(self._blocks.living, edit)
        await self._call("chat.update", message, {"channel": edit.episode.channel, "ts": edit.root})

    async def _call(self, method: str, message: Message, where: dict[str, Any]) -> Any:
        return await answer_to(self._client.api_call(method, json={**where, **message.payload()}))


def _built(build: Callable[[_T], Message], what: _T) -> Message:
    try:
        return build(what)
    except Exception as fault:
        raise NotBuilt from fault
