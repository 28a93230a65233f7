import asyncio
from datetime import timedelta

import pytest

from bot.core.mute import Decision
from bot.core.notice import Reason
from tests.samples import NOW
from tests.service.bot import Start


async def test_two_people_at_once_make_one_change(start: Start) -> None:
    bot = await start(999)
    await bot.cycle()
    ((episode, _),) = await bot.service.people.open_episodes()
    now = bot.wall.now()
    wanted = [Decision(who, now + timedelta(days=3)) for who in ("U1", "U2")]
    decided = await asyncio.gather(*(bot.service.people.decide(episode.id, one) for one in wanted))
    assert {one.reason for one in decided} == {Reason.MUTED, Reason.MUTED_ALREADY}
    assert len({one.episode and one.episode.mute and one.episode.mute.by for one in decided}) == 1
    await bot.deliver()
    assert len(bot.channel.edits) == 1


async def test_a_copy_that_only_stands_by_takes_decisions_too(copies: Start) -> None:
    bot, other = await copies(999), await copies(999, name="newer")
    await bot.cycle()
    ((episode, _),) = await other.service.people.open_episodes()
    decided = await other.service.people.decide(episode.id, Decision("U1", NOW + timedelta(days=3)))
    assert (other.service.leading, decided.reason) == (False, Reason.MUTED)


@pytest.mark.parametrize("which", ["nothing", "ended"])
async def test_a_decision_about_what_is_not_open_changes_nothing(start: Start, which: str) -> None:
    bot = await start(999, 9000)
    await bot.cycle()
    ((episode, _),) = await bot.service.people.open_episodes()
    await bot.cycle()
    decided = await bot.service.people.decide(episode.id if which == "ended" else "0", Decision("U1", None))
    assert decided.reason is Reason.NOT_OPEN
    assert (decided.episode is not None and decided.episode.ended_at is not None) is (which == "ended")
