"""The database away for ten minutes is told once, and so is its return."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.form import Embellishment
from bot.core.notice import Due, Edit
from bot.core.unusable import Unusable
from bot.ports import NotDelivered, StoreAway
from bot.service.outage import Outage
from bot.service.sender import Sender
from tests.service.bot import Wall

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


class Channels:
    """A messenger that takes down what it is told, or refuses it."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Unusable | None]] = []
        self.refusal: NotDelivered | None = None
        self.tries = 0

    async def post(self, due: Due, bare: frozenset[Embellishment]) -> str:
        raise AssertionError

    async def edit(self, edit: Edit, bare: frozenset[Embellishment]) -> None:
        raise AssertionError

    async def say(self, channel: str, away: StoreAway | None, bare: frozenset[Embellishment]) -> None:
        self.tries += 1
        if self.refusal:
            raise self.refusal
        self.said.append((channel, away.cause if away else None))


@dataclass
class Story:
    """An outage told over a messenger, on a clock that the test moves."""

    channels: Channels = field(default_factory=Channels)
    wall: Wall = field(default_factory=lambda: Wall(START))

    def __post_init__(self) -> None:
        self.outage = Outage(Sender(self.channels, self.wall))

    async def lasts(self, *minutes: float) -> None:
        for minute in minutes:
            self.wall.time = START + timedelta(minutes=minute)
            await self.outage.lasts(StoreAway(Unusable.REFUSED), ["C1", "C2"], self.wall.now())

    async def over(self) -> None:
        self.wall.pass_(timedelta(minutes=1))
        await self.outage.over(["C1", "C2"], self.wall.now())


async def test_ten_minutes_are_told_once_in_each_channel_and_so_is_the_return() -> None:
    story = Story()
    channels = story.channels
    await story.lasts(0, 5, 9.9)
    assert channels.said == []
    await story.lasts(10, 11, 60)
    assert channels.said == [("C1", Unusable.REFUSED), ("C2", Unusable.REFUSED)]
    await story.over()
    await story.over()
    assert channels.said[2:] == [("C1", None), ("C2", None)]


async def test_a_short_outage_is_not_told_at_all() -> None:
    story = Story()
    channels = story.channels
    await story.lasts(0, 9)
    await story.over()
    await story.lasts(12, 20)
    assert channels.said == []


@pytest.mark.parametrize(("unknown", "said"), [(False, 2), (True, 0)])
async def test_what_slack_refused_is_said_again_and_what_it_may_have_taken_is_not(
    unknown: bool, said: int
) -> None:
    story = Story()
    channels = story.channels
    channels.refusal = NotDelivered("timeout", unknown=unknown)
    await story.lasts(0, 10)
    channels.refusal = None
    await story.lasts(11, 12)
    assert len(channels.said) == said


@pytest.mark.parametrize(
    ("refusal", "most"),
    [
        (NotDelivered("channel_not_found", permanent=True), 20),
        (NotDelivered("some_error_of_slack"), 28),
        (NotDelivered("timeout"), 28),
        (NotDelivered("ratelimited", retry_after=600), 12),
    ],
    ids=lambda value: getattr(value, "error", ""),
)
async def test_a_channel_that_refuses_is_asked_as_seldom_as_with_any_post(
    refusal: NotDelivered, most: int
) -> None:
    """The database is looked at every two seconds; an hour of that is 1,800 looks."""
    story = Story()
    story.channels.refusal = refusal
    await story.lasts(0, *(10 + look / 30 for look in range(1800)))
    assert 2 * 6 <= story.channels.tries <= most
    story.channels.refusal = None
    await story.lasts(81)
    assert story.channels.said == [("C1", Unusable.REFUSED), ("C2", Unusable.REFUSED)]


async def test_a_return_that_is_refused_is_told_later_and_not_at_each_look() -> None:
    story = Story()
    await story.lasts(0, 10)
    story.channels.refusal = NotDelivered("is_archived", permanent=True)
    for _ in range(10):
        await story.over()
    assert story.channels.tries <= 2 + 2 * 5
    story.channels.refusal = None
    for _ in range(11):
        await story.over()
    assert story.channels.said[2:] == [("C1", None), ("C2", None)]
