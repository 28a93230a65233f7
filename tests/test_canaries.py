"""Recognisable secrets in every secret setting; whatever happens to the bot, none of them comes out again.

The last net, which takes secrets out of log lines, is switched off here: nothing may need it.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import make_url

from bot.demo.answers import HOSTILE
from bot.demo.run import Demo
from bot.settings import Settings
from tests.slack.link_host import link_host
from tests.stage import stage
from tests.store.conftest import postgresql
from tests.store.server import database_of
from tests.test_bot import eventually
from tests.test_database_away import close
from tests.test_main import WITHOUT_NET, deployed, environment, output

__all__ = ["postgresql"]  # a fixture

SMS_KEY = "c0ffee01" * 5
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-canary-bot-token",
    "SLACK_SIGNING_SECRET": "canary-signing-secret",
    "SMSPARTNER_API_KEY": SMS_KEY,
    "VOICEPARTNER_API_KEY": "cana-ry01-voic-ekey",
    "MAILPARTNER_API_KEY": "c0ffee02" * 5,
    "METRICS_TOKEN": "canary-metrics-token",
    "HEARTBEAT_URL": "http://127.0.0.1:1/canary-heartbeat?key=canary-query",
}
APP_TOKEN = "xapp-canary-app-token"
PASSWORD = "canary-database-password"
NAMES = [f"more-{number}" for number in range(8)]
KEYS = {f"KEY_{number}": f"c0ffee{number + 10}" * 5 for number in range(8)}
ACCOUNTS = "\n".join(
    f'[[account]]\nname = "{name}"\nproduct = "sms"\napi_key_env = "{key}"'
    for name, key in zip(NAMES, KEYS, strict=True)
)
SIGNS = ("canary", "cana-ry", "c0ffee")
"""What every secret above contains."""

TYPED = "nonsense"
PRIVATE = ("response_url", "/response/", "trigger_id", "X-Slack-Signature", TYPED, "269082", "269,082")
"""What a request of Slack's and a good answer of the provider's hold, and no log line may."""

PRINTED = [
    ("manifest",),
    ("manifest", "--json"),
    ("check",),
    ("check", "--json"),
    ("doctor", "--post"),
    ("doctor", "--json"),
]
"""Every command that prints something and ends; `run` and `demo` have tests of their own."""


@pytest.fixture
def url(postgresql: str) -> Iterator[str]:
    with database_of(postgresql) as address:
        password = make_url(address).set(password=PASSWORD)
        yield password.render_as_string(hide_password=False)


@asynccontextmanager
async def watched(tmp_path: Path, url: str, **more: str) -> AsyncIterator[tuple[Demo, int, "Output"]]:
    """Run the bot with all its secrets, at debug, between simulators that take no other."""
    secrets = {"api_key": SMS_KEY, "bot_token": SECRETS["SLACK_BOT_TOKEN"]}
    signed = {"signing_secret": SECRETS["SLACK_SIGNING_SECRET"], "app_token": APP_TOKEN}
    async with stage(**secrets, **signed) as demo:
        settings = {
            **SECRETS,
            **KEYS,
            "ACCOUNTS": ACCOUNTS,
            "VOICEPARTNER_API_URL": demo.provider.api_url,
            "MAILPARTNER_API_URL": demo.provider.api_url,
            "DATABASE_URL": url,
            "LOG_LEVEL": "debug",
            "POLL_INTERVAL": "1s",
            **more,
        }
        async with deployed(demo, tmp_path, WITHOUT_NET, **settings) as (process, port):
            written = Output(process)
            try:
                yield demo, port, written
            finally:
                written.reading.cancel()


class Output:
    """What the process writes, read all the time: a full pipe would stop it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.reading = asyncio.create_task(process.communicate())

    async def ended(self) -> str:
        """Stop the process and return all that it wrote."""
        self._process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(asyncio.shield(self.reading), 30)
        return out.decode() + err.decode()


async def answers(port: int) -> list[str]:
    """Return what everybody gets who asks the bot well or badly."""
    bearer = {"Authorization": f"Bearer {SECRETS['METRICS_TOKEN']}"}
    forged = {"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": f"v0={SMS_KEY}"}
    asked: list[tuple[str, str, dict[str, str], bytes]] = [
        ("GET", "/readyz", {}, b""),
        ("GET", "/metrics", bearer, b""),
        ("GET", "/metrics", {"Authorization": "Bearer wrong"}, b""),
        ("GET", "/nowhere", {}, b""),
        ("DELETE", "/healthz", {}, b""),
        ("POST", "/slack/events", forged, b"command=%2Fsmscredits&text=&response_url=x"),
        ("POST", "/slack/events", {}, b"x" * 1_100_000),
    ]
    said = []
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        for method, path, headers, body in asked:
            async with client.request(
                method, path, headers=headers, data=BytesIO(body) if body else None
            ) as response:
                said.append(f"{response.status} {dict(response.headers)} {await response.text()}")
    return said


def leaks(text: str) -> list[str]:
    """Return the lines in which a secret stands."""
    return [line for line in text.splitlines() if any(sign in line for sign in SIGNS)]


def seen_in_slack(demo: Demo) -> str:
    return "\n".join([*map(repr, demo.slack.messages), *map(repr, demo.slack.calls)])


async def test_without_the_net_a_secret_that_is_logged_would_be_seen(tmp_path: Path) -> None:
    """Else the tests below would prove nothing."""
    said = "import bot.log as log; log.configure('info', 'json', ['canary-secret']); import structlog; "
    said += "structlog.get_logger('x').warning('slip', said='canary-secret')"
    off = WITHOUT_NET.partition("runpy.run")[0]
    for code, seen in ((said, False), (off + said, True)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=tmp_path, env=environment(), stderr=asyncio.subprocess.PIPE
        )
        _, err = await process.communicate()
        assert ("canary-secret" in err.decode()) is seen


def test_every_secret_setting_has_a_canary() -> None:
    secret = {
        name.upper() for name, setting in Settings.model_fields.items() if "Secret" in str(setting.annotation)
    }
    assert secret == {*SECRETS, "SLACK_APP_TOKEN", "DATABASE_URL"}
    everything = (*SECRETS.values(), *KEYS.values(), APP_TOKEN, PASSWORD)
    assert all(any(sign in one for sign in SIGNS) for one in everything)


@pytest.mark.proof
@pytest.mark.timeout(240)
async def test_no_secret_comes_out_whatever_provider_slack_and_database_do(
    postgresql: str, url: str, tmp_path: Path
) -> None:
    async with watched(tmp_path, url) as (demo, port, written):
        low = await demo.slack.wait_for(lambda message: "SMS credits are low" in message.text, 30)
        said = await answers(port)
        demo.provider.answers.extend(HOSTILE.values())
        await demo.slack.press(low, "ack")
        await demo.slack.command("")
        await demo.slack.command(TYPED)
        async with asyncio.timeout(120):
            while demo.provider.answers:
                await demo.provider.wait_for_requests(len(demo.provider.requests) + 1, within=60)
        demo.slack.fault_next("not_in_channel", 2)
        demo.slack.fault_next("server_error", 2)
        said += await answers(port)
        close(postgresql, str(make_url(url).database))
        await demo.slack.command("")
        await demo.slack.command("ack")
        async with asyncio.timeout(30):  # what was well is said for a second more
            while not any(one.startswith("503") for one in said):
                said += await answers(port)
        log = await written.ended()
    assert leaks(log) == []
    assert leaks("\n".join(said)) == []
    assert leaks(seen_in_slack(demo)) == []
    assert [line for line in log.splitlines() if any(word in line for word in PRIVATE)] == []
    for event in ("poll.unreadable", "slack.unsigned_request", "heartbeat.failed", "database_away"):
        assert event in log, event
    assert {status.partition(" ")[0] for status in said} == {"200", "401", "404", "405", "413", "503"}


@pytest.mark.proof
@pytest.mark.timeout(120)
async def test_no_secret_comes_out_in_socket_mode(url: str, tmp_path: Path) -> None:
    async with watched(tmp_path, url, SLACK_APP_TOKEN=APP_TOKEN) as (demo, port, written):
        demo.slack.bot_url = ""
        await eventually(lambda: demo.slack.socket_connected)
        low = await demo.slack.wait_for(lambda message: "SMS credits are low" in message.text, 30)
        await demo.slack.press(low, "ack")
        await demo.slack.command("")
        await demo.slack.links.close()  # as Slack does every few hours
        await eventually(lambda: demo.slack.socket_connected)
        said = await answers(port)
        log = await written.ended()
    assert leaks("\n".join([log, *said, seen_in_slack(demo)])) == []
    assert [
        line for line in log.splitlines() if any(word in line for word in (*PRIVATE, "/link/", "ticket"))
    ] == []


LINK_FAULTS = {
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x00\x02\x02\x28",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.mark.proof
@pytest.mark.timeout(180)
async def test_no_ticket_comes_out_however_the_connection_of_socket_mode_fails(
    url: str, tmp_path: Path
) -> None:
    async with watched(tmp_path, url, SLACK_APP_TOKEN=APP_TOKEN) as (demo, port, written):
        await eventually(lambda: demo.slack.socket_connected)
        async with link_host(demo.slack) as host, asyncio.timeout(120):
            # First a host that is none of Slack's: a ticket is not offered to it.
            demo.slack.link_origin, slacks = "wss://slack.com.example.com", demo.slack.link_origin
            await demo.slack.links.drop()
            while len([one for one in demo.slack.calls if one.method == "apps.connections.open"]) < 3:
                await demo.slack.changed(demo.slack.version)
            demo.slack.link_origin = slacks
            for fault in LINK_FAULTS.values():
                asked, host.says = len(host.asked), fault
                while len(host.asked) == asked:  # noqa: ASYNC110 - it comes when the bot tries again
                    await asyncio.sleep(0.01)
            host.says = None
            while not demo.slack.socket_connected:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            said = await answers(port)
            log = await written.ended()
    tickets = [asked.partition("ticket=")[2].partition("&")[0] for asked in host.asked]
    assert len(set(tickets)) == len(tickets) > len(LINK_FAULTS)
    everything = "\n".join([log, *said])
    assert leaks(everything) == []
    assert [one for one in (*tickets, "ticket", "/link/") if one in everything] == []
    for said_why in ("HTTP 302", "address refused: wss://slack.com.example.com"):
        assert said_why in log


@pytest.mark.proof
@pytest.mark.timeout(120)
async def test_no_secret_comes_out_of_tokens_that_are_refused(url: str, tmp_path: Path) -> None:
    wrong = {"SLACK_BOT_TOKEN": "xoxb-canary-wrong", "SLACK_APP_TOKEN": "xapp-canary-wrong"}
    async with watched(tmp_path, url, **wrong) as (demo, port, written):
        await eventually(lambda: len([call for call in demo.slack.calls if call.method != "auth.test"]) > 2)
        said = await answers(port)
        log = await written.ended()
    assert leaks("\n".join([log, *said])) == []
    assert "background.refused" in log


@pytest.mark.proof
@pytest.mark.parametrize("command", PRINTED, ids=" ".join)
async def test_no_secret_is_in_what_a_command_prints(command: tuple[str, ...], tmp_path: Path) -> None:
    away = {name.replace("KEY", "URL"): "http://127.0.0.1:1" for name in SECRETS if name.endswith("API_KEY")}
    settings = {**SECRETS, **KEYS, **away, "ACCOUNTS": ACCOUNTS, "ALERT_CHANNEL": "C0ALERTS"}
    address = f"postgres://bot:{PASSWORD}@127.0.0.1:1/bot"
    _, out, err = await output(
        *command,
        cwd=tmp_path,
        code=WITHOUT_NET,
        **settings,
        DATABASE_URL=address,
        SLACK_API_URL="http://127.0.0.1:1/api/",
    )
    assert out
    assert leaks(out + err) == []
