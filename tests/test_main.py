"""The command line, as real processes that are started, asked and stopped by signals."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import click
import pytest
import yaml

from bot.command_line import Port
from bot.demo.run import API_KEY, BOT_TOKEN, SIGNING_SECRET, Demo
from tests.conftest import exhibit

ROOT = Path(__file__).parent.parent
SECRETS = (API_KEY, BOT_TOKEN, SIGNING_SECRET)


def environment(**settings: str) -> dict[str, str]:
    """Return an environment that holds nothing but what a host would set."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}  # noqa: TID251 - a process needs it


WITHOUT_NET = """
import runpy
import bot.log as log
log.net = lambda secrets: str
runpy.run_module("bot", run_name="__main__")
"""
"""Runs the bot with a log that takes no secret out of its lines."""


async def start(*arguments: str, cwd: Path, code: str = "", **settings: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *(("-c", code) if code else ("-m", "bot")),
        *arguments,
        cwd=cwd,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def output(*arguments: str, cwd: Path, code: str = "", **settings: str) -> tuple[int | None, str, str]:
    process = await start(*arguments, cwd=cwd, code=code, **settings)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def served_between(demo: Demo) -> dict[str, str]:
    """Return the settings of a bot between the simulators of `demo`."""
    return {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": demo.slack.api_url,
        "SMSPARTNER_API_KEY": API_KEY,
        "SMSPARTNER_API_URL": demo.provider.api_url,
        "ALERT_CHANNEL": "C0ALERTS",
        "CREDIT_SMS_WARNING": "6000",
    }


@asynccontextmanager
async def deployed(
    demo: Demo, cwd: Path, code: str = "", **settings: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run `python -m bot` as a process of its own, between the simulators of `demo`."""
    port = free_port()
    process = await start(cwd=cwd, code=code, **served_between(demo) | {"PORT": str(port)} | settings)
    try:
        await answering(port)
        demo.slack.bot_url = f"http://127.0.0.1:{port}/slack/events"
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def resident_mib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


async def answering(port: int, host: str = "127.0.0.1") -> str:
    async with asyncio.timeout(20), aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(f"http://{host}:{port}/healthz") as response:
                    return await response.text()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)


async def test_faulty_settings_are_all_listed_and_the_exit_code_is_2(tmp_path: Path) -> None:
    code, out, err = await output(
        cwd=tmp_path,
        SLACK_BOT_TOKEN="xoxp-canary",
        SMSPARTNER_API_URL="https://canary:port",
        ALERT_CHANNEL="#canary",
        DATABASE_URL="postgres://user:abc@canary:tail@host/db",
        PORT="x",
        SLACK_SIGNING_KEY="canary",
    )
    assert (code, out) == (2, "")
    *found, slip = err.splitlines()
    assert slip == "unknown setting SLACK_SIGNING_KEY - did you mean SLACK_SIGNING_SECRET?"
    assert [line.partition(":")[0] for line in found] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SMSPARTNER_API_KEY",
        "SMSPARTNER_API_URL",
        "ALERT_CHANNEL",
        "DATABASE_URL",
        "PORT",
    ]
    assert "canary" not in err
    assert "Traceback" not in err


async def test_a_dot_env_file_that_is_no_text_is_a_line_and_the_exit_code_is_2(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SMSPARTNER_API_KEY=canary".encode("utf-16"))
    code, out, err = await output(cwd=tmp_path)
    assert (code, out, err) == (2, "", ".env: is not UTF-8. Save it as UTF-8 text\n")


async def test_run_answers_warns_and_stops_within_seconds_of_sigterm(tmp_path: Path) -> None:
    async with exhibit(poll_interval="1h") as demo, deployed(demo, tmp_path) as (process, port):
        opened = await demo.slack.wait_for(lambda message: "SMS credits are low" in message.text, 20)
        assert opened.channel == "C0ALERTS"
        answer = await demo.slack.command("")
        assert "5,500 SMS left, below the warning threshold of 6,000" in answer.messages[-1].text
        assert await answering(port, "[::1]") == "ok\n"
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 0
        events = [json.loads(line)["event"] for line in err.decode().splitlines()]
        assert events[-1] == "bot.stopping"
        assert not any(secret in err.decode() for secret in SECRETS)


async def test_killed_and_started_again_it_repeats_no_alert(tmp_path: Path) -> None:
    async with exhibit(poll_interval="1h") as demo:
        async with deployed(demo, tmp_path, POLL_INTERVAL="1s"):
            await demo.slack.wait_for(lambda message: "SMS credits are low" in message.text, 20)
            # Killed between Slack's answer and its own note of it, the bot could not know: one poll more.
            await demo.provider.wait_for_requests(len(demo.provider.requests) + 2, within=20)
            told = len(demo.slack.messages)
        before = len(demo.provider.requests)
        async with deployed(demo, tmp_path, POLL_INTERVAL="1s"):
            await demo.provider.wait_for_requests(before + 3, within=20)
        assert len(demo.slack.messages) == told


async def test_sigint_stops_it_too_while_the_database_cannot_be_opened(tmp_path: Path) -> None:
    async with exhibit(poll_interval="1h") as demo:
        away = "sqlite:////nowhere/at/all.db"
        async with deployed(demo, tmp_path, DATABASE_URL=away) as (process, _):
            answer = await demo.slack.command("")
            assert "5,500 SMS" in answer.messages[-1].text
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.communicate(), 10)
            assert process.returncode == 0


async def test_run_stays_small(tmp_path: Path) -> None:
    """How soon it is ready is measured by `bench/start.py`: timed here, a busy machine would fail it."""
    sizes = []
    async with exhibit(poll_interval="1h") as demo:
        for number in range(2):
            async with deployed(demo, tmp_path, DATABASE_URL=f"sqlite:///{number}.db") as (process, _):
                await demo.slack.wait_for(partial(told_low, demo, number + 1), 20)
                sizes.append(resident_mib(process.pid))
    assert min(sizes) < 100, f"resident: {sizes} MiB"


def told_low(demo: Demo, times: int, _: object) -> bool:
    return sum("SMS credits are low" in message.text for message in demo.slack.messages) == times


async def loaded_with(module: str) -> list[str]:
    """Return the names of all modules that importing this one loads."""
    code = f"import {module}, sys; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment(), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert module in out.decode().split()
    return out.decode().split()


async def test_run_never_loads_the_simulators() -> None:
    assert not [name for name in await loaded_with("bot.app") if name.startswith("bot.demo")]


async def test_a_port_in_use_is_told_in_a_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, out, err = await output(
            "demo", "--no-browser", "--port", str(taken.getsockname()[1]), cwd=tmp_path
        )
    assert (code, out, err) == (1, "", "The port is in use by another program. Choose another with --port.\n")


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_that_this_machine_has_not_is_told_in_a_line(tmp_path: Path, address: str) -> None:
    async with exhibit(poll_interval="1h") as demo:
        process = await start(cwd=tmp_path, **served_between(demo), BIND_ADDRESS=address)
        out, err = await process.communicate()
    line = "BIND_ADDRESS is no address of this machine. Set it to 127.0.0.1, or leave it out to serve all."
    assert (process.returncode, out, err.decode()) == (1, b"", line + "\n")


async def test_only_the_chosen_address_is_served(tmp_path: Path) -> None:
    async with (
        exhibit(poll_interval="1h") as demo,
        deployed(demo, tmp_path, BIND_ADDRESS="127.0.0.1") as (_, port),
    ):
        assert await answering(port) == "ok\n"
        for other in ("::1", "127.0.0.2"):
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(other, port)


async def test_a_port_that_may_not_be_served_is_told_in_a_line(tmp_path: Path) -> None:
    # Whoever runs the tests may be root, who may serve any.
    forbidden = (
        "import errno, bot.demo.run as it, bot.__main__ as start\n"
        "async def refused(*_, **__): raise PermissionError(errno.EACCES, 'error while attempting to bind')\n"
        "it.demonstrate = refused\nstart.main()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", forbidden, "demo",
        cwd=tmp_path, env=environment(), stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await process.communicate()
    line = b"The port is below 1024, which only root may serve. Choose another with --port.\n"
    assert (process.returncode, err) == (1, line)


PAUSED = """
import signal, sys, weakref
import bot.__main__ as start

class Command:
    def __call__(self):
        # What is raised in here Python prints and forgets.
        weakref.finalize(Command(), signal.raise_signal, int(sys.argv[1]))
        print("the signal was lost")

sys.modules["bot.command_line"] = type("Loaded", (), {"commands": Command()})
start.main()
"""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [([], 0, b""), (["demo"], 0, b""), (["check"], 3, b"Interrupted.\n"), (["doctor"], 1, b"Interrupted.\n")],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_while_all_is_loaded_ends_it_whatever_is_being_done(
    tmp_path: Path, number: signal.Signals, arguments: list[str], code: int, said: bytes
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PAUSED, str(int(number)), *arguments,
        cwd=tmp_path, env=environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert await process.communicate() == (b"", said)
    assert process.returncode == code


async def test_signals_are_heeded_before_anything_that_takes_its_time_is_loaded() -> None:
    assert not {"asyncio", "click", "bot.app"} & set(await loaded_with("bot.__main__"))


async def test_the_demo_needs_nothing_and_ignores_the_settings_around_it(tmp_path: Path) -> None:
    port = free_port()
    process = await start(
        "demo", "--no-browser", "--port", str(port), cwd=tmp_path, SLACK_APP_TOKEN="xapp-real"
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert f"http://127.0.0.1:{port}/" in line.decode()
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/") as page:
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 0
        assert files_in(tmp_path) == []
    finally:
        if process.returncode is None:
            process.kill()


async def test_the_manifest_is_for_socket_mode_without_a_url_and_for_http_with_one(tmp_path: Path) -> None:
    _, socket_mode, _ = await output("manifest", cwd=tmp_path)
    assert socket_mode == (ROOT / "manifest.yaml").read_text()
    assert yaml.safe_load(socket_mode)["settings"]["socket_mode_enabled"] is True
    where = "HTTPS://bot.example.com/slack/events"
    assert (await output("manifest", "--url", where, cwd=tmp_path))[1].count("/slack/events") == 2
    _, http, _ = await output("manifest", "--url", "https://bot.example.com/", "--json", cwd=tmp_path)
    built = json.loads(http)
    url = "https://bot.example.com/slack/events"
    assert built["features"]["slash_commands"][0]["url"] == url
    assert built["settings"]["interactivity"]["request_url"] == url
    assert built["settings"]["socket_mode_enabled"] is False


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://bot.example.com:port",
        "http://bot.example.com",
        "bot.example.com",
        "javascript:alert(1)",
        "https://",
        "https://a b",
        "https://a?b",
        "https://[a",
    ],
)
async def test_a_manifest_url_that_slack_would_not_call_is_refused(tmp_path: Path, url: str) -> None:
    code, _, err = await output("manifest", "--url", url, cwd=tmp_path)
    assert code == 2
    assert "https" in err


async def test_an_unknown_command_shows_the_usage(tmp_path: Path) -> None:
    code, _, err = await output("rum", cwd=tmp_path)
    assert code == 2
    assert "Usage" in err


@pytest.mark.parametrize(
    "text", ["8_080", "\uff18\uff10\uff18\uff10", "+8080", "0x50", "80.0", "-1", "65536"]
)
def test_a_port_is_digits_alone(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Port(0, 65535).convert(text, None, None)
    assert Port(0, 65535).convert("8080", None, None) == 8080
