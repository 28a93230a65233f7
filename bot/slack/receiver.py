"""Slack's signed HTTP requests, verified and handed to Bolt."""

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any

import structlog
from aiohttp import web
from multidict import MultiMapping
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.ports import Clock

log = structlog.get_logger()

MAX_AGE = 300
"""Seconds a request may be old, or young (docs.slack.dev, "Verifying requests from Slack")."""


class Receiver:
    """Takes what Slack sends; whatever is not signed by Slack, now, is a 401 and reaches nobody.

    Bolt's own verification is switched off: it answers a malformed timestamp or signature with a 500
    and logs the body of every refused request.
    """

    def __init__(self, app: AsyncApp, signing_secret: str, clock: Clock) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)
        self._clock = clock

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            body = (await request.read()).decode()
        except UnicodeDecodeError:
            body = None
        if body is None or not self._signed(request.headers, body):
            log.warning("slack.unsigned_request")
            return web.Response(status=401, text="This request is not signed by Slack.\n")
        asked = _understood(body, request)
        if asked is None:
            log.warning("slack.malformed_request")
            return web.Response(status=400, text="This is not what Slack sends.\n")
        return await to_aiohttp_response(await self._app.async_dispatch(asked))

    def _signed(self, headers: MultiMapping[str], body: str) -> bool:
        timestamps = headers.getall("X-Slack-Request-Timestamp", [])
        signatures = headers.getall("X-Slack-Signature", [])
        if len(timestamps) != 1 or len(signatures) != 1:
            return False
        timestamp, signature = timestamps[0], signatures[0]
        if not (
            timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 and signature.isascii()
        ):
            return False
        if abs(self._clock.now().timestamp() - int(timestamp)) > MAX_AGE:
            return False
        expected = self._verifier.generate_signature(timestamp=timestamp, body=body)
        return expected is not None and compare_digest(expected, signature)


def _understood(body: str, request: web.Request) -> AsyncBoltRequest | None:
    """Let Bolt read a request; nothing where it is none of those that the bot serves."""
    headers: dict[str, str | Sequence[str]] = dict(request.headers.items())
    try:
        asked = AsyncBoltRequest(body=body, query=request.query_string, headers=headers)
    except Exception:  # noqa: BLE001 - Bolt trusts the body to be Slack's, and fails in many ways on others
        return None
    return asked if _served(asked.body) else None


def _served(body: Mapping[str, Any]) -> bool:
    """Whether it is a command, a press, or a trial of Slack's; on other shapes Bolt stumbles all along."""
    if body.get("type") == "block_actions":
        actions = body.get("actions")
        return (
            isinstance(actions, list)
            and bool(actions)
            and all(isinstance(one, dict) and isinstance(one.get("action_id"), str) for one in actions)
        )
    known = "command" in body or "ssl_check" in body or body.get("type") == "url_verification"
    return known and all(isinstance(value, str) for value in body.values())
