import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from bot.core.form import Embellishment
from bot.core.notice import Due, Kind
from bot.core.unusable import Unusable
from bot.ports import EmbellishmentRefused, NotBuilt, NotDelivered, StoreAway
from bot.service.courier import LONGEST_ROUND, Delivered
from bot.service.sender import SLOWEST_RETRY, Sender
from bot.store import Database
from tests.samples import WARNING, WATCHED, account, credit
from tests.service.bot import Channel, Start


async def test_each_channel_is_greeted_once_for_ever(start: Start) -> None:
    accounts = (WATCHED, account(name="a"), account(name="b", channel="C2"))
    bot = await start(9000, accounts=accounts, a=(9000,), b=(9000,), greeted=False)
    for _ in range(2):
        await bot.service.greet()
    await bot.deliver()
    again = await start(9000, accounts=accounts, a=(9000,), b=(9000,), channel=bot.channel)
    await again.service.greet()
    await again.deliver()
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
    (delivery,) = await bot.deliver()
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
    assert await bot.deliver() == ()
    assert bot.channel.edits == []


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [
        (NotDelivered("network"), [5, 10, 20, 40, 80, 160, 320, 600, 600]),
        (NotDelivered("not_in_channel", permanent=True), [40, 80, 160, 320, 600, 600]),
        (NotDelivered("ratelimited", retry_after=30), [30, 30, 30]),
    ],
)
async def test_it_is_tried_again_less_and_less_often_and_for_ever(
    start: Start, refusal: NotDelivered, waits: list[int]
) -> None:
    bot = await start(4999)
    await bot.service.poll()
    for wait in waits:
        bot.channel.refusals.append(refusal)
        (delivery,) = await bot.deliver()
        assert (delivery.outcome, delivery.error) == (Delivered.REFUSED, refusal.error)
        assert delivery.retry_at == bot.wall.now() + timedelta(seconds=wait)
        if wait:
            bot.wall.pass_(timedelta(seconds=wait - 0.001))
            assert await bot.deliver() == ()
            bot.wall.pass_(timedelta(seconds=0.001))
    (delivery,) = await bot.deliver()
    assert delivery.outcome is Delivered.POSTED
    assert max(waits) <= SLOWEST_RETRY.total_seconds()


async def test_a_channel_that_refuses_for_good_is_tried_with_one_message_for_all_that_wait(
    start: Start,
) -> None:
    names = [f"account-{number:02}" for number in range(20)]
    other = account(WARNING, name="other", channel="C2")
    accounts = (*(account(WARNING, name=name) for name in names), other)
    bot = await start(accounts=accounts, **dict.fromkeys((*names, "other"), (4999,)))
    refused: list[datetime] = []

    def broken(due: Due) -> Exception | None:
        if due.channel == "C2":
            return None
        refused.append(bot.wall.now())
        return NotDelivered("not_in_channel", permanent=True)

    bot.channel.broken = broken
    await bot.service.poll()
    began_at = bot.wall.now()
    while bot.wall.now() < began_at + timedelta(minutes=10):
        await bot.service.deliver()
        bot.wall.pass_(timedelta(seconds=1))
    assert [round((at - began_at).total_seconds()) for at in refused] == [0, 40, 120, 280]
    assert len(bot.channel.posts) == 1
    bot.channel.broken = lambda _: None
    bot.wall.pass_(timedelta(minutes=10))
    await bot.deliver()
    assert len(bot.channel.posts) == 21


async def test_a_message_that_is_gone_is_posted_anew(start: Start) -> None:
    bot = await start(999, 4999)
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=5))
    await bot.service.poll()
    bot.channel.refusals.append(NotDelivered("message_not_found", gone=True))
    gone, posted = await bot.deliver()
    assert (gone.outcome, gone.error) == (Delivered.GONE, "message_not_found")
    assert (posted.outcome, posted.kind) == (Delivered.POSTED, Kind.OPENED)
    assert bot.channel.told == ["opened low critical", "opened low warning"]
    assert bot.channel.posts[-1].root == ""


async def test_an_edit_that_slack_refuses_for_now_is_made_later(start: Start) -> None:
    bot = await start(999, 4999)
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=5))
    await bot.service.poll()
    bot.channel.refusals.append(NotDelivered("ratelimited", retry_after=1))
    (delivery,) = await bot.deliver()
    assert delivery.outcome is Delivered.REFUSED
    bot.wall.pass_(timedelta(minutes=1))
    (delivery,) = await bot.deliver()
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
        await bot.deliver()
    assert bot.channel.told == ["opened low warning"]
    (waiting,) = await bot.service.people.undelivered()
    assert (waiting.channel, waiting.error) == (WATCHED.channel, "internal")
    bot.channel.broken = lambda _: None
    bot.wall.pass_(timedelta(minutes=10))
    await bot.deliver()
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
        await bot.deliver()
    await bot.deliver()
    assert [edit.episode.account for edit in bot.channel.edits] == ["other"]
    assert await bot.deliver() == ()
    bot.wall.pass_(timedelta(minutes=10))
    await bot.deliver()
    assert [edit.episode.account for edit in bot.channel.edits] == ["other", "sms"]


async def test_once_the_database_is_away_nothing_more_is_told_for_it_could_not_be_marked(
    start: Start, database: Database
) -> None:
    class Undermined(Channel):
        async def post(self, due: Due, bare: frozenset[Embellishment]) -> str:
            if not self.posts:
                async with database.transaction() as connection:
                    await connection.execute(text("ALTER TABLE smscredits_notice RENAME TO gone"))
            return await super().post(due, bare)

    bot = await start(0, accounts=(WATCHED, account(name="other")), channel=Undermined(), other=(0,))
    await bot.service.poll()
    with pytest.raises(StoreAway):
        await bot.deliver()
    assert len(bot.channel.posts) == 1


async def test_two_deliveries_at_once_tell_once(start: Start) -> None:
    bot = await start(4999)
    await bot.service.poll()
    await asyncio.gather(*(bot.deliver() for _ in range(4)))
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
        await bot.deliver()
        assert bot.channel.told[1:] == ["reminder low critical"] * told


async def test_after_an_unknown_outcome_it_is_told_again_and_says_so(start: Start) -> None:
    bot = await start(4999)
    bot.channel.refusals.append(NotDelivered("timeout", unknown=True))
    (delivery,) = await bot.service.poll() and await bot.deliver()
    assert delivery.outcome is Delivered.UNKNOWN
    assert [one.error for one in await bot.service.people.undelivered()] == ["timeout"]
    bot.wall.pass_(timedelta(minutes=1))
    await bot.deliver()
    assert [due.repeat for due in bot.channel.posts] == [True]
    assert await bot.service.people.undelivered() == ()


# The pace of a channel

MANY = tuple(account(WARNING, name=f"a{number}") for number in range(6))
LOW = {one.name: (4999,) for one in MANY}


async def test_a_channel_gets_one_post_a_second_the_worst_first_and_none_holds_up_another_channel(
    start: Start,
) -> None:
    other = account(WARNING, name="other", channel="C2")
    bot = await start(accounts=(*MANY, other), other=(4999,), **{**LOW, "a4": (0,)})
    await bot.service.poll()
    again_at: list[datetime] = []
    first = await bot.service.deliver(again_at.append)
    assert {one.channel for one in first} == {WATCHED.channel, "C2"}
    assert set(bot.channel.told) == {"opened low empty", "opened low warning"}
    assert min(again_at) == bot.wall.now() + timedelta(seconds=1)
    assert await bot.service.deliver() == ()
    began_at = bot.wall.now()
    await bot.deliver()
    assert len(bot.channel.posts) == len(MANY) + 1
    assert bot.wall.now() - began_at == timedelta(seconds=len(MANY) - 1)


async def test_a_wait_holds_every_message_of_the_channel_also_after_a_restart_and_no_other(
    start: Start,
) -> None:
    other = account(WARNING, name="other", channel="C2")
    bot = await start(accounts=(*MANY, other), other=(9000, 4999), **LOW)
    await bot.service.poll()
    bot.channel.refusals.append(NotDelivered("ratelimited", retry_after=30))
    refused_at = bot.wall.now()
    assert [one.outcome for one in await bot.deliver()] == [Delivered.REFUSED]
    bot.wall.pass_(timedelta(seconds=10))
    await bot.service.poll()
    await bot.deliver()
    await bot.service.step_down()
    later = await start(accounts=(*MANY, other), other=(4999,), channel=bot.channel, name="later", **LOW)
    bot.wall.pass_(timedelta(seconds=10))
    await later.service.poll()
    again_at: list[datetime] = []
    await later.service.deliver(again_at.append)
    assert refused_at + timedelta(seconds=30) in again_at
    assert [due.channel for due in bot.channel.posts] == ["C2"]
    bot.wall.time = refused_at + timedelta(seconds=30)
    await later.deliver()
    assert len(bot.channel.posts) == len(MANY) + 1


async def test_edits_keep_the_pace_and_the_wait_too_and_come_after_posts(start: Start) -> None:
    bot = await start(accounts=MANY, **{one.name: (4999, 4000) for one in MANY})
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=2))
    await bot.service.poll()
    bot.wall.pass_(timedelta(minutes=1))
    bot.channel.refusals.append(NotDelivered("ratelimited", retry_after=50))
    again_at: list[datetime] = []
    (delivery,) = await bot.service.deliver(again_at.append)
    assert (delivery.outcome, delivery.kind) == (Delivered.REFUSED, None)
    assert await bot.deliver() == ()
    assert again_at == [bot.wall.now() + timedelta(seconds=50)] * 2
    bot.wall.pass_(timedelta(seconds=50))
    began_at, attempts = bot.wall.now(), bot.channel.attempts
    await bot.deliver()
    assert bot.wall.now() - began_at == timedelta(seconds=len(MANY) - 1)
    assert bot.channel.attempts == attempts + len(MANY)


async def test_a_channel_that_hangs_keeps_no_other_waiting(start: Start) -> None:
    other = account(WARNING, name="other", channel="C2")

    class Hanging(Channel):
        async def post(self, due: Due, bare: frozenset[Embellishment]) -> str:
            if due.channel != "C2":
                return await super().post(due, bare)
            self.posts.append(due)
            return "1784721900.000002"

    bot = await start(0, accounts=(WATCHED, other), other=(4999, 0), channel=Hanging())
    bot.channel.may_post.clear()
    await bot.service.poll()
    free = asyncio.Event()
    hangs = asyncio.create_task(bot.service.deliver(lambda _: free.set()))
    await free.wait()
    bot.wall.pass_(timedelta(seconds=1))
    await bot.service.poll()
    (worse,) = await bot.service.deliver()
    assert (worse.channel, worse.kind) == ("C2", Kind.WORSE)
    bot.wall.pass_(LONGEST_ROUND)
    # For a lease that is to be passed on nothing more is begun until all has come to an end.
    assert await bot.service.deliver() == ()
    bot.channel.may_post.set()
    await hangs


# What a channel does not take


@pytest.mark.parametrize(
    ("embellishment", "error"),
    [
        (Embellishment.MENTION, "restricted_action"),
        (Embellishment.BLOCKS, "invalid_blocks_format"),
        (Embellishment.METADATA, "metadata_too_large"),
    ],
)
async def test_a_message_refused_for_an_embellishment_goes_out_barer_a_second_later_and_so_for_a_day(
    start: Start, embellishment: Embellishment, error: str
) -> None:
    bot = await start(4999, 0, 0)
    bot.channel.dislikes[embellishment] = error
    await bot.service.poll()
    barer, posted = await bot.deliver()
    assert (barer.outcome, barer.error, barer.left_out) == (
        Delivered.BARER,
        error,
        frozenset({embellishment}),
    )
    assert (posted.outcome, bot.channel.bare) == (Delivered.POSTED, [frozenset({embellishment})])
    assert await bot.service.people.undelivered() == ()
    await bot.service.poll()
    assert [one.outcome for one in await bot.deliver()] == [Delivered.POSTED, Delivered.EDITED]
    assert bot.channel.attempts == 4
    bot.channel.dislikes.clear()
    bot.wall.pass_(timedelta(hours=24))
    await bot.service.remind()
    await bot.deliver()
    assert bot.channel.bare[-1] == frozenset()


async def test_replies_refused_for_good_are_posted_at_the_top_and_the_living_message_lives_on(
    start: Start,
) -> None:
    bot = await start(4999, 0, 9000)
    bot.channel.dislikes[Embellishment.THREAD] = "cannot_reply_to_message"
    for _ in range(3):
        await bot.cycle()
    assert bot.channel.told == ["opened low warning", "worse low empty", "ended low empty"]
    assert [due.root for due in bot.channel.posts[1:]] == ["1784721900.000001"] * 2
    assert [edit.root for edit in bot.channel.edits] == ["1784721900.000001"] * len(bot.channel.edits)
    assert bot.channel.edits


async def test_an_edit_refused_for_its_blocks_is_made_barer(start: Start) -> None:
    bot = await start(4999, 4000)
    await bot.cycle()
    bot.channel.dislikes[Embellishment.BLOCKS] = "invalid_blocks"
    bot.wall.pass_(timedelta(minutes=2))
    await bot.service.poll()
    bot.wall.pass_(timedelta(minutes=1))
    assert [one.outcome for one in await bot.deliver()] == [Delivered.BARER, Delivered.EDITED]
    assert bot.channel.bare[-1] == {Embellishment.BLOCKS}


async def test_a_message_refused_in_every_form_is_refused_itself_and_forgives_what_it_wore(
    start: Start,
) -> None:
    bot = await start(4999)
    bot.channel.refusals.extend([NotDelivered("restricted_action", permanent=True) for _ in range(2)])
    await bot.service.poll()
    barer, refused = await bot.deliver()
    assert (barer.outcome, refused.outcome, refused.error) == (
        Delivered.BARER,
        Delivered.REFUSED,
        "restricted_action",
    )
    assert [one.error for one in await bot.service.people.undelivered()] == ["restricted_action"]
    bot.wall.pass_(SLOWEST_RETRY)
    await bot.deliver()
    assert bot.channel.bare == [frozenset()]


async def test_an_unknown_outcome_is_never_followed_by_a_barer_form(start: Start) -> None:
    bot = await start(4999)
    bot.channel.refusals.append(NotDelivered("internal_error", unknown=True))
    await bot.service.poll()
    (delivery,) = await bot.deliver()
    assert delivery.outcome is Delivered.UNKNOWN
    bot.wall.pass_(timedelta(minutes=1))
    await bot.deliver()
    assert (bot.channel.bare, bot.channel.posts[0].repeat) == ([frozenset()], True)


async def test_the_line_of_an_outage_keeps_the_pace_and_the_form_that_the_channel_takes(start: Start) -> None:
    bot = await start(4999)
    sender = Sender(bot.channel, bot.wall)
    bot.channel.dislikes[Embellishment.METADATA] = "invalid_metadata_schema"
    with pytest.raises(EmbellishmentRefused):
        await sender.say("C1", away=StoreAway(Unusable.REFUSED))
    with pytest.raises(NotDelivered) as held:
        await sender.say("C1", away=StoreAway(Unusable.REFUSED))
    assert (held.value.error, bot.channel.attempts) == ("ratelimited", 1)
    bot.wall.pass_(timedelta(seconds=1))
    await sender.say("C1", away=StoreAway(Unusable.REFUSED))
    assert bot.channel.said == [("C1", True)]
