"""Facts are gathered in bounded time, and probes cannot load the database."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bot.core.health import Overview, Part, faults
from bot.core.unusable import Unusable
from bot.ports import NotDelivered, StoreAway
from bot.service.lookout import Lookout
from bot.store import Database, SqlOverviews, SqlWatches
from tests.samples import NOW, WARNING, account, at, judged
from tests.service.bot import Bot, Start, opened
from tests.test_cost import Count


class Overviews:
    """A database that answers when the test lets it, or is away."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.refused = False
        self.asking = asyncio.Event()
        self.may_answer = opened(asyncio.Event())

    async def overview(self, accounts: Sequence[str], now: datetime) -> Overview:
        self.asked += 1
        self.asking.set()
        await self.may_answer.wait()
        if self.away:
            raise StoreAway(Unusable.REFUSED)
        return Overview({}, undelivered=self.asked if self.refused else 0)


async def there() -> bool:
    return True


@pytest.fixture
async def bot(start: Start) -> Bot:
    return await start(9000)


async def test_probes_at_once_and_soon_after_share_one_look(bot: Bot) -> None:
    overviews = Overviews()
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    await asyncio.gather(*(lookout.facts() for _ in range(50)))
    bot.wall.pass_(timedelta(seconds=1))
    await lookout.facts()
    assert overviews.asked == 1
    bot.wall.pass_(timedelta(seconds=0.1))
    await lookout.facts()
    assert overviews.asked == 2


async def test_what_is_amiss_is_looked_at_anew_so_that_no_fault_is_told_once_it_is_over(bot: Bot) -> None:
    overviews = Overviews()
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    for away, refused, told in (
        (True, False, [Part.DATABASE]),
        (False, True, [Part.NOTICES]),
        (False, False, []),
    ):
        overviews.away, overviews.refused = away, refused
        bot.wall.pass_(timedelta(seconds=0.2))
        assert [fault.part for fault in faults(await lookout.facts(), bot.wall.now())] == told
    bot.wall.pass_(timedelta(seconds=0.2))
    await lookout.facts()
    assert overviews.asked == 3


async def test_what_has_become_amiss_is_known_a_second_later(bot: Bot) -> None:
    overviews = Overviews()
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    assert (await lookout.facts()).overview
    overviews.away = True
    bot.wall.pass_(timedelta(seconds=1.1))
    assert (await lookout.facts()).overview is None


async def test_a_look_that_hangs_is_given_up_for_one_that_may_be_answered(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.lookout.LOOK_SECONDS", 0.01)
    overviews = Overviews()
    overviews.may_answer.clear()
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    assert (await lookout.facts()).overview is None
    monkeypatch.setattr("bot.service.lookout.LOOK_SECONDS", 10)
    monkeypatch.setattr("bot.service.lookout.HOPELESS_SECONDS", 0)
    overviews.may_answer = opened(asyncio.Event())
    assert (await lookout.facts()).overview
    assert overviews.asked == 2


async def test_a_database_that_hangs_is_asked_once_and_counts_as_away(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.lookout.LOOK_SECONDS", 0.01)
    overviews = Overviews()
    overviews.may_answer.clear()
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    for _ in range(3):
        assert (await lookout.facts()).overview is None
        bot.wall.pass_(timedelta(seconds=5))
    assert overviews.asked == 1
    await lookout.close()


async def test_a_database_that_is_away_again_has_no_overview(bot: Bot) -> None:
    overviews = Overviews()
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    assert (await lookout.facts()).overview
    overviews.away = True
    bot.wall.pass_(timedelta(seconds=5))
    assert [fault.part for fault in faults(await lookout.facts(), bot.wall.now())] == [Part.DATABASE]


async def test_a_look_that_failed_is_not_repeated_at_once(bot: Bot) -> None:
    overviews = Overviews()
    overviews.away = True
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    for _ in range(5):
        assert (await lookout.facts()).overview is None
    assert overviews.asked == 1
    bot.wall.pass_(timedelta(seconds=4))
    overviews.away = False
    assert (await lookout.facts()).overview


async def test_who_wants_fresh_facts_gets_them_though_an_older_look_is_under_way(bot: Bot) -> None:
    overviews = Overviews()
    overviews.refused = True
    overviews.may_answer.clear()
    lookout = Lookout(bot.service, overviews, there, bot.wall)
    older = asyncio.create_task(lookout.facts())
    await overviews.asking.wait()
    bot.wall.pass_(timedelta(seconds=1))
    fresh = asyncio.create_task(lookout.facts(fresh=True))
    await asyncio.sleep(0)
    overviews.may_answer.set()
    first, second = await asyncio.gather(older, fresh)
    assert first.overview
    assert second.overview
    assert (first.overview.undelivered, second.overview.undelivered) == (1, 2)


async def test_a_look_is_two_statements_however_many_the_accounts_are(bot: Bot, database: Database) -> None:
    overviews = SqlOverviews(database)
    cost = []
    for names in (("sms",), tuple(f"account-{number}" for number in range(200))):
        count = Count(database)
        await overviews.overview(names, NOW)
        cost.append(count.statements)
    assert cost == [2, 2]


async def test_words_count_as_undelivered_once_refused_or_untold_for_a_minute(start: Start) -> None:
    bot = await start(4000)
    await bot.service.poll()
    overviews = SqlOverviews(bot.database)

    async def waiting(minute: float) -> tuple[int, datetime | None]:
        found = await overviews.overview(("sms",), at(minute))
        return found.undelivered, found.waiting_since

    assert await waiting(0.9) == (0, NOW)
    assert await waiting(1.1) == (1, NOW)
    bot.channel.refusals.append(NotDelivered("not_in_channel"))
    await bot.deliver()
    assert await waiting(0) == (1, NOW)
    bot.wall.pass_(timedelta(minutes=10))
    await bot.deliver()
    assert await waiting(10) == (0, None)


async def test_of_a_burst_what_only_waits_for_its_turn_is_not_undelivered(start: Start) -> None:
    """A channel takes a message a second, so the last of a hundred waits for more than a minute."""
    names = [f"account-{number:03}" for number in range(100)]
    accounts = tuple(account(WARNING, name=name) for name in names)
    bot = await start(accounts=accounts, **dict.fromkeys(names, (4000,)))
    began_at = bot.wall.now()
    await bot.service.poll()
    overviews, seen = SqlOverviews(bot.database), []
    while (bot.wall.now() - began_at) < timedelta(seconds=90):
        await bot.service.deliver()
        seen.append((await overviews.overview(names, bot.wall.now())).undelivered)
        bot.wall.pass_(timedelta(seconds=1))
    assert (len(bot.channel.posts), set(seen)) == (90, {0})
    bot.channel.refusals.append(NotDelivered("ratelimited", retry_after=600))
    await bot.service.deliver()
    bot.wall.pass_(timedelta(seconds=30))
    assert (await overviews.overview(names, bot.wall.now())).undelivered == 1
    bot.wall.pass_(timedelta(seconds=60))
    assert (await overviews.overview(names, bot.wall.now())).undelivered == 10


async def test_every_decision_that_was_written_is_told_once(start: Start) -> None:
    bot = await start(9000)
    told: list[str] = []
    watches = SqlWatches(bot.database, bot.lease, lambda step: told.extend(step.reasons))
    await watches.change("sms", lambda watch: judged(watch, 4000, 5))
    await watches.change_many({"sms": lambda watch: judged(watch, 4000, 10)})
    assert told == ["opened", "still_low"]
