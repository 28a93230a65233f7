"""What the list of sub-accounts holds of other people is dropped while parsing: nobody sees it again."""

import sqlite3
from pathlib import Path

import pytest

from bot.core.watch import Watch
from bot.demo.answers import Answer
from bot.demo.run import API_KEY, APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Demo
from bot.store import Database, SqlLease, SqlWatches, Terms
from tests.stage import stage
from tests.test_bot import eventually
from tests.test_canaries import Output
from tests.test_main import WITHOUT_NET, deployed

EMAIL = "canary-7@example.com"
ACCOUNTS = """
[[account]]
name = "marketing"
product = "sms"
api_key_env = "SMSPARTNER_API_KEY"
subaccounts = true
subaccount_emails = {emails}
[account.subaccount_thresholds]
balance = {{ warning = 20, critical = 5 }}
"""
COMMANDS = ("", "marketing", "alerts", "thresholds", "help")


def row(identity: object) -> dict[str, object]:
    return {
        "id": identity,
        "email": EMAIL,
        "type": "canary-type",
        "token": "canary-token",
        "apiKey": "canary-key",
        "createdAt": "canary-date",
        "phone": {"number": "canary-phone"},
        "canary-name": "x",
        "credits": {"balance": "3.00", "currency": "EUR", "token": "canary-inner", "owner": "canary-owner"},
    }


def answered(*rows: object, **parts: object) -> Answer:
    """Return one answer to both questions: about the account, and for the list."""
    credits_ = {"creditSms": 9000, "balance": "342.000", "currency": "EUR"}
    listed = {"total": len(rows), "nb_per_page": 20, "page": 1, "data": list(rows), "token": "canary-outer"}
    return Answer(body={"success": True, "code": 200, "credits": credits_, **listed, **parts})


def stored(path: Path) -> dict[tuple[str, str], str]:
    """Return all that the database holds, by table and column."""
    with sqlite3.connect(path) as opened:
        tables = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[tuple[str, str], str] = {}
        for table in tables:
            rows = opened.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the name is the schema's own
            columns = [name for name, *_ in rows.description]
            for values in rows:
                for column, value in zip(columns, values, strict=True):
                    found[table, column] = found.get((table, column), "") + repr(value)
    opened.close()
    return found


async def remembered(path: Path) -> Watch:
    database = Database(f"sqlite+aiosqlite:///{path}")
    try:
        return await SqlWatches(database, SqlLease(database, "test", Terms())).watch("marketing")
    finally:
        await database.close()


async def lived(demo: Demo, process_in: Path, *, emails: bool) -> str:
    """Let the bot see the list well and badly, and people ask for it; return its log."""
    demo.provider.answer = answered(row(7))
    settings = {
        "ACCOUNTS": ACCOUNTS.format(emails=str(emails).lower()),
        "DATABASE_URL": f"sqlite:///{process_in / 'bot.db'}",
        "LOG_LEVEL": "debug",
        "POLL_INTERVAL": "1s",
    }
    async with deployed(demo, process_in, WITHOUT_NET, **settings) as (process, _):
        written = Output(process)
        try:
            low = await demo.slack.wait_for(lambda message: "critically low" in message.text, 30)
            for command in COMMANDS:
                await demo.slack.command(command)
            await demo.slack.press(low, "ack")
            # A row without an id, and a refusal: what is told of them holds nothing of theirs.
            for bad in (
                answered(row(None)),
                answered(row(7), success=False, code=40, message="canary"),
            ):
                demo.provider.answer = bad
                seen = len(demo.provider.requests)
                await demo.provider.wait_for_requests(seen + 8, within=30)
                for command in COMMANDS:
                    await demo.slack.command(command)
            await eventually(lambda: any("cannot be" in message.text for message in demo.slack.messages))
            return await written.ended()
        finally:
            written.reading.cancel()


@pytest.mark.proof
@pytest.mark.timeout(120)
@pytest.mark.parametrize("emails", [False, True], ids=["emails off", "emails on"])
async def test_nothing_of_other_people_is_remembered_written_or_told(tmp_path: Path, *, emails: bool) -> None:
    secrets = {"bot_token": BOT_TOKEN, "signing_secret": SIGNING_SECRET, "app_token": APP_TOKEN}
    async with stage(api_key=API_KEY, **secrets) as demo:
        log = await lived(demo, tmp_path, emails=emails)
    watch = repr(await remembered(tmp_path / "bot.db"))
    kept = stored(tmp_path / "bot.db")
    asked = [message for message in demo.slack.messages if message.ephemeral_for]
    told = [message for message in demo.slack.messages if not message.ephemeral_for]

    assert "SubAccount(id='7', balance=Decimal('3.00')" in watch
    assert "poll.unreadable" in log
    assert any("`marketing/7`: 3.00 EUR" in message.text for message in asked)
    assert any("`marketing/7`: 3.00 EUR left" in message.text for message in told)

    assert "canary" not in log
    assert "canary" not in repr(told)
    everything = "\n".join([watch, repr(kept), repr(asked), repr(demo.slack.calls)])
    assert "canary" not in everything.replace(EMAIL, "")
    with_it = {place for place, text in kept.items() if EMAIL in text}
    assert with_it == ({("smscredits_account", "subaccounts")} if emails else set())
    assert (EMAIL in watch) is emails
    answers_with_it = [message for message in asked if EMAIL in message.text]
    assert bool(answers_with_it) is emails
    assert all(message.text.startswith("marketing: ") for message in answers_with_it)
    assert (EMAIL in repr(demo.slack.calls)) is False
