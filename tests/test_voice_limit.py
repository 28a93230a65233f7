"""Voice Partner's limit, as it arrives there: of all that the bot does, in two copies at once."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

import pytest

from bot.demo.exhibits import ACCOUNTS
from bot.demo.products import BASES
from bot.demo.provider import MINUTE
from bot.demo.run import Demo
from tests.conftest import exhibit
from tests.store.conftest import postgresql
from tests.store.server import database_of
from tests.test_bot import ask

__all__ = ["postgresql"]  # a fixture

MOST = 4
HELD_BACK = "Voice Partner allows only a few requests a minute"


@pytest.fixture
def url(postgresql: str) -> Iterator[str]:
    with database_of(postgresql) as address:
        yield address


def of(product: str, *demos: Demo) -> list[datetime]:
    """Return when requests for the credits of a product came, to whichever provider, in order."""
    own = f"{BASES[product]}/me"
    return sorted(one.when for demo in demos for one in demo.provider.requests if one.path.startswith(own))


@pytest.mark.proof
async def test_two_copies_that_poll_each_second_and_answer_commands_ask_four_times_in_any_minute(
    url: str,
) -> None:
    async with (
        exhibit(accounts=ACCOUNTS, database_url=url, poll_interval="1s") as one,
        exhibit(accounts=ACCOUNTS, database_url=url, poll_interval="1s") as other,
        asyncio.timeout(40),
    ):
        polls, said = 0, [""]
        # A reading serves commands for ten seconds: only then they need the provider again.
        while polls < 8 or HELD_BACK not in said[-1]:
            said += await asyncio.gather(*(ask(demo, "voice") for demo in (one, other)))
            polls = len(of("sms", one, other))
            await asyncio.sleep(0.2)
        asked = of("voice", one, other)
    assert len(asked) >= MOST
    assert not [first for first, fifth in zip(asked, asked[MOST:], strict=False) if fifth - first < MINUTE]
