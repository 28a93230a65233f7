import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.core.model import Account, Cause, Credits, Failure, Level, Policy, Reading, Watch
from bot.core.mute import Decision
from bot.core.notice import Due, Edit, Kind, Reason, Step
from bot.ports import NotDelivered, NotLeading, StoreAway, Unreadable
from bot.service import FRESH, Polled, Service
from bot.service.courier import SLOWEST_RETRY, Delivered
from bot.store import Database, SqlLease, SqlOutbox, SqlRounds, SqlWatches, Terms
from tests.samples import CRITICAL, DOWN, NO_CREDIT, NOW, WARNING, WATCHED, WRONG_KEY, account, credit, rule
from tests.store.conftest import postgresql
from tests.store.server import database_of
from tests.test_cost import Count

__all__ = ["postgresql"]  # a fixture


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


def opened(gate: asyncio.Event) -> asyncio.Event:
    gate.set()
    return gate


class HesitantLease(SqlLease):
    """A lease that may be made to wait for its answer."""

    def __init__(self, database: Database, name: str, terms: Terms) -> None:
        super().__init__(database, name, terms)
        self.asking = asyncio.Event()
        self.may_answer = opened(asyncio.Event())

    async def hold(self, *, may_pass: bool = True) -> bool:
        self.asking.set()
        await self.may_answer.wait()
        return await super().hold(may_pass=may_pass)


@dataclass
class Channel:
    """A messenger that keeps what it was given, or refuses as the test has written down."""

    posts: list[Due] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    said: list[tuple[str, bool]] = field(default_factory=list)
    refusals: deque[Exception] = field(default_factory=deque)
    broken: Callable[[Due], bool] = lambda _: False
    posting: asyncio.Event = field(default_factory=asyncio.Event)
    may_post: asyncio.Event = field(default_factory=lambda: opened(asyncio.Event()))

    async def post(self, due: Due) -> str:
        self.posting.set()
        await self.may_post.wait()
        if self.broken(due):
            raise LookupError("no such sentence")
        if self.refusals:
            raise self.refusals.popleft()
        self.posts.append(due)
        return f"1784721900.{len(self.posts):06}"

    async def say(self, channel: str, *, away: bool) -> None:
        self.said.append((channel, away))

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
    lease: HesitantLease

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


async def forget_the_greetings(outbox: SqlOutbox) -> None:
    """Have every channel greeted already, so that tests speak of the rest."""
    for owed in await outbox.due(NOW):
        due = await outbox.claim(owed, NOW) if owed.notice else None
        if due:
            await outbox.sent(due, "1.1", NOW)


Start = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def start(database: Database) -> AsyncIterator[Start]:
    """Start the bot, as often as a test likes: on the same store, as after a restart."""
    running: list[Service] = []
    wall = Wall()

    async def begin(
        *script: int | Failure | Exception,
        accounts: tuple[Account, ...] = (WATCHED,),
        channel: Channel | None = None,
        store: Database = database,
        leads: bool = True,
        greeted: bool = True,
        name: str = "this-process",
        terms: Terms = Terms(),  # noqa: B008 - frozen
        **scripts: tuple[int | Failure | Exception, ...],
    ) -> Bot:
        providers = {name: Provider(*said) for name, said in ({"sms": script} | scripts).items() if said}
        channel = channel or Channel()
        lease = HesitantLease(store, name, terms)
        watches, outbox = SqlWatches(store, lease), SqlOutbox(store, lease)
        service = Service(
            accounts=accounts,
            policy=Policy(),
            sources=providers,
            watches=watches,
            outbox=outbox,
            rounds=SqlRounds(store, lease),
            lease=lease,
            poll_interval=timedelta(minutes=5),
            messenger=channel,
            clock=wall,
        )
        running.append(service)
        if leads:
            await service.lead()
        if leads and greeted:
            await forget_the_greetings(outbox)
        return Bot(service, providers, channel, wall, watches, lease)

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
    bot = await start(4999)
    (polled,) = await bot.service.poll()
    assert polled.account == "sms"
    assert polled.outcome == Reading(NOW, credit(4999))
    assert polled.step is not None
    assert polled.step.reasons == (Reason.OPENED,)
    assert await bot.watches.watch("sms") == polled.step.watch


async def test_what_is_low_is_told_once_and_its_end_too_whatever_restarts_between(start: Start) -> None:
    bot = await start(9000, 4999, 4998, 999, 999)
    for _ in range(5):
        await bot.cycle()
    again = await start(999, 9000, 9000, channel=bot.channel)
    for _ in range(3):
        await again.cycle()
    assert bot.channel.told == ["opened low warning", "worse low critical", "ended low critical"]
    roots = [due.root for due in bot.channel.posts]
    assert roots == ["", "1784721900.000001", "1784721900.000001"]
    assert bot.channel.edits[-1].episode.ended_at is not None


async def test_silence_is_told_after_the_third_failed_poll_and_its_end_with_the_first_reading(
    start: Start,
) -> None:
    bot = await start(DOWN, DOWN, 9000, DOWN, DOWN, DOWN, DOWN, 9000)
    for _ in range(8):
        await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning", "ended unreadable warning"]


async def test_the_count_of_failed_polls_outlives_a_restart(start: Start) -> None:
    for _ in range(2):
        await (await start(DOWN)).cycle()
    bot = await start(DOWN)
    await bot.cycle()
    assert bot.channel.told == ["opened unreadable warning"]


async def test_an_account_still_in_flight_is_skipped_and_not_waited_for(start: Start) -> None:
    bot = await start(9000)
    bot.provider.may_answer.clear()
    first = asyncio.create_task(bot.service.poll())
    await bot.provider.asking.wait()
    assert await bot.service.poll() == (Polled("sms"),)
    bot.provider.may_answer.set()
    (polled,) = await first
    assert polled.step is not None
    assert bot.provider.asked == 1


async def test_an_account_that_hangs_keeps_no_other_from_being_read(start: Start) -> None:
    bot = await start(9000, accounts=(WATCHED, account(CRITICAL, name="other")), other=(500,))
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
    bot = await start(ZeroDivisionError(), accounts=(WATCHED, account(CRITICAL, name="other")), other=(500,))
    with pytest.raises(ZeroDivisionError):
        await bot.service.poll()
    assert (await bot.watches.watch("other")).low is not None


async def test_a_reading_that_takes_too_long_is_a_failure(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.READ_SECONDS", 0.02)
    bot = await start(9000)
    bot.provider.may_answer.clear()
    (polled,) = await bot.service.poll()
    assert polled.outcome == Failure(Cause.TIMEOUT)


# The status


async def test_a_command_reads_live_and_its_good_reading_counts_like_a_poll_s(start: Start) -> None:
    bot = await start(4999)
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
    bot = await start(9000, failure)
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
    (status,) = await (await start(DOWN)).service.status()
    assert (status.failure, status.reading) == (DOWN, None)


async def test_simultaneous_commands_share_one_call(start: Start) -> None:
    bot = await start(4999, 0)
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
    bot = await start(4999)
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
    bot = await start(4999, 999)
    await bot.service.status()
    bot.wall.pass_(age)
    (status,) = await bot.service.status()
    assert bot.provider.asked == asked
    assert status.watch.level is (Level.WARNING if asked == 1 else Level.CRITICAL)


async def test_a_failure_is_not_reused(start: Start) -> None:
    bot = await start(DOWN, 9000)
    await bot.service.status()
    (status,) = await bot.service.status()
    assert status.failure is None


async def test_every_account_answers_or_the_one_that_is_named(start: Start) -> None:
    bot = await start(9000, accounts=(WATCHED, account(name="other")), other=(DOWN,))
    assert [status.account.name for status in await bot.service.status()] == ["sms", "other"]
    assert [status.account.name for status in await bot.service.status("other")] == ["other"]
    assert await bot.service.status("nobody") == ()


# The database away


async def test_with_the_database_away_nothing_is_judged(start: Start, away: Database) -> None:
    bot = await start(0, store=away, leads=False)
    bot.service.leading = True  # when the database went away
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
    (status,) = await (await start(sms, store=away, leads=False)).service.status()
    assert (status.watch.level, status.reading, status.failure) == (level, Reading(NOW, credit(sms)), None)


async def test_with_provider_and_database_away_the_last_reading_is_still_known(
    start: Start, away: Database
) -> None:
    bot = await start(9000, DOWN, store=away, leads=False)
    await bot.service.status()
    bot.wall.pass_(timedelta(hours=1))
    (status,) = await bot.service.status()
    assert (status.failure, status.reading) == (DOWN, Reading(NOW, credit(9000)))


async def test_once_the_database_is_back_what_was_sent_and_could_not_be_marked_is_told_again_and_says_so(
    start: Start, database: Database
) -> None:
    bot = await start(4999)
    await bot.service.poll()
    bot.channel.may_post.clear()
    delivering = asyncio.create_task(bot.service.deliver())
    await bot.channel.posting.wait()
    await renamed(database, "notice", "gone")
    bot.channel.may_post.set()
    with pytest.raises(StoreAway):
        await delivering
    with pytest.raises(StoreAway):
        await bot.service.deliver()
    await renamed(database, "gone", "notice")
    await bot.service.deliver()
    await bot.service.deliver()
    assert [due.repeat for due in bot.channel.posts] == [False, True]


async def test_a_reading_that_could_not_be_stored_is_judged_by_the_next_poll(
    start: Start, database: Database
) -> None:
    bot = await start(4999)
    await renamed(database, "notice", "gone")
    (polled,) = await bot.service.poll()
    assert (polled.step, await bot.watches.watch("sms")) == (None, Watch())
    await renamed(database, "gone", "notice")
    await bot.cycle()
    assert bot.channel.told == ["opened low warning"]


async def renamed(database: Database, table: str, name: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


# Greeting and delivery


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


async def test_a_message_that_cannot_be_built_keeps_no_other_waiting(start: Start) -> None:
    bot = await start(0, accounts=(WATCHED, account(WARNING, name="other", channel="C2")), other=(4999,))
    bot.channel.broken = lambda due: due.channel == WATCHED.channel
    await bot.service.poll()
    with pytest.raises(LookupError):
        await bot.service.deliver()
    assert bot.channel.told == ["opened low warning"]
    (waiting,) = await bot.service.undelivered()
    assert (waiting.channel, waiting.error) == (WATCHED.channel, "internal")
    bot.channel.broken = lambda _: False
    bot.wall.pass_(timedelta(minutes=10))
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


# Several copies


@pytest.fixture
async def copies(start: Start, postgresql: str) -> AsyncIterator[Start]:
    """Start copies of the bot that share one database; a file is for one process."""
    with database_of(postgresql) as url:
        shared = Database(url)
        yield partial(start, store=shared)
        await shared.close()


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
    delivering = asyncio.create_task(older.service.deliver())
    await asyncio.wait({asyncio.create_task(older.channel.posting.wait())}, timeout=0.2)
    older.lease.may_answer.set()
    await leading
    await newer.service.lead()
    await newer.service.deliver()
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
    terms = Terms(lasts=timedelta(seconds=0.6), alive=timedelta(seconds=0.3))
    killed = await copies(4999, terms=terms)
    await killed.service.poll()
    killed.channel.may_post.clear()
    dying = asyncio.create_task(killed.service.deliver())
    await killed.channel.posting.wait()
    dying.cancel()  # and never a word from it again
    other = await copies(999, name="newer", terms=terms)
    async with asyncio.timeout(2):
        while not await other.service.lead():
            pass
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
    assert ended.thresholds_changed == ((Decimal(5000), Decimal(3000)),)


async def test_what_is_open_is_fitted_to_the_settings_of_whoever_begins_to_watch(copies: Start) -> None:
    older = await copies(999)
    await older.cycle()
    moved = account(WARNING, CRITICAL, channel="C2")
    newer = await copies(999, accounts=(moved,), channel=older.channel, name="newer")
    await older.service.lead()
    await newer.service.lead()
    await newer.service.deliver()
    assert [(due.kind, due.channel) for due in older.channel.posts] == [
        (Kind.OPENED, WATCHED.channel),
        (Kind.OPENED, "C2"),
        (Kind.HELLO, "C2"),
    ]
    (edit,) = older.channel.edits
    assert (edit.episode.channel, edit.episode.moved_to) == (WATCHED.channel, "C2")


# Decisions of people


async def test_two_people_at_once_make_one_change(start: Start) -> None:
    bot = await start(999)
    await bot.cycle()
    ((episode, _),) = await bot.service.open_episodes()
    now = bot.wall.now()
    decided = await asyncio.gather(
        *(bot.service.decide(episode.id, Decision(who, now + timedelta(days=3))) for who in ("U1", "U2"))
    )
    assert {one.reason for one in decided} == {Reason.MUTED, Reason.MUTED_ALREADY}
    assert len({one.episode and one.episode.mute and one.episode.mute.by for one in decided}) == 1
    await bot.service.deliver()
    assert len(bot.channel.edits) == 1


async def test_a_copy_that_only_stands_by_takes_decisions_too(copies: Start) -> None:
    bot, other = await copies(999), await copies(999, name="newer")
    await bot.cycle()
    ((episode, _),) = await other.service.open_episodes()
    decided = await other.service.decide(episode.id, Decision("U1", NOW + timedelta(days=3)))
    assert (other.service.leading, decided.reason) == (False, Reason.MUTED)


@pytest.mark.parametrize("which", ["nothing", "ended"])
async def test_a_decision_about_what_is_not_open_changes_nothing(start: Start, which: str) -> None:
    bot = await start(999, 9000)
    await bot.cycle()
    ((episode, _),) = await bot.service.open_episodes()
    await bot.cycle()
    decided = await bot.service.decide(episode.id if which == "ended" else "0", Decision("U1", None))
    assert decided.reason is Reason.NOT_OPEN
    assert (decided.episode is not None and decided.episode.ended_at is not None) is (which == "ended")


# Not watching


async def test_not_watching_is_told_once_and_its_end(start: Start) -> None:
    bot = await start(9000)
    await bot.cycle()
    await bot.service.lead()
    for hours, told in ((0.9, 0), (0.2, 1), (5, 1)):
        bot.wall.pass_(timedelta(hours=hours))
        await bot.service.lead()
        await bot.service.deliver()
        assert bot.channel.told == ["gap"] * told
    await bot.cycle()
    await bot.service.lead()
    await bot.service.deliver()
    assert bot.channel.told == ["gap", "gap"]
    lasting, over = (due.gap for due in bot.channel.posts)
    assert lasting is not None
    assert over == replace(lasting, until=bot.wall.now())


async def test_a_poll_of_one_account_in_which_nothing_changes_is_one_transaction(
    start: Start, database: Database
) -> None:
    bot = await start(9000)
    await bot.cycle()
    bot.wall.pass_(timedelta(minutes=5))
    count = Count(database)
    (polled,) = await bot.service.poll()
    assert polled.judged
    assert count.commits == 1


# Reminders and outcomes that are unknown


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
    assert [one.error for one in await bot.service.undelivered()] == ["timeout"]
    bot.wall.pass_(timedelta(minutes=1))
    await bot.service.deliver()
    assert [due.repeat for due in bot.channel.posts] == [True]
    assert await bot.service.undelivered() == ()
