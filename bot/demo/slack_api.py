"""A Slack workspace over HTTP, for the demo and for tests: it refuses what Slack would refuse.

The rules are those of https://docs.slack.dev: the Web API's answers and errors, signed requests, the three
seconds of a slash command, response URLs and Socket Mode.
"""

import asyncio
import hashlib
import hmac
import html
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bot.demo.blockkit import faults
from bot.demo.socket_mode import SocketLinks

TEAM_ID = "T0DEMO"
TEAM_DOMAIN = "demo-workspace"
TEAM_NAME = "Demo workspace"
APP_ID = "A0CREDITBOT"
BOT_ID = "B0CREDITBOT"
SCOPES = "commands,chat:write"
FAULTS = ("fine", "rate_limited", "server_error", "timeout_before", "timeout_after", "not_in_channel")
RESPONSE_URL_USES = 5
RESPONSE_URL_LIFE = timedelta(minutes=30)

_HEADERS = {"x-oauth-scopes": SCOPES}
_STATUS = {"rate_limited": 429, "server_error": 500, "timeout_before": None, "timeout_after": None}

Json = dict[str, Any]


@dataclass(frozen=True)
class User:
    """A member of the workspace."""

    id: str
    name: str
    real_name: str


@dataclass(frozen=True)
class Channel:
    """A channel, and whether the bot may post in it."""

    id: str
    name: str
    bot_is_member: bool = True
    is_archived: bool = False


BOT_USER = User("U0CREDITBOT", "smscredits", "smscredits")
SLACKBOT = User("USLACKBOT", "slackbot", "Slackbot")
USERS = {
    user.id: user
    for user in (User("U0ALICE", "alice", "Alice Martin"), User("U0BRUNO", "bruno", "Bruno Keller"))
}
CHANNELS = {
    channel.id: channel
    for channel in (
        Channel("C0ALERTS", "sms-alerts"),
        Channel("C0RANDOM", "random", bot_is_member=False),
        Channel("C0ARCHIVED", "old-alerts", is_archived=True),
    )
}


@dataclass(frozen=True)
class Message:
    """One message as a channel shows it; an edit replaces it by a new value with the same ts."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    broadcast: bool = False
    ephemeral_for: str | None = None
    edited_ts: str | None = None
    metadata: Json | None = None
    kind: Literal["message", "command"] = "message"


@dataclass(frozen=True)
class ApiCall:
    """One call of the Web API; its status is None where no answer was ever given."""

    method: str
    payload: Json
    status: int | None
    answer: Json


@dataclass(frozen=True)
class CommandResult:
    """How the bot answered a slash command within Slack's patience, and what the person then saw."""

    status: int | None
    body: Json
    seconds: float
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class PressResult:
    """How the bot took the press of a button or the choice from a menu; None: not in time, or not at all."""

    status: int | None
    seconds: float


@dataclass(frozen=True)
class _Delivery:
    status: int | None = None
    body: Json | None = None
    error: str | None = None
    invalid: tuple[str, ...] = ()


@dataclass
class _ResponseUrl:
    channel: str
    user: str
    expires: datetime
    source: str | None
    uses: int = 0


class _RefusedError(Exception):
    def __init__(self, error: str, **further: Any) -> None:
        super().__init__(error)
        self.answer: Json = {"ok": False, "error": error, **further}


class _InvalidError(_RefusedError):
    def __init__(self, wrong: tuple[str, ...]) -> None:
        messages = [f"[ERROR] {fault}" for fault in wrong]
        super().__init__("invalid_blocks", response_metadata={"messages": messages})
        self.faults = wrong


class Workspace:
    """The messages of the workspace, and a way to await the next change instead of sleeping."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.messages: list[Message] = []
        self.press_failed: set[str] = set()
        self.calls: list[ApiCall] = []
        self.refusals: list[str] = []
        self.version = 0
        self._changes = asyncio.Condition()
        self._last_ts = 0

    async def changed(self, since: int) -> int:
        """Wait until messages, warning signs or calls changed after version `since`; return the new one."""
        async with self._changes:
            await self._changes.wait_for(lambda: self.version > since)
            return self.version

    async def wait_for(
        self,
        predicate: Callable[[Message], bool],
        timeout: float = 5,  # noqa: ASYNC109 - a test reads best with its patience at the call
    ) -> Message:
        """Return the first message that satisfies the predicate, once there is one.

        Raises:
            TimeoutError: there was none within `timeout` seconds; it lists what was there instead.
        """
        try:
            async with asyncio.timeout(timeout), self._changes:
                while True:
                    for message in self.messages:
                        if predicate(message):
                            return message
                    await self._changes.wait()
        except TimeoutError:
            seen = "".join(f"\n  {message}" for message in self.messages) or " nothing"
            raise TimeoutError(f"no such message within {timeout} s; there was:{seen}") from None

    def find(self, channel: str, ts: str) -> Message | None:
        """Return the message of that channel and ts, if it is there."""
        return next((each for each in self.messages if (each.channel, each.ts) == (channel, ts)), None)

    def _next_ts(self) -> str:
        now = self.clock()
        self._last_ts = max(int(now.timestamp()) * 1_000_000 + now.microsecond, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    async def _tell(self) -> None:
        async with self._changes:
            self.version += 1
            self._changes.notify_all()

    async def _show(self, channel: str, user: str, payload: Mapping[str, Any], **further: Any) -> Message:
        message = Message(
            ts=self._next_ts(),
            channel=channel,
            user=user,
            text=str(payload.get("text", "")),
            blocks=_with_block_ids(payload.get("blocks", ())),
            thread_ts=payload.get("thread_ts"),
            metadata=payload.get("metadata"),
            **further,
        )
        self.messages.append(message)
        await self._tell()
        return message

    async def _edit(self, message: Message, payload: Mapping[str, Any]) -> Message:
        edited = replace(
            message,
            text=str(payload.get("text", "")),
            # What is not sent stays as it was; an empty list or object takes it away.
            blocks=_with_block_ids(payload["blocks"]) if "blocks" in payload else message.blocks,
            metadata=(payload["metadata"] or None) if "metadata" in payload else message.metadata,
            edited_ts=self._next_ts(),
        )
        self.messages[self.messages.index(message)] = edited
        await self._tell()
        return edited


class SimulatedSlack(Workspace):
    """A Slack workspace over HTTP: Web API, signed commands and presses, response URLs, Socket Mode."""

    def __init__(
        self, *, bot_token: str, signing_secret: str, app_token: str = "", clock: Callable[[], datetime]
    ) -> None:
        super().__init__(clock)
        self.api_url = ""
        self.bot_url = ""
        self.patience = 3.0
        self._bot_token = bot_token
        self._signing_secret = signing_secret
        self._app_token = app_token
        self._verification = secrets.token_hex(12)
        self._fault = "fine"
        self._next_faults: deque[str] = deque()
        self._response_urls: dict[str, _ResponseUrl] = {}
        self._links = SocketLinks(APP_ID)
        self._closing = asyncio.Event()
        self._http: aiohttp.ClientSession | None = None
        self._methods: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "apps.connections.open": self._open_connection,
        }

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Self]:
        """Serve the workspace; port 0 takes a free one, after which `api_url` tells where it is."""
        app = web.Application()
        app.router.add_get("/api/{method}", self._api)
        app.router.add_post("/api/{method}", self._api)
        app.router.add_post("/response/{secret}", self._respond)
        app.router.add_get("/link/{ticket}", self._links.serve)
        # Cancellation ends the calls that are never answered as soon as their client gives up.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=5.0)
        await runner.setup()
        self._closing.clear()
        try:
            await web.TCPSite(runner, host, port).start()
            self.api_url = f"http://{host}:{runner.addresses[0][1]}/api/"
            # A bot that restarts between two commands must not be met on a connection of its past life.
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
                self._http = http
                yield self
        finally:
            self._http = None
            self._closing.set()
            await self._links.close()
            await runner.cleanup()

    @property
    def socket_connected(self) -> bool:
        """Whether a Socket Mode client is there to take a command or a press."""
        return self._links.connected

    # What goes wrong on purpose

    @property
    def fault(self) -> str:
        """What chat.* calls meet from now on, one of FAULTS."""
        return self._fault

    @fault.setter
    def fault(self, fault: str) -> None:
        self._fault = _known_fault(fault)

    def fault_next(self, fault: str, times: int = 1) -> None:
        """Let the next chat.* calls meet a fault; after those `fault` holds again."""
        self._next_faults.extend([_known_fault(fault)] * times)

    # Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments: Json = {}
        fault = "fine"
        try:
            self._authorize(request, method)
            arguments = await _arguments(request)
            if method.startswith("chat."):
                fault = self._next_faults.popleft() if self._next_faults else self._fault
            answer = {"ok": True, **await self._call(method, arguments, fault)}
        except _RefusedError as refused:
            answer = refused.answer
        status = _STATUS.get(fault, 200)
        self.calls.append(ApiCall(method, arguments, status, answer if status in {200, 429} else {}))
        await self._tell()
        if status is None:
            return await self._never_answer(request)
        if status == 500:
            page = "<html>Server Error</html>"
            return web.Response(status=500, text=page, content_type="text/html", headers=_HEADERS)
        headers = _HEADERS if status == 200 else {**_HEADERS, "Retry-After": "1"}
        return web.json_response(answer, status=status, headers=headers)

    async def _call(self, method: str, arguments: Json, fault: str) -> Json:
        if fault not in {"fine", "timeout_after"}:
            raise _RefusedError("ratelimited" if fault == "rate_limited" else fault)
        try:
            return await self._methods[method](arguments)
        except _InvalidError as invalid:
            self.refusals.extend(f"{method}: {wrong}" for wrong in invalid.faults)
            raise

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

    async def _auth_test(self, _: Json) -> Json:
        return {
            "url": f"https://{TEAM_DOMAIN}.slack.com/",
            "team": TEAM_NAME,
            "user": BOT_USER.name,
            "team_id": TEAM_ID,
            "user_id": BOT_USER.id,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    async def _open_connection(self, _: Json) -> Json:
        if self._closing.is_set():
            raise _RefusedError("internal_error")
        return {"url": self._place("ws", self._links.ticket())}

    async def _post_message(self, arguments: Json) -> Json:
        channel = _postable(arguments)
        _judge(arguments)
        thread_ts = arguments.get("thread_ts")
        if thread_ts is not None:
            parent = self.find(channel.id, thread_ts)
            if parent is None or parent.ephemeral_for or parent.thread_ts:
                raise _RefusedError("thread_not_found")
        broadcast = thread_ts is not None and arguments.get("reply_broadcast", False)
        message = await self._show(channel.id, BOT_USER.id, arguments, broadcast=broadcast)
        return {"channel": channel.id, "ts": message.ts, "message": _as_json(message)}

    async def _update(self, arguments: Json) -> Json:
        channel = _postable(arguments)
        message = self.find(channel.id, str(arguments.get("ts")))
        if message is None or message.ephemeral_for:
            raise _RefusedError("message_not_found")
        if message.user != BOT_USER.id:
            raise _RefusedError("cant_update_message")
        _judge(arguments if arguments.get("metadata") != {} else _without(arguments, "metadata"))
        message = await self._edit(message, arguments)
        return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": _as_json(message)}

    # From Slack to the bot

    async def command(
        self, text: str, *, user: str = "U0ALICE", channel: str = "C0ALERTS", command: str = "/smscredits"
    ) -> CommandResult:
        """Type a slash command and show what the bot makes of it within Slack's patience.

        Raises:
            LookupError: there is no such user or channel.
        """
        who, where = USERS[user], CHANNELS[channel]
        form = {
            "token": self._verification,
            "team_id": TEAM_ID,
            "team_domain": TEAM_DOMAIN,
            "channel_id": where.id,
            "channel_name": where.name,
            "user_id": who.id,
            "user_name": who.name,
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._new_response_url(where.id, who.id),
            "trigger_id": _trigger_id(),
        }
        started = time.perf_counter()
        delivery = await self._deliver("slash_commands", form, urlencode(form))
        seconds = time.perf_counter() - started
        body = delivery.body or {}
        shown = [message async for message in self._answer(delivery, f"{command} {text}".strip(), who, where)]
        return CommandResult(delivery.status, body, seconds, tuple(shown))

    async def _answer(
        self, delivery: _Delivery, typed: str, who: User, where: Channel
    ) -> AsyncIterator[Message]:
        body = delivery.body or {}
        silent = not body.get("text") and not body.get("blocks")
        invalid = delivery.invalid or (() if silent else faults(body))
        complaint = None
        if delivery.error is not None:
            complaint = f'{typed.split(maxsplit=1)[0]} failed with the error "{delivery.error}"'
        elif invalid:
            complaint = f"invalid payload: {'; '.join(invalid)}"
            self.refusals.extend(f"{typed}: {fault}" for fault in invalid)
        if complaint is not None:
            said = {"text": html.escape(complaint, quote=False)}
            yield await self._show(where.id, SLACKBOT.id, said, ephemeral_for=who.id)
            return
        in_channel = body.get("response_type") == "in_channel"
        if in_channel:
            said = {"text": html.escape(typed, quote=False)}
            yield await self._show(where.id, who.id, said, kind="command")
        if not silent:
            yield await self._show(where.id, BOT_USER.id, body, ephemeral_for=None if in_channel else who.id)

    async def press(
        self,
        message: Message,
        action_id: str,
        *,
        user: str = "U0ALICE",
        value: str | None = None,
        selected_option: str | None = None,
    ) -> PressResult:
        """Press a button, or choose `selected_option` (its value) from a menu, of a message as it was shown.

        Raises:
            LookupError: this message has no such element (with that value), or that user cannot see it.
        """
        who, where = USERS[user], CHANNELS[message.channel]
        if message.ephemeral_for not in {None, who.id}:
            raise LookupError(f"{user} cannot see the message {message.ts}")
        block, element = _element(message, action_id, value)
        action: Json = {
            "type": element["type"],
            "action_id": action_id,
            "block_id": block["block_id"],
            "action_ts": self._next_ts(),
            **{name: element[name] for name in ("text", "value", "style", "placeholder") if name in element},
        }
        if element["type"] != "button":
            action["selected_option"] = _option(element, selected_option)
        payload: Json = {
            "type": "block_actions",
            "user": {"id": who.id, "username": who.name, "name": who.name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": self._verification,
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": where.id,
                "is_ephemeral": message.ephemeral_for is not None,
                **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            },
            "trigger_id": _trigger_id(),
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": where.id, "name": where.name},
            # Slack keeps no copy of an ephemeral message, so it cannot send one along.
            **({} if message.ephemeral_for else {"message": _as_json(message)}),
            "state": {"values": _state(message, action)},
            "response_url": self._new_response_url(where.id, who.id, message.ts),
            "actions": [action],
        }
        started = time.perf_counter()
        delivery = await self._deliver("interactive", payload, urlencode({"payload": json.dumps(payload)}))
        (self.press_failed.add if delivery.error else self.press_failed.discard)(message.ts)
        await self._tell()
        return PressResult(delivery.status, time.perf_counter() - started)

    def signed_headers(self, body: str) -> dict[str, str]:
        """Return the headers with which Slack sends a form to the bot, its signature among them."""
        stamp = str(int(self.clock().timestamp()))
        signed = hmac.new(self._signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }

    async def _deliver(self, kind: str, payload: Json, form: str) -> _Delivery:
        try:
            async with asyncio.timeout(self.patience):
                if self.bot_url:
                    return await self._deliver_over_http(form)
                acknowledged = await self._links.deliver(kind, payload)
                return _Delivery(200, **_read_answer(acknowledged.get("payload", {})))
        except TimeoutError:
            return _Delivery(error="operation_timeout")
        except (aiohttp.ClientError, OSError):
            return _Delivery(error="dispatch_failed")

    async def _deliver_over_http(self, form: str) -> _Delivery:
        if self._http is None:
            raise RuntimeError("the workspace is not serving")
        async with self._http.post(
            self.bot_url, data=form.encode(), headers=self.signed_headers(form), allow_redirects=False
        ) as response:
            text = await response.text()
            if response.status != 200:
                return _Delivery(response.status, error="dispatch_failed")
            if response.content_type != "application/json":
                return _Delivery(200, **_read_answer(text))
            try:
                return _Delivery(200, **_read_answer(json.loads(text)))
            except ValueError:
                return _Delivery(200, invalid=("the body is no JSON",))

    # Response URLs

    def _new_response_url(self, channel: str, user: str, source: str | None = None) -> str:
        secret = secrets.token_urlsafe(24)
        self._response_urls[secret] = _ResponseUrl(channel, user, self.clock() + RESPONSE_URL_LIFE, source)
        return self._place("http", f"/response/{secret}")

    def _place(self, scheme: str, path: str) -> str:
        return self.api_url.removesuffix("/api/").replace("http", scheme, 1) + path

    async def _respond(self, request: web.Request) -> web.Response:
        opened = self._response_urls.get(request.match_info["secret"])
        if opened is None:
            return web.json_response({"ok": False, "error": "invalid_url"}, status=404)
        if self.clock() >= opened.expires:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if opened.uses >= RESPONSE_URL_USES:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        try:
            payload = await request.json()
        except ValueError:
            payload = None
        wrong = faults(payload) if isinstance(payload, dict) else ("the body is no JSON object",)
        if wrong:
            self.refusals.extend(f"response_url: {fault}" for fault in wrong)
            return web.json_response({"ok": False, "error": "invalid_blocks"}, status=400)
        opened.uses += 1
        await self._take_response(opened, payload)
        return web.Response(text="ok")

    async def _take_response(self, opened: _ResponseUrl, payload: Json) -> None:
        source = None if opened.source is None else self.find(opened.channel, opened.source)
        if source is not None and payload.get("delete_original"):
            self.messages.remove(source)
            await self._tell()
        elif source is not None and payload.get("replace_original"):
            await self._edit(source, {"blocks": [], **payload})
        elif payload.get("text"):
            in_channel = payload.get("response_type") == "in_channel"
            await self._show(
                opened.channel, BOT_USER.id, payload, ephemeral_for=None if in_channel else opened.user
            )


def _known_fault(fault: str) -> str:
    if fault not in FAULTS:
        raise ValueError(f"{fault!r} is not one of {', '.join(FAULTS)}")
    return fault


def _trigger_id() -> str:
    return f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"


def _without(arguments: Json, name: str) -> Json:
    return {each: value for each, value in arguments.items() if each != name}


def _with_block_ids(blocks: Sequence[Json]) -> tuple[Json, ...]:
    return tuple({**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)} for block in blocks)


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


def _judge(arguments: Json) -> None:
    if not arguments.get("text") and not arguments.get("blocks"):
        raise _RefusedError("no_text")
    if wrong := faults(arguments):
        raise _InvalidError(wrong)


def _read_answer(answer: object) -> dict[str, Any]:
    """Read a 200 body or an acknowledgement's payload as the fields of a delivery."""
    if isinstance(answer, str):
        return {"body": {"text": answer} if answer.strip() else {}}
    if isinstance(answer, dict):
        return {"body": answer}
    return {"invalid": ("the body is no JSON object",)}


def _as_json(message: Message) -> Json:
    return {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "team": TEAM_ID,
        "text": message.text,
        "blocks": list(message.blocks),
        **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        **({"metadata": message.metadata} if message.metadata else {}),
        **({"edited": {"user": message.user, "ts": message.edited_ts}} if message.edited_ts else {}),
    }


def _elements(message: Message) -> Iterator[tuple[Json, Json]]:
    for block in message.blocks:
        inside = [*block.get("elements", ()), *block.get("actions", ()), block.get("accessory")]
        yield from ((block, element) for element in inside if element and "action_id" in element)


def _element(message: Message, action_id: str, value: str | None) -> tuple[Json, Json]:
    for block, element in _elements(message):
        if element["action_id"] == action_id and value in {None, element.get("value")}:
            return block, element
    there = [(element["action_id"], element.get("value")) for _, element in _elements(message)]
    raise LookupError(f"no element {action_id!r} (value {value!r}) in the message; there are {there}")


def _option(element: Json, value: str | None) -> Json:
    groups = element.get("option_groups", [element])
    options: list[Json] = [option for group in groups for option in group["options"]]
    for option in options:
        if option["value"] == value:
            return option
    raise LookupError(f"no option {value!r}; there are {[option['value'] for option in options]}")


def _state(message: Message, action: Json) -> Json:
    values: Json = {}
    for block, element in _elements(message):
        if element["type"] == "static_select":
            pressed = (block["block_id"], element["action_id"]) == (action["block_id"], action["action_id"])
            chosen = action["selected_option"] if pressed else element.get("initial_option")
            values.setdefault(block["block_id"], {})[element["action_id"]] = {
                "type": "static_select",
                "selected_option": chosen,
            }
    return values
