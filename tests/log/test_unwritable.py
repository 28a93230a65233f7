"""A log that cannot be written stops nothing: the bot starts, watches and ends well without it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.demo.run import API_KEY, APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.stage import stage
from tests.test_main import environment, free_port

FULL = Path("/dev/full")
QUICKLY = 30

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")

SCRIPT = """
import sys
import structlog
from bot import log

log.configure("info", "json")
lines = structlog.get_logger()
for _ in range(1000):
    lines.info("poll.read", text="x" * 100)
try:
    sys.stderr.close()
except OSError:
    pass
lines.info("poll.read")
print("goes on", flush=True)
"""


def full() -> int:
    return os.open(FULL, os.O_WRONLY)


def read_by_nobody() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


UNWRITABLE = pytest.mark.parametrize("unwritable", [full, read_by_nobody])


async def started(
    *arguments: str, cwd: Path, stderr: Callable[[], int], **settings: str
) -> asyncio.subprocess.Process:
    descriptor = stderr()
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=cwd,
            env=environment(**settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=descriptor,
        )
    finally:
        os.close(descriptor)


@UNWRITABLE
async def test_who_logs_goes_on(unwritable: Callable[[], int], tmp_path: Path) -> None:
    process = await started("-c", SCRIPT, cwd=tmp_path, stderr=unwritable)
    out, _ = await asyncio.wait_for(process.communicate(), QUICKLY)
    assert out == b"goes on\n"


@UNWRITABLE
async def test_the_bot_tells_what_is_low_and_ends_well(unwritable: Callable[[], int], tmp_path: Path) -> None:
    simulators = stage(
        api_key=API_KEY, bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, app_token=APP_TOKEN
    )
    async with simulators as demo:
        process = await started(
            "-m",
            "bot",
            cwd=tmp_path,
            stderr=unwritable,
            SLACK_BOT_TOKEN=BOT_TOKEN,
            SLACK_SIGNING_SECRET=SIGNING_SECRET,
            SLACK_API_URL=demo.slack.api_url,
            SMSPARTNER_API_KEY=API_KEY,
            SMSPARTNER_API_URL=demo.provider.api_url,
            ALERT_CHANNEL="C0ALERTS",
            CREDIT_SMS_WARNING="6000000",
            PORT=str(free_port()),
        )
        try:
            await demo.slack.wait_for(lambda message: "SMS credits are low" in message.text, QUICKLY)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), QUICKLY) == 0
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
