"""The SQLite file is its owner's alone, and the bot goes on in the file that is there."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import structlog.testing

from bot.core.model import Field
from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database, SqlLease, SqlWatches
from tests.samples import judged
from tests.store.stores import lease_of, watches_of


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def rights(folder: Path) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.stat().st_mode):04o}" for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def _marked_at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.file.MARK_EVERY_SECONDS", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    return folder


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
async def test_files_are_their_owners_alone_whatever_the_umask(folder: Path, mask: int) -> None:
    with umask(mask):
        database = Database(f"sqlite+aiosqlite:///{folder / 'bot.db'}")
        await database.migrate()
        assert await lease_of(database).hold()
    assert rights(folder) == {"bot.db": "0600", "bot.db-wal": "0600", "bot.db-shm": "0600"}
    assert rights(folder.parent)["state"] == "0755"
    await database.close()


async def test_a_file_with_wider_rights_is_narrowed_and_that_is_said(folder: Path) -> None:
    (folder / "bot.db").touch(mode=0o644)
    (folder / "bot.db").chmod(0o644)
    database = Database(f"sqlite+aiosqlite:///{folder / 'bot.db'}")
    with structlog.testing.capture_logs() as lines:
        await database.migrate()
        await database.migrate()
    assert [(line["event"], line["before"]) for line in lines] == [("database.rights_narrowed", "0644")]
    assert rights(folder)["bot.db"] == "0600"
    await database.close()


async def held_again(lease: SqlLease) -> list[str]:
    """Look at the lease until it is held again; returns what was logged."""
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            with suppress(StoreAway):
                if await lease.hold():
                    break
    return [str(line["event"]) for line in lines]


async def keep(watches: SqlWatches, sms: int) -> None:
    """Write a reading down."""
    await watches.change("sms", partial(judged, outcome=sms, minute=10_000 - sms))


def overwritten(backup: Path, path: Path) -> None:
    path.write_bytes(backup.read_bytes())


def moved(backup: Path, path: Path) -> None:
    backup.replace(path)


def removed_first(backup: Path, path: Path) -> None:
    path.unlink()
    shutil.copy(backup, path)  # with its rights


@pytest.mark.parametrize("restore", [overwritten, moved, removed_first])
async def test_a_backup_that_is_restored_while_the_bot_runs_is_used_as_it_is(
    folder: Path, restore: Callable[[Path, Path], None]
) -> None:
    """What the bot wrote since, part of it still in the journal, is neither read nor written into it."""
    path, backup = folder / "bot.db", folder / "backup.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    lease, watches = lease_of(database), watches_of(database)
    assert await lease.hold()
    await keep(watches, 7000)
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(backup)) as copy:
        now.backup(copy)
    backup.chmod(0o600)
    assert await lease.hold()
    await keep(watches, 4000)
    assert await lease.hold()
    await keep(watches, 3000)
    restore(backup, path)
    with pytest.raises(StoreAway, match=Unusable.FILE_REPLACED):
        await watches.watch("sms")
    assert await held_again(lease) == ["database.file_replaced"]
    found = (await watches.watch("sms")).reading
    assert found
    assert found.credits.amounts[Field.CREDIT_SMS] == 7000
    await keep(watches, 6000)
    assert await lease.hold()
    assert set(rights(folder).values()) == {"0600"}
    await database.close()
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert now.execute("SELECT count(*) FROM smscredits_reading").fetchone() == (2,)


async def test_a_file_that_was_deleted_is_made_anew(folder: Path) -> None:
    path = folder / "bot.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    lease = lease_of(database)
    assert await lease.hold()
    path.unlink()
    assert await held_again(lease) == ["database.file_replaced"]
    assert (await watches_of(database).watch("sms")).reading is None
    assert rights(folder)["bot.db"] == "0600"
    await database.close()


async def test_a_copy_that_is_still_being_written_is_waited_for(folder: Path) -> None:
    path = folder / "bot.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    lease = lease_of(database)
    assert await lease.hold()
    await database.close()
    whole = path.read_bytes()
    await database.migrate()
    assert await lease.hold()
    with path.open("wb", buffering=0) as copy, structlog.testing.capture_logs() as lines:
        for start in range(0, 3 * 4096, 4096):
            copy.write(whole[start : start + 4096])
            with pytest.raises(StoreAway, match=Unusable.FILE_REPLACED):
                await lease.hold()
        copy.write(whole[3 * 4096 :])
        assert lines == []
    assert await held_again(lease) == ["database.file_replaced"]
    await database.close()


async def test_another_process_at_the_same_file_is_no_other_file(folder: Path) -> None:
    """A host starts the next copy before it stops the last one, and tools write the journal into the file."""
    url = f"sqlite+aiosqlite:///{folder / 'bot.db'}"
    one, other = Database(url), Database(url)
    for database in (one, other, one, other):
        await database.migrate()
        with closing(sqlite3.connect(folder / "bot.db")) as tool:
            tool.execute("PRAGMA wal_checkpoint")
        await watches_of(one).watch("sms")
        await watches_of(other).watch("sms")
    await one.close()
    await other.close()
