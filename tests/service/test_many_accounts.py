import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.core.alert import step
from bot.core.asking import FRESH, PATIENCE
from bot.core.model import Account, SubAccounts
from bot.core.mute import Decision
from bot.core.notice import Reason, Step
from bot.core.reading import Cause, Credits, Failure, Held, Reading
from bot.core.watch import Watch
from bot.ports import HeldBack, NotLeading
from bot.service.judge import Judge
from tests.samples import DOWN, NOW, POLICY, WARNING, WATCHED, WRONG_KEY, account, credit
from tests.service.bot import Bot, Start
from tests.test_cost import Count

STATEMENTS = 4
"""Of a batch: who watches and what time it is, what is known, what is known now, the readings."""

GROUP = "api.smspartner.fr@C0123456789"


def shared(*names: str) -> tuple[Account, ...]:
    """Return accounts of one provider host that tell the same channel."""
    return tuple(replace(WATCHED, name=name, group=GROUP) for name in names)


def elsewhere(*names: str) -> tuple[Account, ...]:
    """Return the same accounts telling another channel."""
    return tuple(replace(one, channel="C0THERE", group="api.smspartner.fr@C0THERE") for one in shared(*names))


async def in_an_outage(start: Start, accounts: tuple[Account, ...]) -> Bot:
    """Start a bot that has told of accounts "one" and "two" that they cannot be read."""
    bot = await start(accounts=accounts, one=(DOWN,), two=(DOWN,))
    for _ in range(3):
        await bot.cycle()
    return bot


# One host fails


async def test_when_a_host_fails_its_accounts_are_told_of_in_one_message_and_so_is_the_end(
    start: Start,
) -> None:
    script = (9000, DOWN, DOWN, DOWN, DOWN)
    bot = await start(accounts=shared("one", "two"), one=(*script, 8000), two=(*script, DOWN, 7000))
    for _ in range(5):
        await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning"]
    (episode,) = [due.episode for due in bot.channel.posts]
    assert episode
    assert [member.account for member in episode.members] == ["one", "two"]
    await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning"], "one of them fails still"
    await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning", "ended unreadable warning"]
    figures = [
        {name: (one.began_at, one.credits) for name, one in due.readings.items()} for due in bot.channel.posts
    ]
    read_at = [NOW + number * timedelta(minutes=5) for number in range(1, 8)]
    assert figures == [
        {"one": (read_at[0], credit(9000)), "two": (read_at[0], credit(9000))},
        {"one": (read_at[6], credit(8000)), "two": (read_at[6], credit(7000))},
    ]
    assert bot.channel.edits[-1].readings == bot.channel.posts[-1].readings


async def test_the_shared_message_outlives_a_restart_and_is_not_told_again(start: Start) -> None:
    bot = await in_an_outage(start, shared("one", "two"))
    again = await start(accounts=shared("one", "two"), channel=bot.channel, one=(DOWN,), two=(DOWN,))
    await again.cycle()
    assert bot.channel.told == ["opened unreadable warning"]


LISTS_FAIL = replace(credit(), unlisted=Failure(Cause.TIMEOUT, listing=True))


def with_subaccounts(*names: str) -> tuple[Account, ...]:
    """Return accounts of one provider host whose lists of sub-accounts are watched too."""
    return tuple(replace(one, subaccounts=SubAccounts()) for one in shared(*names))


async def in_an_outage_of_lists(start: Start) -> Bot:
    """Start a bot that has told that the lists of "one" and "two" fail; somebody has it."""
    accounts = with_subaccounts("one", "two")
    bot = await start(accounts=accounts, one=(LISTS_FAIL,), two=(LISTS_FAIL,))
    for _ in range(3):
        await bot.cycle()
    (mine,) = await bot.service.people.open_episodes("one")
    await bot.service.people.decide(mine[0].id, Decision("U0A", bot.wall.now() + timedelta(days=3)))
    await bot.service.deliver()
    bot.channel.edits.clear()
    return bot


async def test_a_shared_message_of_lists_outlives_a_restart_and_so_does_its_mute(start: Start) -> None:
    bot = await in_an_outage_of_lists(start)
    accounts = with_subaccounts("one", "two")
    again = await start(accounts=accounts, channel=bot.channel, one=(LISTS_FAIL,), two=(LISTS_FAIL,))
    await again.cycle()
    assert (bot.channel.told, bot.channel.edits) == (["opened unreadable warning"], [])
    ((episode, *_),) = await again.service.people.open_episodes("one")
    assert episode.mute
    assert episode.mute.by == "U0A"


async def test_a_shared_message_of_lists_that_nobody_asks_for_any_more_is_closed_by_an_edit(
    start: Start,
) -> None:
    bot = await in_an_outage_of_lists(start)
    again = await start(accounts=shared("one", "two"), channel=bot.channel, one=(9000,), two=(9000,))
    await again.cycle()
    assert [edit.episode.ending for edit in bot.channel.edits] == ["not_configured"]
    assert bot.channel.told == ["opened unreadable warning"]


async def test_a_shared_message_of_lists_goes_on_while_one_of_them_is_asked_for(start: Start) -> None:
    bot = await in_an_outage_of_lists(start)
    accounts = (*shared("one"), *with_subaccounts("two"))
    again = await start(accounts=accounts, channel=bot.channel, one=(9000,), two=(LISTS_FAIL,))
    await again.cycle()
    assert bot.channel.told == ["opened unreadable warning"]
    assert len(await again.service.people.open_episodes("two")) == 1


async def test_who_has_a_shared_outage_has_it_after_a_change_of_channel_too(start: Start) -> None:
    bot = await in_an_outage(start, shared("one", "two"))
    (mine,) = await bot.service.people.open_episodes("one")
    await bot.service.people.decide(mine[0].id, Decision("U0A", bot.wall.now() + timedelta(days=3)))
    accounts = elsewhere("one", "two")
    moved = await start(accounts=accounts, channel=bot.channel, one=(DOWN,), two=(DOWN,))
    await moved.service.deliver()
    posted = bot.channel.posts[-1]
    assert posted.channel == "C0THERE"
    assert posted.episode
    assert posted.episode.mute
    assert posted.episode.mute.by == "U0A"


async def test_a_shared_message_is_open_for_each_of_its_accounts_and_can_be_muted_through_any(
    start: Start,
) -> None:
    bot = await start(
        accounts=(*shared("one", "two"), account(WARNING, name="three")),
        one=(DOWN,),
        two=(DOWN,),
        three=(9000,),
    )
    for _ in range(3):
        await bot.cycle()
    opened = {name: len(await bot.service.people.open_episodes(name)) for name in ("", "one", "two", "three")}
    assert opened == {"": 1, "one": 1, "two": 1, "three": 0}


async def test_a_shared_message_whose_group_is_gone_from_the_settings_is_closed_and_told_by_itself(
    start: Start,
) -> None:
    bot = await in_an_outage(start, shared("one", "two"))
    (mine,) = await bot.service.people.open_episodes("one")
    await bot.service.people.decide(mine[0].id, Decision("U0A", bot.wall.now() + timedelta(days=3)))
    alone = await start(accounts=(replace(WATCHED, name="one"),), channel=bot.channel, one=(DOWN,))
    await alone.deliver()
    assert [edit.episode.ending for edit in bot.channel.edits] == ["split"]
    assert bot.channel.told[1:] == ["opened unreadable warning"], "it fails on, now by itself"
    (posted,) = [due.episode for due in bot.channel.posts[1:]]
    assert posted
    assert (posted.account, posted.mute and posted.mute.by) == ("one", "U0A")
    left = await bot.watches.watch("two")
    assert (left.failures, left.failing_since) == (0, None), "should it ever come back, it counts anew"
    await alone.cycle()
    assert len(bot.channel.posts) == 2


async def test_who_was_read_before_the_channel_changed_is_told_so_where_it_was_told_of(start: Start) -> None:
    here, there = shared("one", "two"), elsewhere("one", "two")
    bot = await in_an_outage(start, here)
    at = bot.wall.now() + timedelta(seconds=1)
    for one in here:
        found = Reading(at, credit(9000))
        read = partial(step, account=one, outcome=found, began_at=at, now=at, policy=POLICY)
        await bot.watches.change(one.name, read)
    moved = await start(accounts=there, channel=bot.channel, one=(9000,), two=(9000,))
    await moved.deliver()
    assert [(due.kind, due.channel) for due in bot.channel.posts] == [
        ("opened", here[0].channel),
        ("ended", here[0].channel),
    ]


async def test_what_a_command_read_ends_a_shared_alert_at_once(start: Start) -> None:
    accounts = shared("one", "two")
    bot = await start(accounts=accounts, one=(DOWN, DOWN, DOWN, 9000, DOWN), two=(DOWN, DOWN, DOWN, 8000))
    for _ in range(3):
        await bot.cycle()
    bot.wall.pass_(timedelta(minutes=1))
    await bot.service.people.status()
    await bot.deliver()
    assert bot.channel.told == ["opened unreadable warning", "ended unreadable warning"]
    await bot.cycle()
    assert len(bot.channel.told) == 2


async def test_a_shared_message_whose_channel_changed_goes_on_there_and_back_again(start: Start) -> None:
    here, there = shared("one", "two"), elsewhere("one", "two")
    bot = await in_an_outage(start, here)
    moved = bot
    for accounts in (there, here):
        bot.wall.pass_(timedelta(minutes=1))
        moved = await start(accounts=accounts, channel=bot.channel, one=(9000,), two=(9000,))
        await moved.deliver()
    assert [(edit.episode.ending, edit.episode.moved_to) for edit in bot.channel.edits] == [
        ("moved", "C0THERE"),
        ("moved", here[0].channel),
    ]
    await moved.cycle()
    posts = [(due.kind, due.channel, due.root == "") for due in bot.channel.posts]
    assert posts == [
        ("opened", here[0].channel, True),
        ("opened", "C0THERE", True),
        ("opened", here[0].channel, True),
        ("ended", here[0].channel, False),
    ]


async def test_a_shared_message_that_another_process_opened_meanwhile_is_ended(start: Start) -> None:
    frozen = await start(accounts=shared("one", "two"), one=(9000,), two=(9000,))
    await frozen.cycle()
    other = await start(accounts=shared("one", "two"), channel=frozen.channel, one=(DOWN,), two=(DOWN,))
    for _ in range(3):
        await other.cycle()
    await frozen.service.lead()
    await frozen.cycle()
    assert frozen.channel.told == ["opened unreadable warning", "ended unreadable warning"]


async def test_a_wrong_key_is_told_for_its_account_alone(start: Start) -> None:
    bot = await start(accounts=shared("one", "two"), one=(WRONG_KEY,), two=(9000,))
    await bot.cycle()
    assert [due.episode.account for due in bot.channel.posts if due.episode] == ["one"]


# Requests held back


async def test_a_poll_that_the_provider_s_limit_holds_back_for_a_window_is_no_failure(start: Start) -> None:
    bot = await start(9000, HeldBack(), HeldBack(), HeldBack(), HeldBack(), 9000)
    polled = [await bot.cycle(PATIENCE / 4) for _ in range(5)]
    assert [one.held_back for (one,) in polled] == [None, *[Held.LIMIT] * 4]
    assert (await bot.watches.watch("sms")).failures == 0
    assert bot.channel.told == []


async def test_an_account_that_nobody_could_ask_for_three_polls_is_told_and_so_is_its_end(
    start: Start,
) -> None:
    bot = await start(9000, HeldBack(), HeldBack(), HeldBack(), 9000)
    for told in ([], [], [], ["opened unreadable warning"]):
        await bot.cycle()
        assert bot.channel.told == told
    assert bot.channel.posts[0].watch.failure == Failure(Cause.NOT_ASKED)
    await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning", "ended unreadable warning"]


async def test_a_poll_held_back_while_the_database_counts_nothing_is_no_failure(start: Start) -> None:
    bot = await start(9000, HeldBack(Held.STORE_AWAY))
    polled = [await bot.cycle() for _ in range(5)]
    assert [one.held_back for (one,) in polled] == [None, *[Held.STORE_AWAY] * 4]
    assert (await bot.watches.watch("sms")).failures == 0


async def test_a_poll_held_back_takes_over_what_a_command_got_and_counts_it_once(start: Start) -> None:
    bot = await start(9000, DOWN, HeldBack())
    await bot.cycle()
    bot.wall.pass_(FRESH)
    await bot.service.people.status()
    failures = []
    for _ in range(3):
        await bot.cycle(timedelta(seconds=5))
        failures.append((await bot.watches.watch("sms")).failures)
    assert failures == [1, 1, 1]
    assert bot.provider.asked == 5


async def test_a_wrong_key_that_only_commands_find_is_told_by_the_next_poll(start: Start) -> None:
    bot = await start(9000, WRONG_KEY, HeldBack())
    await bot.cycle()
    bot.wall.pass_(FRESH)
    await bot.service.people.status()
    assert bot.channel.told == []
    await bot.cycle(timedelta(seconds=1))
    assert bot.channel.told == ["opened unreadable warning"]


async def test_a_poll_held_back_that_takes_over_a_good_reading_ends_what_was_open(start: Start) -> None:
    bot = await start(WRONG_KEY, 9000, HeldBack())
    await bot.cycle()
    bot.wall.pass_(FRESH)
    await bot.service.people.status()
    (polled,) = await bot.cycle(timedelta(seconds=1))
    assert polled.judged
    assert bot.channel.told == ["opened unreadable warning", "ended unreadable warning"]


async def test_of_accounts_that_share_what_a_key_allows_each_is_asked_in_turn(start: Start) -> None:
    names = ("one", "two", "three")
    bot = await start(accounts=tuple(account(name=name) for name in names), **dict.fromkeys(names, (9000,)))
    asked: list[str] = []

    async def one_a_poll(account: Account, *, polled: bool = True) -> Credits:
        if len(asked) == polls:
            raise HeldBack
        asked.append(account.name)
        return credit(9000)

    for provider in bot.providers.values():
        provider.read = one_a_poll  # type: ignore[method-assign]
    for polls in range(1, 7):  # noqa: B007 - so many may be asked by then
        await bot.cycle()
    assert sorted(asked[:3]) == sorted(asked[3:]) == sorted(names)


async def test_a_command_that_is_held_back_gets_the_last_good_reading_and_says_so(start: Start) -> None:
    bot = await start(4999, HeldBack())
    await bot.cycle()
    bot.wall.pass_(timedelta(seconds=30))
    (status,) = await bot.service.people.status()
    assert (status.held_back, status.failure) == (Held.LIMIT, None)
    assert status.reading
    assert status.reading.began_at == NOW + timedelta(minutes=5)
    assert status.watch.low


# The cost of many


@pytest.mark.parametrize(("accounts", "transactions"), [(1, 1), (10, 1), (250, 1), (251, 2), (1000, 4)])
async def test_a_poll_costs_transactions_and_statements_by_the_batch_and_not_by_the_account(
    start: Start, monkeypatch: pytest.MonkeyPatch, accounts: int, transactions: int
) -> None:
    monkeypatch.setattr("bot.service.judge.WAIT_SECONDS", 30)  # a busy machine may take its time
    names = [f"account-{number}" for number in range(accounts)]
    bot = await start(accounts=shared(*names), **dict.fromkeys(names, (9000,)))
    for _ in range(2):
        await bot.cycle()
    count = Count(bot.database)
    bot.wall.pass_(timedelta(minutes=5))
    polled = await bot.service.poll()
    assert len([one for one in polled if one.judged]) == accounts
    assert (count.commits, count.statements) == (transactions, transactions * STATEMENTS)


async def test_what_is_on_its_way_is_waited_for_a_moment_and_no_longer(start: Start) -> None:
    bot = await start(9000, accounts=shared("sms", "hangs"), hangs=(9000,))
    await bot.cycle()
    hanging = bot.providers["hangs"]
    hanging.may_answer.clear()
    bot.wall.pass_(timedelta(minutes=5))
    poll = asyncio.create_task(bot.service.poll())
    async with asyncio.timeout(5):
        while (await bot.watches.watch("sms")).reading != Reading(bot.wall.now(), credit(9000)):
            pass
    assert not poll.done()
    hanging.may_answer.set()
    await poll


async def test_an_account_is_judged_in_order_and_never_twice_in_one_transaction(start: Start) -> None:
    bot = await start(9000)
    seen: list[int] = []

    def decide(watch: Watch) -> Step:
        seen.append(watch.failures)
        after = replace(watch, failures=watch.failures + 1, failing_since=NOW)
        return Step(after, NOW, (Reason.COUNTING_FAILURES,))

    judge = Judge(bot.watches, POLICY, bot.wall)
    await asyncio.gather(*(judge.judge("sms", decide) for _ in range(4)))
    assert seen == [0, 1, 2, 3]


async def test_a_decision_that_breaks_stops_no_other_of_its_transaction(start: Start) -> None:
    bot = await start(9000)
    judge = Judge(bot.watches, POLICY, bot.wall)

    def breaks(_: Watch) -> Step:
        raise LookupError("no such rule")

    def fails(watch: Watch) -> Step:
        return Step(replace(watch, failures=1, failing_since=NOW, failure=DOWN), NOW, (Reason.FINE,))

    waiting = judge.judge("first", fails)
    results = await asyncio.gather(
        waiting, judge.judge("sms", breaks), judge.judge("other", fails), return_exceptions=True
    )
    assert [type(result) for result in results] == [Step, LookupError, Step]
    assert (await bot.watches.watch("other")).failure == Failure(Cause.NETWORK)


async def test_who_gives_up_waiting_keeps_no_other_from_being_judged(start: Start) -> None:
    bot = await start(9000)
    judge = Judge(bot.watches, POLICY, bot.wall)

    def fails(watch: Watch) -> Step:
        return Step(replace(watch, failures=1, failing_since=NOW), NOW, (Reason.FINE,))

    tasks = [asyncio.create_task(judge.judge(name, fails)) for name in ("one", "two", "three")]
    await asyncio.sleep(0)
    tasks[1].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in done] == [Step, asyncio.CancelledError, Step]


async def test_a_process_that_no_longer_watches_writes_none_of_them(start: Start) -> None:
    bot = await start(9000, leads=False)
    judge = Judge(bot.watches, POLICY, bot.wall)
    results = await asyncio.gather(
        *(judge.judge(name, lambda watch: Step(watch, NOW, ())) for name in ("one", "two")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [NotLeading, NotLeading]


async def test_an_alert_that_others_share_is_not_that_of_an_account_which_is_fine(start: Start) -> None:
    bot = await start(accounts=shared("one", "two"), one=(DOWN,), two=(9000,))
    for _ in range(3):
        await bot.cycle()
    assert len(await bot.service.people.open_episodes("one")) == 1
    assert await bot.service.people.open_episodes("two") == ()
