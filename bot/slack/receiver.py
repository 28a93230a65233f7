"""Slack's signed HTTP requests, verified and handed to Bolt."""

from collections.abc import Callable
from hmac import compare_digest
from uuid import uuid4

import structlog
from aiohttp import web
from multidict import MultiMapping
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.ports import Clock
from bot.slack.blocks import Message

log = structlog.get_logger()

MAX_AGE = 300
"""Seconds a request may be old, or young (docs.slack.dev, "Verifying requests from Slack")."""


class Receiver:
    """Takes what Slack sends; whatever is not signed by Slack, now, is a 401 and reaches nobody.

    Bolt's own verification is switched off: it answers a malformed timestamp or signature with a 500
    and logs the body of every refused request.
    """

    def __init__(
        self, app: AsyncApp, signing_secret: str, clock: Clock, went_wrong: Callable[[str], Message]
    ) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)
        self._clock = clock
        self._went_wrong = went_wrong

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            body = (await request.read()).decode()
        except UnicodeDecodeError:
            body = None
        if body is None or not self._signed(request.headers, body):
            log.warning("slack.unsigned_request")
            return web.Response(status=401, text="This request is not signed by Slack.\n")
        asked = AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers.items()))
        answer = await self._app.async_dispatch(asked)
        if answer.status >= 500:
            # Slack shows a 500 as "dispatch_failed": a person is told what to do instead.
            reference = uuid4().hex[:8]
            log.error("slack.dispatch_failed", reference=reference)
            return web.json_response({"response_type": "ephemeral", **self._went_wrong(reference).payload()})
        return await to_aiohttp_response(answer)

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
