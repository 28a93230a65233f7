import json
import tracemalloc
from datetime import UTC, datetime

import pytest

from bot.demo.journal import Journal
from bot.demo.provider import SimulatedProvider
from bot.demo.slack_api import ApiCall, SimulatedSlack
from bot.demo.stage import CommandHelp, Scene, Stage
from bot.demo.world import DemoWorld, PrepaidAccount

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def written(count: int, keep: int) -> Journal[int]:
    journal = Journal[int](keep)
    for entry in range(count):
        journal.append(entry)
    return journal


@pytest.mark.parametrize("count", [0, 1, 5])
def test_with_nothing_forgotten_it_is_a_list(count: int) -> None:
    journal, entries = written(count, keep=5), list(range(count))
    assert (list(journal), list(reversed(journal)), len(journal)) == (entries, entries[::-1], count)
    for part in (slice(None), slice(2, None), slice(-2, None), slice(None, -1), slice(1, 9, 2)):
        assert journal[part] == entries[part]
    assert [journal[place] for place in range(-count, count)] == entries * 2
    for place in (count, -count - 1):
        with pytest.raises(IndexError):
            journal[place]


def test_the_entries_that_are_kept_keep_their_places() -> None:
    journal = written(8, keep=3)
    assert (list(journal), list(reversed(journal))) == ([5, 6, 7], [7, 6, 5])
    assert (len(journal), journal[5], journal[-1]) == (8, 5, 7)
    assert (journal[6:], journal[2:7], journal[:4], journal[::-1]) == ([6, 7], [5, 6], [], [7, 6, 5])
    with pytest.raises(IndexError, match="entry 4 is forgotten, 5 is the oldest"):
        journal[4]


def test_who_reads_on_from_where_they_were_misses_nothing_that_is_kept() -> None:
    journal, seen, read = Journal[int](keep=3), 0, list[int]()
    for entry in range(10):
        journal.append(entry)
        if entry % 3 == 2:
            read.extend(journal[seen:])
            seen = len(journal)
    assert read == list(range(9))


def test_a_day_of_polls_takes_no_more_room_than_an_hour() -> None:
    journal, after_an_hour = Journal[str](), 0
    tracemalloc.start()
    try:
        for second in range(86_400):
            journal.append(f"GET /v1/me → 200 at {second}")
            if second == 3600:
                after_an_hour, _ = tracemalloc.get_traced_memory()
        after_a_day, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after_a_day < after_an_hour * 1.1


def test_what_the_simulators_write_down_at_each_poll_is_bounded() -> None:
    world = DemoWorld(PrepaidAccount(lambda: NOON))
    provider = SimulatedProvider(world, api_key="x", clock=lambda: NOON)
    slack = SimulatedSlack(bot_token="xoxb-demo", signing_secret="x", clock=lambda: NOON)
    for log in (provider.requests, provider.exchanges, slack.calls):
        assert type(log) is Journal


async def test_the_page_goes_on_telling_what_happened_once_much_is_forgotten() -> None:
    slack = SimulatedSlack(bot_token="xoxb-demo", signing_secret="x", clock=lambda: NOON)
    slack.calls = Journal(keep=2)
    exchanges = Journal[str](keep=2)
    world = DemoWorld(PrepaidAccount(lambda: NOON))
    stage = Stage(slack, world, lambda: NOON, CommandHelp("/smscredits", ""), Scene(), lambda: exchanges)
    told = []
    for number in range(5):
        exchanges.append(f"GET /v1/me → {number}")
        slack.calls.append(ApiCall("auth.test", {}, 200, {"ok": True}))
        shown = json.loads(stage.snapshot().decode().partition("data: ")[2])
        told = [(line["text"], line["count"]) for line in shown["log"]]
    assert told == [*((f"GET /v1/me → {n}", 1) for n in range(5)), ("auth.test → ok", 5)]
