"""Slack's signed HTTP requests, verified and handed to Bolt."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

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

BODY_SECONDS = 10.0
"""How long a body may take to arrive; Slack itself gives up after 3 s."""

_FORM = "application/x-www-form-urlencoded"
_TYPES = frozenset({_FORM, "application/json"})
_PAYLOAD = "payload"


class Unsigned(StrEnum):
    """Why a request is not one that Slack signed now."""

    MISSING = "missing"
    REPEATED = "repeated"
    MALFORMED = "malformed"
    STALE = "stale"
    WRONG = "wrong"


class Receiver:
    """Takes what Slack sends; whatever is not signed by Slack, now, is a 401 and reaches nobody.

    Bolt's own verification is switched off: it answers a malformed timestamp or signature with a 500
    and logs the body of every refused request.
    """

    def __init__(
        self, app: AsyncApp, signing_secret: str, clock: Clock, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)
        self._clock = clock
        self._body_seconds = body_seconds

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            async with asyncio.timeout(self._body_seconds):
                raw = await _body(request)
        except TimeoutError:
            return _refused(408, "slack.too_slow", "This request did not arrive in time.\n")
        except web.HTTPRequestEntityTooLarge:
            return _refused(413, "slack.too_large", "This request is larger than 1 MiB.\n")
        except (web.RequestPayloadError, OSError):
            return _refused(400, "slack.malformed_request", "This request is not whole.\n")
        try:
            body = raw.decode()
        except UnicodeDecodeError:
            return _unsigned(Unsigned.MALFORMED)
        if fault := unsigned(self._verifier, request.headers, body, self._clock.now()):
            return _unsigned(fault)
        asked = _understood(body, request)
        if asked is None:
            return _refused(400, "slack.malformed_request", "This is not what Slack sends.\n")
        return await to_aiohttp_response(await self._app.async_dispatch(asked))


def unsigned(
    verifier: SignatureVerifier, headers: MultiMapping[str], body: str, now: datetime
) -> Unsigned | None:
    """Say why Slack did not sign this body now; nothing where it did."""
    timestamps = headers.getall("X-Slack-Request-Timestamp", [])
    signatures = headers.getall("X-Slack-Signature", [])
    if not timestamps or not signatures:
        return Unsigned.MISSING
    if len(timestamps) > 1 or len(signatures) > 1:
        return Unsigned.REPEATED
    timestamp, signature = timestamps[0], signatures[0]
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 and signature.isascii()):
        return Unsigned.MALFORMED
    if abs(now.timestamp() - int(timestamp)) > MAX_AGE:
        return Unsigned.STALE
    expected = verifier.generate_signature(timestamp=timestamp, body=body)
    if expected is None or not compare_digest(expected, signature):
        return Unsigned.WRONG
    return None


async def _body(request: web.Request) -> bytes:
    """Read the body; one that says itself that it is too large is not waited for."""
    if (request.content_length or 0) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size)
    return await request.read()


def _unsigned(fault: Unsigned) -> web.Response:
    return _refused(401, "slack.unsigned_request", "This request is not signed by Slack.\n", why=fault.value)


def _refused(status: int, event: str, text: str, **about: str) -> web.Response:
    # Nothing of the request: it may hold what Slack's people typed, or what a stranger wants to see logged.
    log.warning(event, **about)
    return web.Response(status=status, text=text)


def _understood(body: str, request: web.Request) -> AsyncBoltRequest | None:
    """Let Bolt read a request; nothing where it is none of those that the bot serves."""
    if request.content_type not in _TYPES:
        return None
    headers: dict[str, str | Sequence[str]] = dict(request.headers.items())
    try:
        if request.content_type == _FORM and _PAYLOAD not in parse_qs(body, keep_blank_values=True):
            # Bolt takes a form with this word anywhere, in a text or a channel's name, for a press.
            body = body.replace(_PAYLOAD, "%70ayload")
        asked = AsyncBoltRequest(body=body, query=request.query_string, headers=headers)
    except Exception:  # noqa: BLE001 - Bolt trusts the body to be Slack's, and fails in many ways on others
        return None
    return asked if served(asked.body) else None


def served(body: Mapping[str, Any]) -> bool:
    """Whether it is a command, a press, or a trial of Slack's; on other shapes Bolt stumbles all along."""
    if not isinstance(body.get("event", {}), dict):
        return False
    if body.get("type") == "block_actions":
        actions = body.get("actions")
        return (
            isinstance(actions, list)
            and bool(actions)
            and all(isinstance(one, dict) and isinstance(one.get("action_id"), str) for one in actions)
        )
    known = "command" in body or "ssl_check" in body or body.get("type") == "url_verification"
    return known and all(isinstance(value, str) for value in body.values())
