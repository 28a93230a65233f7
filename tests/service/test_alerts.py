from datetime import timedelta

from bot.core.notice import Telling
from bot.ports import NotDelivered
from tests.samples import DOWN, WATCHED, at
from tests.service.bot import Start


async def test_what_is_counted_and_not_told_yet_is_known_before_it_is_an_alert(start: Start) -> None:
    bot = await start(DOWN)
    found = []
    for _ in range(3):
        await bot.cycle()
        alerts = await bot.service.people.alerts()
        found.append((len(alerts.open), [(one.name, watch.failures) for one, watch in alerts.counting]))
    assert found == [(0, [(WATCHED.name, 1)]), (0, [(WATCHED.name, 2)]), (1, [])]


async def test_an_open_alert_knows_whether_its_channel_does(start: Start) -> None:
    bot = await start(4999)
    bot.channel.refusals.append(NotDelivered("not_in_channel", permanent=True))
    await bot.cycle()
    (waiting,) = (await bot.service.people.alerts()).open
    await bot.cycle()
    (told,) = (await bot.service.people.alerts()).open
    assert waiting.telling == Telling(None, at(5), "not_in_channel", at(5) + timedelta(seconds=40))
    assert told.telling == Telling(at(10))
