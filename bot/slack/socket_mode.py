"""Socket Mode: Slack's commands and presses over a connection that the bot opens.

Slack's own library is not used: it offers the same URL again and again below any supervision of ours, while
what `apps.connections.open` gives is good for one connection, soon (docs.slack.dev, "Using Socket Mode"); it
also follows redirects, and logs the URL. Here one session is one connection with a URL of its own.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any

import aiohttp
import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from yarl import URL

from bot.connecting import not_repeated
from bot.core.notice import LONGEST_WAIT
from bot.core.retry_after import retry_after
from bot.ports import NotDelivered
from bot.service.cancelling import cancel
from bot.slack.receiver import served
from bot.slack.replies import HOSTS
from bot.slack.web_api import WebApi, answer_to, not_delivered

log = structlog.get_logger()

HELLO_SECONDS = 10.0
"""How long Slack may take from the handshake to its `hello`."""

PING_EVERY = 10.0
"""Seconds of silence before a ping; a connection on which none is answered within half of that is gone."""

CLOSE_SECONDS = 1.0
"""How long Slack may take to confirm that the connection is closed."""

ACKNOWLEDGED_WITHIN = 3.0
"""Seconds for which Slack waits for an acknowledgement, and for which a replaced session is kept."""

SHORTEST_SESSION = 10.0
"""Seconds: a session that Slack ends sooner was no good, and the next one is not opened at once."""

REPEATS = 256
"""Requests whose answers are kept for the case that Slack repeats them."""

_RENEWALS = frozenset({"warning", "refresh_requested"})

Json = dict[str, Any]
Answer = asyncio.Task[Json | None]


class SocketMode:
    """Keeps one session open, and opens the next one before Slack closes it."""

    def __init__(
        self,
        app: AsyncApp,
        client: WebApi,
        app_token: str,
        *,
        hello_seconds: float = HELLO_SECONDS,
        ping_every: float = PING_EVERY,
        shortest_session: float = SHORTEST_SESSION,
    ) -> None:
        self._app = app
        self._client = client
        self._token = app_token
        self._hello_seconds = hello_seconds
        self._ping_every = ping_every
        self._shortest = shortest_session
        self._repeats = _Repeats()
        self._session: _Session | None = None
        self._sessions: set[_Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether requests can arrive."""
        return self._session is not None and not self._session.link.closed

    async def hold(self) -> None:
        """Stay connected until cancelled; raises `NotDelivered` where that fails, and can be called again."""
        time = asyncio.get_running_loop().time
        while not self._left.is_set():
            session = await self._opened()
            if self._left.is_set():
                await session.link.close()
                return
            began = time()
            replaced, self._session = self._session, session
            if replaced:
                self._own(self._retire(replaced))
            log.info("socket_mode.connected")
            why = await session.over
            if not self._left.is_set() and (why not in _RENEWALS or time() - began < self._shortest):
                raise NotDelivered(why, unknown=True)

    async def leave(self, seconds: float) -> None:
        """Close the connection as soon as nothing taken waits for its acknowledgement, for so long at most.

        Slack sends each request to any one connection of the app (docs.slack.dev, "Using Socket Mode"), and
        nowhere promises to repeat a command: until it is gone, this copy takes what comes. Later answers need
        no connection.
        """
        self._left.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._taken:
                    await asyncio.wait(self._taken)
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        self._left.set()
        await asyncio.gather(*(one.link.close() for one in self._sessions))
        await cancel(self._tasks)

    async def _opened(self) -> "_Session":
        """Open a session with a URL of its own, and wait until Slack says hello."""
        answer = await answer_to(self._client.apps_connections_open(app_token=self._token))
        url = slacks_address(answer.get("url"), URL(self._client.base_url))
        session = None
        try:
            async with asyncio.timeout(self._hello_seconds):
                session = _Session(await self._connected_to(url))
                self._own(self._read(session))
                await session.begun.wait()
        except aiohttp.WSServerHandshakeError as error:
            raise _refused(error) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if session:
                await session.link.close()
            raise not_delivered(error) from None
        if session.over.done():
            raise NotDelivered(session.over.result(), unknown=True)
        return session

    async def _connected_to(self, url: URL) -> aiohttp.ClientWebSocketResponse:
        async with aiohttp.ClientSession(
            connector=self._client.shared.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_once,),
        ) as http:
            return await http.ws_connect(
                url, heartbeat=self._ping_every, timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)
            )

    async def _read(self, session: "_Session") -> None:
        """Read a session to its end."""
        self._sessions.add(session)
        try:
            async for message in session.link:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._receive(session, message.data)
        finally:
            why = "silence" if isinstance(session.link.exception(), TimeoutError) else "closed"
            session.end(why)
            self._sessions.discard(session)
            if session is self._session and not self._left.is_set():
                consequence = "no command or press arrives here"
                log.warning("socket_mode.disconnected", why=why, consequence=consequence)
            await session.link.close()

    def _receive(self, session: "_Session", text: str) -> None:
        message = _parsed(text)
        if message.get("type") == "hello":
            session.begun.set()
        elif message.get("type") == "disconnect":
            session.end(str(message.get("reason"))[:40])
        elif _is_served(message):
            answer = self._repeats.answer_to(message)
            if answer is None:
                answer = asyncio.create_task(self._answered(message["payload"]))
                self._repeats.keep(message, answer)
            taken = self._own(self._acknowledge(session, message["envelope_id"], answer))
            self._taken.add(taken)
            taken.add_done_callback(self._taken.discard)
        else:
            log.warning("slack.malformed_request")

    async def _answered(self, payload: Json) -> Json | None:
        """Let Bolt answer; nothing where Slack is not to hear that it arrived."""
        try:
            response = await self._app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
            return _payload(response) if response.status == 200 else None
        except Exception:  # the last stop: nobody else looks at this task
            log.exception("socket_mode.dispatch_failed")
            return None

    async def _acknowledge(self, session: "_Session", envelope_id: str, answer: Answer) -> None:
        payload = await asyncio.shield(answer)
        if payload is None:
            return
        said = json.dumps({"envelope_id": envelope_id, **({"payload": payload} if payload else {})})
        # Meanwhile Slack may have closed the session on which it asked: the next one is as good.
        for one in (session, self._session):
            if one and not one.link.closed:
                with suppress(aiohttp.ClientError, OSError):
                    await one.link.send_str(said)
                    return
        log.error("socket_mode.answer_lost", mend="the person can ask again")

    async def _retire(self, session: "_Session") -> None:
        """Close a replaced session once what came over it is acknowledged."""
        if self._taken:
            await asyncio.wait(self._taken, timeout=ACKNOWLEDGED_WITHIN)
        await session.link.close()

    def _own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Session:
    """One connection: open until its link is closed, over as soon as Slack says that it will be."""

    def __init__(self, link: aiohttp.ClientWebSocketResponse) -> None:
        self.link = link
        self.begun = asyncio.Event()
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def end(self, why: str) -> None:
        """Say that there is nothing more to come, or soon will not be."""
        if not self.over.done():
            self.over.set_result(why)
        self.begun.set()


class _Repeats:
    """The answers to the newest requests: by envelope, and by payload where Slack says that it repeats."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def answer_to(self, message: Mapping[str, Any]) -> Answer | None:
        """Return the answer to what came before; one that failed is none."""
        again = (message["envelope_id"], *([_digest(message)] if message.get("retry_attempt") else []))
        answer = next((self._answers[one] for one in again if one in self._answers), None)
        return None if answer is None or (answer.done() and answer.result() is None) else answer

    def keep(self, message: Mapping[str, Any], answer: Answer) -> None:
        """Keep an answer, and forget the oldest."""
        self._answers |= {message["envelope_id"]: answer, _digest(message): answer}
        while len(self._answers) > 2 * REPEATS:
            self._answers.popitem(last=False)


def slacks_address(url: object, api: URL) -> URL:
    """Return an address at Slack, or where its Web API was set to be; raises `NotDelivered` for any other."""
    try:
        address = URL(url) if isinstance(url, str) else URL()
    except ValueError:
        address = URL()
    host = address.host or ""
    there = host == api.host and address.scheme in {"wss", "ws" if api.scheme == "http" else "wss"}
    if there or (address.scheme == "wss" and host.endswith(HOSTS)):
        return address
    # The query is a ticket: whoever has it takes what is meant for the bot.
    raise NotDelivered(f"address refused: {address.scheme[:10]}://{host[:80]}", unknown=True)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a handshake once, and follow no redirect."""
    response = await not_repeated(request, send)
    if 300 <= response.status < 400:
        response.close()
        raise aiohttp.WSServerHandshakeError(response.request_info, (), status=response.status)
    return response


def _refused(error: aiohttp.WSServerHandshakeError) -> NotDelivered:
    wait = retry_after(error.headers or {}, otherwise=timedelta(0), most=LONGEST_WAIT)
    return NotDelivered(
        f"handshake answered with HTTP {error.status}",
        unknown=True,
        retry_after=wait.total_seconds() or None,
    )


def _parsed(text: str) -> Json:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _is_served(message: Json) -> bool:
    """Whether it is what the receiver too would serve: Bolt says of others what is in them, in tracebacks."""
    payload = message.get("payload")
    if not isinstance(message.get("envelope_id"), str) or not isinstance(payload, dict):
        return False
    try:
        return served(AsyncBoltRequest(mode="socket_mode", body=payload).body)
    except Exception:  # noqa: BLE001 - as in the receiver
        return False


def _payload(response: BoltResponse) -> Json:
    if not response.body:
        return {}
    if response.first_headers().get("content-type", "").startswith("application/json"):
        return _parsed(response.body)
    return {"text": response.body}


def _digest(message: Mapping[str, Any]) -> str:
    return sha256(json.dumps(message["payload"], sort_keys=True).encode()).hexdigest()
