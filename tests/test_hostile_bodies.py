"""Bodies that nobody has verified: refused by the head where it tells; bounded in size, time and pieces."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest
import structlog.testing

from bot import web
from bot.web.bodies import LARGE_BODIES, MAX_BODY, SMALL_BODY
from tests.test_hostile_requests import (
    BODY,
    LATE,
    OTHER,
    Sent,
    calling,
    ended,
    healthy,
    in_chunks,
    request,
    signature,
    stamp,
    status_of,
)

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
FORGED = b"v0=" + b"f" * 64
LENGTH = MAX_BODY

DISPROVED: Mapping[str, tuple[Sent, int]] = {
    "no signature": (request(signatures=(), length=LENGTH), 401),
    "no timestamp": (request(timestamps=(), signatures=(signature(),), length=LENGTH), 401),
    "no signature, in chunks": (request(signatures=(), chunked=True), 401),
    "no signature in form": (request(signatures=(FORGED[:-1],), length=LENGTH), 401),
    "a signature in capitals": (request(signatures=(FORGED.upper(),), length=LENGTH), 401),
    "no timestamp in form": (request(timestamps=(b"+1",), signatures=(signature(),), length=LENGTH), 401),
    "stale": (request(timestamps=(stamp(-LATE),), length=LENGTH), 401),
    "ahead": (request(timestamps=(stamp(LATE),), length=LENGTH), 401),
    "two signatures": (request(signatures=(OTHER, FORGED), length=LENGTH), 401),
    "another content type": (request(signatures=(FORGED,), content_type="text/html", length=LENGTH), 400),
    "larger than 1 MiB": (request(signatures=(FORGED,), length=LENGTH + 1), 413),
}


@pytest.mark.parametrize("name", DISPROVED)
async def test_what_the_head_alone_disproves_is_refused_before_its_body_comes(name: str) -> None:
    sent, status = DISPROVED[name]
    async with calling(body_seconds=60) as callers:
        reader, _ = await callers.come(sent.head)
        head = await reader.readuntil(b"\r\n\r\n")
        assert status_of(head) == status
        # What would come of the body is no next request.
        assert b"\r\nconnection: close\r\n" in head.lower()


async def test_a_body_is_asked_for_only_once_its_head_has_passed() -> None:
    expecting = [("Expect", b"100-continue")]
    async with calling(body_seconds=60) as callers:
        refused, _ = await callers.come(request(signatures=(), further=expecting).head)
        assert status_of(await refused.readuntil(b"\r\n\r\n")) == 401
        reader, writer = await callers.come(request(further=expecting).head)
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 100
        writer.write(BODY)
        assert status_of(await reader.readuntil(b"reached")) == 200


async def test_a_signature_is_accepted_once_though_both_heads_came_before_either_body() -> None:
    async with calling(body_seconds=60) as callers:
        sent = [await callers.come(request().head) for _ in range(2)]
        # Both heads have passed by the time that a third caller, who came later, is answered.
        later, _ = await callers.come(HEALTH)
        assert await healthy(later)
        answers = []
        for reader, writer in sent:
            writer.write(BODY)
            answers.append(status_of(await reader.readuntil(b"\r\n\r\n")))
        assert answers == [200, 401]


def in_bytes(body: bytes) -> bytes:
    return b"".join(b"1\r\n%c\r\n" % one for one in body) + b"0\r\n\r\n"


async def test_a_body_in_few_pieces_is_read_and_one_in_very_many_is_not() -> None:
    async with calling(body_seconds=60) as callers:
        head = request(chunked=True).head
        reader, _ = await callers.come(head + in_bytes(BODY))
        assert status_of(await reader.readuntil(b"reached")) == 200
        many = b"x" * 5000
        for signatures, status in (((FORGED,), 400), ((), 401)):
            reader, writer = await callers.come()
            writer.write(request(body=many, signatures=signatures, chunked=True).head + in_bytes(many))
            assert status_of(await reader.readuntil(b"\r\n\r\n")) == status


async def test_what_comes_in_very_many_pieces_is_not_listened_to_any_more() -> None:
    """A body as large as may be, in chunks of a byte, costs what its first pieces cost."""
    async with calling(body_seconds=60) as callers:
        reader, writer = await callers.come()
        writer.write(request(signatures=(FORGED,), chunked=True).head)
        writer.write(in_bytes(b"x" * MAX_BODY))
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 400
        with suppress(ConnectionError):
            await reader.read()


async def test_a_body_of_the_largest_size_in_pieces_as_the_network_makes_them_is_read() -> None:
    body = b"x" * MAX_BODY
    async with calling(body_seconds=60) as callers:
        reader, writer = await callers.come(request(body=body).head)
        for at in range(0, len(body), 1448):
            writer.write(body[at : at + 1448])
            await writer.drain()
        # Its signature is right, and it is no command.
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 400
    async with calling(body_seconds=60) as callers:
        reader, _ = await callers.come(request(body=body, chunked=True).head + in_chunks(body))
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 400


async def test_large_bodies_share_their_room_and_small_ones_need_none_of_it() -> None:
    """128 small bodies and the large ones are 8 MiB."""
    assert 128 * SMALL_BODY + LARGE_BODIES == 8 * 1024 * 1024
    fit = LARGE_BODIES // (MAX_BODY - SMALL_BODY)
    large = request(signatures=(FORGED,), length=MAX_BODY)
    with structlog.testing.capture_logs() as lines:
        async with calling(body_seconds=60) as callers:
            held = [await callers.come(large.head) for _ in range(fit)]
            await asyncio.sleep(0)
            refused, _ = await callers.come(large.raw)
            assert status_of(await refused.readuntil(b"\r\n\r\n")) == 503
            # What grows beyond a small one needs room too, whatever its head said.
            growing, writer = await callers.come(request(signatures=(FORGED,), chunked=True).head)
            writer.write(in_chunks(b"x" * 200_000, whole=False))
            assert status_of(await growing.readuntil(b"\r\n\r\n")) == 503
            small, _ = await callers.come(request().raw)
            assert status_of(await small.readuntil(b"reached")) == 200
            for _, writer in held:
                writer.write(b"x" * MAX_BODY)
            for reader, _ in held:
                assert status_of(await reader.readuntil(b"\r\n\r\n")) == 401
            again, writer = await callers.come(large.head)
            writer.write(b"x" * MAX_BODY)
            assert status_of(await again.readuntil(b"\r\n\r\n")) == 401
    assert all("FORGED" not in str(line) for line in lines)


@pytest.mark.parametrize("how", ["hangs up", "is too slow", "sends nonsense"])
async def test_room_is_given_back_however_a_body_ends(how: str) -> None:
    large = request(signatures=(FORGED,), length=MAX_BODY)
    async with calling(body_seconds=60 if how == "hangs up" else 0.3) as callers:
        for _ in range(6):
            if how == "sends nonsense":
                reader, writer = await callers.come(request(signatures=(FORGED,), chunked=True).head)
                writer.write(in_chunks(b"x" * 900_000, whole=False) + b"nonsense\r\n")
                assert status_of(await reader.readuntil(b"\r\n\r\n")) == 408
                continue
            reader, writer = await callers.come(large.head)
            if how == "hangs up":
                writer.close()
                await writer.wait_closed()
            else:
                assert status_of(await reader.readuntil(b"\r\n\r\n")) == 408
        healthy_one, _ = await callers.come(HEALTH)
        assert await healthy(healthy_one)
        reader, writer = await callers.come(large.head)
        writer.write(b"x" * MAX_BODY)
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 401


async def test_a_flood_is_one_line_a_minute_with_how_often() -> None:
    with structlog.testing.capture_logs() as lines:
        tally = web.Tally("http.turned_away", pause=60)
        for _ in range(3):
            tally.add("no_head")
        tally.add("made_room")
        tally.close()
        tally.close()
    assert [(line.get("no_head"), line.get("made_room")) for line in lines] == [(1, None), (2, 1)]


async def test_the_rest_of_a_minute_is_logged_at_its_end_and_then_there_is_silence() -> None:
    counted: list[str] = []
    with structlog.testing.capture_logs() as lines:
        tally = web.Tally("http.turned_away", counted.append, pause=0.01)
        for _ in range(3):
            tally.add("no_head")
        async with asyncio.timeout(10):
            while len(lines) < 2:  # noqa: ASYNC110 - a line of a log is no event
                await asyncio.sleep(0.01)
        tally.close()
    assert [line["no_head"] for line in lines] == [1, 2]
    assert counted == ["no_head"] * 3


async def test_silent_callers_are_counted_by_what_became_of_them() -> None:
    counted: list[str] = []
    tally = web.Tally("http.turned_away", counted.append)
    async with calling(connections=1, head_seconds=0.2, turned_away=tally) as callers:
        first, _ = await callers.come()
        second, _ = await callers.come()
        assert await ended(first)
        assert await ended(second)
    tally.close()
    assert counted == ["made_room", "no_head"]


FIELD = b"Cookie: " + b"x" * 4000 + b"\r\n"


@pytest.mark.parametrize("before", [b"", HEALTH], ids=["first", "behind a whole request"])
async def test_a_head_that_grows_and_grows_is_not_kept_in_memory(before: bytes) -> None:
    counted: list[str] = []
    tally = web.Tally("http.turned_away", counted.append)
    async with calling(turned_away=tally) as callers:
        reader, writer = await callers.come(before + HEALTH[:-2])
        assert not before or await healthy(reader)
        with suppress(ConnectionError):
            for _ in range(100):
                writer.write(FIELD)
                await writer.drain()
        assert await ended(reader)
    tally.close()
    assert counted == ["large_head"]


async def test_a_head_with_all_that_proxies_and_browsers_add_is_read() -> None:
    async with calling() as callers:
        reader, writer = await callers.come(HEALTH[:-2] + 5 * FIELD + b"\r\n")
        for _ in range(20):
            assert await healthy(reader)
            writer.write(HEALTH[:-2] + 5 * FIELD + b"\r\n")


@pytest.mark.parametrize("path", ["/healthz", "/slack/events"])
async def test_whoever_sends_a_body_in_vain_reads_the_answer(path: str) -> None:
    async with calling() as callers:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode()
        reader, _ = await callers.come(head + b"x" * MAX_BODY)
        assert status_of(await reader.readuntil(b"\r\n\r\n")) in {401, 405}
