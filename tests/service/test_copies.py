import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.core.model import Level
from bot.core.notice import Kind, Step
from bot.core.reading import Cause, Failure
from bot.core.watch import ThresholdChange
from bot.ports import NotLeading
from bot.store import Terms
from tests.samples import CRITICAL, NOW, WARNING, WATCHED, account, rule
from tests.service.bot import Start
from tests.store.test_lease import pass_time


async def test_a_newer_copy_takes_over_and_the_older_one_decides_and_tells_nothing_more(
    copies: Start,
) -> None:
    older = await copies(4999, 999)
    await older.cycle()
    newer = await copies(999, channel=older.channel, name="newer")
    assert not newer.service.leading
    assert not await older.service.lead()
    assert await newer.service.lead()
    assert await older.cycle() == ()
    older.service.leading = True  # as if it had not noticed yet
    (polled,) = await older.service.poll()
    assert polled.passed_on
    with pytest.raises(NotLeading):
        await older.watches.change("sms", lambda watch: Step(watch, NOW, ()))
    await newer.cycle()
    assert older.channel.told == ["opened low warning", "worse low critical"]


async def test_the_lease_is_not_passed_on_while_a_delivery_begins(copies: Start) -> None:
    """Else the next process finds the claim, knows nothing of its outcome, and tells all of it again."""
    older = await copies(4999)
    await older.service.poll()
    newer = await copies(4999, name="newer")
    older.channel.may_post.clear()
    older.lease.asking.clear()
    older.lease.may_answer.clear()
    leading = asyncio.create_task(older.service.lead())
    await older.lease.asking.wait()
    delivering = asyncio.create_task(older.deliver())
    await asyncio.wait({asyncio.create_task(older.channel.posting.wait())}, timeout=0.2)
    older.lease.may_answer.set()
    await leading
    await newer.service.lead()
    await newer.deliver()
    older.channel.may_post.set()
    await asyncio.gather(delivering, return_exceptions=True)
    assert [due.repeat for due in (*older.channel.posts, *newer.channel.posts)] == [False]


async def test_given_back_the_lease_is_the_other_copy_s_at_once(copies: Start) -> None:
    older, newer = await copies(4999), await copies(4999, name="newer")
    await older.service.step_down()
    assert await newer.service.lead()
    await newer.cycle()
    assert (older.channel.told, newer.channel.told) == ([], ["opened low warning"])


async def test_of_a_killed_copy_the_other_takes_over_within_one_lease(copies: Start) -> None:
    """And tells what was told of it but not marked, as what it may be: a repeat."""
    killed = await copies(4999)
    await killed.service.poll()
    killed.channel.may_post.clear()
    dying = asyncio.create_task(killed.deliver())
    await killed.channel.posting.wait()
    dying.cancel()  # and never a word from it again
    other = await copies(999, name="newer")
    assert not await other.service.lead(), "it may still live"
    await pass_time(other.database, Terms().lasts)
    assert await other.service.lead()
    await other.cycle()
    assert [(due.kind, due.worst, due.repeat) for due in other.channel.posts] == [
        (Kind.OPENED, Level.CRITICAL, True)
    ]


async def test_only_the_newest_copy_s_thresholds_decide(copies: Start) -> None:
    older = await copies(4000)
    await older.cycle()
    strict = account(rule(Level.WARNING, 3000))
    newer = await copies(4000, accounts=(strict,), channel=older.channel, name="newer")
    await older.service.lead()
    await newer.service.lead()
    await older.cycle()
    await newer.cycle()
    await older.cycle()
    assert older.channel.told == ["opened low warning", "ended low warning"]
    ended = older.channel.posts[-1].episode
    assert ended is not None
    assert ended.thresholds_changed == (ThresholdChange(Decimal(5000), Decimal(3000)),)


async def test_what_is_open_is_fitted_to_the_settings_of_whoever_begins_to_watch(copies: Start) -> None:
    older = await copies(999)
    await older.cycle()
    moved = account(WARNING, CRITICAL, channel="C2")
    newer = await copies(999, accounts=(moved,), channel=older.channel, name="newer")
    await older.service.lead()
    await newer.service.lead()
    await newer.deliver()
    assert [(due.kind, due.channel) for due in older.channel.posts] == [
        (Kind.OPENED, WATCHED.channel),
        (Kind.HELLO, "C2"),
        (Kind.OPENED, "C2"),
    ]
    (edit,) = older.channel.edits
    assert (edit.episode.channel, edit.episode.moved_to) == (WATCHED.channel, "C2")


async def test_a_copy_that_stands_by_keeps_the_wait_that_the_provider_asked_of_the_other(
    copies: Start,
) -> None:
    failure = Failure(Cause.RATE_LIMITED, status=429, wait_until=NOW + timedelta(minutes=9))
    watching = await copies(failure)
    await watching.cycle()
    standing_by = await copies(4999, leads=False, name="standing-by")
    assert not await standing_by.service.lead()
    assert standing_by.provider.waits == [failure]
    watching.wall.pass_(timedelta(minutes=5))
    assert not await standing_by.service.lead()
    assert standing_by.provider.waits == [failure]


async def test_a_copy_that_takes_over_goes_on_with_the_wait_and_with_no_other_account_s(
    copies: Start,
) -> None:
    failure = Failure(Cause.RATE_LIMITED, status=429, wait_until=NOW + timedelta(minutes=9))
    older = await copies(accounts=(WATCHED, account(name="gone")), sms=(failure,), gone=(failure,))
    await older.cycle()
    newer = await copies(4999, leads=False, name="newer")
    await older.service.step_down()
    assert await newer.service.lead()
    await newer.service.poll(unless_since=NOW)
    assert newer.provider.waits == [failure]
