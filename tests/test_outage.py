"""The database away for ten minutes is told once, and so is its return."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.notice import Due, Edit
from bot.core.unusable import Unusable
from bot.ports import NotDelivered, StoreAway
from bot.service.outage import Outage

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


class Channels:
    """A messenger that takes down what it is told, or refuses it."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Unusable | None]] = []
        self.refusal: NotDelivered | None = None

    async def post(self, due: Due) -> str:
        raise AssertionError

    async def edit(self, edit: Edit) -> None:
        raise AssertionError

    async def say(self, channel: str, away: StoreAway | None) -> None:
        if self.refusal:
            raise self.refusal
        self.said.append((channel, away.cause if away else None))


async def minutes(outage: Outage, *after: float) -> None:
    for minute in after:
        await outage.lasts(StoreAway(Unusable.REFUSED), ["C1", "C2"], START + timedelta(minutes=minute))


async def test_ten_minutes_are_told_once_in_each_channel_and_so_is_the_return() -> None:
    channels = Channels()
    outage = Outage(channels)
    await minutes(outage, 0, 5, 9.9)
    assert channels.said == []
    await minutes(outage, 10, 11, 60)
    assert channels.said == [("C1", Unusable.REFUSED), ("C2", Unusable.REFUSED)]
    await outage.over(["C1", "C2"])
    await outage.over(["C1", "C2"])
    assert channels.said[2:] == [("C1", None), ("C2", None)]


async def test_a_short_outage_is_not_told_at_all() -> None:
    channels = Channels()
    outage = Outage(channels)
    await minutes(outage, 0, 9)
    await outage.over(["C1", "C2"])
    await minutes(outage, 12, 20)
    assert channels.said == []


@pytest.mark.parametrize(("unknown", "said"), [(False, 2), (True, 0)])
async def test_what_slack_refused_is_said_again_and_what_it_may_have_taken_is_not(
    unknown: bool, said: int
) -> None:
    channels = Channels()
    outage = Outage(channels)
    channels.refusal = NotDelivered("timeout", unknown=unknown)
    await minutes(outage, 0, 10)
    channels.refusal = None
    await minutes(outage, 11, 12)
    assert len(channels.said) == said
