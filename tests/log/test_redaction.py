"""The last net: no secret leaves in a log line, whoever wrote the line and however it is spelled."""

import json
from time import process_time
from urllib.parse import quote

import pytest

from bot.log.redaction import REDACTED, net

HEX = "0123456789abcdef0123456789abcdef01234567"
VOICE = "a1b2c3d4-1234-abcd-99ff"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (f"key {HEX} refused", f"key {REDACTED} refused"),
        (f"key {HEX.upper()}.", f"key {REDACTED}."),
        (f"key={VOICE},", f"key={REDACTED},"),
        ("GET /v1/me?apiKey=short1&_format=json", f"GET /v1/me?apiKey={REDACTED}&_format=json"),
        ("apikey%3Dshort1 was sent", f"apikey%3D{REDACTED} was sent"),
        ("URL('https://api.voicepartner.fr/v1/me/KEY')", f"URL('https://api.voicepartner.fr/v1/me/{REDACTED}')"),
        ('{"apiKey": "x1", "n": 1}', f'{{"apiKey": "{REDACTED}", "n": 1}}'),
        ('"{\\"apiKey\\": \\"x1\\"}"', f'"{{\\"apiKey\\": \\"{REDACTED}\\"}}"'),
        ("token xoxb-1-2-abc used", f"token {REDACTED} used"),
        ("xoxp-12-ab xapp-1-A0-9 xoxe.xoxp-1-Mi0", f"{REDACTED} {REDACTED} {REDACTED}"),
        ("Authorization: Bearer s3cr3t-metrics", f"Authorization: Bearer {REDACTED}"),
        (
            "POST https://hooks.slack.com/commands/T0/123/abc failed",
            f"POST https://hooks.slack.com/{REDACTED} failed",
        ),
        ("wss://wss.slack.com/link/?ticket=a-1&app_id=A", f"wss://wss.slack.com/link/?ticket={REDACTED}&app_id=A"),
        ("postgresql+psycopg://bot:pa55@db:5432/x", f"postgresql+psycopg://bot:{REDACTED}@db:5432/x"),
        ("postgres://bot:p@ss/w@db/x away", f"postgres://bot:{REDACTED}@db/x away"),
        ("host=db password=pa55 user=bot", f"host=db password={REDACTED} user=bot"),
        ("postgres://db/x?sslpassword=pa55&sslmode=require", f"postgres://db/x?sslpassword={REDACTED}&sslmode=require"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_taken_out(line: str, written: str) -> None:
    assert net(())(line) == written


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026-11-24T22:43:45.123456Z poll.read account=sms reasons=still_low",
        "episode=8e1b41640f42 reference=0a1b2c3d",
        "process 0123456789abcdef0123456789abcdef",  # a lease's holder: 32 characters
        "a well-known four-part-word-here and 12-34-56-78",
        "http://127.0.0.1:8080/healthz",
        "postgresql+psycopg://db.example.com:5432/name",
        "the bot is not in the channel: type /invite @smscredits there",
        "must begin with xoxb-… (Slack app page)",
        'File "/home/me/bot/app.py", line 12',
        "GET /v1/me returned 200",
    ],
)
def test_what_is_no_secret_stays_as_it_is(line: str) -> None:
    assert net(("a-secret-of-the-settings",))(line) == line


SECRETS = (
    "plain0secret",
    'quote"back\\slash',
    "a+b/c=d&e?f",
    "50%off!now",
    "https://hc-ping.com/5ecret-path/start?rid=5ecret-query",
    "postgresql+psycopg://bot:p%40ss%2Fword@db/x",
    "postgresql+psycopg://db/x?password=5ecret-of-a-query",
)


@pytest.mark.parametrize("secret", SECRETS[:4])
def test_the_secrets_of_the_settings_are_taken_out_however_they_are_spelled(secret: str) -> None:
    redact = net(SECRETS)
    for spelled in (
        secret,
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        quote(secret),
        quote(secret, safe=""),
    ):
        assert redact(f"before {spelled} after") == f"before {REDACTED} after"
    twice = json.dumps(json.dumps({"k": secret}))
    assert redact(twice) == json.dumps(json.dumps({"k": REDACTED}))


@pytest.mark.parametrize(
    "line",
    [
        "GET /5ecret-path/start failed",
        "query rid=5ecret-query",
        "of a query: 5ecret-of-a-query",
        "https://hc-ping.com/5ecret-path/start?rid=5ecret-query",
        "password p@ss/word is refused",
        "p%40ss%2Fword",
    ],
)  # fmt: skip
def test_what_is_secret_in_an_address_is_taken_out_by_itself_too(line: str) -> None:
    written = net(SECRETS)(line)
    assert REDACTED in written
    assert not any(part in written for part in ("5ecret", "p@ss", "p%40ss"))


def test_a_secret_that_contains_another_goes_whole() -> None:
    assert net(("secret1", "secret1-and-more"))("x secret1-and-more y") == f"x {REDACTED} y"


def test_what_is_too_short_to_be_told_apart_is_no_secret() -> None:
    assert net(("bot", ""))("the bot is ready") == "the bot is ready"


@pytest.mark.parametrize("part", ["a.", "abcd-", "a://b:", "\\", "/me/", "x://:@"])
def test_a_long_line_costs_by_its_length_alone(part: str) -> None:
    """Each shape tried at each character would take minutes of the bot's only loop."""
    redact = net(SECRETS)
    started = process_time()
    redact(part * (60_000 // len(part)))
    assert process_time() - started < 5
