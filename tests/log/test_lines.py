"""What a process writes at debug, whoever speaks: one event a line, and no secret in it."""

import asyncio
import json
import sys
from typing import Any, cast

import pytest

from bot import log
from bot.log.redaction import net
from tests.test_main import environment

CANARY = "canary-of-the-settings"
HEX = "c0ffee0123456789c0ffee0123456789c0ffee01"
WORDS = ("canary", "c0ffee")

SCRIPT = f"""
import asyncio, logging, sys, threading, warnings
import structlog
from bot import log

log.configure("debug", sys.argv[1], ("{CANARY}",))
ours = structlog.get_logger()
ours.info("ours.event", url="https://x/v1/me?apiKey={HEX}", secret="{CANARY}", nested={{"key": ["{HEX}"]}})

def fails():
    try:
        raise ValueError("inner {CANARY}")
    except ValueError as error:
        raise KeyError("https://x/v1/me/{HEX}") from error

try:
    fails()
except KeyError:
    ours.exception("ours.failed", reference="0a1b2c3d")
    logging.getLogger("aiohttp.client").exception("theirs failed with %s", "{CANARY}")

for name in (
    "aiohttp", "aiohttp.client", "aiohttp.server", "slack_bolt", "slack_bolt.App", "slack_sdk",
    "slack_sdk.web.async_base_client", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "aiosqlite",
    "alembic", "apscheduler", "apscheduler.scheduler", "asyncio", "psycopg", "stamina", "somebody.else",
):
    library = logging.getLogger(name)
    library.debug("by default: %s", "{CANARY}")
    library.setLevel(logging.DEBUG)
    library.debug("forced: %s %r", "{CANARY}", {{"Authorization": "Bearer {HEX}"}}, extra={{"k": "{HEX}"}})

warnings.warn("{CANARY} warns")
logging.getLogger("broken").error("%d is no number", "{CANARY}")

async def lost_task():
    done = asyncio.get_running_loop().create_task(asyncio.sleep(0))
    done.add_done_callback(lambda _: 1 / 0 if "{HEX}" else 0)
    await asyncio.sleep(0.01)

asyncio.run(lost_task())
crash = threading.Thread(target=fails)
crash.start()
crash.join()
raise RuntimeError("the end of {CANARY}")
"""


@pytest.mark.parametrize("shape", ["json", "console"])
async def test_no_secret_is_written_whoever_speaks(shape: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        shape,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    text = err.decode()
    assert (process.returncode, out) == (1, b"")
    # The source of the script stands in no traceback: it has no file.
    assert [line for line in text.splitlines() if any(word in line for word in WORDS)] == []
    for expected in (
        "ours.event",
        "ours.failed",
        "theirs failed",
        "inner [secret]",
        "forced: [secret]",
        "warns",
        "log.lost",
        "ZeroDivisionError",
        "bot.crashed",
        "the end of [secret]",
    ):
        assert expected in text, expected
    if shape == "json":
        events = [json.loads(line) for line in text.splitlines()]
        assert all({"event", "level"} <= set(event) for event in events)


@pytest.mark.parametrize(
    ("around", "coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_is_coloured_unless_it_or_whoever_sits_there_wants_none(
    monkeypatch: pytest.MonkeyPatch, around: dict[str, str], coloured: bool
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in around.items():
        monkeypatch.setenv(name, value)
    assert log.coloured() is coloured


def test_a_colour_in_front_of_a_secret_hides_none() -> None:
    redacting = log._redacting(net(()))  # noqa: SLF001 - the processor that sees the line as it is written
    for secret in (HEX, "a1b2-1234-abcd-99ff", "xoxb-1-2-abc", "postgres://bot:pa55@db/x"):
        line = f"\x1b[36mkey\x1b[0m=\x1b[35m{secret}\x1b[0m"
        written = str(redacting(None, "", cast("Any", line)))
        assert secret not in written
        assert written.startswith("\x1b[36mkey\x1b[0m=\x1b[35m")
        assert written.endswith("\x1b[0m")
        assert "\0" not in written
