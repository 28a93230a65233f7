"""Sends what hypothesis makes up to a whole bot between its simulators, and counts what comes back."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import structlog.testing
from aiohttp import ClientSession, ServerDisconnectedError
from hypothesis import HealthCheck, given, seed, settings
from multidict import CIMultiDict
from slack_sdk.signature import SignatureVerifier

from bot.demo.run import SIGNING_SECRET, Demo
from tests.conftest import exhibit
from tests.fuzz.families import SAMPLES
from tests.fuzz.requests import METRICS_TOKEN, Sample

RAW_SECONDS = 0.03
"""How long a request that may have no end is given to be answered."""

ANSWER_SECONDS = 10

AGES = 240
"""Seconds over which signatures are spread; Slack's are good for 300."""

SETTINGS: Mapping[str, Any] = {
    "poll_interval": "1h",
    "credit_sms_warning": "6000",
    "allowed_users": "U0ALICE",
    "allowed_channels": "C0ALERTS",
    "metrics_token": METRICS_TOKEN,
}
"""An alert is open, and whoever is made up is on no list."""

HUNG_UP = "no answer"


@dataclass
class Counted:
    """How often each family of requests was answered with each status, and what failed inside."""

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.statuses.total()

    def table(self) -> str:
        """Return the counts as lines, one for each family."""
        columns = sorted({status for _, status in self.statuses})
        rows = [f"{'':<12}" + "".join(f"{column:>11}" for column in columns)]
        for family in sorted({family for family, _ in self.statuses}):
            counts = "".join(f"{self.statuses[family, column]:>11}" for column in columns)
            rows.append(f"{family:<12}{counts}")
        return "\n".join(rows)


class _Errors(logging.Handler):
    """Keeps what libraries log as an error: a task that died with nobody looking, too."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(f"{record.name}: {record.getMessage()} {record.exc_info}")


async def fuzz(count: int, start: int) -> Counted:
    """Send so many requests, the same for the same start; raises with the smallest that fails."""
    counted = Counted()
    errors = _Errors(counted.failures)
    logging.getLogger().addHandler(errors)
    try:
        with structlog.testing.capture_logs() as lines:
            async with (
                exhibit(**SETTINGS) as demo,
                ClientSession() as client,
            ):
                sender = _Sender(demo, client, asyncio.get_running_loop(), counted, lines)
                await asyncio.to_thread(sender.send, count, start)
    finally:
        logging.getLogger().removeHandler(errors)
    counted.failures += failures(lines)
    return counted


def failures(lines: Iterable[Mapping[str, object]]) -> list[str]:
    """Return what the bot itself logged as failed: a person may have got a polite answer all the same."""
    return [str(line) for line in lines if "exc_info" in line]


@dataclass(frozen=True)
class _Sender:
    demo: Demo
    client: ClientSession
    loop: asyncio.AbstractEventLoop
    counted: Counted
    lines: Sequence[Mapping[str, object]]

    def send(self, count: int, start: int) -> None:
        """Let hypothesis make requests up, in a thread of its own, for it waits for each answer."""

        @seed(start)
        @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(SAMPLES)
        def each(sample: Sample) -> None:
            before, failed = len(self.lines), len(self.counted.failures)
            answering = asyncio.run_coroutine_threadsafe(self._answer_to(sample), self.loop)
            status = answering.result(ANSWER_SECONDS)
            self.counted.statuses[sample.family, status] += 1
            inside = [*failures(self.lines[before:]), *self.counted.failures[failed:]]
            assert (status[0] == "5", inside) == (False, []), sample
            assert (sample.family, status) != ("metrics", "200"), sample

        each()

    def _signed(self, body: str) -> dict[str, str]:
        """Return the headers of Slack's; each at a second of its own, for a signature is accepted once."""
        stamp = str(int(self.demo.slack.clock().timestamp()) - self.counted.total % AGES)
        made = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=stamp, body=body)
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(made)}

    async def _answer_to(self, sample: Sample) -> str:
        """Return the status, over a connection that is kept, or for raw bytes over one of their own."""
        slack = self.demo.slack
        if sample.raw:
            return await _raw_answer(urlsplit(slack.bot_url).port or 0, sample.body)
        headers = CIMultiDict(sample.headers)
        if sample.signed:
            # What is signed is text: bytes that are none have no signature that fits.
            headers = CIMultiDict(self._signed(sample.body.decode("utf-8", "replace")) | dict(headers))
        url = urljoin(slack.bot_url, sample.path)
        try:
            async with self.client.request(sample.method, url, data=sample.body, headers=headers) as response:
                await response.read()
                return str(response.status)
        except ServerDisconnectedError:
            return HUNG_UP


async def _raw_answer(port: int, sent: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(RAW_SECONDS):
            writer.write(sent)
            answer = await reader.readline()
    writer.close()
    return answer.split()[1].decode() if answer else HUNG_UP
