"""Slack's signed HTTP requests, verified and handed to Bolt."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from multidict import MultiMapping
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bot.ports import Clock
from bot.slack.accepted import Accepted

log = structlog.get_logger()

MAX_AGE = 300
"""Seconds a request may be old (docs.slack.dev, "Verifying requests from Slack")."""

MAX_AHEAD = 60
"""Seconds it may be ahead of this machine's clock: what is signed for later could be kept for later."""

_FORM = "application/x-www-form-urlencoded"
_TYPES = frozenset({_FORM, "application/json"})
_PAYLOAD = "payload"
_SIGNED_AT = "X-Slack-Request-Timestamp"
_SIGNATURE = "X-Slack-Signature"
_RETRY = "X-Slack-Retry-Num"


class Unsigned(StrEnum):
    """Why a request is not one that Slack signed now."""

    MISSING = "missing"
    REPEATED = "repeated"
    MALFORMED = "malformed"
    STALE = "stale"
    AHEAD = "ahead"
    REUSED = "reused"
    WRONG = "wrong"


_REFUSALS = {
    400: ("slack.malformed_request", "This request is not whole.\n"),
    408: ("slack.too_slow", "This request did not arrive in time.\n"),
    413: ("slack.too_large", "This request is larger than 1 MiB.\n"),
}
_NOT_SLACKS = "This is not what Slack sends.\n"


class Receiver:
    """Takes what Slack sends; whatever is not signed by Slack, now, is a 401 and reaches nobody.

    Bolt's own verification is switched off: it answers a malformed timestamp or signature with a 500
    and logs the body of every refused request.

    `read` returns the body of a request; it raises aiohttp's own errors for what is refused in reading.
    `busy` is called for each request that finds no room.
    """

    def __init__(
        self,
        app: AsyncApp,
        signing_secret: str,
        clock: Clock,
        read: Callable[[web.Request], Awaitable[bytes]],
        busy: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)
        self._clock = clock
        self._read = read
        self._busy = busy
        self._accepted = Accepted()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer one request: what its head alone disproves is refused before the body is read."""
        if (request.content_length or 0) > request.client_max_size:
            return _refused(413, *_REFUSALS[413])
        if fault := disproved(request.headers, self._clock.now()) or self._used(request):
            return _unsigned(fault)
        if request.content_type not in _TYPES:
            return _refused(400, "slack.malformed_request", _NOT_SLACKS)
        try:
            raw = await self._read(request)
        except web.HTTPServiceUnavailable:
            self._busy()
            return web.Response(status=503, text="Too much is being sent at once.\n")
        except web.HTTPException as refusal:
            return _refused(refusal.status, *_REFUSALS[refusal.status])
        except OSError:  # nobody is there any more to read the answer
            return web.Response(status=400)
        try:
            body = raw.decode()
        except UnicodeDecodeError:
            return _unsigned(Unsigned.MALFORMED)
        # The body took its time: what the head says is judged once more with the rest.
        if fault := unsigned(self._verifier, request.headers, body) or self._used(request):
            return _unsigned(fault)
        asked = _understood(body, request)
        if asked is None:
            return _refused(400, "slack.malformed_request", _NOT_SLACKS)
        return await to_aiohttp_response(await self._answer(request, asked, sha256(raw).digest()))

    def _used(self, request: web.Request) -> Unsigned | None:
        """Say why this signature is not accepted any more: only a retry of Slack's may bear it again."""
        self._accepted.forget(int(self._clock.now().timestamp()) - MAX_AGE)
        if self._accepted.stale(int(request.headers[_SIGNED_AT])):
            return Unsigned.STALE
        if self._accepted.used(request.headers[_SIGNATURE]) and not _retried(request):
            return Unsigned.REUSED
        return None

    async def _answer(self, request: web.Request, asked: AsyncBoltRequest, digest: bytes) -> BoltResponse:
        """Act once on what is signed; a retry, signed anew or not, gets the answer of the first request.

        Slack retries events alone, for which any 200 will do. A retry of what was never heard acts.
        """
        if _is_a_trial(asked.body):
            # Two of one second are alike, down to the signature.
            return await self._app.async_dispatch(asked)
        if _retried(request) and self._accepted.known(digest):
            log.info("slack.answered_again")
            return await self._accepted.answer_to(digest)
        answer = self._accepted.accept(int(request.headers[_SIGNED_AT]), request.headers[_SIGNATURE], digest)
        try:
            response = await self._app.async_dispatch(asked)
            self._accepted.settle(answer, response)
        finally:
            answer.cancel()  # where it was not settled
        return response


def disproved(headers: MultiMapping[str], now: datetime) -> Unsigned | None:
    """Say why Slack did not sign this now, as far as the head alone tells; nothing where it may have."""
    timestamps = headers.getall(_SIGNED_AT, [])
    signatures = headers.getall(_SIGNATURE, [])
    if not timestamps or not signatures:
        return Unsigned.MISSING
    if len(timestamps) > 1 or len(signatures) > 1:
        return Unsigned.REPEATED
    timestamp, signature = timestamps[0], signatures[0]
    if not re.fullmatch(r"[0-9]{1,11}", timestamp) or not re.fullmatch(r"v0=[0-9a-f]{64}", signature):
        return Unsigned.MALFORMED
    age = now.timestamp() - int(timestamp)
    if age > MAX_AGE:
        return Unsigned.STALE
    if age < -MAX_AHEAD:
        return Unsigned.AHEAD
    return None


def unsigned(verifier: SignatureVerifier, headers: Mapping[str, str], body: str) -> Unsigned | None:
    """Say that this body is not the one that was signed; nothing where it is."""
    expected = verifier.generate_signature(timestamp=headers[_SIGNED_AT], body=body)
    same = expected is not None and compare_digest(expected, headers[_SIGNATURE])
    return None if same else Unsigned.WRONG


def _retried(request: web.Request) -> bool:
    """Whether Slack says that it sends this again (docs.slack.dev, "The Events API", "Retries")."""
    return re.fullmatch(r"[0-9]{1,9}", request.headers.get(_RETRY, "")) is not None


def _is_a_trial(body: Mapping[str, Any]) -> bool:
    """Whether Slack only tries the address: nothing comes of it, however often it is sent."""
    return body.get("type") == "url_verification" or body.get("ssl_check") == "1"


def _unsigned(fault: Unsigned) -> web.Response:
    return _refused(401, "slack.unsigned_request", "This request is not signed by Slack.\n", why=fault.value)


def _refused(status: int, event: str, text: str, **about: str) -> web.Response:
    # Nothing of the request: it may hold what Slack's people typed, or what a stranger wants to see logged.
    log.warning(event, **about)
    return web.Response(status=status, text=text)


def _understood(body: str, request: web.Request) -> AsyncBoltRequest | None:
    """Let Bolt read a request; nothing where it is none of those that the bot serves."""
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
