"""`doctor`: each defect is a line with its mend and an exit code; the rest is looked at all the same."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from sqlalchemy import make_url

from bot.clock import SystemClock
from bot.core.notice import Kind, Notice, Owed
from bot.demo.answers import HOSTILE
from bot.demo.limits import RateLimit
from bot.service.reader import ACCOUNTS_PER_HOST
from bot.settings import partial_from_environment
from bot.shell import doctor, wording
from bot.shell.finding import Finding, Topic, Verdict
from bot.store import Database
from tests.neighbours import (
    APP_TOKEN,
    DATABASE_PASSWORD,
    Neighbours,
    environment_of,
    neighbours,
    refusing,
    saying,
    silent,
    without_secrets,
)
from tests.store.conftest import postgresql
from tests.store.server import database_of
from tests.store.stores import lease_of, outbox_of, watches_of
from tests.test_check import WORDS
from tests.test_main import files_in, free_port, output

__all__ = ["postgresql"]  # a fixture

OK, WARNING, PROBLEM, SKIPPED = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM, Verdict.SKIPPED


@dataclass(frozen=True)
class Seen:
    """What the doctor found, and would print."""

    found: tuple[Finding, ...]

    @property
    def code(self) -> int:
        return doctor.exit_code(self.found)

    def line(self, topic: Topic, subject: str = "") -> Finding:
        (line,) = [one for one in self.found if (one.topic, one.subject) == (topic, subject)]
        return line

    def verdicts(self) -> dict[Topic, Verdict]:
        return {one.topic: one.verdict for one in self.found}


Examine = Callable[..., Any]


@pytest.fixture
def examine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Examine:
    async def examined(
        around: Neighbours, *, post: bool = False, longest: float = 25, **changes: Any
    ) -> Seen:
        environment_of({**around.settings, **changes}, monkeypatch, tmp_path)
        read = partial_from_environment()
        found = await doctor.examine(read, SystemClock(), post=post, longest=longest)
        without_secrets(doctor.for_people(found, post=post) + doctor.for_machines(found) + repr(found))
        return Seen(found)

    return examined


async def test_with_nothing_wrong_everything_is_ok_and_nothing_is_left_behind(
    examine: Examine, tmp_path: Path
) -> None:
    async with neighbours() as around:
        seen = await examine(around)
        assert len(around.slack.messages) == 0
        assert len(around.provider.requests) == 1
    assert seen.verdicts() == {
        Topic.SETTINGS: OK,
        Topic.DATABASE: OK,
        Topic.LAST_POST: SKIPPED,
        Topic.ACCOUNT: OK,
        Topic.SLACK_TOKEN: OK,
        Topic.SCOPES: OK,
        Topic.CLOCK: OK,
        Topic.SIGNING_SECRET: OK,
    }
    assert seen.code == 0
    assert seen.line(Topic.ACCOUNT, "sms").said == "read: 5,500 SMS, 209.00 EUR"
    assert files_in(tmp_path) == []


# One defect at a time


@dataclass(frozen=True)
class Defect:
    """What is wrong, and the line that tells it."""

    topic: Topic
    said: str
    mend: str = ""
    verdict: Verdict = PROBLEM
    subject: str = ""
    settings: dict[str, str | None] = field(default_factory=dict)
    wrong: Callable[[Neighbours], object] = lambda _: None
    post: bool = False


def refuses(method: str, error: str, **further: Any) -> Callable[[Neighbours], object]:
    return lambda around: around.slack.refuse(method, error, **further)


def scopes(granted: str) -> Callable[[Neighbours], object]:
    return lambda around: setattr(around.slack, "scopes", granted)


def answers(name: str) -> Callable[[Neighbours], object]:
    return lambda around: setattr(around.provider, "answer", HOSTILE[name])


def slacks_clock(**off: float) -> Callable[[Neighbours], object]:
    return lambda around: setattr(around, "slacks_clock_differs", timedelta(**off))


NO_THRESHOLD: dict[str, str | None] = {"CREDIT_SMS_WARNING": None, "CREDIT_SMS_CRITICAL": None}
SOCKET = {"SLACK_APP_TOKEN": APP_TOKEN, "SLACK_SIGNING_SECRET": None}
ON_HEROKU_WITH_POSTGRESQL = {"DYNO": "web.1", "DATABASE_URL": "postgres://bot@127.0.0.1:1/bot"}

DEFECTS: dict[str, Defect] = {
    "wrong token": Defect(
        Topic.SLACK_TOKEN,
        "Slack does not accept SLACK_BOT_TOKEN",
        "Copy it anew from “OAuth & Permissions”",
        settings={"SLACK_BOT_TOKEN": "xoxb-canary-other"},
    ),
    "revoked token": Defect(
        Topic.SLACK_TOKEN, "was revoked", "Reinstall the app", wrong=refuses("auth.test", "token_revoked")
    ),
    "removed app": Defect(
        Topic.SLACK_TOKEN, "was removed", "Install it again", wrong=refuses("auth.test", "account_inactive")
    ),
    "an error nobody knows": Defect(
        Topic.SLACK_TOKEN,
        "Slack refuses with brand_new",
        "Look it up",
        wrong=refuses("auth.test", "brand_new"),
    ),
    "Slack down": Defect(
        Topic.SLACK_TOKEN,
        "Slack's host refuses the connection",
        "Check the host and port in SLACK_API_URL",
        settings={"SLACK_API_URL": "http://127.0.0.1:1/api/"},
    ),
    "scope missing": Defect(Topic.SCOPES, "lacks chat:write", "Add it", wrong=scopes("commands")),
    "every scope missing": Defect(
        Topic.SCOPES, "lacks chat:write and commands", "install the app again", wrong=scopes("")
    ),
    "scope too many": Defect(
        Topic.SCOPES,
        "more than is needed: channels:read",
        "Take it away",
        WARNING,
        wrong=scopes("commands, chat:write, channels:read"),
    ),
    "wrong app token": Defect(
        Topic.SOCKET_MODE,
        "Slack refuses SLACK_APP_TOKEN (invalid_auth)",
        "connections:write",
        settings={**SOCKET, "SLACK_APP_TOKEN": "xapp-canary-other"},
    ),
    "app token without its scope": Defect(
        Topic.SOCKET_MODE,
        "(missing_scope)",
        "connections:write",
        settings=SOCKET,
        wrong=refuses("apps.connections.open", "missing_scope", needed="connections:write"),
    ),
    "odd signing secret": Defect(
        Topic.SIGNING_SECRET,
        "is not 32 digits",
        "Copy it anew",
        WARNING,
        settings={"SLACK_SIGNING_SECRET": "canary-no-secret-of-slack"},
    ),
    "clock ten minutes fast": Defect(
        Topic.CLOCK, "10 min ahead of Slack's", "NTP", wrong=slacks_clock(minutes=-10.1)
    ),
    "clock ten minutes slow": Defect(
        Topic.CLOCK, "10 min behind Slack's", "NTP", wrong=slacks_clock(minutes=10.1)
    ),
    "clock a minute off": Defect(
        Topic.CLOCK, "behind Slack's", "NTP", WARNING, wrong=slacks_clock(minutes=1)
    ),
    "clock off where nothing is signed": Defect(
        Topic.CLOCK, "10 min behind", "NTP", WARNING, settings=SOCKET, wrong=slacks_clock(minutes=10.1)
    ),
    "channel unknown": Defect(
        Topic.POST,
        "Slack knows no such channel",
        "/invite @smscredits",
        subject="C0NOWHERE",
        settings={"ALERT_CHANNEL": "C0NOWHERE"},
        post=True,
    ),
    "bot not in channel": Defect(
        Topic.POST,
        "the bot is not in the channel",
        "/invite @smscredits",
        subject="C0RANDOM",
        settings={"ALERT_CHANNEL": "C0RANDOM"},
        post=True,
    ),
    "channel archived": Defect(
        Topic.POST,
        "archived",
        "Unarchive it",
        subject="C0ARCHIVED",
        settings={"ALERT_CHANNEL": "C0ARCHIVED"},
        post=True,
    ),
    "posts too fast": Defect(
        Topic.POST,
        "slow down",
        "Try again in a minute",
        subject="C0ALERTS",
        wrong=lambda around: setattr(around.slack, "fault", "rate_limited"),
        post=True,
    ),
    "wrong key": Defect(
        Topic.ACCOUNT,
        "the API key is wrong",
        "set SMSPARTNER_API_KEY",
        subject="sms",
        wrong=answers("code_10"),
    ),
    "insufficient credit": Defect(
        Topic.ACCOUNT, "“insufficient credit”", "top up", subject="sms", wrong=answers("code_11")
    ),
    "degraded": Defect(Topic.ACCOUNT, "holds no credits", "later", subject="sms", wrong=answers("degraded")),
    "server error": Defect(Topic.ACCOUNT, "HTTP 502", "later", subject="sms", wrong=answers("http_502")),
    "provider down": Defect(
        Topic.ACCOUNT,
        "refuses the connection",
        "SMSPARTNER_API_URL",
        subject="sms",
        settings={"SMSPARTNER_API_URL": "http://127.0.0.1:1/v1"},
    ),
    "no threshold": Defect(
        Topic.THRESHOLDS, "none is set", "CREDIT_SMS_WARNING", WARNING, "sms", settings=NO_THRESHOLD
    ),
    "a slip in a name": Defect(
        Topic.SETTINGS,
        "unknown setting CREDIT_SMS_WARNNG",
        "Did you mean CREDIT_SMS_WARNING?",
        WARNING,
        settings={"CREDIT_SMS_WARNNG": "5"},
    ),
    "a channel that is told but may not ask": Defect(
        Topic.SETTINGS,
        "/smscredits does not answer there",
        "Add it",
        WARNING,
        settings={"ALLOWED_CHANNELS": "C9876543210"},
    ),
    "a key given twice": Defect(
        Topic.SETTINGS,
        "accounts sms and other have the same key",
        "Keep one",
        WARNING,
        settings={
            "ACCOUNTS": '[[account]]\nname = "other"\nproduct = "sms"\napi_key_env = "SMSPARTNER_API_KEY"'
        },
    ),
    "SQLite where files do not last": Defect(
        Topic.HOST,
        "DYNO is set: this host wipes its files",
        "PostgreSQL",
        WARNING,
        settings={"DYNO": "web.1"},
    ),
    "no folder for SQLite": Defect(
        Topic.DATABASE,
        "there is no folder /nowhere/at",
        "Check the path",
        settings={"DATABASE_URL": "sqlite:////nowhere/at/all.db"},
    ),
    "a name that is too long for a file": Defect(
        Topic.DATABASE,
        "SQLite: the file cannot be opened",
        "Check the path",
        settings={"DATABASE_URL": f"sqlite:///{'x' * 300}.db"},
    ),
    "nothing listens where the database should": Defect(
        Topic.DATABASE,
        "PostgreSQL: the connection is refused",
        "the server runs",
        settings={"DATABASE_URL": f"postgres://bot:{DATABASE_PASSWORD}@127.0.0.1:1/bot"},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
async def test_a_defect_is_a_line_with_its_mend_and_decides_the_exit_code(
    examine: Examine, tmp_path: Path, name: str
) -> None:
    defect = DEFECTS[name]
    async with neighbours() as around:
        defect.wrong(around)
        seen = await examine(around, post=defect.post, **defect.settings)
    lines = [one for one in seen.found if (one.topic, one.subject) == (defect.topic, defect.subject)]
    assert [one for one in lines if defect.said in one.said and defect.mend in one.mend], lines
    assert max(lines, key=lambda one: one.verdict is not OK).verdict is defect.verdict
    assert seen.code == (1 if defect.verdict is PROBLEM else 0)
    assert files_in(tmp_path) == []


# What else is still looked at


async def test_every_fault_of_the_settings_is_a_line_and_whatever_else_is_possible_is_looked_at(
    examine: Examine,
) -> None:
    faulty = {"SLACK_BOT_TOKEN": "xoxp-canary", "ALERT_CHANNEL": "#canary", "PORT": "canary"}
    async with neighbours() as around:
        seen = await examine(around, post=True, **faulty)
    faults = [one for one in seen.found if one.topic is Topic.SETTINGS]
    assert [one.said.partition(":")[0] for one in faults] == ["SLACK_BOT_TOKEN", "ALERT_CHANNEL", "PORT"]
    assert {one.verdict for one in faults} == {PROBLEM}
    assert all(one.mend.startswith("Example: ") for one in faults)
    assert seen.line(Topic.ACCOUNT, "sms").verdict is OK
    assert seen.line(Topic.DATABASE).verdict is OK
    for topic in (Topic.SLACK_TOKEN, Topic.SCOPES, Topic.CLOCK):
        assert seen.line(topic) == Finding(topic, SKIPPED, "SLACK_BOT_TOKEN is missing or faulty")
    assert seen.code == 1


@pytest.mark.parametrize(
    ("setting", "topics"),
    [
        ("SLACK_API_URL", [Topic.SLACK_TOKEN, Topic.SCOPES, Topic.CLOCK, Topic.SOCKET_MODE]),
        ("SLACK_APP_TOKEN", [Topic.SOCKET_MODE]),
        ("DATABASE_URL", [Topic.DATABASE, Topic.LAST_POST]),
        ("SMSPARTNER_API_URL", [Topic.ACCOUNT]),
    ],
)
async def test_what_a_faulty_setting_leads_to_is_skipped_and_nothing_is_asked_in_its_place(
    examine: Examine, setting: str, topics: list[Topic]
) -> None:
    async with neighbours() as around:
        seen = await examine(around, **{**SOCKET, "DYNO": "web.1", setting: "canary"})
    assert {seen.verdicts()[topic] for topic in topics} == {SKIPPED}
    assert (Topic.HOST in seen.verdicts()) is (setting != "DATABASE_URL")
    assert seen.code == 1


async def test_without_any_setting_each_line_says_what_is_missing(examine: Examine) -> None:
    async with neighbours() as around:
        around.settings.clear()
        seen = await examine(around, post=True)
    missing = [one.said for one in seen.found if one.verdict is PROBLEM]
    assert [one.partition(":")[0] for one in missing] == [
        "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SMSPARTNER_API_KEY", "ALERT_CHANNEL",
    ]  # fmt: skip
    assert seen.line(Topic.ACCOUNT).verdict is SKIPPED
    assert seen.code == 1


async def test_a_fault_of_an_account_is_parted_at_its_example_and_quotes_no_name(examine: Examine) -> None:
    entry = '[[account]]\nname = "a. b"\nproduct = "sms"\napi_key_env = "SMSPARTNER_API_KEY"'
    async with neighbours() as around:
        line = (await examine(around, ACCOUNTS=entry)).line(Topic.SETTINGS)
    assert line.said == "ACCOUNTS, [[account]] 1, line 1: name must be 1 to 40 letters, digits or -"
    assert line.mend == 'Example: name = "marketing"'


async def test_a_dot_env_that_is_no_text_is_a_line(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SMSPARTNER_API_KEY=canary".encode("utf-16"))
    async with neighbours() as around:
        seen = await examine(around)
    assert seen.line(Topic.SETTINGS).said == ".env: is not UTF-8"
    assert seen.code == 1


async def test_with_the_token_refused_no_post_is_tried_and_the_rest_says_why(examine: Examine) -> None:
    async with neighbours() as around:
        around.slack.refuse("auth.test", "invalid_auth")
        seen = await examine(around, post=True)
        assert "chat.postMessage" not in [call.method for call in around.slack.calls]
    assert seen.line(Topic.POST, "C0ALERTS") == Finding(
        Topic.POST, SKIPPED, "Slack did not take the token", subject="C0ALERTS"
    )
    assert seen.line(Topic.CLOCK).verdict is OK


@pytest.mark.parametrize(
    ("setting", "topic", "subject", "said"),
    [
        ("SLACK_API_URL", Topic.SLACK_TOKEN, "", "no result within"),
        ("SMSPARTNER_API_URL", Topic.ACCOUNT, "sms", "SMS Partner does not answer in time."),
        ("DATABASE_URL", Topic.DATABASE, "", "no result within"),
    ],
)
async def test_whatever_takes_a_connection_and_says_nothing_is_a_problem_after_a_while(
    examine: Examine, setting: str, topic: Topic, subject: str, said: str
) -> None:
    async with neighbours() as around, silent() as port:
        address = f"http://127.0.0.1:{port}/v1"
        if topic is Topic.DATABASE:
            address = f"postgres://bot:{DATABASE_PASSWORD}@127.0.0.1:{port}/bot"
        seen = await examine(around, longest=0.5, **{setting: address})
    assert seen.line(topic, subject).verdict is PROBLEM
    assert said in seen.line(topic, subject).said
    assert seen.code == 1


async def test_a_fault_of_the_doctor_itself_is_a_line_without_its_words(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise LookupError("canary")

    monkeypatch.setattr(doctor, "database", broken)
    async with neighbours() as around:
        seen = await examine(around)
    assert seen.line(Topic.DATABASE).said == "doctor: a fault of this program (LookupError)"
    assert seen.line(Topic.SLACK_TOKEN).verdict is OK


HOSTILE_SLACK = [
    (200, "<html>", "a fault of its own"),
    (200, "[]", "a fault of its own"),
    (200, "{}", "a fault of its own"),
    (200, '{"ok": true}', "a fault of its own"),
    (500, "canary", "a fault of its own"),
    (200, '{"ok": false, "error": "\\u001b[2J<x>"}', "Slack refuses with  [2J<x>"),
]


@pytest.mark.parametrize(("status", "body", "said"), HOSTILE_SLACK)
async def test_whatever_slack_says_becomes_a_line(
    examine: Examine, status: int, body: str, said: str
) -> None:
    async with neighbours() as around, saying(status, body) as (address, _):
        seen = await examine(around, post=True, SLACK_API_URL=address)
    assert said in seen.line(Topic.SLACK_TOKEN).said
    assert seen.line(Topic.SLACK_TOKEN).verdict is PROBLEM
    assert seen.line(Topic.SCOPES).verdict is SKIPPED
    assert seen.code == 1


async def test_without_scopes_in_the_answer_they_are_not_judged(examine: Examine) -> None:
    yes = '{"ok": true, "user": "smscredits", "team": "Team", "team_id": "T0"}'
    async with neighbours() as around, saying(200, yes) as (address, _):
        seen = await examine(around, SLACK_API_URL=address)
    assert seen.line(Topic.SCOPES).said == "Slack did not say which scopes the token has"
    assert seen.code == 0


@pytest.mark.parametrize("team", ['"E0DEMO"', '"T0DEMO"', "null"])
async def test_a_token_for_a_whole_organisation_is_said_to_be_one(examine: Examine, team: str) -> None:
    yes = f'{{"ok": true, "user": "smscredits", "team": "Org", "team_id": {team}, "enterprise_id": "E0DEMO", '
    async with neighbours() as around, saying(200, yes + '"is_enterprise_install": true}') as (address, _):
        seen = await examine(around, SLACK_API_URL=address)
    whole = "smscredits in Org, for the whole organisation E0DEMO: everyone in it is answered"
    assert (seen.line(Topic.SLACK_TOKEN).verdict, seen.line(Topic.SLACK_TOKEN).said) == (OK, whole)


# Posting


async def test_post_tells_every_channel_a_test_line_that_says_what_it_is(examine: Examine) -> None:
    accounts = (
        '[[account]]\nname = "b"\nproduct = "sms"\napi_key_env = "SMSPARTNER_API_KEY"\nchannel = "C0RANDOM"'
    )
    async with neighbours() as around:
        seen = await examine(around, post=True, ACCOUNTS=accounts)
        message, reply = around.slack.messages
    assert (message.channel, reply.channel) == ("C0ALERTS", "C0ALERTS")
    assert (message.thread_ts, reply.thread_ts, reply.broadcast) == (None, message.ts, True)
    assert reply.metadata == message.metadata
    assert message.metadata == {
        "event_type": "smscredits",
        "event_payload": {"kind": "test", "episode": ""},
    }
    assert "nothing to do" in message.text
    assert seen.line(Topic.POST, "C0ALERTS").verdict is OK
    assert seen.line(Topic.POST, "C0RANDOM").verdict is PROBLEM


@pytest.mark.parametrize(
    ("embellishment", "error", "said", "forms"),
    [
        ("mention", "restricted_action", "the mention there, so", 3),
        ("blocks", "invalid_blocks_format", "the layout there, so", 3),
        ("thread", "cannot_reply_to_message", "replies there, so", 3),
        ("broadcast", "thread_not_found", "replies there, so", 2),
        ("metadata", "metadata_too_large", "the metadata there, which", 3),
        ("metadata", "a_new_error", "the metadata there, which", 3),
    ],
)
async def test_post_tries_the_real_forms_and_says_what_slack_refuses_of_them(
    examine: Examine, embellishment: str, error: str, said: str, forms: int
) -> None:
    async with neighbours() as around:
        around.slack.dislikes.add(embellishment, error)
        around.slack.rate_limit = RateLimit(every=1, wait=30)
        seen = await examine(around, post=True, MENTION_ON_CRITICAL="<!channel>")
        calls = [call for call in around.slack.calls if call.method == "chat.postMessage"]
        assert "<!channel>" in calls[0].payload["text"]
        assert len(calls) == forms
        assert around.slack.rate_limit.refused == 0
    line = seen.line(Topic.POST, "C0ALERTS")
    assert line.verdict is WARNING
    assert line.said.startswith("posted to C0ALERTS, but Slack refuses ")
    assert said in line.said
    assert line.said.endswith(f"({error})")
    assert line.mend
    assert seen.code == 0


async def test_post_where_the_bare_message_is_refused_too_is_a_problem(examine: Examine) -> None:
    async with neighbours() as around:
        around.slack.refuse("chat.postMessage", "restricted_action")
        seen = await examine(around, post=True, MENTION_ON_CRITICAL="<!channel>")
    line = seen.line(Topic.POST, "C0ALERTS")
    assert (line.verdict, line.said) == (PROBLEM, "a workspace setting keeps the bot from posting there")


async def test_in_socket_mode_a_connection_is_asked_for_and_no_signing_secret(examine: Examine) -> None:
    async with neighbours() as around:
        seen = await examine(around, **SOCKET)
    assert seen.line(Topic.SOCKET_MODE).verdict is OK
    assert Topic.SIGNING_SECRET not in seen.verdicts()
    assert seen.code == 0


async def test_on_heroku_with_a_database_the_advice_is_about_the_dyno(examine: Examine) -> None:
    async with neighbours() as around:
        seen = await examine(around, **ON_HEROKU_WITH_POSTGRESQL)
    assert seen.line(Topic.HOST).verdict is OK
    assert "Eco dyno sleeps" in seen.line(Topic.HOST).mend


async def test_each_account_is_asked_once_whatever_it_answers(examine: Examine) -> None:
    async with neighbours() as around, saying(500, "") as (voice, asked):
        around.provider.answer = HOSTILE["http_502"]
        await examine(around, VOICEPARTNER_API_KEY="canary-voice-key", VOICEPARTNER_API_URL=voice)
        assert (len(around.provider.requests), len(asked)) == (1, 1)


# The database


def sqlite_at(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'smscredits.db'}"


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


@pytest.fixture
async def sqlite(tmp_path: Path) -> Path:
    """Return a file with its tables."""
    async with AsyncExitStack() as stack:
        opened = Database(sqlite_at(tmp_path))
        stack.push_async_callback(opened.close)
        await opened.migrate()
    return tmp_path / "smscredits.db"


async def test_a_database_with_its_tables_is_ok_and_left_as_it_is(examine: Examine, sqlite: Path) -> None:
    before = bytes_of(sqlite)
    async with neighbours() as around:
        seen = await examine(around)
    assert "can be written; version" in seen.line(Topic.DATABASE).said
    assert seen.line(Topic.LAST_POST).said == "nothing was posted yet"
    assert seen.code == 0
    assert bytes_of(sqlite) == before
    assert files_in(sqlite.parent) == [sqlite]


async def test_a_newer_database_is_a_warning(examine: Examine, sqlite: Path) -> None:
    with sqlite3.connect(sqlite) as connection:
        connection.execute("UPDATE smscredits_version SET version_num = '9999'")
    connection.close()
    async with neighbours() as around:
        seen = await examine(around)
    assert seen.line(Topic.DATABASE).verdict is WARNING
    assert "9999 is newer" in seen.line(Topic.DATABASE).said
    assert seen.code == 0


@pytest.mark.usefixtures("sqlite")
async def test_an_older_database_will_be_migrated_at_start(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.shell.stored.NEWEST", "1002")
    monkeypatch.setattr("bot.store.ownership.NEWEST", "1002")
    async with neighbours() as around:
        seen = await examine(around)
    assert seen.line(Topic.DATABASE) == Finding(
        Topic.DATABASE, OK, "SQLite can be written; version 1001 will be migrated at start"
    )
    assert seen.line(Topic.LAST_POST).verdict is OK


async def test_the_bots_tables_live_beside_those_of_another_application(
    examine: Examine, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "smscredits.db") as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE account (email TEXT);"
            "INSERT INTO alembic_version VALUES ('ae1027a6acf3')"
        )
    connection.close()
    async with neighbours() as around:
        seen = await examine(around)
    assert seen.line(Topic.DATABASE).said == "SQLite can be written; its tables will be made at start"
    assert seen.code == 0


async def test_a_table_of_the_bots_name_that_is_not_its_own_is_a_problem_with_its_remedy(
    examine: Examine, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "smscredits.db") as connection:
        connection.execute("CREATE TABLE smscredits_episode (season INTEGER)")
    connection.close()
    async with neighbours() as around:
        seen = await examine(around)
    found = seen.line(Topic.DATABASE)
    assert found.said == "SQLite: the table smscredits_episode is not the bot's own, or no longer whole"
    assert "nothing was changed in this one" in found.mend
    assert seen.code == 1


async def test_tables_of_a_trial_before_the_first_release_are_a_warning(
    examine: Examine, sqlite: Path
) -> None:
    with sqlite3.connect(sqlite) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('0004')"
        )
    connection.close()
    async with neighbours() as around:
        seen = await examine(around)
    assert [one.verdict for one in seen.found if one.topic is Topic.DATABASE] == [OK, WARNING]
    assert seen.code == 0


async def test_a_file_that_is_no_database_is_a_problem(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "smscredits.db").write_text("canary" * 1000)
    async with neighbours() as around:
        seen = await examine(around)
    assert seen.line(Topic.DATABASE).said == "SQLite: the file is not an SQLite database"
    assert seen.code == 1


async def test_an_empty_file_is_one_that_the_bot_will_fill(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "smscredits.db").touch()
    async with neighbours() as around:
        seen = await examine(around)
    assert "will be made at start" in seen.line(Topic.DATABASE).said
    assert (tmp_path / "smscredits.db").stat().st_size == 0


async def test_a_folder_that_takes_no_file_is_a_problem(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.shell.stored.os.access", lambda *_: False)  # whoever runs this may be root
    async with neighbours() as around:
        seen = await examine(around)
    assert "no file can be made in the folder" in seen.line(Topic.DATABASE).said
    assert seen.code == 1


async def test_a_wrong_password_is_told_as_such(examine: Examine) -> None:
    async with neighbours() as around, refusing() as port:
        url = f"postgres://bot:{DATABASE_PASSWORD}@127.0.0.1:{port}/bot"
        seen = await examine(around, DATABASE_URL=url)
    assert seen.line(Topic.DATABASE).said == "PostgreSQL: the password is refused"
    assert seen.line(Topic.LAST_POST).said == "the database cannot be used"
    assert seen.code == 1


@pytest.fixture(params=["migrated", "template1"])
def server_side(request: pytest.FixtureRequest, postgresql: str) -> Iterator[str]:
    """Return a database of a real server, with its tables or without."""
    with database_of(postgresql, template=request.param) as address:
        yield address


async def test_postgresql_is_written_to_and_what_was_written_is_taken_back(
    examine: Examine, server_side: str
) -> None:
    async with neighbours() as around:
        seen = await examine(around, DATABASE_URL=server_side)
    assert seen.line(Topic.DATABASE).said.startswith("PostgreSQL can be written; ")
    assert seen.code == 0
    plain = server_side.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(plain) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = {name for (name,) in found}
        assert "smscredits_doctor" not in tables
        if "smscredits_notice" in tables:
            assert connection.execute("SELECT count(*) FROM smscredits_notice").fetchone() == (0,)


async def test_postgresql_that_can_only_be_read_is_a_problem(
    examine: Examine, server_side: str, postgresql: str
) -> None:
    name = make_url(server_side).database
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    async with neighbours() as around:
        seen = await examine(around, DATABASE_URL=server_side)
    assert seen.line(Topic.DATABASE).said == "PostgreSQL: it is read-only"
    assert seen.code == 1


async def test_a_user_who_may_not_change_what_is_there_is_a_problem(
    examine: Examine, postgresql: str
) -> None:
    with database_of(postgresql, template="migrated") as address:
        url = make_url(address)
        user = f"reader_of_{url.database}"
        with psycopg.connect(address.replace("postgresql+psycopg", "postgresql"), autocommit=True) as server:
            server.execute(f"CREATE ROLE {user} LOGIN".encode())
            server.execute(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {user}".encode())
            async with neighbours() as around:
                theirs = url.set(username=user).render_as_string(hide_password=False)
                seen = await examine(around, DATABASE_URL=theirs)
            server.execute(f"DROP OWNED BY {user}; DROP ROLE {user}".encode())
    assert seen.line(Topic.DATABASE).said == "PostgreSQL: the user may not write there"
    assert seen.code == 1


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        ("network", "internet"),
        ("ratelimited", "Try again in a minute"),
        ("server_fault", "a wrong SLACK_API_URL"),
        ("brand_new", "Look it up"),
        ("not_in_channel", "/invite"),
    ],
)
def test_each_way_in_which_slack_does_not_do_it_has_its_own_mend(error: str, mend: str) -> None:
    assert mend in wording.slack_error(error, WORDS)[1]


async def test_however_many_accounts_hang_none_is_waited_for_longer_than_the_first(examine: Examine) -> None:
    asked: list[asyncio.StreamWriter] = []
    hanging = await asyncio.start_server(lambda _, writer: asked.append(writer), "127.0.0.1", 0)
    entries = "".join(
        f'[[account]]\nname = "a{number}"\nproduct = "sms"\napi_key_env = "SMSPARTNER_API_KEY"\n'
        for number in range(40)
    )
    async with neighbours() as around, hanging:
        address = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/v1"
        seen = await examine(around, longest=0.5, SMSPARTNER_API_URL=address, ACCOUNTS=entries)
        for writer in asked:
            writer.close()
    assert len(asked) == ACCOUNTS_PER_HOST
    assert all(
        seen.line(Topic.ACCOUNT, f"a{number}").said == "SMS Partner does not answer in time."
        for number in range(40)
    )


# What the bot last told


async def told(path: Path, channel: str, error: str = "", *, sent: bool = False) -> None:
    """Let a greeting be owed to a channel three hours ago; it was sent, or refused, or not tried."""
    at = SystemClock().now() - timedelta(hours=3)
    opened = Database(sqlite_at(path.parent))
    await lease_of(opened).hold()
    await watches_of(opened).greet(Notice(Kind.HELLO, channel, at))
    outbox = outbox_of(opened)
    for owed in await outbox.due(at):
        assert owed != Owed()
        if not (sent or error):
            continue
        due = await outbox.claim(owed, at)
        if due is not None and due.channel == channel:
            if sent:
                await outbox.sent(due, "1784721900.000001", at)
            else:
                await outbox.failed(due, error, at + timedelta(days=9), unknown=False)
    await opened.close()


async def test_the_last_post_is_told_with_its_age(examine: Examine, sqlite: Path) -> None:
    await told(sqlite, "C0ALERTS", sent=True)
    async with neighbours() as around:
        seen = await examine(around)
    assert seen.line(Topic.LAST_POST) == Finding(Topic.LAST_POST, OK, "3 hr ago in C0ALERTS")


@pytest.mark.parametrize(
    ("channel", "error", "verdict", "said", "mend"),
    [
        ("C0ALERTS", "not_in_channel", PROBLEM, "3 hr: the bot is not in the channel", "/invite @smscredits"),
        ("C0ALERTS", "timeout", WARNING, "3 hr: Slack does not answer in time", "slack-status.com"),
        ("C0ALERTS", "", WARNING, "3 hr and was not tried yet", "Is the bot running?"),
        ("C0FORMER", "not_in_channel", WARNING, "3 hr: the bot is not in the channel", "/invite @smscredits"),
    ],
)
async def test_what_waits_is_told_with_the_reason_and_the_mend(
    examine: Examine, sqlite: Path, channel: str, error: str, verdict: Verdict, said: str, mend: str
) -> None:
    await told(sqlite, channel, error)
    async with neighbours() as around:
        seen = await examine(around)
    line = seen.line(Topic.LAST_POST, channel)
    assert line.verdict is verdict
    assert line.said == f"a message has been waiting for {said}"
    assert mend in line.mend
    assert seen.code == (1 if verdict is PROBLEM else 0)


# As processes


async def test_as_a_process_it_prints_a_plain_line_for_each_and_exits_with_0(tmp_path: Path) -> None:
    async with neighbours() as around:
        code, out, err = await output("doctor", "--post", cwd=tmp_path, **around.settings)
        assert (code, err) == (0, ""), out
        assert "\x1b" not in out
        assert out.splitlines()[-1] == "The bot would work."
        assert [message.channel for message in around.slack.messages] == ["C0ALERTS"] * 2
    assert {line.split()[0] for line in out.splitlines()[:-2]} == {"ok", "skipped"}
    assert files_in(tmp_path) == []


async def test_as_a_process_with_all_broken_it_ends_with_1_and_no_secret_is_printed(tmp_path: Path) -> None:
    wrong = {
        "SLACK_BOT_TOKEN": "xoxb-canary-other",
        "SMSPARTNER_API_KEY": "canary-wrong-key",
        "DATABASE_URL": f"postgres://bot:{DATABASE_PASSWORD}@127.0.0.1:{free_port()}/bot",
        "PORT": "canary",
    }
    async with neighbours() as around:
        settings = {**around.settings, **wrong}
        code, out, err = await output("doctor", cwd=tmp_path, **settings)
        assert (code, err) == (1, "")
        assert "The bot would not work: 4 problems, no warnings." in without_secrets(out)
        code, out, err = await output("doctor", "--json", "--post", cwd=tmp_path, **settings)
        assert (code, err) == (1, "")
        shown = json.loads(without_secrets(out))
    assert (shown["exit_code"], shown["would_work"]) == (1, False)
    assert {"check", "subject", "verdict", "said", "mend"} == set(shown["findings"][0])


def test_lines_are_aligned_and_each_verdict_is_a_word_beside_its_colour() -> None:
    found = (
        Finding(Topic.SETTINGS, OK, "fine"),
        Finding(Topic.ACCOUNT, PROBLEM, "bad\x1b[2J", "mend it", "sms"),
    )
    shown = doctor.for_people(found, post=True)
    assert click.unstyle(shown).splitlines() == [
        "ok       settings     fine",
        "problem  account sms  bad [2J → mend it",
        "",
        "The bot would not work: 1 problem, no warnings.",
    ]
    assert shown.startswith("\x1b[32mok")
