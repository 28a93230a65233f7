"""A signature is accepted once; Slack's own retries are answered as before and do nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
import pytest
import structlog.testing
from slack_bolt.async_app import AsyncAck
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bot import web
from bot.slack.accepted import LARGEST_ANSWER, Accepted
from bot.slack.receiver import Receiver
from bot.slack.web_api import WebApi
from bot.slack.workspace import Workspace
from tests.samples import NOW

SECRET = "signing-secret"
RETRY = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
START = int(NOW.timestamp())


@dataclass
class Wall:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Slack:
    """Signs commands and sends them; `acted` counts what the bot did."""

    url: str
    session: aiohttp.ClientSession
    wall: Wall
    acted: list[str] = field(default_factory=list)
    may_act: asyncio.Event = field(default_factory=asyncio.Event)
    acting: asyncio.Event = field(default_factory=asyncio.Event)

    def signed(self, body: str, moved: float = 0) -> dict[str, str]:
        stamp = str(int(self.wall.at.timestamp() + moved))
        made = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body)
        assert made is not None
        form = "application/x-www-form-urlencoded"
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": made, "Content-Type": form}

    async def send(self, body: str, headers: dict[str, str]) -> tuple[int, str]:
        async with self.session.post(self.url, data=body.encode(), headers=headers) as answer:
            return answer.status, await answer.text()


def command(number: int = 0) -> str:
    return (
        f"command=%2Fsmscredits&text=ack&team_id=T1&user_id=U0ALICE&channel_id=C0ALERTS&trigger_id={number}"
    )


@asynccontextmanager
async def running() -> AsyncIterator[Slack]:
    wall = Wall()
    async with aiohttp.ClientSession() as session:
        slack = Slack("", session, wall)
        slack.may_act.set()
        bolt = Workspace(WebApi("xoxb-x", "http://127.0.0.1:1/", session)).bolt_app()

        @bolt.command("/smscredits")
        async def act(ack: AsyncAck) -> None:
            slack.acting.set()
            await slack.may_act.wait()
            slack.acted.append("ack")
            await ack(f"done {len(slack.acted)}")

        receiver = Receiver(bolt, SECRET, wall, web.Bodies().read)
        async with web.serving(web.application(receiver.receive), 0, "127.0.0.1") as port:
            slack.url = f"http://127.0.0.1:{port}/slack/events"
            yield slack


async def test_a_request_that_is_sent_again_is_refused_and_logged() -> None:
    async with running() as slack:
        headers = slack.signed(command())
        assert (await slack.send(command(), headers))[0] == 200
        with structlog.testing.capture_logs() as lines:
            slack.wall.at += timedelta(minutes=4)
            assert (await slack.send(command(), headers))[0] == 401
        assert [(line["event"], line["why"]) for line in lines] == [("slack.unsigned_request", "reused")]
        slack.wall.at += timedelta(seconds=61)
        assert (await slack.send(command(), headers))[0] == 401
        assert slack.acted == ["ack"]


async def test_a_request_is_accepted_once_though_it_comes_many_times_at_the_same_time() -> None:
    async with running() as slack:
        slack.may_act.clear()
        headers = slack.signed(command())
        sent = [asyncio.create_task(slack.send(command(), headers)) for _ in range(20)]
        await slack.acting.wait()
        slack.may_act.set()
        assert sorted(status for status, _ in await asyncio.gather(*sent)) == [200] + [401] * 19
        assert slack.acted == ["ack"]


async def test_the_same_words_typed_twice_are_two_requests() -> None:
    async with running() as slack:
        for number in range(2):
            assert (await slack.send(command(number), slack.signed(command(number))))[0] == 200
        slack.wall.at += timedelta(seconds=1)
        assert (await slack.send(command(0), slack.signed(command(0))))[0] == 200
        assert len(slack.acted) == 3


@pytest.mark.parametrize(
    ("trial", "answered"),
    [
        ("token=x&ssl_check=1", ""),
        ('{"type":"url_verification","token":"x","challenge":"yes"}', '{"challenge": "yes"}'),
    ],
)
async def test_a_trial_of_the_address_is_answered_as_often_as_it_comes(trial: str, answered: str) -> None:
    async with running() as slack:
        kind = {"Content-Type": "application/json"} if answered else {}
        for _ in range(3):
            assert await slack.send(trial, slack.signed(trial) | kind) == (200, answered)


async def test_a_command_that_calls_itself_a_trial_is_accepted_once_all_the_same() -> None:
    async with running() as slack:
        body = f"{command()}&ssl_check=0"
        headers = slack.signed(body)
        assert [(await slack.send(body, headers))[0] for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("signed_anew", [False, True])
async def test_a_retry_gets_the_first_answer_and_acts_no_second_time(*, signed_anew: bool) -> None:
    async with running() as slack:
        headers = slack.signed(command())
        first = await slack.send(command(), headers)
        for pause in (0, 60, 230):
            slack.wall.at += timedelta(seconds=pause)
            if signed_anew:
                headers = slack.signed(command())
            assert await slack.send(command(), headers | RETRY) == first == (200, "done 1")
        assert slack.acted == ["ack"]


@pytest.mark.parametrize("signed_anew", [False, True])
async def test_a_retry_that_comes_while_the_first_is_answered_waits_for_that_answer(
    *, signed_anew: bool
) -> None:
    async with running() as slack:
        slack.may_act.clear()
        first = asyncio.create_task(slack.send(command(), slack.signed(command())))
        await slack.acting.wait()
        headers = slack.signed(command(), 1 if signed_anew else 0)
        retry = asyncio.create_task(slack.send(command(), headers | RETRY))
        slack.may_act.set()
        assert {await first, await retry} == {(200, "done 1")}
        assert slack.acted == ["ack"]


async def test_a_retry_of_what_was_never_heard_acts() -> None:
    async with running() as slack:
        assert await slack.send(command(), slack.signed(command()) | RETRY) == (200, "done 1")
        assert await slack.send(command(), slack.signed(command()) | RETRY) == (200, "done 1")
        assert slack.acted == ["ack"]


@pytest.mark.parametrize("retry", ["", "one", "-1", "1e9"])
async def test_what_only_looks_like_a_retry_is_none(retry: str) -> None:
    async with running() as slack:
        headers = slack.signed(command())
        await slack.send(command(), headers)
        assert (await slack.send(command(), headers | {"X-Slack-Retry-Num": retry}))[0] == 401


async def test_a_retry_needs_a_signature_as_any_request() -> None:
    async with running() as slack:
        headers = slack.signed(command())
        await slack.send(command(), headers)
        assert (await slack.send(command(1), headers | RETRY))[0] == 401
        slack.wall.at += timedelta(seconds=301)
        assert (await slack.send(command(), headers | RETRY))[0] == 401


async def test_a_clock_that_is_set_back_makes_no_old_request_acceptable() -> None:
    async with running() as slack:
        headers = slack.signed(command())
        await slack.send(command(), headers)
        slack.wall.at += timedelta(hours=1)
        await slack.send(command(1), slack.signed(command(1)))
        slack.wall.at = NOW
        for retry in ({}, RETRY):
            assert (await slack.send(command(), headers | retry))[0] == 401
        slack.wall.at += timedelta(seconds=1)
        assert (await slack.send(command(2), slack.signed(command(2))))[0] == 200


def test_memory_is_bounded_and_what_no_longer_fits_is_stale() -> None:
    async def many() -> None:
        accepted = Accepted(most=10, answers=3)
        for second in range(100):
            answer = accepted.accept(START + second, f"v0={second}", bytes([second]))
            accepted.settle(answer, BoltResponse(status=200, body=str(second)))
        remembered = [second for second in range(100) if accepted.used(f"v0={second}")]
        assert remembered == list(range(90, 100))
        assert [second for second in range(100) if not accepted.stale(START + second)] == remembered
        bodies = [(await accepted.answer_to(bytes([second]))).body for second in range(90, 100)]
        assert bodies == [""] * 7 + ["97", "98", "99"]
        accepted.forget(START + 95)
        assert [second for second in range(100) if accepted.known(bytes([second]))] == list(range(95, 100))

    asyncio.run(many())


async def test_an_answer_that_is_too_large_to_keep_is_an_empty_one_the_next_time() -> None:
    accepted = Accepted()
    answer = accepted.accept(START, "v0=1", b"1")
    accepted.settle(answer, BoltResponse(status=200, body="x" * (LARGEST_ANSWER + 1)))
    kept = await accepted.answer_to(b"1")
    assert (kept.status, kept.body) == (200, "")


async def test_an_answer_that_never_came_is_an_empty_one() -> None:
    accepted = Accepted()
    accepted.accept(START, "v0=1", b"1").cancel()
    assert (await accepted.answer_to(b"1")).status == 200
