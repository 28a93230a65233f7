"""A Slack workspace over HTTP, for the demo and for tests: it refuses what Slack would refuse.

The rules of the Web API, its answers and its errors are those of https://docs.slack.dev/apis/web-api.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Self

from aiohttp import web

from bot.demo.blockkit import faults
from bot.demo.interactions import Interactions
from bot.demo.journal import Journal
from bot.demo.limits import Dislikes, RateLimit
from bot.demo.workspace import (
    BOT_ID,
    BOT_USER,
    CHANNELS,
    TEAM_DOMAIN,
    TEAM_ID,
    TEAM_NAME,
    Channel,
    Json,
)

FAULTS = ("fine", "rate_limited", "server_error", "timeout_before", "timeout_after", "not_in_channel")

SCOPES = "commands,chat:write"
"""What the bot token is granted at first; an app-level token has its own."""

_STATUS = {"rate_limited": 429, "server_error": 500, "timeout_before": None, "timeout_after": None}


@dataclass(frozen=True)
class ApiCall:
    """One call of the Web API; its status is None where no answer was ever given."""

    method: str
    payload: Json
    status: int | None
    answer: Json

    @property
    def outcome(self) -> str:
        """What came of it in a word or two: `ok`, Slack's error, `HTTP 429` or `no answer`."""
        if self.status is None:
            return "no answer"
        if self.status != 200:
            return f"HTTP {self.status}"
        return "ok" if self.answer["ok"] else str(self.answer["error"])


class _RefusedError(Exception):
    def __init__(self, error: str, **further: Any) -> None:
        super().__init__(error)
        self.answer: Json = {"ok": False, "error": error, **further}


class SimulatedSlack(Interactions):
    """A Slack workspace over HTTP: Web API, signed commands and presses, response URLs, Socket Mode."""

    def __init__(
        self, *, bot_token: str, signing_secret: str, app_token: str = "", clock: Callable[[], datetime]
    ) -> None:
        super().__init__(signing_secret, clock)
        self.calls: Journal[ApiCall] = Journal()
        self._bot_token = bot_token
        self._app_token = app_token
        self.scopes = SCOPES
        self.refused: dict[str, Json] = {}
        self.rate_limit: RateLimit | None = None
        self.dislikes = Dislikes()
        self.limited: dict[str, list[str]] = {}
        """The `Retry-After` of the next refusals of a method for too many requests."""
        self.link_origin = ""
        """Where the host of the links is, if it is another."""
        self._fault = "fine"
        self._next_faults: deque[str] = deque()
        self._closing = asyncio.Event()
        self._methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": self._auth_test,
            "auth.teams.list": self._list_teams,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "apps.connections.open": self._open_connection,
        }

    @property
    def api_url(self) -> str:
        """Where the Web API is, once the workspace is served."""
        return f"{self.origin}/api/"

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Self]:
        """Serve the workspace; port 0 takes a free one, after which `api_url` tells where it is."""
        app = web.Application()
        app.router.add_get("/api/{method}", self._api)
        app.router.add_post("/api/{method}", self._api)
        app.router.add_post("/response/{secret}", self.response_urls.serve)
        app.router.add_get("/link/", self.links.serve)
        # Cancellation ends the calls that are never answered as soon as their client gives up.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=5.0)
        await runner.setup()
        self._closing.clear()
        try:
            await web.TCPSite(runner, host, port).start()
            self.origin = f"http://{host}:{runner.addresses[0][1]}"
            yield self
        finally:
            self._closing.set()
            await self.links.close()
            await runner.cleanup()

    # What goes wrong on purpose

    @property
    def fault(self) -> str:
        """What chat.* calls meet from now on, one of FAULTS."""
        return self._fault

    @fault.setter
    def fault(self, fault: str) -> None:
        self._fault = _known_fault(fault)

    def refuse(self, method: str, error: str, **further: Any) -> None:
        """Let every call of a method be refused from now on, with Slack's error."""
        self.refused[method] = {"error": error, **further}

    def fault_next(self, fault: str, times: int = 1) -> None:
        """Let the next chat.* calls meet a fault; after those `fault` holds again."""
        self._next_faults.extend([_known_fault(fault)] * times)

    # Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments: Json = {}
        fault, retry_after = "fine", "1"
        try:
            self._authorize(request, method)
            self._admit(method)
            arguments = await _arguments(request)
            if method.startswith("chat."):
                fault = self._next_faults.popleft() if self._next_faults else self._fault
                if self.rate_limit and fault == "fine":
                    channel, now = str(arguments.get("channel")), self.clock()
                    if asked := self.rate_limit.retry_after(method, channel, now):
                        fault, retry_after = "rate_limited", asked
            if self.limited.get(method):
                fault, retry_after = "rate_limited", self.limited[method].pop(0)
            answer = {"ok": True, **self._call(method, arguments, fault)}
        except _RefusedError as refused:
            answer = refused.answer
        status = _STATUS.get(fault, 200)
        self.calls.append(ApiCall(method, arguments, status, answer if status in {200, 429} else {}))
        self.tell()
        if status is None:
            return await self._never_answer(request)
        if status == 500:
            page = "<html>Server Error</html>"
            return web.Response(
                status=500, text=page, content_type="text/html", headers=self._headers(request)
            )
        headers = self._headers(request)
        if status != 200:
            headers["Retry-After"] = retry_after
        return web.json_response(answer, status=status, headers=headers)

    def _call(self, method: str, arguments: Json, fault: str) -> Json:
        if fault not in {"fine", "timeout_after"}:
            raise _RefusedError("ratelimited" if fault == "rate_limited" else fault)
        return self._methods[method](arguments)

    async def _never_answer(self, request: web.Request) -> web.StreamResponse:
        await self._closing.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _authorize(self, request: web.Request, method: str) -> None:
        if method not in self._methods:
            raise _RefusedError("unknown_method")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        wanted, other = self._bot_token, self._app_token
        if method == "apps.connections.open":
            wanted, other = other, wanted
        if scheme != "Bearer" or not token:
            raise _RefusedError("not_authed")
        if token != wanted:
            raise _RefusedError("not_allowed_token_type" if token == other else "invalid_auth")

    def _headers(self, request: web.Request) -> dict[str, str]:
        """Every answer says which scopes the token has, and what time it is at Slack."""
        opens = request.match_info["method"] == "apps.connections.open"
        own = opens and request.headers.get("Authorization") == f"Bearer {self._app_token}"
        scopes = "connections:write" if own else self.scopes
        return {"x-oauth-scopes": scopes, "Date": format_datetime(self.clock(), usegmt=True)}

    def _admit(self, method: str) -> None:
        if method in self.refused:
            raise _RefusedError(**self.refused[method])
        if method.startswith("chat.") and "chat:write" not in self.scopes.split(","):
            raise _RefusedError("missing_scope", needed="chat:write", provided=self.scopes)

    def _auth_test(self, _: Json) -> Json:
        return {
            "url": f"https://{TEAM_DOMAIN}.slack.com/",
            "team": TEAM_NAME,
            "user": BOT_USER.name,
            "team_id": self.enterprise_id if self.org_wide else TEAM_ID,
            "user_id": BOT_USER.id,
            "bot_id": BOT_ID,
            **({"enterprise_id": self.enterprise_id} if self.enterprise_id else {}),
            "is_enterprise_install": self.org_wide,
        }

    def _list_teams(self, _: Json) -> Json:
        if not self.org_wide:
            raise _RefusedError("team_access_not_granted")
        return {"teams": [{"id": TEAM_ID, "name": TEAM_NAME}], "response_metadata": {"next_cursor": ""}}

    def _open_connection(self, _: Json) -> Json:
        if self._closing.is_set():
            raise _RefusedError("internal_error")
        return {"url": (self.link_origin or self.origin.replace("http", "ws", 1)) + self.links.ticket()}

    def _post_message(self, arguments: Json) -> Json:
        channel = _postable(arguments)
        self._judge("chat.postMessage", arguments)
        thread_ts = arguments.get("thread_ts")
        if thread_ts is not None:
            parent = self.find(channel.id, thread_ts)
            if parent is None or parent.ephemeral_for or parent.thread_ts:
                raise _RefusedError("thread_not_found")
        self._like("chat.postMessage", arguments)
        broadcast = thread_ts is not None and arguments.get("reply_broadcast", False)
        message = self.show(channel.id, BOT_USER.id, arguments, broadcast=broadcast)
        return {"channel": channel.id, "ts": message.ts, "message": message.as_json()}

    def _update(self, arguments: Json) -> Json:
        channel = _postable(arguments)
        message = self.find(channel.id, arguments.get("ts"))
        if message is None or message.ephemeral_for:
            raise _RefusedError("message_not_found")
        if message.user != BOT_USER.id:
            raise _RefusedError("cant_update_message")
        # Here, and here alone, an empty object is good metadata: it takes away what was there.
        judged = {name: value for name, value in arguments.items() if (name, value) != ("metadata", {})}
        self._judge("chat.update", judged)
        self._like("chat.update", arguments)
        message = self.edit(message, arguments)
        return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.as_json()}

    def _like(self, method: str, arguments: Json) -> None:
        if error := self.dislikes.of(method, arguments):
            raise _RefusedError(error)

    def _judge(self, method: str, arguments: Json) -> None:
        if not arguments.get("text") and not arguments.get("blocks"):
            raise _RefusedError("no_text")
        if wrong := faults(arguments):
            self.refusals.extend(f"{method}: {fault}" for fault in wrong)
            messages = [f"[ERROR] {fault}" for fault in wrong]
            raise _RefusedError("invalid_blocks", response_metadata={"messages": messages})


def _known_fault(fault: str) -> str:
    if fault not in FAULTS:
        raise ValueError(f"{fault!r} is not one of {', '.join(FAULTS)}")
    return fault


async def _arguments(request: web.Request) -> Json:
    """Read a call's arguments as Slack does: JSON, or a form in which lists and objects are JSON again."""
    if request.content_type == "application/json":
        try:
            sent = await request.json()
        except ValueError:
            raise _RefusedError("invalid_json") from None
        if not isinstance(sent, dict):
            raise _RefusedError("json_not_object")
    else:
        words = {"true": True, "1": True, "false": False, "0": False}
        fields = {**request.query, **await request.post()}
        sent = {
            name: words.get(str(value), value) if name.startswith(("unfurl_", "reply_", "mrkdwn")) else value
            for name, value in fields.items()
        }
    for name in ("blocks", "metadata"):
        if isinstance(sent.get(name), str):
            try:
                sent[name] = json.loads(sent[name])
            except ValueError:
                raise _RefusedError(f"invalid_{name}_format") from None
    return {name: value for name, value in sent.items() if value is not None}


def _postable(arguments: Json) -> Channel:
    channel = CHANNELS.get(str(arguments.get("channel")))
    if channel is None:
        raise _RefusedError("channel_not_found")
    if not channel.bot_is_member:
        raise _RefusedError("not_in_channel")
    if channel.is_archived:
        raise _RefusedError("is_archived")
    return channel
