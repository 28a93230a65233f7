"""Why another host is not reached: each fault has its cause, at provider, Slack and heartbeat."""

import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
import structlog.testing
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import BadStatusLine

from bot.clock import SystemClock
from bot.connecting import BrokenConnectionError, cause_of, never_connected
from bot.core.model import Product
from bot.core.reading import CONNECTION, HEALING, TOLD_AT_ONCE, WORTH_RETRYING, Cause, Failure
from bot.heartbeat import Heartbeat
from bot.partner import Partner
from bot.ports import NotDelivered, Unreadable
from bot.settings import partial_from_environment
from bot.shell import doctor, wording
from bot.slack.web_api import WebApi, answer_to, refused
from tests.certificates import Authority, serving_tls, speaking
from tests.conftest import exhibit
from tests.neighbours import environment_of, neighbours, silent
from tests.samples import account
from tests.test_bot import ask, eventually, told
from tests.test_check import WORDS

KEY = "canary0123456789abcdef0123456789abcdef01"


@dataclass(frozen=True)
class Address:
    """Somewhere that nobody gets an answer from, and why."""

    url: str
    cause: Cause


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority")).made()


def connecting(
    error: OSError, kind: type[aiohttp.ClientConnectorError] = aiohttp.ClientConnectorError
) -> Exception:
    return kind(Mock(spec=ConnectionKey, host="canary.example", port=443, ssl=True), error)


def unverified(code: int) -> Exception:
    error = ssl.SSLCertVerificationError(1, "canary")
    error.verify_code = code
    key = Mock(spec=ConnectionKey, host="canary.example", port=443, ssl=True)
    return aiohttp.ClientConnectorCertificateError(key, error)


DNS = aiohttp.ClientConnectorDNSError

KINDS: list[tuple[Exception, Cause]] = [
    (connecting(socket.gaierror(socket.EAI_NONAME, "x"), DNS), Cause.NAME_UNKNOWN),
    (connecting(socket.gaierror(socket.EAI_NODATA, "x"), DNS), Cause.NAME_UNKNOWN),
    (connecting(socket.gaierror(socket.EAI_AGAIN, "x"), DNS), Cause.NAME_NOT_RESOLVED),
    (connecting(socket.gaierror(socket.EAI_FAIL, "x"), DNS), Cause.NAME_NOT_RESOLVED),
    (connecting(OSError(None, "x"), DNS), Cause.NAME_NOT_RESOLVED),
    (connecting(ConnectionRefusedError(errno.ECONNREFUSED, "x")), Cause.CONNECTION_REFUSED),
    (connecting(OSError(errno.EHOSTUNREACH, "x")), Cause.NO_ROUTE),
    (connecting(OSError(errno.ENETUNREACH, "x")), Cause.NO_ROUTE),
    (connecting(OSError(errno.ETIMEDOUT, "x")), Cause.CONNECT_TIMEOUT),
    (connecting(OSError(errno.EMFILE, "x")), Cause.NETWORK),
    (connecting(ConnectionResetError(errno.ECONNRESET, "x")), Cause.BROKEN_OFF),
    (connecting(ssl.SSLError(1, "x"), aiohttp.ClientConnectorSSLError), Cause.TLS),
    (aiohttp.ConnectionTimeoutError("x"), Cause.CONNECT_TIMEOUT),
    (aiohttp.SocketTimeoutError("x"), Cause.TIMEOUT),
    (TimeoutError(), Cause.TIMEOUT),
    (unverified(10), Cause.CERTIFICATE_EXPIRED),
    (unverified(9), Cause.CERTIFICATE_EXPIRED),
    (unverified(18), Cause.CERTIFICATE_SELF_SIGNED),
    (unverified(19), Cause.CERTIFICATE_UNTRUSTED),  # the root of a proxy that opens TLS
    (unverified(20), Cause.CERTIFICATE_UNTRUSTED),
    (unverified(21), Cause.CERTIFICATE_UNTRUSTED),
    (unverified(23), Cause.CERTIFICATE_UNTRUSTED),
    (unverified(62), Cause.CERTIFICATE_OF_ANOTHER),
    (unverified(64), Cause.CERTIFICATE_OF_ANOTHER),
    (aiohttp.ServerDisconnectedError(), Cause.BROKEN_OFF),
    (aiohttp.ClientOSError(errno.EPIPE, "x"), Cause.BROKEN_OFF),
    (aiohttp.ClientPayloadError("x"), Cause.BROKEN_OFF),
    (BadStatusLine("x"), Cause.NOT_HTTP),
    (aiohttp.ClientResponseError(Mock(), (), status=400), Cause.NOT_HTTP),
    (aiohttp.InvalidURL("x"), Cause.NETWORK),
    (OSError("x"), Cause.NETWORK),
    (BrokenConnectionError(Cause.TLS), Cause.TLS),
]


@pytest.mark.parametrize(("error", "cause"), KINDS, ids=lambda one: type(one).__name__)
def test_each_error_has_its_cause(error: Exception, cause: Cause) -> None:
    assert cause_of(error) is cause


@pytest.mark.parametrize(
    ("error", "never"),
    [
        (connecting(ConnectionRefusedError(errno.ECONNREFUSED, "x")), True),
        (unverified(10), True),
        (aiohttp.ConnectionTimeoutError("x"), True),
        (aiohttp.ServerDisconnectedError(), False),
        (aiohttp.SocketTimeoutError("x"), False),
        (TimeoutError(), False),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_was_never_sent_is_known_from_what_may_have_been(error: Exception, *, never: bool) -> None:
    assert never_connected(error) is never


def test_what_concerns_the_host_is_shared_by_its_accounts_and_told_to_none_at_once() -> None:
    assert CONNECTION <= HEALING
    assert not CONNECTION & TOLD_AT_ONCE
    certificates = {cause for cause in Cause if cause.startswith("certificate")}
    assert certificates <= CONNECTION
    assert not certificates & WORTH_RETRYING, "no certificate gets better by asking again"


def test_no_two_causes_of_a_host_share_their_words() -> None:
    said = [WORDS.cause(Failure(cause)) for cause in CONNECTION]
    assert len(set(said)) == len(CONNECTION)
    for one in said:
        assert ": " not in one, "the doctor parts cause and mend there"


@pytest.mark.parametrize("cause", sorted(CONNECTION))
def test_slack_and_the_heartbeat_say_each_cause_with_its_mend(cause: Cause) -> None:
    said, mend = wording.slack_error(cause.value, WORDS)
    assert "Slack" in said
    assert mend[:1].isupper()
    assert "{" not in said + mend
    of_heartbeat = WORDS.heartbeat_error(cause.value)
    assert "HEARTBEAT_URL" in of_heartbeat
    assert "Slack" not in of_heartbeat


# With real servers


@pytest.fixture(scope="module")
def contexts(authority: Authority) -> dict[str, ssl.SSLContext]:
    """Make every certificate once."""
    stranger = Authority(authority.folder / "stranger")
    stranger.folder.mkdir()
    return {
        "good": authority.certificate("good"),
        "untrusted": stranger.made().certificate("leaf"),
        "self-signed": authority.certificate("own", of_itself=True),
        "expired": authority.certificate("expired", days=-1),
        "another's": authority.certificate("another", names="DNS:other.example,IP:192.0.2.1"),
    }


CERTIFICATES = {
    "untrusted": Cause.CERTIFICATE_UNTRUSTED,
    "self-signed": Cause.CERTIFICATE_SELF_SIGNED,
    "expired": Cause.CERTIFICATE_EXPIRED,
    "another's": Cause.CERTIFICATE_OF_ANOTHER,
}


@asynccontextmanager
async def address_of(name: str, contexts: dict[str, ssl.SSLContext]) -> AsyncIterator[Address]:
    """Serve one of the things that go wrong between two hosts."""
    async with AsyncExitStack() as stack:
        match name:
            case "plain text" | "no HTTP":
                port = await stack.enter_async_context(speaking(b"220 mail.example ESMTP\r\n"))
                tls = name == "plain text"
                yield Address(f"http{'s' * tls}://127.0.0.1:{port}/v1", Cause.TLS if tls else Cause.NOT_HTTP)
            case "hangs up":
                port = await stack.enter_async_context(speaking(b""))
                yield Address(f"http://127.0.0.1:{port}/v1", Cause.BROKEN_OFF)
            case "refused":
                taken = stack.enter_context(socket.socket())
                taken.bind(("127.0.0.1", 0))
                yield Address(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", Cause.CONNECTION_REFUSED)
            case "no answer" | "no handshake":
                port = await stack.enter_async_context(silent())
                if name == "no answer":
                    yield Address(f"http://127.0.0.1:{port}/v1", Cause.TIMEOUT)
                else:
                    yield Address(f"https://127.0.0.1:{port}/v1", Cause.CONNECT_TIMEOUT)
            case "unknown name":
                yield Address("https://no-such-host.invalid/v1", Cause.NAME_UNKNOWN)
            case _:
                url = await stack.enter_async_context(serving_tls(contexts[name]))
                yield Address(url, CERTIFICATES[name])


EVERY = (
    "untrusted", "self-signed", "expired", "another's", "plain text", "no HTTP", "hangs up", "refused",
    "no answer", "no handshake", "unknown name",
)  # fmt: skip


@pytest.fixture
async def session(authority: Authority) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=authority.trusted())
    async with aiohttp.ClientSession(connector=connector) as opened:
        yield opened


def is_cause(found: Cause | str, address: Address) -> bool:
    """Whether it is that cause; a machine without DNS cannot know that there is no such name."""
    unresolved = address.cause is Cause.NAME_UNKNOWN and found == Cause.NAME_NOT_RESOLVED
    return found == address.cause or unresolved


@pytest.mark.parametrize("product", [Product.SMS, Product.VOICE])
@pytest.mark.parametrize("name", EVERY)
async def test_the_provider_s_failure_names_its_cause_and_never_the_key(
    contexts: dict[str, ssl.SSLContext],
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    product: Product,
) -> None:
    monkeypatch.setattr("bot.partner.client.ATTEMPT_SECONDS", 0.5)
    async with address_of(name, contexts) as address:
        partner = Partner(session, address.url, KEY, product, attempts=1)
        with pytest.raises(Unreadable) as caught:
            await partner.read(account())
    assert is_cause(caught.value.failure.cause, address), caught.value.failure
    assert caught.value.__context__ is None
    assert KEY not in repr(caught.value)


@pytest.mark.parametrize("name", EVERY)
async def test_what_slack_does_not_get_names_its_cause_and_whether_it_is_certain(
    contexts: dict[str, ssl.SSLContext], session: aiohttp.ClientSession, name: str
) -> None:
    async with address_of(name, contexts) as address:
        with pytest.raises(NotDelivered) as caught:
            await answer_to(WebApi("xoxb-canary", address.url, session, 0.5).auth_test())
    assert is_cause(caught.value.error, address), caught.value.error
    assert caught.value.unknown is (name in {"no HTTP", "hangs up", "no answer"})
    assert not refused(caught.value)


@pytest.mark.parametrize("name", EVERY)
async def test_the_heartbeat_s_failure_names_its_cause(
    contexts: dict[str, ssl.SSLContext], session: aiohttp.ClientSession, name: str
) -> None:
    async with address_of(name, contexts) as address:
        url, nobody = f"{address.url}/canary", Mock()
        heartbeat = Heartbeat(session, url, nobody, nobody, nobody, WORDS.heartbeat_error, seconds=0.5)
        assert is_cause(await heartbeat._sent(), address)  # noqa: SLF001 - the line is tested elsewhere


async def test_a_certificate_of_one_s_own_authority_is_trusted(
    contexts: dict[str, ssl.SSLContext], session: aiohttp.ClientSession
) -> None:
    body = '{"ok": true, "team_id": "T1"}'
    async with serving_tls(contexts["good"], body) as url:
        assert (await answer_to(WebApi("xoxb-canary", url, session).auth_test()))["team_id"] == "T1"


# As people see it


async def test_an_untrusted_certificate_is_told_with_its_own_remedy_in_channel_answer_and_log(
    contexts: dict[str, ssl.SSLContext],
) -> None:
    trust = "to a file with its CA certificate"
    with structlog.testing.capture_logs() as lines:
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(serving_tls(contexts["untrusted"]))
            settings: dict[str, Any] = {
                "smspartner_api_url": url,
                "heartbeat_url": f"{url}/canary",
                "unreadable_after": 1,
            }
            demo = await stack.enter_async_context(exhibit(**settings))
            message = await told(demo, "This machine does not trust the issuer of SMS Partner's certificate.")
            assert trust in message.text
            assert trust in await ask(demo)
            (beat, *_) = await eventually(
                lambda: [one for one in lines if one["event"] == "heartbeat.failed"]
            )
    assert beat["error"] == "certificate_untrusted"
    assert beat["why"].startswith("This machine does not trust the issuer of HEARTBEAT_URL's")
    assert {one["cause"] for one in lines if one["event"] == "poll.unreadable"} == {"certificate_untrusted"}
    assert "canary" not in str(lines)


async def test_the_doctor_says_which_certificate_is_untrusted_and_what_to_do(
    contexts: dict[str, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with neighbours() as around, serving_tls(contexts["untrusted"]) as url:
        environment_of(
            {**around.settings, "SMSPARTNER_API_URL": url, "SLACK_API_URL": url}, monkeypatch, tmp_path
        )
        found = await doctor.examine(partial_from_environment(), SystemClock())
    of = {one.topic.value: one for one in found}
    assert of["account"].said == "This machine does not trust the issuer of SMS Partner's certificate."
    assert "SSL_CERT_FILE" in of["account"].mend
    assert of["slack_token"].said == "This machine does not trust the issuer of Slack's certificate"
    assert "SSL_CERT_FILE" in of["slack_token"].mend
    assert "SLACK_API_URL" in of["slack_token"].mend
