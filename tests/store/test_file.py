"""The SQLite file is its owner's alone, and the bot goes on in the file that is there."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog.testing

from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database
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


async def test_a_file_that_was_replaced_is_noticed_by_the_next_look_at_the_lease_and_used(
    folder: Path,
) -> None:
    path = folder / "bot.db"
    other = Database(f"sqlite+aiosqlite:///{folder / 'backup.db'}")
    await other.migrate()
    await other.close()
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    lease = lease_of(database)
    assert await lease.hold()
    for replace in (lambda: shutil.move(folder / "backup.db", path), path.unlink):
        replace()
        with pytest.raises(StoreAway, match=Unusable.FILE_REPLACED):
            await watches_of(database).watch("sms")
        with (
            structlog.testing.capture_logs() as lines,
            pytest.raises(StoreAway, match=Unusable.FILE_REPLACED),
        ):
            await lease.hold()
        assert [line["event"] for line in lines] == ["database.file_replaced"]
        assert await lease.hold()
        await watches_of(database).watch("sms")
        assert set(rights(folder).values()) == {"0600"}
    await database.close()
