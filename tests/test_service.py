import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.core.model import (
    Account,
    Cause,
    Credits,
    Due,
    Edit,
    Failure,
    Kind,
    Level,
    Policy,
    Reading,
    Reason,
)
from bot.ports import NotDelivered, StoreAway, Unreadable
from bot.service import FRESH, SLOWEST_RETRY, Delivered, Polled, Service
from bot.store import Database, SqlOutbox, SqlWatches
from tests.samples import CRITICAL, DOWN, NO_CREDIT, NOW, WARNING, WATCHED, WRONG_KEY, account, credit


@dataclass
class Wall:
    """A clock on the wall, whose hands the test moves."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def pass_(self, span: timedelta) -> None:
        self.time += span


class Provider:
    """A source that says what the test has written down, the last of it for ever, and counts the askers."""

    def __init__(self, *script: int | Failure | Exception) -> None:
        self.script = deque(script)
        self.asked = 0
        self.asking = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, account: Account) -> Credits:
        self.asked += 1
        self.asking.set()
        await self.may_answer.wait()
        found = self.script.popleft() if len(self.script) > 1 else self.script[0]
        if isinstance(found, Failure):
            raise Unreadable(found)
        if isinstance(found, Exception):
            raise found
        return credit(found)


@dataclass
class Channel:
    """A messenger that keeps what it was given, or refuses as the test has written down."""

    posts: list[Due] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    refusals: deque[Exception] = field(default_factory=deque)
    broken: Callable[[Due], bool] = lambda _: False

    async def post(self, due: Due) -> str:
        if self.broken(due):
            raise LookupError("no such sentence")
        if self.refusals:
            raise self.refusals.popleft()
        self.posts.append(due)
        return f"1784721900.{len(self.posts):06}"

    async def edit(self, edit: Edit) -> None:
        if self.refusals:
            raise self.refusals.popleft()
        self.edits.append(edit)

    @property
    def told(self) -> list[str]:
        """What was posted, in short."""
        return [
            f"{due.kind} {due.episode.trouble} {due.episode.level.name.lower()}"
            if due.episode
            else due.kind.value
            for due in self.posts
        ]


@dataclass
class Bot:
    """A service over the real store, with all that stands around it."""

    service: Service
    providers: Mapping[str, Provider]
    channel: Channel
    wall: Wall
    watches: SqlWatches

    @property
    def provider(self) -> Provider:
        return self.providers["sms"]

    async def cycle(self, after: timedelta = timedelta(minutes=5)) -> tuple[Polled, ...]:
        """Poll and deliver, as the schedule does, after some time has passed."""
        self.wall.pass_(after)
        polled = await self.service.poll()
        await self.service.deliver()
        return polled


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'smscredits.db'}")
    await opened.migrate()
    yield opened
    await opened.close()


Start = Callable[..., Bot]


@pytest.fixture
async def start(database: Database) -> AsyncIterator[Start]:
    """Start the bot, as often as a test likes: on the same store, as after a restart."""
    running: list[Service] = []
    wall = Wall()

    def begin(
        *script: int | Failure | Exception,
        accounts: tuple[Account, ...] = (WATCHED,),
        channel: Channel | None = None,
        store: Database = database,
        **scripts: tuple[int | Failure | Exception, ...],
    ) -> Bot:
        providers = {name: Provider(*said) for name, said in ({"sms": script} | scripts).items() if said}
        channel = channel or Channel()
        watches = SqlWatches(store)
        service = Service(
            accounts=accounts,
            policy=Policy(),
            sources=providers,
            watches=watches,
            outbox=SqlOutbox(store),
            messenger=channel,
            clock=wall,
        )
        running.append(service)
        return Bot(service, providers, channel, wall, watches)

    yield begin
    for service in running:
        await service.close()


@pytest.fixture
async def away() -> AsyncIterator[Database]:
    """Return a database that does not answer."""
    nowhere = Database("postgresql+psycopg://bot@127.0.0.1:1/bot")
    yield nowhere
    await nowhere.close()


# The poll


async def test_a_poll_reads_judges_stores_and_says_why(start: Start) -> None:
    bot = start(4999)
    (polled,) = await bot.service.poll()
    assert polled.account == "sms"
    assert polled.outcome == Reading(NOW, credit(4999))
    assert polled.step is not None
    assert polled.step.reasons == (Reason.OPENED,)
    assert await bot.watches.watch("sms") == polled.step.watch


async def test_what_is_low_is_told_once_and_its_end_too_whatever_restarts_between(start: Start) -> None:
    bot = start(9000, 4999, 4998, 999, 999)
    for _ in range(5):
        await bot.cycle()
    again = start(999, 9000, 9000, channel=bot.channel)
    for _ in range(3):
        await again.cycle()
    assert bot.channel.told == ["opened low warning", "worse low critical", "ended low critical"]
    roots = [due.root for due in bot.channel.posts]
    assert roots == ["", "1784721900.000001", "1784721900.000001"]
    assert bot.channel.edits[-1].episode.ended_at is not None


async def test_silence_is_told_after_the_third_failed_poll_and_its_end_with_the_first_reading(
    start: Start,
) -> None:
    bot = start(DOWN, DOWN, 9000, DOWN, DOWN, DOWN, DOWN, 9000)
    for _ in range(8):
        await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning", "ended unreadable warning"]


async def test_the_count_of_failed_polls_outlives_a_restart(start: Start) -> None:
    for _ in range(2):
        await start(DOWN).cycle()
    bot = start(DOWN)
    await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning"]


async def test_an_account_still_in_flight_is_skipped_and_not_waited_for(start: Start) -> None:
    bot = start(9000)
    bot.provider.may_answer.clear()
    first = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    assert await bot.service.poll() == (Polled("sms"),)
    bot.provider.may_answer.set()
    (polled,) = await first
    assert polled.step is not None
    assert bot.provider.asked == 1


async def test_an_account_that_hangs_keeps_no_other_from_being_read(start: Start) -> None:
    bot = start(9000, accounts=(WATCHED, account(CRITICAL, name="other")), other=(500,))
    bot.provider.may_answer.clear()
    hanging = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    async with asyncio.timeout(5):
        while not bot.channel.posts:
            await bot.service.deliver()
    assert bot.channel.told == ["opened low critical"]
    assert not hanging.done()
    bot.provider.may_answer.set()
    assert {polled.account for polled in await hanging} == {"sms", "other"}


async def test_a_source_that_fails_in_a_way_nobody_thought_of_keeps_no_other_from_being_read(
    start: Start,
) -> None:
    bot = start(ZeroDivisionError(), accounts=(WATCHED, account(CRITICAL, name="other")), other=(500,))
    with pytest.raises(ZeroDivisionError):
        await bot.service.poll()
    assert (await bot.watches.watch("other")).low is not None


async def test_a_reading_that_takes_too_long_is_a_failure(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.READ_SECONDS", 0.02)
    bot = start(9000)
    bot.provider.may_answer.clear()
    (polled,) = await bot.service.poll()
    assert polled.outcome == Failure(Cause.TIMEOUT)


# The status


async def test_a_command_reads_live_and_its_good_reading_counts_like_a_poll_s(start: Start) -> None:
    bot = start(4999)
    (status,) = await bot.service.status()
    assert status.reading == Reading(NOW, credit(4999))
    assert status.failure is None
    assert status.watch == await bot.watches.watch("sms")
    assert status.watch.level is Level.WARNING
    await bot.service.deliver()
    assert bot.channel.told == ["opened low warning"]


@pytest.mark.parametrize("failure", [DOWN, WRONG_KEY, NO_CREDIT])
async def test_a_failed_reading_for_a_command_is_shown_with_the_last_good_one_and_not_counted(
    start: Start, failure: Failure
) -> None:
    bot = start(9000, failure)
    await bot.cycle()
    bot.wall.pass_(FRESH)
    for _ in range(5):
        (status,) = await bot.service.status()
        assert (status.failure, status.reading) == (
            failure,
            Reading(NOW + timedelta(minutes=5), credit(9000)),
        )
    watch = await bot.watches.watch("sms")
    assert (watch.failures, watch.unreadable) == (0, None)


async def test_a_failed_reading_without_any_good_one_shows_none(start: Start) -> None:
    (status,) = await start(DOWN).service.status()
    assert (status.failure, status.reading) == (DOWN, None)


async def test_simultaneous_commands_share_one_call(start: Start) -> None:
    bot = start(4999, 0)
    bot.provider.may_answer.clear()
    asking = [asyncio.create_task(bot.service.status()) for _ in range(5)]
    polling = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    bot.provider.may_answer.set()
    answers = [answer for (answer,) in await asyncio.gather(*asking)]
    (polled,) = await polling
    assert bot.provider.asked == 1
    assert {answer.reading and answer.reading.began_at for answer in answers} == {NOW}
    assert {answer.watch.level for answer in answers} == {Level.WARNING}
    assert polled.outcome == Reading(NOW, credit(4999))
    await bot.service.deliver()
    assert bot.channel.told == ["opened low warning"]


async def test_who_gives_up_waiting_does_not_take_the_answer_from_the_others(start: Start) -> None:
    bot = start(4999)
    bot.provider.may_answer.clear()
    hasty, patient = (asyncio.create_task(bot.service.status()) for _ in range(2))
    await bot.provider.asking.wait()
    hasty.cancel()
    bot.provider.may_answer.set()
    (status,) = await patient
    assert status.watch.level is Level.WARNING


@pytest.mark.parametrize(
    ("age", "asked"), [(timedelta(0), 1), (FRESH - timedelta(milliseconds=1), 1), (FRESH, 2), (FRESH * 2, 2)]
)
async def test_an_answer_younger_than_ten_seconds_is_reused(start: Start, age: timedelta, asked: int) -> None:
    bot = start(4999, 999)
    await bot.service.status()
    bot.wall.pass_(age)
    (status,) = await bot.service.status()
    assert bot.provider.asked == asked
    assert status.watch.level is (Level.WARNING if asked == 1 else Level.CRITICAL)


async def test_a_failure_is_not_reused(start: Start) -> None:
    bot = start(DOWN, 9000)
    await bot.service.status()
    (status,) = await bot.service.status()
    assert status.failure is None


async def test_every_account_answers_or_the_one_that_is_named(start: Start) -> None:
    bot = start(9000, accounts=(WATCHED, account(name="other")), other=(DOWN,))
    assert [status.account.name for status in await bot.service.status()] == ["sms", "other"]
    assert [status.account.name for status in await bot.service.status("other")] == ["other"]
    assert await bot.service.status("nobody") == ()


# The database away


async def test_with_the_database_away_nothing_is_judged(start: Start, away: Database) -> None:
    bot = start(0, store=away)
    assert await bot.service.poll() == (Polled("sms", Reading(NOW, credit(0))),)
    with pytest.raises(StoreAway):
        await bot.service.deliver()
    with pytest.raises(StoreAway):
        await bot.service.greet()
    assert bot.channel.posts == []


@pytest.mark.parametrize(("sms", "level"), [(9000, Level.OK), (4999, Level.WARNING), (0, Level.EMPTY)])
async def test_with_the_database_away_commands_are_still_answered_live(
    start: Start, away: Database, sms: int, level: Level
) -> None:
    (status,) = await start(sms, store=away).service.status()
    assert (status.watch.level, status.reading, status.failure) == (level, Reading(NOW, credit(sms)), None)


async def test_with_provider_and_database_away_the_last_reading_is_still_known(
    start: Start, away: Database
) -> None:
    bot = start(9000, DOWN, store=away)
    await bot.service.status()
    bot.wall.pass_(timedelta(hours=1))
    (status,) = await bot.service.status()
    assert (status.failure, status.reading) == (DOWN, Reading(NOW, credit(9000)))


# Greeting and delivery


async def test_each_channel_is_greeted_once_for_ever(start: Start) -> None:
    accounts = (WATCHED, account(name="a"), account(name="b", channel="C2"))
    bot = start(9000, accounts=accounts, a=(9000,), b=(9000,))
    for _ in range(2):
        await bot.service.greet()
    await bot.service.deliver()
    again = start(9000, accounts=accounts, a=(9000,), b=(9000,), channel=bot.channel)
    await again.service.greet()
    await again.service.deliver()
    assert [(due.kind, due.channel) for due in bot.channel.posts] == [
        (Kind.HELLO, WATCHED.channel),
        (Kind.HELLO, "C2"),
    ]


async def test_the_living_message_shows_a_change_of_figures_a_minute_later(start: Start) -> None:
    bot = start(4999, 4990, 4990, 4990)
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
    bot = start(4999, 999, 9000)
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
    bot = start(4999)
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
    bot = start(999, 4999)
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
    bot = start(999, 4999)
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=5))
    await bot.service.poll()
    bot.channel.refusals.append(NotDelivered("ratelimited", retry_after=1))
    (delivery,) = await bot.service.deliver()
    assert delivery.outcome is Delivered.REFUSED
    bot.wall.pass_(timedelta(minutes=1))
    (delivery,) = await bot.service.deliver()
    assert delivery.outcome is Delivered.EDITED


async def test_a_message_that_cannot_be_built_keeps_no_other_waiting(start: Start) -> None:
    bot = start(0, accounts=(WATCHED, account(WARNING, name="other", channel="C2")), other=(4999,))
    bot.channel.broken = lambda due: due.channel == WATCHED.channel
    await bot.service.poll()
    for _ in range(2):
        with pytest.raises(LookupError):
            await bot.service.deliver()
    assert bot.channel.told == ["opened low warning"]
    bot.channel.broken = lambda _: False
    await bot.service.deliver()
    assert bot.channel.told == ["opened low warning", "opened low empty"]


async def test_once_the_database_is_away_nothing_more_is_told_for_it_could_not_be_marked(
    start: Start, database: Database
) -> None:
    class Undermined(Channel):
        async def post(self, due: Due) -> str:
            if not self.posts:
                async with database.transaction() as connection:
                    await connection.execute(text("ALTER TABLE notice RENAME TO gone"))
            return await super().post(due)

    bot = start(0, accounts=(WATCHED, account(name="other")), channel=Undermined(), other=(0,))
    await bot.service.poll()
    with pytest.raises(StoreAway):
        await bot.service.deliver()
    assert len(bot.channel.posts) == 1


async def test_two_deliveries_at_once_tell_once(start: Start) -> None:
    bot = start(4999)
    await bot.service.poll()
    await asyncio.gather(*(bot.service.deliver() for _ in range(4)))
    assert bot.channel.told == ["opened low warning"]


async def test_closing_ends_the_readings_in_flight(start: Start) -> None:
    bot = start(9000)
    bot.provider.may_answer.clear()
    polling = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    await bot.service.close()
    with pytest.raises(asyncio.CancelledError):
        await polling
