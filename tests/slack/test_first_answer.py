"""What a person sees within Slack's three seconds, and what follows, whatever provider and database do."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.demo.answers import html
from bot.demo.exhibits import ACCOUNTS
from bot.demo.provider import SimulatedProvider
from bot.demo.run import Demo, exhibition
from bot.demo.slack_api import SimulatedSlack
from bot.demo.workspace import Message
from bot.demo.world import DemoWorld
from tests.conftest import exhibit

IN_TIME = 3.0
"""Seconds, after which Slack shows an error."""

FOR_EVER = None


@pytest.fixture(autouse=True)
def _nothing_is_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.core.asking.FRESH", timedelta(0))


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a database that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        yield f"postgres://u:p@127.0.0.1:{listening.getsockname()[1]}/d"


def slow(demo: Demo, account: str, seconds: float | None) -> None:
    """Let the provider of one account answer late, or never."""
    demo.provider.slow_seconds = seconds
    demo.world.apply({"account": account, "provider": "slow"})


async def first(demo: Demo, text: str = "") -> Message:
    """Return the only message that a command gets in time."""
    result = await demo.slack.command(text)
    assert result.status == 200
    assert result.seconds < IN_TIME
    (message,) = [one for one in result.messages if one.kind == "message"]
    return message


async def further(demo: Demo, before: Message, within: float = 15) -> Message:
    """Return the next message that the bot sends a person, or shares."""
    return await demo.slack.wait_for(
        lambda one: one.ts > before.ts and one.kind == "message" and one.metadata is None, within
    )


def in_order(text: str, *words: str) -> bool:
    places = [text.find(word) for word in words]
    return -1 not in places and places == sorted(places)


async def test_the_first_answer_has_the_figures_of_all_who_answer_and_how_the_others_stood_last() -> None:
    async with exhibit(accounts=ACCOUNTS, poll_interval="1h") as demo:
        await demo.provider.wait_for_requests(4)
        slow(demo, "voice", 2.6)
        demo.world.apply({"account": "sms", "burn": 100})
        answer = await first(demo)
        assert in_order(answer.text, "sms: fine", "5,400 SMS", "voice: still asking", "mail: fine", "mails")
        assert in_order(answer.text, "voice: still asking. Last good reading, ", " old: 19.00 EUR")
        late = await further(demo, answer)
        assert late.ephemeral_for == "U0ALICE"
        assert late.text.startswith("voice: fine. 19.00 EUR")
        assert "SMS" not in late.text
        await demo.slack.command("help")
        assert demo.slack.refusals == []
        assert [one for one in demo.slack.messages if one.ts > late.ts and "voice: " in one.text] == []


async def test_what_is_still_asked_after_all_that_time_is_said_to_have_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.slack.handlers.REST_WITHIN", 2.5)
    async with exhibit(accounts=ACCOUNTS, poll_interval="1h") as demo:
        await demo.provider.wait_for_requests(4)
        slow(demo, "mail", FOR_EVER)
        late = await further(demo, await first(demo))
        assert late.text.startswith("mail cannot be read now. Mail Partner does not answer in time.")
        assert "Last good reading, " in late.text


async def test_one_account_that_does_not_answer_yet_is_said_to_be_asked_and_shown_as_it_was() -> None:
    async with exhibit(credit_sms_warning="6000", poll_interval="1h") as demo:
        await demo.slack.wait_for(lambda message: "SMS credits are low" in message.text)
        slow(demo, "sms", 2.6)
        answer = await first(demo)
        assert in_order(
            answer.text,
            "Asking SMS Partner… *SMS credits are low.* 5,500 SMS left",
            "Last good reading, ",
            " old: 5,500 SMS",
        )
        assert (await further(demo, answer)).text.startswith("sms: warning.")


async def test_what_is_shared_is_seen_by_all_once_it_is_there() -> None:
    async with exhibit(poll_interval="1h") as demo:
        await demo.slack.wait_for(lambda message: "I watch" in message.text)
        slow(demo, "sms", 2.6)
        answer = await first(demo, "share")
        assert (answer.text, answer.ephemeral_for) == ("Reading…", "U0ALICE")
        shared = await further(demo, answer)
        assert (shared.ephemeral_for, shared.text[:9]) == (None, "sms: fine")


async def test_what_is_shared_waits_no_longer_than_a_channel_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.handlers.SHARED_WITHIN", 2.5)
    async with exhibit(accounts=ACCOUNTS, poll_interval="1h") as demo:
        await demo.provider.wait_for_requests(4)
        slow(demo, "mail", FOR_EVER)
        shared = await further(demo, await first(demo, "share"))
        assert shared.ephemeral_for is None
        assert in_order(shared.text, "sms: fine", "voice: fine", "mail: still asking. Last good reading, ")


@pytest.mark.parametrize("text", ["", "sms", "share", "alerts", "ack", "thresholds", "help", "no such word"])
async def test_with_a_database_that_says_nothing_and_a_provider_that_hangs_every_command_is_answered_in_time(
    silent: str, text: str
) -> None:
    def prepare(world: DemoWorld, provider: SimulatedProvider, _: SimulatedSlack) -> None:
        provider.slow_seconds = FOR_EVER
        world.apply({"provider": "slow"})

    async with exhibition(drain=0, accounts="", database_url=silent, prepare=prepare) as demo:
        while "which workspace" in (said := (await first(demo, text)).text):
            pass  # Slack has just been asked
    assert {
        "": "Asking SMS Partner… There is no earlier reading.",
        "sms": "Asking SMS Partner… There is no earlier reading.",
        "share": "Reading…",
        "alerts": "Looking that up…",
        "ack": "Looking that up…",
        "thresholds": "Thresholds in force:",
        "help": "What `/smscredits` does:",
        "no such word": "I do not know “no such word”.",
    }[text] in said


async def test_figures_that_cannot_be_judged_for_a_database_that_says_nothing_are_shown_in_time(
    silent: str,
) -> None:
    async with exhibition(drain=0, accounts="", database_url=silent, credit_sms_warning="6000") as demo:
        answers = await asyncio.gather(*(first(demo) for _ in range(5)))
    for answer in answers:
        assert in_order(answer.text, "sms: warning. 5,500 SMS left, below the warning threshold of 6,000.")


async def test_within_a_wait_a_command_says_until_when_and_what_was_read_last() -> None:
    async with exhibit(poll_interval="1h") as demo:
        await demo.slack.wait_for(lambda message: "I watch" in message.text)
        demo.provider.answer = html(429, "Too Many Requests", {"Retry-After": "60"})
        for _ in range(3):
            answer = await first(demo)
            assert in_order(
                answer.text,
                "SMS Partner says that it is asked too often. It asks to be left alone until <!date^",
                "Last good reading, ",
                "5,500 SMS",
            )
        assert len(demo.provider.requests) == 2
