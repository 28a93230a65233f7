"""What people see when Slack refuses for a while, or when the configuration changes meanwhile."""

import socket
from pathlib import Path

from bot.demo.run import exhibition
from tests.conftest import exhibit
from tests.test_bot import alerts, ask, kinds, polls, told


async def test_a_channel_that_never_took_the_alert_is_left_and_the_new_one_is_told(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'bot.db'}"
    async with exhibit(database_url=database, credit_sms_warning="6000", alert_channel="C0RANDOM") as demo:
        await polls(demo, 2)
        assert "I cannot post in <#C0RANDOM>: the bot is not in the channel" in await ask(demo)
    async with exhibit(database_url=database, credit_sms_warning="6000") as demo:
        await told(demo, "SMS credits are low. 5,500 SMS left")
        await polls(demo, 2)
        assert {message.channel for message in demo.slack.messages} == {"C0ALERTS"}
        assert sorted(kinds(demo)) == ["hello", "opened"]
        assert (await ask(demo)).startswith("sms: warning.")


async def test_an_account_that_was_empty_while_slack_took_nothing_is_told_to_have_been() -> None:
    async with exhibit() as demo:
        demo.world.apply({"burn": 600})
        await told(demo, "SMS credits are low")
        demo.slack.fault = "rate_limited"
        demo.world.apply({"empty": True})
        await polls(demo, 2)
        demo.world.apply({"top_up": "209"})
        await polls(demo, 1)
        demo.slack.fault = "fine"
        await told(demo, "It was empty from")
        assert kinds(demo) == ["hello", "opened", "ended"]
        assert "SMS credits are fine again." in alerts(demo)[-1][1]


async def test_a_rule_that_is_removed_closes_its_alert_without_a_false_recovery(
    tmp_path: Path,
) -> None:
    database = f"sqlite:///{tmp_path / 'bot.db'}"
    async with exhibit(database_url=database, credit_sms_warning="6000") as demo:
        opened = await told(demo, "SMS credits are low")
        await polls(demo, 1)
        assert opened.ts
    async with exhibit(database_url=database, credit_sms_warning=None) as demo:
        await polls(demo, 2)
        assert alerts(demo) == []
        assert "No alert is open." in await ask(demo, "alerts")


async def test_a_database_that_takes_connections_and_says_nothing_holds_no_command() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgres://u:p@127.0.0.1:{silent.getsockname()[1]}/d"
        async with exhibition(drain=0, database_url=url, drain_seconds=1) as demo:
            helped = await demo.slack.command("help")
            assert helped.messages[0].text.startswith("What `/smscredits` does")
            await demo.slack.command("")
            live = await demo.slack.wait_for(lambda message: "5,500 SMS" in message.text, 20)
            assert live.ephemeral_for == "U0ALICE"
