"""Where requests count, a connection that breaks is no reason for one more."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.core.model import Account, Product
from bot.core.reading import Cause, Held
from bot.core.unusable import Unusable
from bot.partner import Partner
from bot.ports import Budget, HeldBack, StoreAway, Unreadable
from tests.neighbours import hanging_up


class Away:
    """A budget whose database does not answer."""

    async def spend(self, _: str, *, polled: bool) -> bool:
        raise StoreAway(Unusable.NO_ANSWER_IN_TIME)


class UsedUp:
    """A budget that has ended."""

    async def spend(self, _: str, *, polled: bool) -> bool:
        return False


class Counting:
    """A budget that never ends, and counts."""

    def __init__(self) -> None:
        self.spent = self.for_polls = 0

    async def spend(self, _: str, *, polled: bool) -> bool:
        self.spent += 1
        self.for_polls += polled
        return True


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def asked_for(session: aiohttp.ClientSession, *, polled: bool = True, **how: Any) -> int:
    async with hanging_up() as (address, asked):
        voice = Partner(session, address, "0123-4567-89ab-cdef", Product.VOICE, **how)
        with pytest.raises(Unreadable) as caught:
            await voice.read(Account("voice", "C0ALERTS", product=Product.VOICE), polled=polled)
        assert caught.value.failure.cause is Cause.BROKEN_OFF
        assert caught.value.__context__ is None
        return len(asked)


async def test_a_single_try_is_a_single_request(session: aiohttp.ClientSession) -> None:
    assert await asked_for(session, attempts=1) == 1


async def test_as_many_requests_are_made_as_were_counted(session: aiohttp.ClientSession) -> None:
    budget = Counting()
    assert await asked_for(session, budget=budget) == budget.spent == budget.for_polls == 3


async def test_a_command_makes_one_request_where_they_are_counted(session: aiohttp.ClientSession) -> None:
    budget = Counting()
    assert await asked_for(session, polled=False, budget=budget) == budget.spent == 1
    assert budget.for_polls == 0


@pytest.mark.parametrize(("budget", "why"), [(UsedUp(), Held.LIMIT), (Away(), Held.STORE_AWAY)])
async def test_what_is_not_asked_says_why(session: aiohttp.ClientSession, budget: Budget, why: Held) -> None:
    async with hanging_up() as (address, asked):
        voice = Partner(session, address, "0123-4567-89ab-cdef", Product.VOICE, budget=budget)
        with pytest.raises(HeldBack) as caught:
            await voice.read(Account("voice", "C0ALERTS", product=Product.VOICE))
        assert (caught.value.why, asked) == (why, [])
