"""What people see: the whole bot between a simulated provider and a simulated Slack."""

import asyncio
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog.testing

from bot.demo.answers import Answer
from bot.demo.limits import RateLimit
from bot.demo.run import API_KEY, Demo
from bot.demo.workspace import Message
from tests.conftest import exhibit


async def told(demo: Demo, words: str, within: float = 15) -> Message:
    """Wait until a message of the bot in the channel says these words."""
    return await demo.slack.wait_for(
        lambda message: words in message.text and message.ephemeral_for is None, within
    )


async def polls(demo: Demo, count: int) -> None:
    """Wait until the provider was asked so many times more, and what that led to is settled."""
    await demo.provider.wait_for_requests(len(demo.provider.requests) + count + 1, within=20)


async def eventually(found: Callable[[], Any]) -> Any:
    """Wait until there is something to see, for what gives no sign of its own."""
    for _ in range(500):
        if seen := found():
            return seen
        await asyncio.sleep(0.02)
    raise TimeoutError


def alerts(demo: Demo) -> list[tuple[str, str]]:
    """Return kind and first words of everything that was posted, in order."""
    posts = [call for call in demo.slack.calls if call.method == "chat.postMessage" and call.outcome == "ok"]
    return [(post.payload["metadata"]["event_payload"]["kind"], post.payload["text"]) for post in posts]


def kinds(demo: Demo) -> list[str]:
    return [kind for kind, _ in alerts(demo)]


async def ask(demo: Demo, text: str = "", **who: str) -> str:
    result = await demo.slack.command(text, **who)
    assert result.status == 200
    assert demo.slack.refusals == []
    return "\n".join(message.text for message in result.messages if message.kind == "message")


async def test_the_command_is_answered_from_a_live_reading(demo: Demo) -> None:
    answer = await ask(demo)
    for figure in (
        "5,500 SMS",
        "9,086 economy SMS",
        "41,800 HLR look-ups",
        "0 waiting",
        "209.00 EUR",
        "0.0380 EUR",
    ):
        assert figure in answer
    assert answer.startswith("sms: fine.")
    request = demo.provider.requests[-1]
    assert (request.path, request.query) == ("/v1/me", {"apiKey": API_KEY, "_format": "json"})


async def test_the_answer_is_for_the_person_alone_and_share_is_for_the_channel(demo: Demo) -> None:
    alone = await demo.slack.command("", user="U0BRUNO")
    assert [message.ephemeral_for for message in alone.messages] == ["U0BRUNO"]
    shared = await demo.slack.command("share", user="U0BRUNO")
    assert [message.ephemeral_for for message in shared.messages] == [None, None]
    assert "5,500 SMS" in shared.messages[-1].text


async def test_share_works_in_a_channel_where_the_bot_is_no_member(demo: Demo) -> None:
    shared = await demo.slack.command("share", channel="C0RANDOM")
    assert (shared.messages[-1].channel, shared.messages[-1].ephemeral_for) == ("C0RANDOM", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sms", "sms: fine."),
        ("  SMS ", "sms: fine."),
        ("thresholds", "warning below 5,000 SMS, ends at 5,500 (`CREDIT_SMS_WARNING`)"),
        ("help", "`/smscredits share`: what is left, shown to the whole channel"),
        ("treshold", "Did you mean `/smscredits thresholds`? Usage: `/smscredits`"),
        ("<!channel> & `x`", "I do not know “&lt;!channel&gt; &amp; 'x'”. Usage:"),
        ("help me please", "Did you mean `/smscredits help`?"),
        ("x" * 3000, "I do not know “xxx"),
    ],
)
async def test_what_can_be_typed(demo: Demo, text: str, says: str) -> None:
    assert says in await ask(demo, text)


async def test_simultaneous_commands_share_one_call_and_a_fresh_answer_is_reused() -> None:
    async with exhibit(poll_interval="1h") as demo:
        await demo.provider.wait_for_requests(1)
        answers = await asyncio.gather(*(ask(demo) for _ in range(20)))
        assert len(set(answers)) == 1
        assert len(demo.provider.requests) == 1


async def test_a_slow_provider_gets_one_short_line_and_the_answer_later() -> None:
    async with exhibit(poll_interval="1h", provider_mode="slow") as demo:
        result = await demo.slack.command("")
        assert result.seconds < 2.6
        assert [one.text for one in result.messages] == ["Asking SMS Partner… There is no earlier reading."]
        late = await told_ephemerally(demo, "sms: fine.")
        assert late.ephemeral_for == "U0ALICE"
        assert demo.slack.refusals == []


async def told_ephemerally(demo: Demo, words: str) -> Message:
    return await demo.slack.wait_for(
        lambda message: words in message.text and message.ephemeral_for is not None, 10
    )


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        ("error", "SMS Partner answers with a fault of its own (HTTP 500)."),
        ("html", "SMS Partner's answer is not the JSON that it documents."),
        ("degraded", "SMS Partner's answer holds no credits."),
        ("wrong_key", "SMS Partner says that the API key is wrong (code 10)."),
    ],
)
async def test_a_provider_that_fails_gives_the_cause_and_never_a_number(mode: str, cause: str) -> None:
    async with exhibit(poll_interval="1h", provider_mode=mode) as demo:
        await demo.slack.command("")
        answer = await told_ephemerally(demo, cause)
        assert answer.text.startswith("sms cannot be read now.")
        assert "There is no earlier reading." in answer.text
        assert "0 SMS" not in answer.text


async def test_with_the_provider_down_the_last_good_reading_comes_with_its_age(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'bot.db'}"
    async with exhibit(database_url=database) as demo:
        await polls(demo, 1)
    async with exhibit(database_url=database, poll_interval="1h", provider_mode="html") as demo:
        answer = await ask(demo)
        assert "Last good reading, " in answer
        assert "5,500 SMS" in answer


async def test_a_failed_command_says_all_the_same_what_is_low(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'bot.db'}"
    async with exhibit(database_url=database, credit_sms_warning="6000") as demo:
        await told(demo, "SMS credits are low")
    async with exhibit(
        database_url=database, credit_sms_warning="6000", poll_interval="1h", provider_mode="html"
    ) as demo:
        answer = await ask(demo)
        assert answer.startswith("sms cannot be read now.")
        assert "*SMS credits are low.* 5,500 SMS left, below the warning threshold of 6,000." in answer
        assert "Last read <!date^" in answer


async def test_a_channel_is_greeted_once_for_ever(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'bot.db'}"
    async with exhibit(database_url=database) as demo:
        hello = await told(demo, "I watch the SMS Partner account sms")
        assert "warning below 5,000 SMS, critical below 1,000 SMS" in hello.text
    async with exhibit(database_url=database) as demo:
        await polls(demo, 1)
        assert alerts(demo) == []


async def test_an_episode_from_opening_to_end(demo: Demo) -> None:
    demo.world.apply({"burn": 600})
    opened = await told(demo, "SMS credits are low. 4,900 SMS left, below the warning threshold of 5,000.")
    await polls(demo, 2)
    assert kinds(demo) == ["hello", "opened"]

    demo.world.apply({"burn": 4000})
    critical = await told(demo, "SMS credits are critically low. 900 SMS left")
    assert (critical.thread_ts, critical.broadcast) == (opened.ts, True)
    assert "<@U0ALICE>" in critical.text

    demo.world.apply({"empty": True})
    await told(demo, "SMS credits are used up. Nothing can be sent any more: 0 SMS, 0.00 EUR left.")

    demo.world.apply({"top_up": "209"})
    ended = await told(demo, "SMS credits are fine again. 5,500 SMS, 209.00 EUR left.")
    await demo.slack.wait_for(
        lambda message: message.thread_ts == opened.ts and "Topped up: at least 209.00 EUR." in message.text
    )
    await polls(demo, 1)
    assert kinds(demo) == ["hello", "opened", "worse", "worse", "ended"]
    living = demo.slack.find("C0ALERTS", opened.ts)
    assert living is not None
    assert living.text.startswith("SMS credits are fine again.")
    assert [block["type"] for block in living.blocks] == ["header", "section", "context"]
    assert ended.ts
    assert demo.slack.refusals == []


async def test_low_already_at_the_first_reading_is_told() -> None:
    async with exhibit(credit_sms_warning="6000", credit_sms_critical=None) as demo:
        await told(demo, "SMS credits are low. 5,500 SMS left")


async def test_a_rule_does_not_end_in_the_band_above_its_threshold(demo: Demo) -> None:
    demo.world.apply({"burn": 600})
    await told(demo, "SMS credits are low")
    demo.world.apply({"top_up": "10"})
    await polls(demo, 2)
    assert kinds(demo) == ["hello", "opened"]
    assert "5,163 SMS left: above 5,000, ends at 5,500." in await ask(demo)


async def test_unreadable_is_told_after_three_failed_polls_and_so_is_its_end(demo: Demo) -> None:
    await polls(demo, 1)
    demo.world.apply({"provider": "degraded"})
    opened = await told(demo, "Account sms cannot be read. SMS Partner's answer holds no credits.")
    assert "Last good reading: 5,500 SMS, 209.00 EUR" in opened.text
    await polls(demo, 2)
    assert kinds(demo) == ["hello", "opened"]
    demo.world.apply({"provider": "fine"})
    await told(demo, "Account sms can be read again. 5,500 SMS, 209.00 EUR left.")
    assert kinds(demo) == ["hello", "opened", "ended"]


async def test_a_wrong_key_is_told_at_the_first_failure() -> None:
    async with exhibit(poll_interval="1h", provider_mode="wrong_key") as demo:
        message = await told(demo, "SMS Partner says that the API key is wrong (code 10).")
        assert "SMSPARTNER_API_KEY" in message.text
        assert API_KEY not in str(demo.slack.calls)


async def test_insufficient_credit_is_told_at_once_as_critical_with_the_mention() -> None:
    body = {"success": False, "code": 11, "error": {"message": "NOCREDITS"}, "credits": {"creditSms": 0}}
    async with exhibit(provider_answer=Answer(body=body)) as demo:
        message = await told(demo, "Account sms is probably empty.")
        assert "<@U0ALICE>" in message.text
        assert "Top up" in str(message.blocks)


async def test_a_restart_repeats_no_alert(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'bot.db'}"
    async with exhibit(database_url=database, credit_sms_warning="6000") as demo:
        await told(demo, "SMS credits are low")
    async with exhibit(database_url=database, credit_sms_warning="6000") as demo:
        await polls(demo, 2)
        assert alerts(demo) == []


async def test_a_refused_post_waits_and_the_log_says_in_plain_words_what_to_do() -> None:
    with structlog.testing.capture_logs() as lines:
        async with exhibit(alert_channel="C0RANDOM") as demo:
            waiting = await eventually(lambda: [line for line in lines if line["event"] == "delivery.waits"])
            assert demo.slack.messages == []
    assert waiting[0]["error"] == "not_in_channel"
    assert waiting[0]["mend"] == "the bot is not in the channel: type /invite @smscredits there"
    assert waiting[0]["retry_at"]


async def test_a_rate_limit_is_waited_for_as_long_as_slack_asks() -> None:
    async with exhibit(slack_fault="rate_limited") as demo:

        def posts() -> int:
            return sum(call.method == "chat.postMessage" for call in demo.slack.calls)

        await eventually(posts)
        refused_at = time.monotonic()
        demo.slack.fault = "fine"
        # Each command delivers what is due: without the wait of one second the greeting would be there now.
        while time.monotonic() - refused_at < 0.8:
            await ask(demo, "thresholds")
            await ask(demo)
        assert posts() == 1
        await told(demo, "I watch the SMS Partner account sms")
        assert 0.9 < time.monotonic() - refused_at < 4


async def test_socket_mode_answers_commands_and_delivers_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # proxies of the environment are not used
    async with exhibit(slack_app_token="xapp-demo", slack_signing_secret=None) as demo:
        await eventually(lambda: demo.slack.socket_connected)
        assert "5,500 SMS" in await ask(demo)
        demo.world.apply({"burn": 600})
        await told(demo, "SMS credits are low")


async def test_pressing_top_up_is_acknowledged(demo: Demo) -> None:
    demo.world.apply({"burn": 600})
    opened = await told(demo, "SMS credits are low")
    pressed = await demo.slack.press(opened, "top_up")
    assert pressed.status == 200
    assert demo.slack.press_failed == set()


async def test_another_team_is_refused(demo: Demo) -> None:
    body = "command=%2Fsmscredits&text=&team_id=T0OTHER&user_id=U0EVE&channel_id=C0X"
    status, answer = await post(demo, body, demo.slack.signed_headers(body))
    assert status == 200
    assert "SMS" not in answer


async def post(demo: Demo, body: str | bytes, headers: dict[str, str]) -> tuple[int, str]:
    raw = body.encode() if isinstance(body, str) else body

    async with (
        aiohttp.ClientSession() as client,
        client.post(demo.slack.bot_url, data=BytesIO(raw), headers=headers) as response,
    ):
        return response.status, await response.text()


def forged(good: dict[str, str], **changes: Any) -> dict[str, str]:
    names = {"timestamp": "X-Slack-Request-Timestamp", "signature": "X-Slack-Signature"}
    headers = dict(good)
    for name, value in changes.items():
        if value is None:
            del headers[names[name]]
        else:
            headers[names[name]] = value
    return headers


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": None},
        {"signature": None},
        {"timestamp": None, "signature": None},
        {"timestamp": ""},
        {"timestamp": "1"},
        {"timestamp": "99999999999"},
        {"timestamp": "not-a-number"},
        {"timestamp": "1e9"},
        {"timestamp": "-5"},
        {"timestamp": "9" * 5000},
        {"signature": ""},
        {"signature": "v0=" + "0" * 64},
        {"signature": "v0=ü"},
        {"signature": "v1=x"},
    ],
    ids=str,
)
async def test_a_request_that_slack_did_not_sign_is_a_401(demo: Demo, changes: dict[str, str | None]) -> None:
    body = "command=%2Fsmscredits&text="
    status, _ = await post(demo, body, forged(demo.slack.signed_headers(body), **changes))
    assert status == 401


@pytest.mark.parametrize("other", [b"command=%2Fsmscredits&text=share", b"\xff\xfe", b""])
async def test_a_signature_of_another_body_is_a_401(demo: Demo, other: bytes) -> None:
    headers = demo.slack.signed_headers("command=%2Fsmscredits&text=")
    assert (await post(demo, other, headers))[0] == 401


async def test_a_body_above_one_mebibyte_is_a_413(demo: Demo) -> None:
    body = "text=" + "x" * 1024 * 1024
    assert (await post(demo, body, demo.slack.signed_headers(body)))[0] == 413


@pytest.mark.parametrize("path", ["/", "/healthz"])
async def test_the_bot_shows_a_sign_of_life(demo: Demo, path: str) -> None:

    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{demo.bot.port}{path}") as response,
    ):
        assert (response.status, await response.text()) == (200, "ok\n")


async def test_a_message_that_somebody_deleted_is_replaced_once_and_the_news_is_told(demo: Demo) -> None:
    demo.world.apply({"burn": 600})
    opened = await told(demo, "SMS credits are low")
    demo.slack.messages.remove(opened)
    demo.world.apply({"burn": 4000})
    replaced = await told(demo, "SMS credits are critically low")
    assert replaced.thread_ts is None
    assert "<@U0ALICE>" in replaced.text
    await polls(demo, 2)
    demo.world.apply({"top_up": "209"})
    ended = await told(demo, "It lasted")
    assert ended.thread_ts == replaced.ts or ended.ts == replaced.ts
    assert len([text for _, text in alerts(demo) if "critically" in text]) == 1


@pytest.mark.parametrize(
    ("embellishment", "error", "forms", "says"),
    [
        ("mention", "restricted_action", 1, "Slack did not let me mention `@channel` here"),
        ("broadcast", "restricted_action", 2, "Nothing can be sent any more"),
        ("thread", "cannot_reply_to_message", 1, "<!channel>"),
        ("thread", "thread_not_found", 1, "<!channel>"),
        ("blocks", "msg_blocks_too_long", 1, "To stop the reminders, type `/smscredits ack sms`."),
        ("metadata", "invalid_metadata_schema", 1, "<!channel>"),
    ],
)
async def test_a_refusal_of_an_embellishment_is_no_refusal_of_the_message(
    embellishment: str, error: str, forms: int, says: str
) -> None:
    async with exhibit(mention_on_critical="<!channel>") as demo:
        demo.world.apply({"burn": 600})
        opened = await told(demo, "SMS credits are low")
        demo.slack.dislikes.add(embellishment, error)
        demo.slack.rate_limit = RateLimit(every=0.95, wait=60)
        demo.world.apply({"empty": True})
        worse = await demo.slack.wait_for(
            lambda message: "used up" in message.text and message.ts != opened.ts, 15
        )
        assert says in worse.text
        refused = [call.outcome for call in demo.slack.calls if call.method == "chat.postMessage"]
        assert refused.count(error) == forms
        demo.world.apply({"top_up": "209"})
        await told(demo, "It lasted")
        assert demo.slack.rate_limit.refused == 0


@pytest.mark.parametrize("as_date", [False, True])
async def test_nothing_is_sent_to_a_channel_before_the_wait_that_slack_asked_for_is_over(
    as_date: bool,
) -> None:
    async with exhibit(credit_sms_warning="6000") as demo:
        # Stricter than Slack's own: the alert comes too soon after the greeting.
        demo.slack.rate_limit = limit = RateLimit(every=1.5, wait=4, as_date=as_date)
        await told(demo, "I watch the SMS Partner account sms")
        demo.world.apply({"burn": 4700})
        low = await told(demo, "SMS credits are critically low")
        assert "critically" in low.text
        assert limit.refused - limit.refused_in_wait >= 1
        assert limit.refused_in_wait == 0
