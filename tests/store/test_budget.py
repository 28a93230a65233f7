import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import Database, SqlBudget
from tests.samples import NOW

Move = Callable[[float], None]


@pytest.fixture
def pass_(monkeypatch: pytest.MonkeyPatch) -> Move:
    """Put the database's clock into the test's hands; return how its seconds pass."""
    hands = [NOW]

    def clock() -> Callable[[AsyncConnection], Coroutine[Any, Any, datetime]]:
        async def now(_: AsyncConnection) -> datetime:
            return hands[0]

        return now

    def move(seconds: float) -> None:
        hands[0] += timedelta(seconds=seconds)

    monkeypatch.setattr("bot.store.budget.database_clock", clock())
    return move


async def granted(budget: SqlBudget, key: str = "a", tries: int = 1, *, polled: bool = True) -> list[bool]:
    return [await budget.spend(key, polled=polled) for _ in range(tries)]


async def test_four_requests_of_any_minute_are_granted_and_ten_seconds_for_their_way(
    database: Database, pass_: Move
) -> None:
    budget = SqlBudget(database)
    assert await granted(budget, tries=2) == [True, True]
    pass_(30)
    assert await granted(budget, tries=4) == [True, True, False, False]
    pass_(39.9)
    assert await granted(budget) == [False]
    pass_(0.1)
    assert await granted(budget, tries=3) == [True, True, False]


async def test_commands_have_two_of_the_four_and_polls_their_share(database: Database, pass_: Move) -> None:
    budget = SqlBudget(database)
    assert await granted(budget, tries=5, polled=False) == [True, True, False, False, False]
    pass_(60)
    assert await granted(budget, tries=3, polled=True) == [True, True, False]
    pass_(10)
    assert await granted(budget, tries=3, polled=False) == [True, True, False]


async def test_each_key_has_its_own(database: Database, pass_: Move) -> None:
    budget = SqlBudget(database)
    assert await granted(budget, "a", 5) == [True] * 4 + [False]
    assert await granted(budget, "b", 5) == [True] * 4 + [False]


async def test_a_refusal_costs_nothing(database: Database, pass_: Move) -> None:
    budget = SqlBudget(database)
    await granted(budget, tries=50)
    pass_(70)
    assert await granted(budget, tries=4) == [True] * 4


@pytest.mark.parametrize("seconds", [1, 69, 71, 3600])
async def test_a_clock_that_is_set_back_grants_nothing_anew_and_holds_nothing_back_for_longer(
    database: Database, pass_: Move, seconds: int
) -> None:
    budget = SqlBudget(database)
    await granted(budget, tries=4)
    pass_(-seconds)
    assert await granted(budget, tries=4) == [False] * 4
    pass_(69.9)
    assert await granted(budget, tries=4) == [False] * 4
    pass_(0.1)
    assert await granted(budget, tries=5) == [True] * 4 + [False]


async def test_a_clock_that_is_set_back_between_two_requests_still_grants_the_rest(
    database: Database, pass_: Move
) -> None:
    budget = SqlBudget(database)
    await granted(budget, tries=2)
    pass_(-3600)
    assert await granted(budget, tries=3) == [True, True, False]
    pass_(70)
    assert await granted(budget, tries=5) == [True] * 4 + [False]


async def test_all_processes_together_get_no_more(database: Database, url: str) -> None:
    others = [] if url.startswith("sqlite") else [Database(url) for _ in range(3)]
    budgets = [SqlBudget(one) for one in (database, *others)]
    try:
        asked = await asyncio.gather(
            *(budget.spend("a", polled=True) for budget in budgets for _ in range(30))
        )
    finally:
        for one in others:
            await one.close()
    assert sum(asked) == 4
