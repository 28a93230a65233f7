import asyncio
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from bot.core.notice import Reason
from bot.ports import NotLeading
from bot.store import Database, SqlLease, SqlOutbox, SqlRounds, SqlWatches, Terms, schema
from tests.samples import NOW, WATCHED, at, judged
from tests.store.stores import HERE

TERMS = Terms()
SECOND = timedelta(seconds=1)


async def pass_time(database: Database, span: timedelta) -> None:
    """Move what the lease knows into the past, as if the database's clock had gone on."""
    async with database.transaction() as connection:
        for table, columns in (
            (schema.lease, ("expires_at",)),
            (schema.process, ("started_at", "seen_at")),
        ):
            key = next(iter(table.primary_key.columns))
            for row in (await connection.execute(select(table))).mappings().all():
                earlier = {column: row[column] - span for column in columns}
                await connection.execute(update(table).where(key == row[key.name]).values(**earlier))


@pytest.fixture
async def first(database: Database) -> SqlLease:
    """Return the lease of the process that watches."""
    await pass_time(database, SECOND)
    return SqlLease(database, HERE)


@pytest.fixture
def second(database: Database, url: str) -> SqlLease:
    """Return the lease of a process that has not shown itself yet."""
    if url.startswith("sqlite"):
        pytest.skip("a file is for one process")
    return SqlLease(database, "newer")


async def fenced(database: Database, lease: SqlLease) -> bool:
    """Tell whether this process may write."""
    try:
        async with database.transaction() as connection:
            await lease.fence(connection)
    except NotLeading:
        return False
    return True


async def test_the_first_takes_it_and_keeps_it_for_as_long_as_it_shows_that_it_lives(
    database: Database, first: SqlLease
) -> None:
    for _ in range(3):
        assert await first.hold()
        await pass_time(database, TERMS.lasts - SECOND)
        assert await fenced(database, first)


async def test_who_does_not_renew_it_may_no_longer_write(database: Database, first: SqlLease) -> None:
    await pass_time(database, TERMS.lasts)
    assert not await fenced(database, first)
    assert await first.hold()
    assert await fenced(database, first)


async def test_it_passes_to_the_newest_live_process_and_only_there(
    database: Database, first: SqlLease, second: SqlLease
) -> None:
    assert not await second.hold()
    assert not await first.hold()
    assert await second.hold()
    assert (await fenced(database, first), await fenced(database, second)) == (False, True)
    assert not await first.hold()
    assert await second.hold()


async def test_it_is_not_passed_on_while_a_message_is_on_its_way(
    database: Database, first: SqlLease, second: SqlLease
) -> None:
    assert not await second.hold()
    assert await first.hold(may_pass=False)
    assert not await second.hold()
    assert await fenced(database, first)
    assert not await first.hold()


async def test_of_a_process_that_was_killed_it_is_taken_when_it_expires(
    database: Database, first: SqlLease, second: SqlLease
) -> None:
    assert await first.hold()
    await pass_time(database, TERMS.lasts - SECOND)
    assert not await second.hold()
    await pass_time(database, SECOND)
    assert await second.hold()
    assert not await fenced(database, first)


async def test_a_newer_process_that_was_killed_is_not_waited_for(
    database: Database, first: SqlLease, second: SqlLease
) -> None:
    assert not await second.hold()
    await pass_time(database, TERMS.alive + SECOND)
    assert await first.hold()


async def test_given_back_it_is_free_at_once(database: Database, first: SqlLease, second: SqlLease) -> None:
    await first.release()
    assert not await fenced(database, first)
    assert await second.hold()
    await first.release()
    assert await fenced(database, second)


async def test_the_older_one_takes_over_when_the_newest_gives_it_back(
    database: Database, first: SqlLease, second: SqlLease
) -> None:
    await second.hold()
    await first.hold()
    await second.hold()
    await second.release()
    assert await first.hold()


async def test_a_file_is_taken_over_at_once_for_whoever_held_it_is_gone(
    database: Database, first: SqlLease, url: str
) -> None:
    if url.startswith("postgresql"):
        pytest.skip("several processes share it")
    assert await SqlLease(database, "newer").hold()
    assert not await fenced(database, first)


async def test_there_are_never_two_holders(database: Database, first: SqlLease) -> None:
    leases = [first, *(SqlLease(database, f"copy-{number}") for number in range(4))]
    for span in (0, 1, 30, 61, 5, 0, 61, 26):
        await pass_time(database, timedelta(seconds=span))
        await asyncio.gather(*(lease.hold() for lease in leases))
        holders = [lease for lease in leases if await fenced(database, lease)]
        assert len(holders) <= 1


async def test_a_late_writer_changes_nothing(database: Database, first: SqlLease, second: SqlLease) -> None:
    late, outbox, rounds = (
        SqlWatches(database, first),
        SqlOutbox(database, first),
        SqlRounds(database, first),
    )
    low = partial(judged, outcome=4999, minute=0)
    await late.change(WATCHED.name, low)
    (owed,) = await outbox.due(NOW)
    await first.release()
    assert await second.hold()
    worse = partial(judged, outcome=0, minute=1)
    with pytest.raises(NotLeading):
        await late.change(WATCHED.name, worse)
    with pytest.raises(NotLeading):
        await outbox.claim(owed, NOW)
    with pytest.raises(NotLeading):
        await outbox.claim_edit(owed.episode, NOW)
    with pytest.raises(NotLeading):
        await rounds.note(lambda before: (before, None), ("C1",), NOW)
    assert (await SqlWatches(database, second).change(WATCHED.name, worse)).reasons == (Reason.WORSE,)
    due = await SqlOutbox(database, second).claim(owed, at(1))
    assert due is not None
    assert not due.repeat


async def test_the_lease_is_held_still_while_its_holder_writes(
    database: Database, first: SqlLease, second: SqlLease
) -> None:
    """Whoever takes it meanwhile waits until what was decided under it is written."""
    async with database.transaction() as connection:
        await first.fence(connection)
        taking = asyncio.create_task(second.hold())
        done, _ = await asyncio.wait({taking}, timeout=0.1)
        assert not done
    assert not await taking


async def test_a_clock_set_back_keeps_nobody_from_watching(database: Database, first: SqlLease) -> None:
    """The one that held it is gone, and its times lie hours ahead: it neither holds nor counts as alive."""
    gone = SqlLease(database, "gone")
    await gone.hold()
    assert not await first.hold()
    assert await gone.hold()
    await pass_time(database, timedelta(hours=-3))
    assert await first.hold()
    assert await fenced(database, first)
