"""A simulated provider over HTTP, and retries that wait for nothing."""

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina

from bot.demo.provider import SimulatedProvider
from bot.demo.world import DemoWorld, PrepaidAccount
from tests.samples import NOW

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def impatient() -> Iterator[None]:
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
async def provider() -> AsyncIterator[SimulatedProvider]:
    world = DemoWorld(PrepaidAccount(lambda: NOW))
    async with SimulatedProvider(world, api_key=KEY, clock=lambda: NOW).serving() as serving:
        yield serving
