"""A stored value that this release cannot read blinds its own account or message, and nothing else."""

from functools import partial
from pathlib import Path

import pytest
import structlog.testing
from sqlalchemy import select, text, update

from bot.core.gap import Round
from bot.core.model import Field
from bot.core.notice import Kind, Notice, Reason
from bot.core.reading import Cause, Reading
from bot.core.retention import retention
from bot.store import Database, SqlBudget, SqlHistory, SqlOverviews, SqlRounds, checkup, schema
from tests.samples import NOW, WARNING, account, at, credit, judged
from tests.store.stores import lease_of, outbox_of, watches_of

WATCHED = {name: account(WARNING, name=name) for name in ("sms", "other")}
CANARY = '{"canary": '


async def spoil(database: Database, table: str, column: str, value: object, where: str = "1 = 1") -> None:
    async with database.transaction() as connection:
        statement = f"UPDATE smscredits_{table} SET {column} = :value WHERE {where}"  # noqa: S608
        await connection.execute(text(statement), {"value": value})


async def low(database: Database, *names: str) -> None:
    """Let these accounts be low, and their channel have been told."""
    for name in names:
        decide = partial(judged, outcome=4999, minute=0, watched=WATCHED[name])
        await watches_of(database).change(name, decide)
    for owed in await outbox_of(database).due(NOW):
        due = await outbox_of(database).claim(owed, NOW)
        assert due
        await outbox_of(database).sent(due, "1.1", NOW)


async def polled(database: Database, name: str, sms: int, minute: float) -> tuple[Reason, ...]:
    decide = partial(judged, outcome=sms, minute=minute, watched=WATCHED[name])
    return (await watches_of(database).change(name, decide)).reasons


async def test_a_field_that_a_newer_release_has_added_is_dropped(database: Database) -> None:
    await low(database, "sms")
    newer = '{"creditSms":"4999","balance":"342","creditRcs":{"new":[1]}}'
    await spoil(database, "account", "amounts", newer)
    watch = await watches_of(database).watch("sms")
    assert watch.reading
    assert dict(watch.reading.credits.amounts) == {Field.CREDIT_SMS: 4999, Field.BALANCE: 342}


ACCOUNT = [
    ("amounts", CANARY),
    ("amounts", '{"creditSms":"canary"}'),
    ("amounts", '{"creditSms":"NaN"}'),
    ("amounts", "[]"),
    ("amounts", None),
    ("subaccounts", "[7]"),
    ("currency", None),
    ("failure", '{"cause":"canary"}'),
    ("unlisted", "canary"),
]


@pytest.mark.parametrize(("column", "value"), ACCOUNT)
async def test_an_accounts_row_that_cannot_be_read_is_said_and_written_anew_by_its_next_reading(
    database: Database, column: str, value: object
) -> None:
    await low(database, "sms", "other")
    await spoil(database, "account", column, value, "name = 'sms'")
    with structlog.testing.capture_logs() as lines:
        known = await watches_of(database).known(["sms", "other"])
        again = await watches_of(database).known(["sms", "other"])
    assert again == known
    assert known["other"].reading == Reading(NOW, credit(4999))
    assert known["sms"].low
    assert [(line["event"], line["table"], line["row"], line["column"]) for line in lines] == [
        ("database.row_unreadable", "smscredits_account", "sms", column)
    ]
    assert "canary" not in repr(lines)
    assert await polled(database, "sms", 4998, 1) == (Reason.STILL_LOW,)
    assert (await watches_of(database).watch("sms")).reading == Reading(at(1), credit(4998))


EPISODE = [
    ("trouble", "canary"),
    ("level", 7),
    ("ending", "canary"),
    ("product", "canary"),
    ("firing", '[{"field":"canary","level":1,"threshold":"5"}]'),
    ("firing", CANARY),
    ("topped_up", '"canary"'),
    ("mute", '{"by":"U1","at":"2026-07-22T12:05:00","until":"2026-07-22T12:05:00"}'),
    ("members", "{}"),
    ("failure", "7"),
]


@pytest.mark.parametrize(("column", "value"), EPISODE)
async def test_an_open_episode_that_cannot_be_read_blinds_its_account_alone_and_is_kept(
    database: Database, column: str, value: object
) -> None:
    await low(database, "sms", "other")
    await spoil(database, "episode", column, value, "account = 'sms'")
    with structlog.testing.capture_logs() as lines:
        for minute in (1, 2):
            assert await polled(database, "sms", 9000, minute) == (Reason.COUNTING_FAILURES,)
        assert await polled(database, "sms", 9000, 3) == (Reason.UNREADABLE,)
        assert await polled(database, "other", 9000, 3) == (Reason.ENDED,)
    assert [line["event"] for line in lines] == ["database.row_unreadable"]
    assert "canary" not in repr(lines)
    watch = await watches_of(database).watch("sms")
    assert watch.unreadable
    assert watch.unreadable.failure
    assert watch.unreadable.failure.cause is Cause.STATE_UNREADABLE
    assert watch.unreadable.failure.field.startswith("smscredits_episode ")
    async with database.transaction() as connection:
        open_ = await connection.scalars(
            select(schema.episode.c.id).where(schema.episode.c.ended_at.is_(None))
        )
        assert len(open_.all()) == 2
    overview = await SqlOverviews(database).overview(["sms", "other"], at(3))
    assert [name for name, one in overview.watches.items() if one.blind] == ["sms"]
    assert [row.table for row in (await checkup(database)).broken] == ["smscredits_episode"]


async def test_once_the_episode_can_be_read_again_all_goes_on(database: Database) -> None:
    await low(database, "sms")
    await spoil(database, "episode", "level", 7)
    for minute in range(1, 4):
        await polled(database, "sms", 9000, minute)
    await spoil(database, "episode", "level", 1, "trouble = 'low'")
    assert set(await polled(database, "sms", 9000, 4)) == {Reason.ENDED, Reason.READABLE_AGAIN}
    assert (await watches_of(database).watch("sms")).episodes == ()


NOTICE = [("kind", "canary"), ("level", 7), ("gap", CANARY)]


@pytest.mark.parametrize(("column", "value"), NOTICE)
async def test_a_message_that_cannot_be_read_keeps_no_other_from_being_posted(
    database: Database, column: str, value: object
) -> None:
    watches, outbox = watches_of(database), outbox_of(database)
    for channel in ("C1", "C2"):
        await watches.greet(Notice(Kind.HELLO, channel, NOW))
    await spoil(database, "notice", column, value, "channel = 'C1'")
    with structlog.testing.capture_logs() as lines:
        claimed = [await outbox.claim(owed, NOW) for owed in await outbox.due(NOW)]
        assert await outbox.undelivered() == ()
    assert {due and due.channel for due in claimed} == {None, "C2"}
    assert [(line["table"], line["column"]) for line in lines] == [("smscredits_notice", column)]


async def test_a_living_message_that_cannot_be_read_keeps_no_other_from_being_edited(
    database: Database,
) -> None:
    await low(database, "sms", "other")
    async with database.transaction() as connection:
        await connection.execute(update(schema.episode).values(edit_at=NOW))
        odd = "-infinity" if database.engine.dialect.name == "postgresql" else "2026-canary"
        await connection.exec_driver_sql(
            f"UPDATE smscredits_episode SET edit_at = '{odd}', level = 7 WHERE account = 'sms'"  # noqa: S608
        )
    outbox = outbox_of(database)
    due = await outbox.edits(NOW)
    edits = [await outbox.claim_edit(owed.episode, NOW) for owed in due]
    assert sorted(edit.episode.account for edit in edits if edit) == ["other"]


async def test_a_message_of_an_episode_that_cannot_be_read_keeps_no_other_from_being_posted(
    database: Database,
) -> None:
    for name in ("sms", "other"):
        await polled(database, name, 4999, 0)
    await spoil(database, "episode", "firing", CANARY, "account = 'sms'")
    outbox = outbox_of(database)
    claimed = [await outbox.claim(owed, NOW) for owed in await outbox.due(NOW)]
    assert {due and due.episode and due.episode.account for due in claimed} == {None, "other"}
    assert await watches_of(database).episode((await outbox.due(NOW))[0].episode) is None


async def test_bytes_where_a_messages_id_is_to_be_keep_no_other_from_being_posted(tmp_path: Path) -> None:
    """SQLite keeps anything in any column."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}")
    await database.migrate()
    assert await lease_of(database).hold()
    for name in ("sms", "other"):
        await polled(database, name, 4999, 0)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE smscredits_episode SET root = x'fffe' WHERE account = 'sms'"))
    outbox = outbox_of(database)
    claimed = [await outbox.claim(owed, NOW) for owed in await outbox.due(NOW)]
    assert {due.episode.account for due in claimed if due and due.episode} == {"other"}
    await database.close()


async def gone(database: Database, table: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"DELETE FROM smscredits_{table}"))  # noqa: S608


SINGLE = ["lease", "poll_round", "history", "process"]


@pytest.mark.parametrize("table", SINGLE)
async def test_a_table_of_one_row_that_has_lost_it_is_mended(database: Database, table: str) -> None:
    await gone(database, table)
    await all_of_it(database)


BROKEN_TIMES = [
    ("lease", "expires_at"),
    ("poll_round", "polled_at"),
    ("poll_round", "gap_since"),
    ("history", "thinned_until"),
    ("process", "seen_at"),
    ("process", "started_at"),
]


@pytest.mark.parametrize(("table", "column"), BROKEN_TIMES)
async def test_a_time_that_cannot_be_read_is_written_anew(
    database: Database, table: str, column: str
) -> None:
    await spoil_time(database, table, column)
    await all_of_it(database)


async def spoil_time(database: Database, table: str, column: str) -> None:
    odd = "infinity" if database.engine.dialect.name == "postgresql" else "canary"
    async with database.transaction() as connection:
        await connection.exec_driver_sql(f"UPDATE smscredits_{table} SET {column} = '{odd}'")  # noqa: S608


async def all_of_it(database: Database) -> None:
    lease = lease_of(database)
    assert await lease.hold()
    assert await lease.hold()
    rounds = SqlRounds(database, lease)
    await rounds.note(lambda _: (Round(NOW), None), ["C1"], NOW)
    seen: list[Round] = []

    def look(before: Round) -> tuple[Round, None]:
        seen.append(before)
        return before, None

    await rounds.note(look, ["C1"], NOW)
    assert seen == [Round(NOW)]
    assert await SqlHistory(database, lease).prune(retention(NOW)) is False
    async with database.transaction() as connection:
        assert (await connection.scalar(select(schema.history.c.thinned_until))) == retention(NOW).full_since


@pytest.mark.parametrize("column", ["read_at", "failing_since"])
async def test_a_time_of_an_account_that_cannot_be_read_hides_no_other(
    database: Database, column: str
) -> None:
    await low(database, "sms", "other")
    await spoil_time(database, "account", column)
    assert (await watches_of(database).watch("other")).reading is None
    assert await polled(database, "other", 4998, 1) == (Reason.STILL_LOW,)
    assert (await watches_of(database).watch("other")).reading


@pytest.mark.parametrize("value", [CANARY, '["2026-07-22T12:05:00"]', '["canary"]'])
async def test_requests_that_cannot_be_read_are_counted_anew_and_forgotten(
    database: Database, value: str
) -> None:
    budget = SqlBudget(database)
    assert await budget.spend("key", polled=True)
    await spoil(database, "request", "asked_at", value)
    assert await budget.spend("key", polled=True)
    await spoil(database, "request", "asked_at", value)
    assert await SqlHistory(database, lease_of(database)).prune(retention(NOW)) is False
    async with database.transaction() as connection:
        assert (await connection.execute(select(schema.request))).all() == []


async def test_a_version_that_is_no_number_is_written_anew(database: Database) -> None:
    if database.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL keeps numbers alone there")
    await low(database, "sms")
    await spoil(database, "account", "version", "canary")
    assert await polled(database, "sms", 4998, 1) == (Reason.STILL_LOW,)
    assert await polled(database, "sms", 4997, 2) == (Reason.STILL_LOW,)


async def test_a_text_that_is_none_hides_no_other(database: Database) -> None:
    if database.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL keeps texts alone there")
    await low(database, "sms", "other")
    async with database.transaction() as connection:
        await connection.exec_driver_sql(
            "UPDATE smscredits_account SET amounts = CAST(x'e9ff' AS TEXT) WHERE name = 'sms'"
        )
    known = await watches_of(database).known(["sms", "other"])
    assert (known["sms"].reading, known["other"].reading) == (None, Reading(NOW, credit(4999)))
