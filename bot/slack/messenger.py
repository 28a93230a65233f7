"""Channels told through Slack's Web API."""

from collections.abc import Callable
from typing import Any

from bot.core.form import Embellishment
from bot.core.notice import Due, Edit, Kind
from bot.ports import NotBuilt, NotDelivered, StoreAway
from bot.slack.blocks import Bare, Blocks, Message
from bot.slack.web_api import WebApi, answer_to

EVENT_TYPE = "smscredits"


class SlackMessenger:
    """Posts and edits; it never retries by itself, for a post may have been accepted all the same."""

    def __init__(self, client: WebApi, blocks: Blocks) -> None:
        self._client = client
        self._blocks = blocks

    async def post(self, due: Due, bare: Bare = frozenset()) -> str:
        """Tell the channel what is due; return the message's `ts`; raises `NotDelivered` and `NotBuilt`."""
        message = _built(lambda: self._blocks.due(due, bare))
        episode = due.episode.id if due.episode else ""
        return await self._post(due.channel, message, bare, due.kind, episode=episode, thread=due.root)

    async def say(self, channel: str, away: StoreAway | None, bare: Bare = frozenset()) -> None:
        """Tell a channel why the database cannot be used, or that it can again; raises `NotDelivered`."""
        await self._post(channel, self._blocks.outage(away), bare, Kind.GAP)

    async def test(self, channel: str, bare: Bare = frozenset(), *, thread: str = "") -> str:
        """Show that a channel can be told, in the form of an alert or of a reply to it; return the `ts`."""
        message = self._blocks.test(bare, reply=bool(thread))
        return await self._post(channel, message, bare, Kind.TEST, thread=thread)

    async def edit(self, edit: Edit, bare: Bare = frozenset()) -> None:
        """Bring a living message up to date; raises `NotDelivered` and `NotBuilt`."""
        message = _built(lambda: self._blocks.living(edit, bare))
        # Without any, those that it had would stay.
        where = {"channel": edit.episode.channel, "ts": edit.root, "blocks": []}
        await self._call("chat.update", message, where)

    async def _post(
        self, channel: str, message: Message, bare: Bare, kind: Kind, *, episode: str = "", thread: str = ""
    ) -> str:
        where: dict[str, Any] = {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        if thread and Embellishment.THREAD not in bare:
            where |= {"thread_ts": thread, "reply_broadcast": True}
        if Embellishment.METADATA not in bare:
            payload = {"kind": kind.value, "episode": episode}
            where["metadata"] = {"event_type": EVENT_TYPE, "event_payload": payload}
        answer = await self._call("chat.postMessage", message, where)
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise NotDelivered("server_fault", unknown=True)
        return ts

    async def _call(self, method: str, message: Message, where: dict[str, Any]) -> Any:
        arguments = {**where, **message.payload()}
        try:
            return await answer_to(self._client.api_call(method, json=arguments))
        except NotDelivered as error:
            error.worn = _worn(message, arguments)
            raise


def _worn(message: Message, arguments: dict[str, Any]) -> Bare:
    worn = {
        Embellishment.METADATA: "metadata" in arguments,
        Embellishment.BLOCKS: bool(message.blocks),
        Embellishment.THREAD: "thread_ts" in arguments,
        Embellishment.MENTION: message.mentions,
    }
    return frozenset(one for one, there in worn.items() if there)


def _built(build: Callable[[], Message]) -> Message:
    try:
        return build()
    except Exception as fault:
        raise NotBuilt from fault
