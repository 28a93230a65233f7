"""Whatever Slack does, a call ends in time and says what is known of the post."""

import json
import socket
from dataclasses import replace
from typing import cast

import aiohttp
import pytest

from bot.core.access import Installation
from bot.core.form import Embellishment
from bot.core.gap import Gap
from bot.core.notice import Due, Edit, Kind
from bot.core.watch import Watch
from bot.ports import NotBuilt, NotDelivered
from bot.slack.messenger import SlackMessenger
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi, answer_to, refused
from bot.slack.workspace import Workspace
from tests.slack.conftest import Says, Scripted
from tests.slack.test_blocks import BLOCKS, NOW, low

DATE = "Wed, 22 Jul 2026 08:45:00 GMT"
HELLO = Due(Kind.HELLO, "C0ALERTS", NOW, (1,))


def no(error: object, status: int = 200) -> Says:
    """Return a refusal as Slack writes it."""
    return Says(status, json.dumps({"ok": False, "error": error}))


def api(session: aiohttp.ClientSession, url: str, seconds: float = 5.0) -> WebApi:
    return WebApi("xoxb-test", url, session, seconds)


async def posting(client: WebApi) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        await SlackMessenger(client, BLOCKS).post(HELLO)
    return caught.value


async def test_what_cannot_be_built_is_never_sent(server: Scripted, session: aiohttp.ClientSession) -> None:
    strange = replace(HELLO, gap=cast("Gap", "no gap"))
    with pytest.raises(NotBuilt) as caught:
        await SlackMessenger(api(session, server.url), BLOCKS).post(strange)
    assert isinstance(caught.value.__cause__, AttributeError)
    assert server.asked == []


@pytest.mark.parametrize("error", ["not_in_channel", "invalid_auth", "token_expired", "is_archived"])
async def test_a_refusal_that_people_mend_is_certain_and_permanent(
    server: Scripted, session: aiohttp.ClientSession, error: str
) -> None:
    server.says(no(error))
    refusal = await posting(api(session, server.url))
    assert (refusal.error, refusal.permanent, refusal.unknown, refused(refusal)) == (error, True, False, True)


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"]
)
async def test_a_message_that_is_no_longer_there_is_gone(
    server: Scripted, session: aiohttp.ClientSession, error: str
) -> None:
    server.says(no(error))
    refusal = await posting(api(session, server.url))
    assert (refusal.error, refusal.gone, refusal.unknown) == (error, True, False)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (no("internal_error"), "internal_error"),
        (no("fatal_error"), "fatal_error"),
        (no("request_timeout"), "request_timeout"),
        (no("service_unavailable", 503), "service_unavailable"),
        (no("not_in_channel", 500), "not_in_channel"),
        (no(None), "server_fault"),
        (no(["a", "list"]), "server_fault"),
        (Says(500, "<html>Server Error</html>", type="text/html"), "server_fault"),
        (Says(502, "{not json"), "server_fault"),
        (Says(200, "{not json"), "server_fault"),
        (Says(200, ""), "server_fault"),
        (Says(200, "null"), "server_fault"),
        (Says(200, "[1]"), "server_fault"),
        (Says(200, '"ok"'), "server_fault"),
        (Says(200, "7"), "server_fault"),
        (Says(200, "\xff\xfe"), "server_fault"),
        (Says(200, "ok", type="text/plain"), "server_fault"),
        (Says(200, '{"ok": true}'), "server_fault"),
        (Says(200, '{"ok": true, "ts": 7}'), "server_fault"),
        (Says(200, None), "timeout"),
    ],
    ids=str,
)
async def test_an_answer_that_says_neither_yes_nor_no_leaves_the_outcome_unknown(
    server: Scripted, session: aiohttp.ClientSession, said: Says, error: str
) -> None:
    server.says(said)
    client = api(session, server.url, 0.2 if said.body is None else 5.0)
    refusal = await posting(client)
    assert (refusal.error, refusal.unknown, refused(refusal)) == (error, True, False)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "40"}, 40),
        ({"Retry-After": "Wed, 22 Jul 2026 08:45:30 GMT", "Date": "Wed, 22 Jul 2026 08:45:00 GMT"}, 30),
        ({"Retry-After": "86400"}, 3600),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("body", ['{"ok": false, "error": "service_unavailable"}', "<html>"])
async def test_a_fault_of_slack_s_that_asks_to_wait_is_waited_for(
    server: Scripted, session: aiohttp.ClientSession, headers: dict[str, str], seconds: float, body: str
) -> None:
    server.says(Says(503, body, headers))
    refusal = await posting(api(session, server.url))
    assert (refusal.unknown, refusal.retry_after) == (True, seconds)


async def test_a_connection_that_was_never_made_is_certain(session: aiohttp.ClientSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refusal = await posting(api(session, f"http://127.0.0.1:{taken.getsockname()[1]}/"))
    assert (refusal.error, refusal.unknown) == ("connection_refused", False)


async def test_a_connection_that_breaks_off_leaves_the_outcome_unknown(
    server: Scripted, session: aiohttp.ClientSession
) -> None:
    server.says(Says(200, "short", {"Content-Encoding": "gzip"}))
    refusal = await posting(api(session, server.url))
    assert (refusal.error, refusal.unknown) == ("broken_off", True)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, "{}", 7),
        ({"Retry-After": "7"}, "{not json", 7),
        ({"Retry-After": "soon"}, "{}", 30),
        ({}, "{}", 30),
    ],
)
async def test_a_rate_limit_says_how_long_to_wait(
    server: Scripted, session: aiohttp.ClientSession, headers: dict[str, str], body: str, seconds: float
) -> None:
    server.says(Says(429, body, headers))
    refusal = await posting(api(session, server.url))
    assert (refusal.error, refusal.retry_after, refusal.unknown) == ("ratelimited", seconds, False)
    assert not refused(refusal)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (no("invalid_auth"), "invalid_auth"),
        (Says(200, "{not json"), "server_fault"),
        (Says(200, "[1]"), "server_fault"),
        (Says(200, None), "timeout"),
    ],
    ids=str,
)
async def test_the_questions_at_start_fail_in_the_same_words(
    server: Scripted, session: aiohttp.ClientSession, said: Says, error: str
) -> None:
    server.says(said)
    client = api(session, server.url, 0.2 if said.body is None else 5.0)
    workspace = Workspace(client)
    with pytest.raises(NotDelivered, match=error):
        await workspace.learn()
    with pytest.raises(NotDelivered, match=error):
        await SocketMode(workspace.bolt_app(), client, "xapp-test").hold()


async def test_a_good_answer_is_handed_on(server: Scripted, session: aiohttp.ClientSession) -> None:
    server.says(Says(200, '{"ok": true, "ts": "1.2", "team_id": "T1"}'))
    client = api(session, server.url)
    assert await SlackMessenger(client, BLOCKS).post(HELLO) == "1.2"
    assert (await answer_to(client.auth_test()))["team_id"] == "T1"


async def test_proxies_of_the_environment_are_not_used(
    server: Scripted, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.says(Says(200, '{"ok": true, "team_id": "T1"}'))
    assert (await answer_to(api(session, server.url).auth_test()))["team_id"] == "T1"


async def test_who_installed_the_app_is_known_once_slack_was_asked(
    server: Scripted, session: aiohttp.ClientSession
) -> None:
    server.says(Says(200, '{"ok": true, "team_id": "T1"}'))
    workspace = Workspace(api(session, server.url))
    assert workspace.installation is None
    await workspace.learn()
    assert workspace.installation == Installation("T1")


ORG_WIDE = '{"ok": true, "team_id": %s, "enterprise_id": "E1", "is_enterprise_install": true}'
PAGE = '{"ok": true, "teams": [{"id": "%s", "name": "One"}], "response_metadata": {"next_cursor": "%s"}}'


@pytest.mark.parametrize(
    ("answers", "installation"),
    [
        (['{"ok": true, "team_id": "T1", "enterprise_id": null}'], Installation("T1")),
        (['{"ok": true, "team_id": "T1", "enterprise_id": "E1"}'], Installation("T1", "E1")),
        (
            [ORG_WIDE % '"E1"', PAGE % ("T1", "more"), PAGE % ("T2", "")],
            Installation("", "E1", frozenset({"T1", "T2"})),
        ),
        ([ORG_WIDE % "null", PAGE % ("T1", "")], Installation("", "E1", frozenset({"T1"}))),
        ([ORG_WIDE % '"T1"', PAGE % ("T2", "")], Installation("T1", "E1", frozenset({"T2"}))),
        (['{"ok": true, "team_id": "E1"}', PAGE % ("T1", "")], Installation("", "E1", frozenset({"T1"}))),
        ([ORG_WIDE % '"E1"', '{"ok": false, "error": "unknown_method"}'], Installation("", "E1")),
        ([ORG_WIDE % '"E1"', '{"ok": true, "teams": [7]}'], Installation("", "E1")),
    ],
)
async def test_with_a_token_for_an_organisation_its_workspaces_are_asked_for(
    server: Scripted, session: aiohttp.ClientSession, answers: list[str], installation: Installation
) -> None:
    server.says(*(Says(200, answer) for answer in answers))
    workspace = Workspace(api(session, server.url))
    await workspace.learn()
    assert workspace.installation == installation
    assert len(server.asked) == len(answers)


async def test_workspaces_that_were_known_stay_known_while_slack_does_not_say_them(
    server: Scripted, session: aiohttp.ClientSession
) -> None:
    no = Says(200, '{"ok": false, "error": "internal_error"}')
    server.says(Says(200, ORG_WIDE % '"E1"'), Says(200, PAGE % ("T1", "")), Says(200, ORG_WIDE % '"E1"'), no)
    workspace = Workspace(api(session, server.url))
    await workspace.learn()
    await workspace.learn()
    assert workspace.installation == Installation("", "E1", frozenset({"T1"}))
    assert workspace.known


async def test_a_token_that_is_revoked_later_is_noticed(
    server: Scripted, session: aiohttp.ClientSession
) -> None:
    server.says(Says(200, '{"ok": true, "team_id": "T1"}'))
    workspace = Workspace(api(session, server.url), ask_every=0)
    await workspace.learn()
    assert workspace.known
    server.says(Says(200, '{"ok": false, "error": "token_revoked"}'))
    with pytest.raises(NotDelivered, match="token_revoked"):
        await workspace.keep_learning()
    assert (workspace.known, workspace.installation) == (False, Installation("T1"))


async def test_a_redirect_of_slack_s_is_never_followed(
    server: Scripted, session: aiohttp.ClientSession
) -> None:
    server.says(Says(307, "", {"Location": f"{server.url}elsewhere"}), Says())
    fault = await posting(api(session, server.url))
    assert (fault.error, fault.unknown) == ("redirect", True)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("says", "seconds"),
    [
        (no("ratelimited", 429), 30),
        (no("rate_limited"), 30),
        (Says(429, "no JSON", {"Retry-After": "7"}), 7),
        (Says(429, "{}", {"Retry-After": "Wed, 22 Jul 2026 08:45:40 GMT", "Date": DATE}), 40),
        (Says(429, "{}", {"Retry-After": "7200"}), 3600),
    ],
)
async def test_slack_says_how_long_to_wait_in_seconds_or_until_a_date_an_hour_at_most(
    server: Scripted, session: aiohttp.ClientSession, says: Says, seconds: float
) -> None:
    server.says(says)
    refusal = await posting(api(session, server.url))
    assert (refusal.error, refusal.retry_after, refusal.unknown) == ("ratelimited", seconds, False)


@pytest.mark.parametrize(
    ("bare", "worn"),
    [
        (set(), {"metadata", "blocks", "thread_ts", "reply_broadcast"}),
        ({Embellishment.METADATA}, {"blocks", "thread_ts", "reply_broadcast"}),
        ({Embellishment.BLOCKS}, {"metadata", "thread_ts", "reply_broadcast"}),
        ({Embellishment.THREAD}, {"metadata", "blocks"}),
        (set(Embellishment), set()),
    ],
)
async def test_a_post_does_without_what_a_channel_refused_and_a_refusal_tells_what_it_wore(
    server: Scripted, session: aiohttp.ClientSession, bare: set[Embellishment], worn: set[str]
) -> None:
    server.says(no("something_new"))
    reply = replace(HELLO, root="1784721900.000001")
    with pytest.raises(NotDelivered) as caught:
        await SlackMessenger(api(session, server.url), BLOCKS).post(reply, frozenset(bare))
    (asked,) = server.asked
    assert set(asked) == {"channel", "text", "unfurl_links", "unfurl_media"} | worn
    assert caught.value.worn == set(Embellishment) - bare - {Embellishment.MENTION}


async def test_an_edit_without_blocks_takes_those_away_that_were_there(
    server: Scripted, session: aiohttp.ClientSession
) -> None:
    server.says(Says())
    episode = low()
    edit = Edit(episode, Watch(), "1784721900.000001", NOW)
    await SlackMessenger(api(session, server.url), BLOCKS).edit(edit, frozenset({Embellishment.BLOCKS}))
    assert server.asked[0]["blocks"] == []


async def test_a_wait_that_slack_asks_for_before_it_lists_the_workspaces_is_handed_on(
    server: Scripted, session: aiohttp.ClientSession
) -> None:
    refused_for_long = Says(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "900"})
    server.says(Says(200, ORG_WIDE % '"E1"'), refused_for_long)
    workspace = Workspace(api(session, server.url))
    with pytest.raises(NotDelivered) as refusal:
        await workspace.learn()
    assert (refusal.value.retry_after, workspace.known) == (900, True)
    assert workspace.installation == Installation("", "E1")
