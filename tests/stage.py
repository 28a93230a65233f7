"""The simulators alone, for bots that run as processes of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

from bot.app import Bot
from bot.demo.provider import SimulatedProvider
from bot.demo.run import Demo
from bot.demo.slack_api import SimulatedSlack
from bot.demo.world import DemoWorld, PrepaidAccount


@asynccontextmanager
async def stage(*, api_key: str, bot_token: str, signing_secret: str, app_token: str) -> AsyncIterator[Demo]:
    """Run provider and Slack, which take these secrets and no others."""

    def clock() -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the simulators live in real time

    world = DemoWorld(PrepaidAccount(clock, balance=Decimal(209), drain=0))
    slack_ = SimulatedSlack(
        bot_token=bot_token, signing_secret=signing_secret, app_token=app_token, clock=clock
    )
    async with (
        SimulatedProvider(world, api_key=api_key, clock=clock).serving() as provider,
        slack_.serving() as slack,
    ):
        yield Demo("", Bot(0, asyncio.Event()), world, provider, slack)
