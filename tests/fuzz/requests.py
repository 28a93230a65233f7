"""What may reach the HTTP face: bytes that are no request, and signed ones of every wrong shape."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from hypothesis import strategies as st

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
METRICS_TOKEN = "metrics-token-of-the-fuzzer"
BEARER = f"Bearer {METRICS_TOKEN}"


@dataclass(frozen=True)
class Sample:
    """A request to send: raw bytes in its place, or a body with its headers, signed or not.

    `path`: where it goes instead of where Slack sends its own.
    """

    family: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    signed: bool = True
    raw: bool = False
    method: str = "POST"
    path: str = ""


COMMAND: Mapping[str, Any] = {
    "token": "t",
    "team_id": "T0DEMO",
    "team_domain": "demo",
    "channel_id": "C0ALERTS",
    "channel_name": "sms-alerts",
    "user_id": "U0ALICE",
    "user_name": "alice",
    "command": "/smscredits",
    "text": "",
    "api_app_id": "A0CREDITBOT",
    "is_enterprise_install": "false",
    "response_url": "no-url",
    "trigger_id": "1.2.3",
}
PRESS: Mapping[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0ALICE", "username": "alice", "team_id": "T0DEMO"},
    "api_app_id": "A0CREDITBOT",
    "token": "t",
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0ALERTS", "is_ephemeral": False},
    "trigger_id": "1.2.3",
    "team": {"id": "T0DEMO", "domain": "demo"},
    "enterprise": None,
    "is_enterprise_install": False,
    "channel": {"id": "C0ALERTS", "name": "sms-alerts"},
    "message": {"ts": "1.2", "text": "low", "blocks": [{"type": "actions", "elements": []}]},
    "state": {"values": {"b": {"snooze": {"type": "static_select", "selected_option": None}}}},
    "response_url": "no-url",
    "actions": [
        {
            "action_id": "ack",
            "block_id": "b",
            "type": "button",
            "value": "0123456789ab",
            "text": {"type": "plain_text", "text": "I have it"},
            "action_ts": "1.2",
        }
    ],
}
CHOICE: Mapping[str, Any] = {
    **PRESS,
    "actions": [
        {
            "action_id": "snooze",
            "block_id": "b",
            "type": "static_select",
            "selected_option": {
                "text": {"type": "plain_text", "text": "1 hour"},
                "value": "0123456789ab:1h",
            },
        }
    ],
}
SUBMISSION: Mapping[str, Any] = {
    "type": "view_submission",
    "team": {"id": "T0DEMO", "domain": "demo"},
    "user": {"id": "U0ALICE", "team_id": "T0DEMO"},
    "view": {
        "id": "V1",
        "team_id": "T0DEMO",
        "app_installed_team_id": "T0DEMO",
        "type": "modal",
        "callback_id": "thresholds",
        "private_metadata": "",
        "state": {"values": {}},
    },
    "response_urls": [],
}
EVENT: Mapping[str, Any] = {
    "type": "event_callback",
    "team_id": "T0DEMO",
    "api_app_id": "A0CREDITBOT",
    "event": {"type": "app_home_opened", "user": "U0ALICE", "channel": "D0", "tab": "home"},
    "authorizations": [{"team_id": "T0DEMO", "user_id": "U0CREDITBOT", "is_bot": True}],
}
TRIALS: tuple[Mapping[str, Any], ...] = (
    {"type": "url_verification", "challenge": "c", "token": "t"},
    {"ssl_check": "1", "token": "t"},
)
PAYLOADS = (PRESS, PRESS, PRESS, CHOICE, SUBMISSION, EVENT, *TRIALS)

WORDS = st.sampled_from(
    [
        "",
        "help",
        "alerts",
        "ack",
        "ack sms",
        "snooze",
        "snooze 2h sms",
        "resume",
        "thresholds",
        "share",
        "sms",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(codec=None, categories=["Cs", "Cc", "Co"]), max_size=10),
    st.sampled_from(["\ud800", "\x00", "<!channel>", "{0}", "%s", "`", "\u202e", "9" * 400, "é" * 3000]),
    st.integers(1, 50_000).map(lambda size: "x" * size),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**400), 10**400), st.floats(), TEXTS
)
JUNK = st.one_of(
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
        max_leaves=8,
    ),
    st.integers(1, 400).map(lambda depth: json.loads("[" * depth + "]" * depth)),
    st.integers(1, 400).map(lambda depth: json.loads('{"team":' * depth + "1" + "}" * depth)),
)
LINES = st.sampled_from(
    [
        b"POST /slack/events HTTP/1.1\r\nHost: x",
        b"GET /healthz HTTP/1.1\r\nHost: x",
        b"GET /metrics HTTP/1.1\r\nHost: x",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: " + BEARER.encode(),
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff",
        b"OPTIONS /slack/events HTTP/1.1\r\nHost: x",
        b"GET /%00/../\xff HTTP/1.1\r\nHost: x",
        b"GET * HTTP/1.0",
        b"PRI * HTTP/2.0",
    ]
)
NAMES = st.sampled_from(
    [
        *(b"Content-Length", b"Transfer-Encoding", b"Expect", b"Upgrade", b"Connection", b"Content-Type"),
        *(b"Authorization", b"Accept"),
    ]
)
VALUES = st.sampled_from(
    [b"0", b"-1", b"5", b"chunked", b"100-continue", b"websocket", b"close", b"upgrade", b"x", b"\xe9", b""]
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["X-Slack-Retry-Num", "X-Slack-Request-Id", "Cookie", "Accept", "X-Forwarded-For", "Origin"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    ),
    max_size=3,
).map(tuple)
TYPES = st.sampled_from([FORM, FORM, FORM, JSON, JSON, "text/plain", "multipart/form-data; boundary=x", "/"])


@st.composite
def mutated(draw: st.DrawFn, payload: Mapping[str, Any]) -> Any:
    """Return the payload with one to four places replaced, taken away, doubled or wrapped."""
    changed: Any = copy.deepcopy(dict(payload))
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(changed))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["junk", "junk", "junk", "drop", "wrap", "double", "add"]))
        if how == "junk":
            holder[key] = draw(JUNK)
        elif how == "drop":
            del holder[key]
        elif how == "wrap":
            holder[key] = [holder[key]]
        elif how == "double":
            holder[key] = {"id": holder[key], "type": holder[key], "text": copy.deepcopy(holder[key])}
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(sorted({*PRESS, *COMMAND, *SUBMISSION, *EVENT})))] = draw(JUNK)
    return changed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys: Any = ()
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = range(len(value))
    for key in keys:
        yield value, key
        yield from _places(value[key])


@st.composite
def interactions(draw: st.DrawFn) -> Sample:
    """A press, a submission, an event or a trial of Slack's, mutated, as a form or as JSON."""
    payload = draw(st.sampled_from(PAYLOADS).flatmap(mutated))
    text = json.dumps(payload)
    form = draw(st.booleans())
    body = "payload=" + quote_plus(text) if form else text
    return Sample("interaction", body.encode(), _headers(draw, FORM if form else JSON))


@st.composite
def commands(draw: st.DrawFn) -> Sample:
    """A slash command with something typed, and some of its fields mutated."""
    form = {**COMMAND, "text": draw(st.one_of(WORDS, TEXTS))}
    for name in draw(st.lists(st.sampled_from(sorted(form)), max_size=2)):
        form[name] = draw(TEXTS)
    for name in draw(st.lists(st.sampled_from(sorted(form)), max_size=1)):
        del form[name]
    body = urlencode({name: text.encode("utf-8", "surrogatepass") for name, text in form.items()})
    return Sample("command", body.encode(), _headers(draw, FORM))


@st.composite
def garbage(draw: st.DrawFn) -> Sample:
    """A body of anything, signed as if it were Slack's or not, under any headers."""
    anything = st.one_of(
        st.binary(max_size=200),
        JUNK.map(lambda junk: json.dumps(junk).encode()),
        JUNK.map(lambda junk: b"payload=" + quote_plus(json.dumps(junk)).encode()),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    )
    further = draw(HEADERS)
    return Sample("garbage", draw(anything), (*further, ("Content-Type", draw(TYPES))), draw(st.booleans()))


@st.composite
def raw(draw: st.DrawFn) -> Sample:
    """Bytes on the wire: a request line and headers with mistakes in them, or no HTTP at all."""
    line = draw(_mostly(LINES, st.binary(max_size=40)))
    names = _mostly(NAMES, st.binary(max_size=10))
    headers = draw(st.lists(st.tuples(names, _mostly(VALUES, st.binary(max_size=30))), max_size=2))
    lines = [line, *(name + b": " + value for name, value in headers)]
    # What follows a request without a body is the next one, and spoils it too.
    rest = draw(_mostly(st.just(b""), st.binary(max_size=20)))
    return Sample("raw", b"\r\n".join(lines) + b"\r\n\r\n" + rest, raw=True)


def _mostly(common: st.SearchStrategy[bytes], rare: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Draw from the rare ones in one case of six; `one_of` would take both for equally likely."""
    return st.integers(0, 5).flatmap(lambda number: rare if number == 5 else common)


def _headers(draw: st.DrawFn, content_type: str) -> tuple[tuple[str, str], ...]:
    further: tuple[tuple[str, str], ...] = draw(HEADERS)
    return (*further, ("Content-Type", content_type))
