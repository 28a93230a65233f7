import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.core.notice import Due, Kind
from bot.ports import NotBuilt, NotDelivered, StoreAway
from bot.service.courier import SLOWEST_RETRY, Delivered
from bot.store import Database
from tests.samples import WARNING, WATCHED, account, credit
from tests.service.bot import Channel, Start


async def test_each_channel_is_greeted_once_for_ever(start: Start) -> None:
    accounts = (WATCHED, account(name="a"), account(name="b", channel="C2"))
    bot = await start(9000, accounts=accounts, a=(9000,), b=(9000,), greeted=False)
    for _ in range(2):
        await bot.service.greet()
    await bot.service.deliver()
    again = await start(9000, accounts=accounts, a=(9000,), b=(9000,), channel=bot.channel)
    await again.service.greet()
    await again.service.deliver()
    assert [(due.kind, due.channel) for due in bot.channel.posts] == [
        (Kind.HELLO, WATCHED.channel),
        (Kind.HELLO, "C2"),
    ]


async def test_the_living_message_shows_a_change_of_figures_a_minute_later(start: Start) -> None:
    bot = await start(4999, 4990, 4990, 4990)
    await bot.cycle()
    await bot.cycle()
    assert bot.channel.edits == []
    bot.wall.pass_(timedelta(minutes=1))
    (delivery,) = await bot.service.deliver()
    assert (delivery.outcome, delivery.kind) == (Delivered.EDITED, None)
    (edit,) = bot.channel.edits
    assert edit.watch.reading is not None
    assert edit.watch.reading.credits == credit(4990)


async def test_what_could_not_be_told_in_time_is_told_in_one_message(start: Start) -> None:
    bot = await start(4999, 999, 9000)
    bot.channel.refusals.extend([NotDelivered("network")] * 2)
    for _ in range(2):
        await bot.cycle()
    await bot.cycle(timedelta(hours=1))
    (due,) = bot.channel.posts
    assert (due.kind, due.root, len(due.notices)) == (Kind.ENDED, "", 3)
    bot.wall.pass_(timedelta(hours=1))
    assert await bot.service.deliver() == ()
    assert bot.channel.edits == []


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [
        (NotDelivered("network"), [5, 10, 20, 40, 80, 160, 320, 600, 600]),
        (NotDelivered("not_in_channel", permanent=True), [40, 80, 160, 320, 600, 600]),
        (NotDelivered("ratelimited", retry_after=30), [30, 30, 30]),
        (NotDelivered("ratelimited", retry_after=0), [0, 0]),
    ],
)
async def test_it_is_tried_again_less_and_less_often_and_for_ever(
    start: Start, refusal: NotDelivered, waits: list[int]
) -> None:
    bot = await start(4999)
    await bot.service.poll()
    for wait in waits:
        bot.channel.refusals.append(refusal)
        (delivery,) = await bot.service.deliver()
        assert (delivery.outcome, delivery.error) == (Delivered.REFUSED, refusal.error)
        assert delivery.retry_at == bot.wall.now() + timedelta(seconds=wait)
        if wait:
            bot.wall.pass_(timedelta(seconds=wait - 0.001))
            assert await bot.service.deliver() == ()
            bot.wall.pass_(timedelta(seconds=0.001))
    (delivery,) = await bot.service.deliver()
    assert delivery.outcome is Delivered.POSTED
    assert max(waits) <= SLOWEST_RETRY.total_seconds()


async def test_a_message_that_is_gone_is_posted_anew(start: Start) -> None:
    bot = await start(999, 4999)
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=5))
    await bot.service.poll()
    bot.channel.refusals.append(NotDelivered("message_not_found", gone=True))
    (delivery,) = await bot.service.deliver()
    assert (delivery.outcome, delivery.error) == (Delivered.GONE, "message_not_found")
    (delivery,) = await bot.service.deliver()
    assert (delivery.outcome, delivery.kind) == (Delivered.POSTED, Kind.OPENED)
    assert bot.channel.told == ["opened low critical", "opened low warning"]
    assert bot.channel.posts[-1].root == ""


async def test_an_edit_that_slack_refuses_for_now_is_made_later(start: Start) -> None:
    bot = await start(999, 4999)
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=5))
    await bot.service.poll()
    bot.channel.refusals.append(NotDelivered("ratelimited", retry_after=1))
    (delivery,) = await bot.service.deliver()
    assert delivery.outcome is Delivered.REFUSED
    bot.wall.pass_(timedelta(minutes=1))
    (delivery,) = await bot.service.deliver()
    assert delivery.outcome is Delivered.EDITED


@pytest.mark.parametrize(
    ("fault", "repeats"), [(NotBuilt("no such sentence"), False), (LookupError("no such method"), True)]
)
async def test_a_fault_of_ours_keeps_no_other_waiting_and_what_was_not_even_built_is_no_repeat(
    start: Start, fault: Exception, *, repeats: bool
) -> None:
    bot = await start(0, accounts=(WATCHED, account(WARNING, name="other", channel="C2")), other=(4999,))
    bot.channel.broken = lambda due: fault if due.channel == WATCHED.channel else None
    await bot.service.poll()
    with pytest.raises(type(fault)):
        await bot.service.deliver()
    assert bot.channel.told == ["opened low warning"]
    (waiting,) = await bot.service.people.undelivered()
    assert (waiting.channel, waiting.error) == (WATCHED.channel, "internal")
    bot.channel.broken = lambda _: None
    bot.wall.pass_(timedelta(minutes=10))
    await bot.service.deliver()
    assert bot.channel.told == ["opened low warning", "opened low empty"]
    assert bot.channel.posts[-1].repeat is repeats


async def test_an_edit_that_cannot_be_built_is_put_off_and_keeps_no_other_waiting(start: Start) -> None:
    bot = await start(4999, 4000, accounts=(WATCHED, account(WARNING, name="other")), other=(4999, 4000))
    await bot.cycle()
    bot.channel.refusals.append(NotBuilt("no such sentence"))
    bot.wall.pass_(timedelta(minutes=2))
    await bot.service.poll()
    bot.wall.pass_(timedelta(minutes=1))
    with pytest.raises(NotBuilt):
        await bot.service.deliver()
    assert [edit.episode.account for edit in bot.channel.edits] == ["other"]
    assert await bot.service.deliver() == ()
    bot.wall.pass_(timedelta(minutes=10))
    await bot.service.deliver()
    assert [edit.episode.account for edit in bot.channel.edits] == ["other", "sms"]


async def test_once_the_database_is_away_nothing_more_is_told_for_it_could_not_be_marked(
    start: Start, database: Database
) -> None:
    class Undermined(Channel):
        async def post(self, due: Due) -> str:
            if not self.posts:
                async with database.transaction() as connection:
                    await connection.execute(text("ALTER TABLE smscredits_notice RENAME TO gone"))
            return await super().post(due)

    bot = await start(0, accounts=(WATCHED, account(name="other")), channel=Undermined(), other=(0,))
    await bot.service.poll()
    with pytest.raises(StoreAway):
        await bot.service.deliver()
    assert len(bot.channel.posts) == 1


async def test_two_deliveries_at_once_tell_once(start: Start) -> None:
    bot = await start(4999)
    await bot.service.poll()
    await asyncio.gather(*(bot.service.deliver() for _ in range(4)))
    assert bot.channel.told == ["opened low warning"]


async def test_closing_ends_the_readings_in_flight(start: Start) -> None:
    bot = await start(9000)
    bot.provider.may_answer.clear()
    polling = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    await bot.service.close()
    with pytest.raises(asyncio.CancelledError):
        await polling


async def test_a_reminder_goes_out_and_missed_ones_are_not_made_up(start: Start) -> None:
    bot = await start(999)
    await bot.cycle()
    for hours, told in ((3.9, 0), (0.1, 1), (3.9, 1), (25, 2)):
        bot.wall.pass_(timedelta(hours=hours))
        await bot.service.remind()
        await bot.service.deliver()
        assert bot.channel.told[1:] == ["reminder low critical"] * told


async def test_after_an_unknown_outcome_it_is_told_again_and_says_so(start: Start) -> None:
    bot = await start(4999)
    bot.channel.refusals.append(NotDelivered("timeout", unknown=True))
    (delivery,) = await bot.service.poll() and await bot.service.deliver()
    assert delivery.outcome is Delivered.UNKNOWN
    assert [one.error for one in await bot.service.people.undelivered()] == ["timeout"]
    bot.wall.pass_(timedelta(minutes=1))
    await bot.service.deliver()
    assert [due.repeat for due in bot.channel.posts] == [True]
    assert await bot.service.people.undelivered() == ()
