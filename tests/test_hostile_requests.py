"""What strangers send to the HTTP face, over raw sockets, and the status of each; `-s` prints a table."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import aiohttp.web
import pytest
import structlog.testing
from slack_bolt.async_app import AsyncAck
from slack_sdk.signature import SignatureVerifier

from bot import web
from bot.ports import Clock
from bot.slack.receiver import Receiver
from bot.slack.web_api import WebApi
from bot.slack.workspace import Workspace
from tests.samples import NOW

CANARY = "canary"
"""Stands in every request, and may stand in no log and in no answer."""

SECRET = "signing-secret"
BODY = f"command=%2Fsmscredits&text={CANARY}&team_id=T1&user_id=U0ALICE&channel_id=C0ALERTS".encode()
FORM = "application/x-www-form-urlencoded"
LARGE = web.MAX_BODY + 1
WITHIN = 0.3
"""Seconds that a body may take here."""

Headers = list[tuple[str, bytes]]


class StandingClock:
    """A clock that stands, for signatures that are made and checked at one time."""

    def now(self) -> datetime:
        return NOW


STANDING = StandingClock()


@dataclass(frozen=True)
class Sent:
    """A request as it goes over the wire."""

    head: bytes
    body: bytes = b""

    @property
    def raw(self) -> bytes:
        return self.head + self.body


def stamp(moved: timedelta = timedelta(0)) -> bytes:
    return str(int((NOW + moved).timestamp())).encode()


def signature(body: bytes = BODY, timestamp: bytes | None = None) -> bytes:
    made = SignatureVerifier(SECRET).generate_signature(
        timestamp=(timestamp or stamp()).decode(), body=body.decode("latin-1")
    )
    assert made is not None
    return made.encode()


def request(
    *,
    body: bytes = BODY,
    timestamps: tuple[bytes, ...] | None = None,
    signatures: tuple[bytes, ...] | None = None,
    length: int | None = None,
    chunked: bool = False,
    method: str = "POST",
    content_type: str | None = FORM,
    further: Headers | None = None,
) -> Sent:
    """Return what Slack sends, with something about it changed."""
    timestamps = (stamp(),) if timestamps is None else timestamps
    if signatures is None:
        signatures = (signature(body, timestamps[0] if timestamps else None),)
    headers: Headers = [("Host", b"bot.example.com"), ("User-Agent", CANARY.encode())]
    headers += [("X-Slack-Request-Timestamp", value) for value in timestamps]
    headers += [("X-Slack-Signature", value) for value in signatures]
    if content_type is not None:
        headers.append(("Content-Type", content_type.encode()))
    if chunked:
        headers.append(("Transfer-Encoding", b"chunked"))
    else:
        headers.append(("Content-Length", str(len(body) if length is None else length).encode()))
    headers += further or []
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers)
    return Sent(f"{method} /slack/events HTTP/1.1\r\n".encode() + lines + b"\r\n", body)


def in_chunks(body: bytes, *, whole: bool = True) -> bytes:
    size = 64 * 1024
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    sent = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return sent + b"0\r\n\r\n" if whole else sent


def chunked(body: bytes, *, whole: bool = True) -> Sent:
    return Sent(request(body=body, chunked=True).head, in_chunks(body, whole=whole))


ON_TIME = timedelta(minutes=5, seconds=-1)
LATE = timedelta(minutes=5, seconds=1)
SOON = timedelta(minutes=1)
# Bolt takes a form with this word anywhere in it for a press.
WITH_BOLTS_WORD = BODY.replace(b"text=", b"text=payload+") + b"&channel_name=payload-tests"
OTHER = signature(b"command=%2Fsmscredits&text=other")
ARABIC = "\N{ARABIC-INDIC DIGIT ONE}".encode()
JSON = '{"type": "url_verification", "challenge": "yes", "token": "' + CANARY + '"}'

REQUESTS: Mapping[str, tuple[Sent, int]] = {
    "signed": (request(), 200),
    "signed, with the word payload": (request(body=WITH_BOLTS_WORD), 200),
    "signed, in chunks": (chunked(BODY), 200),
    "signed almost 5 minutes ago": (request(timestamps=(stamp(-ON_TIME),)), 200),
    "signed a minute ahead": (request(timestamps=(stamp(SOON),)), 200),
    "signed more than a minute ahead": (request(timestamps=(stamp(SOON + timedelta(seconds=1)),)), 401),
    "signed almost 5 minutes ahead": (request(timestamps=(stamp(ON_TIME),)), 401),
    "signed JSON": (request(body=JSON.encode(), content_type="application/json"), 200),
    "signed, a charset named": (request(content_type=f"{FORM}; charset=utf-8"), 200),
    "no signature": (request(signatures=()), 401),
    "no timestamp": (request(timestamps=(), signatures=(signature(),)), 401),
    "neither": (request(timestamps=(), signatures=()), 401),
    "empty signature": (request(signatures=(b"",)), 401),
    "empty timestamp": (request(timestamps=(b"",), signatures=(signature(),)), 401),
    "wrong signature": (request(signatures=(b"v0=" + b"0" * 64,)), 401),
    "wrong version": (request(signatures=(b"v1" + signature()[2:],)), 401),
    "signature cut off": (request(signatures=(signature()[:-1],)), 401),
    "signature of another body": (request(signatures=(OTHER,)), 401),
    "signature of another time": (
        request(signatures=(signature(timestamp=stamp(-timedelta(seconds=1))),)),
        401,
    ),
    "stale": (request(timestamps=(stamp(-LATE),)), 401),
    "from the future": (request(timestamps=(stamp(LATE),)), 401),
    "from the year 5138": (request(timestamps=(b"99999999999",)), 401),
    "non-ASCII signature": (request(signatures=("v0=ü".encode(),)), 401),
    "signature that is no UTF-8": (request(signatures=(b"v0=\xff\xfe",)), 401),
    "non-ASCII digits as timestamp": (request(timestamps=(ARABIC,), signatures=(signature(),)), 401),
    "timestamp in words": (request(timestamps=(CANARY.encode(),), signatures=(signature(),)), 401),
    "timestamp with an exponent": (request(timestamps=(b"1e9",), signatures=(signature(),)), 401),
    "negative timestamp": (request(timestamps=(b"-5",), signatures=(signature(),)), 401),
    "timestamp of 5,000 digits": (request(timestamps=(b"9" * 5000,), signatures=(signature(),)), 401),
    "two signatures, one right": (request(signatures=(signature(), OTHER)), 401),
    "two timestamps, one right": (request(timestamps=(stamp(), b"1"), signatures=(signature(),)), 401),
    "the right signature twice": (request(signatures=(signature(), signature())), 401),
    "no body": (request(body=b"", signatures=(signature(),)), 401),
    "body that is no UTF-8": (request(body=b"\xff\xfe", signatures=(signature(b"\xff\xfe"),)), 401),
    "body that says it is compressed": (
        request(further=[("Content-Encoding", b"gzip")], signatures=(OTHER,)),
        401,
    ),
    "body said to be above 1 MiB": (request(length=LARGE), 413),
    "body above 1 MiB": (request(body=b"x" * LARGE), 413),
    "body above 1 MiB in chunks": (chunked(b"x" * LARGE), 413),
    "body above 1 MiB in chunks, endless": (chunked(b"x" * LARGE, whole=False), 413),
    "body of 1 MiB": (request(body=b"x" * web.MAX_BODY), 400),
    "body that never ends": (request(length=len(BODY) + 1), 408),
    "body that never begins": (Sent(request().head), 408),
    "body in chunks that never end": (chunked(BODY, whole=False), 408),
    "chunk of a size that is no number": (Sent(request(chunked=True).head, b"canary\r\n"), 400),
    "length that is no number": (request(further=[("Content-Length", b"canary")]), 400),
    "two lengths": (request(further=[("Content-Length", b"1")]), 400),
    "length and chunks": (request(chunked=True, further=[("Content-Length", b"1")]), 400),
    "header above 8 KiB": (request(further=[("X-Long", CANARY.encode() * 2000)]), 400),
    "129 headers": (request(further=[(f"X-{number}", b"canary") for number in range(129)]), 400),
    "header with a NUL": (request(further=[("X-Nul", b"canary\x00")]), 400),
    "signed, expecting to go on": (request(further=[("Expect", b"100-Continue")]), 200),
    "an expectation of its own": (request(further=[("Expect", b"canary")]), 417),
    "an expectation that is no text": (request(further=[("Expect", b"canary\xe9")]), 417),
    "no HTTP at all": (Sent(b"canary canary\r\n\r\n"), 400),
    "TLS": (Sent(b"\x16\x03\x01\x02\x00canary\r\n\r\n"), 400),
    "signed, of no content type": (request(content_type=None), 400),
    "signed, of another content type": (request(content_type="text/plain"), 400),
    "signed form said to be JSON": (request(content_type="application/json"), 400),
    "signed body that is no command": (request(body=CANARY.encode()), 400),
    "signed JSON, cut off": (request(body=b'{"type": "canary'), 400),
    "signed JSON, 100,000 deep": (request(body=b"payload=" + b"[" * 100_000), 400),
    "GET": (request(method="GET"), 405),
    "PUT": (request(method="PUT"), 405),
    "no method that HTTP knows": (request(method="CANARY"), 400),
}


@asynccontextmanager
async def face(clock: Clock = STANDING, body_seconds: float = WITHIN, **limits: Any) -> AsyncIterator[int]:
    """Serve signed requests as the bot does, with a command that only says that it was reached."""
    async with aiohttp.ClientSession() as session:
        bolt = Workspace(WebApi("xoxb-x", "http://127.0.0.1:1/", session)).bolt_app()

        @bolt.command("/smscredits")
        async def command(ack: AsyncAck) -> None:
            await ack("reached")

        receiver = Receiver(bolt, SECRET, clock, web.Bodies(body_seconds).read)
        app = web.application(receiver.receive)
        async with web.serving(app, 0, "127.0.0.1", **limits) as port:
            yield port


async def answer_to(port: int, sent: bytes) -> bytes:
    """Send it and return the whole answer; the bot hangs up, or says how long its answer is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            if status_of(head) == 100:
                head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            return head + await reader.readexactly(length)
    finally:
        writer.close()


def status_of(answer: bytes) -> int:
    return int(answer.split()[1])


async def test_whatever_is_sent_has_its_status_and_is_repeated_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows, wrong = [], []
    with structlog.testing.capture_logs() as lines:
        for name, (sent, expected) in REQUESTS.items():
            told = len(lines)
            # A face for each: many bear one signature, which is accepted once.
            async with face() as port:
                answer = await answer_to(port, sent.raw)
            said = " ".join(f"{one['event']} {one.get('why', '')}".strip() for one in lines[told:])
            rows.append((name, status_of(answer), said))
            if status_of(answer) != expected:
                wrong.append((name, expected, answer))
            assert CANARY.encode() not in answer, name
            assert not any(word in answer for word in (b"aiohttp", b"Python")), name
            assert b"\r\nServer: smscredits\r\n" in answer, name
    for name, status, said in rows:
        sys.stdout.write(f"{name:<36} {status}  {said}\n")
    assert wrong == []
    assert CANARY not in f"{lines}{caplog.text}"
    assert not [line for line in lines if line["log_level"] not in {"warning", "info"}]


async def test_a_refused_request_does_not_spoil_the_next_one_of_the_same_connection() -> None:
    async with face() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for sent, status in ((request(signatures=(OTHER,)), 401), (request(), 200)):
            writer.write(sent.raw)
            head = await reader.readuntil(b"\r\n\r\n")
            assert status_of(head) == status
            await reader.readuntil(b"\n" if status == 401 else b"reached")
        writer.close()


async def test_a_caller_who_hangs_up_in_the_middle_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    with structlog.testing.capture_logs() as lines:
        async with face() as port:
            for _ in range(20):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request(length=len(BODY) + 1).raw)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
            assert status_of(await answer_to(port, request().raw)) == 200
    assert not [line for line in lines if line["log_level"] == "error"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Callers:
    """Connections to one face, closed at the end of the test."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def come(self, sent: bytes = b"") -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    def leave(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def calling(**limits: Any) -> AsyncIterator[Callers]:
    async with face(**limits) as port, asyncio.timeout(20):
        callers = Callers(port)
        try:
            yield callers
        finally:
            callers.leave()


async def healthy(reader: asyncio.StreamReader) -> bool:
    return status_of(await reader.readuntil(b"ok\n")) == 200


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def test_when_full_the_one_that_has_been_silent_longest_makes_room_for_whoever_comes() -> None:
    async with calling(connections=3) as callers:
        first, _ = await callers.come()
        half_a_head, _ = await callers.come(HEALTH[:-2])
        kept, _ = await callers.come(HEALTH)
        assert await healthy(kept)
        for leaves in (first, half_a_head):
            newest, _ = await callers.come(HEALTH)
            assert await healthy(newest)
            assert await ended(leaves)
        # Now all three have been answered: the one whose answer is the oldest has been silent longest.
        newest, _ = await callers.come(HEALTH)
        assert await healthy(newest)
        assert await ended(kept)


async def test_a_request_begins_a_new_silence() -> None:
    async with calling(connections=2) as callers:
        first, first_writer = await callers.come(HEALTH)
        assert await healthy(first)
        second, _ = await callers.come(HEALTH)
        assert await healthy(second)
        first_writer.write(HEALTH)
        assert await healthy(first)
        newest, _ = await callers.come(HEALTH)
        assert await healthy(newest)
        assert await ended(second)
        first_writer.write(HEALTH)
        assert await healthy(first)


async def test_the_silent_go_before_those_whose_body_is_missing_and_these_before_a_newcomer() -> None:
    unfinished = request(length=len(BODY) + 1).raw
    async with calling(connections=2, body_seconds=10) as callers:
        body, _ = await callers.come(unfinished)
        silent, _ = await callers.come()
        await callers.come(unfinished)
        assert await ended(silent)
        newer, _ = await callers.come(HEALTH)
        assert await healthy(newer)
        assert await ended(body)


async def test_where_every_caller_is_being_served_the_newcomer_is_refused() -> None:
    reached, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slow(_: aiohttp.web.Request) -> aiohttp.web.Response:
        reached.release()
        await go_on.wait()
        return aiohttp.web.Response(text="ok\n")

    app = web.application(None, {"/slow": slow})
    with structlog.testing.capture_logs() as lines:
        tally = web.Tally("http.turned_away")
        async with web.serving(app, 0, "127.0.0.1", connections=2, turned_away=tally) as port:
            callers = Callers(port)
            held = [await callers.come(HEALTH.replace(b"healthz", b"slow")) for _ in range(2)]
            for _ in held:
                await reached.acquire()
            for _ in range(3):
                refused, _ = await callers.come(HEALTH)
                assert status_of(await refused.read()) == 503
            go_on.set()
            assert all([await healthy(reader) for reader, _ in held])
            newest, _ = await callers.come(HEALTH)
            assert await healthy(newest)
            callers.leave()
        tally.close()
    turned_away = [line for line in lines if line["event"] == "http.turned_away"]
    assert [(line.get("all_busy"), line.get("made_room")) for line in turned_away] == [(1, None), (2, 1)]


@pytest.mark.parametrize("begun", [b"", b"POST /slack/ev", request().head[:-2]])
async def test_a_head_has_so_many_seconds_in_all(begun: bytes) -> None:
    async with calling(head_seconds=WITHIN) as callers:
        silent, _ = await callers.come(begun)
        assert await ended(silent)


@pytest.mark.parametrize("before", [b"", HEALTH], ids=["first request", "later request"])
async def test_a_head_that_comes_byte_by_byte_has_no_longer(before: bytes) -> None:
    async with calling(head_seconds=WITHIN) as callers:
        slow, writer = await callers.come(before)
        assert not before or await healthy(slow)

        async def drip() -> None:
            for byte in request().head * 1000:
                writer.write(bytes([byte]))
                await asyncio.sleep(WITHIN / 10)

        dripping = asyncio.create_task(drip())
        assert await ended(slow)
        dripping.cancel()


async def test_a_kept_connection_may_be_idle_for_longer_than_a_head_may_take() -> None:
    async with calling(head_seconds=0.5, idle_seconds=2) as callers:
        kept, writer = await callers.come(HEALTH)
        assert await healthy(kept)
        await asyncio.sleep(0.7)
        writer.write(HEALTH)
        assert await healthy(kept)
        assert await ended(kept)


async def test_a_body_that_comes_byte_by_byte_has_so_many_seconds_in_all() -> None:
    async with calling() as callers:
        slow, writer = await callers.come(request(length=web.MAX_BODY).head)

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(WITHIN / 10)

        dripping = asyncio.create_task(drip())
        assert status_of(await slow.readuntil(b"\r\n\r\n")) == 408
        dripping.cancel()


async def test_an_answer_that_breaks_off_is_not_followed_by_a_second_one() -> None:
    async def begins(incoming: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        answer = aiohttp.web.StreamResponse()
        await answer.prepare(incoming)
        await answer.write(b"begun")
        raise RuntimeError(CANARY)

    async def fails(_: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        raise RuntimeError(CANARY)

    app = web.application(begins)
    app.router.add_get("/fails", fails)
    with structlog.testing.capture_logs() as lines:
        async with web.serving(app, 0, "127.0.0.1") as port:
            answers = []
            for sent in (request().raw, b"GET /fails HTTP/1.1\r\nHost: x\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(sent)
                answers.append(await reader.read())
                writer.close()
    assert [answer.count(b"HTTP/1.1") for answer in answers] == [1, 1]
    assert [status_of(answer) for answer in answers] == [200, 500]
    assert CANARY.encode() not in b"".join(answers)
    assert [line["event"] for line in lines] == ["http.failed", "http.failed"]
