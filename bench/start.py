"""How soon `python -m bot` serves, beside a bare import of its libraries: `python -m bench.start`."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

import click

ROOT = Path(__file__).parent.parent
LIBRARIES = "import aiohttp, alembic, apscheduler, babel, psycopg, pydantic_settings, slack_bolt, sqlalchemy"
SETTINGS = {
    "SLACK_BOT_TOKEN": "xoxb-bench",
    "SLACK_SIGNING_SECRET": "0123456789abcdef",
    "SLACK_API_URL": "http://127.0.0.1:9/",
    "SMSPARTNER_API_KEY": "0123456789abcdef",
    "SMSPARTNER_API_URL": "http://127.0.0.1:9/",
    "ALERT_CHANNEL": "C0BENCH00",
}


def libraries() -> float:
    """Return the seconds that a bare import of the libraries takes."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    return time.monotonic() - began


def bot(folder: str) -> float:
    """Return the seconds from the start of the process until it answers 200."""
    port = _free_port()
    path = os.environ["PATH"]  # noqa: TID251 - a process needs it
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), "PORT": str(port), **SETTINGS}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot"], cwd=folder, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        while not _answers(port):
            time.sleep(0.01)
        return time.monotonic() - began
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@click.command()
@click.option("--times", type=click.IntRange(1), default=5, help="How often each is started.")
def main(times: int) -> None:
    """Start both in turn, and print the medians and their ratio."""
    bare, ready = [], []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            bare.append(libraries())
            ready.append(bot(folder))
    click.echo(f"libraries imported  {median(bare):6.2f} s")
    click.echo(f"bot serves          {median(ready):6.2f} s")
    click.echo(f"ratio               {median(ready) / median(bare):6.2f}")


if __name__ == "__main__":
    main()
