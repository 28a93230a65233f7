"""A deploy as Heroku-style hosts make it: the tracked files, the locked packages, the Procfile's line.

Run by `make buildtest`: it installs packages, which takes as long as many other tests together.
"""

import asyncio
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.demo.run import API_KEY, BOT_TOKEN, SIGNING_SECRET
from tests.conftest import exhibit
from tests.test_bot import ask
from tests.test_main import ROOT, SECRETS, answering, free_port

pytestmark = [pytest.mark.build, pytest.mark.timeout(600)]

LOOPBACK_6 = "::1"
OLDEST = "python3.11"
"""The oldest that the README promises, and Debian 12's; the tests themselves may run on another."""

STOPS_WITHIN = 10
"""Seconds, a third of what hosts allow."""


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("what a host is sent is what git tracks: this is no checkout")
    return [name for name in listed.stdout.decode().split("\0") if name]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a host gets: those that git knows, as they are, and no repository."""
    folder = tmp_path_factory.mktemp("app")
    for name in tracked_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return folder


@pytest.fixture(scope="module", params=["the tests' own Python", OLDEST])
def python(request: pytest.FixtureRequest, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what `requirements.txt` pins, and not the project itself."""
    oldest = shutil.which(OLDEST, path=os.defpath)
    if request.param == OLDEST and oldest is None:
        pytest.skip(f"this system has no {OLDEST}")
    folder = tmp_path_factory.mktemp("environment")
    base = oldest if request.param == OLDEST else sys.executable
    subprocess.run([str(base), "-m", "venv", str(folder)], check=True)
    found = folder / "bin" / "python"
    install = [str(found), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.txt"]
    subprocess.run(install, cwd=tree, check=True)
    return found


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind((LOOPBACK_6, 0))
    except OSError:
        return False
    return True


def test_the_build_installs_what_is_pinned_and_neither_the_project_nor_tools(python: Path) -> None:
    listing = [str(python), "-m", "pip", "list", "--format", "json"]
    installed = {one["name"] for one in json.loads(subprocess.check_output(listing))}
    assert {"aiohttp", "slack_bolt", "psycopg"} <= installed
    assert not installed & {"smscredits", "pytest", "hypothesis", "ruff", "uv"}


async def test_the_procfile_s_line_serves_answers_slack_and_stops(tree: Path, python: Path) -> None:
    kind, _, line = (tree / "Procfile").read_text().strip().partition(": ")
    assert kind == "web"
    port = free_port()
    async with exhibit(poll_interval="1h") as demo:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(line),
            cwd=tree,
            env={
                "PATH": f"{python.parent}{os.pathsep}{os.defpath}",
                "PORT": str(port),
                "SLACK_BOT_TOKEN": BOT_TOKEN,
                "SLACK_SIGNING_SECRET": SIGNING_SECRET,
                "SLACK_API_URL": demo.slack.api_url,
                "SMSPARTNER_API_KEY": API_KEY,
                "SMSPARTNER_API_URL": demo.provider.api_url,
                "ALERT_CHANNEL": "C0ALERTS",
                "CREDIT_SMS_WARNING": "5000",
            },
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert await answering(port) == "ok\n"
            if has_ipv6():
                assert await answering(port, f"[{LOOPBACK_6}]") == "ok\n"
            demo.slack.bot_url = f"http://127.0.0.1:{port}/slack/events"
            assert "`/smscredits share`: what is left" in await ask(demo, "help")
            assert "5,500 SMS" in await ask(demo)
            process.send_signal(signal.SIGTERM)
            _, err = await asyncio.wait_for(process.communicate(), STOPS_WITHIN)
        finally:
            if process.returncode is None:
                process.kill()
    said = err.decode()
    assert process.returncode == 0, said
    assert not any(secret in said for secret in SECRETS)
    if not has_ipv6():
        pytest.skip(f"IPv4 alone was tried: this machine has no {LOOPBACK_6}")
