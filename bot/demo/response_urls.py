"""Response URLs: the addresses at which a bot may answer a command or a press later, a few times.

The rules are those of https://docs.slack.dev/interactivity/handling-user-interaction#message_responses.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from bot.demo.blockkit import faults
from bot.demo.workspace import BOT_USER, Json, Message, Workspace

USES = 5
LIFE = timedelta(minutes=30)


@dataclass
class _Opened:
    channel: str
    user: str
    expires: datetime
    source: str | None
    uses: int = 0


class ResponseUrls:
    """The response URLs of one workspace, and what the bot says through them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._opened: dict[str, _Opened] = {}

    def open(self, channel: str, user: str, pressed: Message | None = None) -> str:
        """Return the path of a new one; only that of a press can replace or delete its message."""
        secret = secrets.token_urlsafe(24)
        expires = self._workspace.clock() + LIFE
        self._opened[secret] = _Opened(channel, user, expires, pressed.ts if pressed else None)
        return f"/response/{secret}"

    async def serve(self, request: web.Request) -> web.Response:
        """Take one answer of the bot and show it, or say why not."""
        opened = self._opened.get(request.match_info["secret"])
        if opened is None:
            return _refused("invalid_url", 404)
        if self._workspace.clock() >= opened.expires:
            return _refused("expired_url", 404)
        if opened.uses >= USES:
            return _refused("used_url", 404)
        try:
            payload = await request.json()
        except ValueError:
            payload = None
        wrong = faults(payload) if isinstance(payload, dict) else ("the body is no JSON object",)
        if wrong:
            self._workspace.refusals.extend(f"response_url: {fault}" for fault in wrong)
            return _refused("invalid_blocks", 400)
        opened.uses += 1
        self._take(opened, payload)
        return web.Response(text="ok")

    def _take(self, opened: _Opened, payload: Json) -> None:
        source = self._workspace.find(opened.channel, opened.source)
        if source is not None and payload.get("delete_original"):
            self._workspace.remove(source)
        elif source is not None and payload.get("replace_original"):
            self._workspace.edit(source, {"blocks": [], **payload})
        elif payload.get("text"):
            reader = None if payload.get("response_type") == "in_channel" else opened.user
            self._workspace.show(opened.channel, BOT_USER.id, payload, ephemeral_for=reader)


def _refused(error: str, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status)
