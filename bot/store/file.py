"""The SQLite file: readable by its owner alone, and noticed when another one comes into its place."""

import os
import shutil
import stat
from pathlib import Path

import structlog
from sqlalchemy import make_url

log = structlog.get_logger()

OWNERS_ALONE = 0o600
JOURNALS = ("-wal", "-shm", "-journal")
NOT_OPEN = -1
MARK_EVERY_SECONDS = 2.0
MARK_AT = 60
"""Where the header holds the `user_version` (sqlite.org, "Database File Format")."""


class DatabaseFile:
    """Where the file is to be, and which one is open there.

    It is held open beside SQLite, and closed after it: else SQLite's locks would be lost (sqlite.org, "How To
    Corrupt An SQLite Database File"). The mark in its header, a time that is written anew every few seconds,
    tells it from every copy that was made of it before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = NOT_OPEN
        self._mark = 0
        self._marked_at = 0.0
        self._seen: tuple[int, ...] = ()
        self._journals: dict[Path, tuple[int, ...]] = {}

    @classmethod
    def of(cls, url: str) -> "DatabaseFile | None":
        """Return the file that an address names, if it names one by its path."""
        address = make_url(url)
        path = address.database or ""
        named = address.get_backend_name() == "sqlite" and path and not path.startswith((":", "file:"))
        return cls(Path(path)) if named else None

    def prepare(self) -> None:
        """Make the file for its owner alone, whatever the umask, or narrow its rights.

        SQLite gives its journals the rights of the file; the folder is left as it is. Whoever opens the file
        says why it cannot be.
        """
        try:
            if self._open == NOT_OPEN:
                self._open = os.open(self._path, os.O_CREAT | os.O_RDWR, OWNERS_ALONE)
            for path in (self._path, *self._beside()):
                self._narrow(path)
        except (OSError, ValueError):
            return

    def replaced(self) -> bool:
        """Whether another file is at its place, or an older one was written over it."""
        if self._open == NOT_OPEN:
            return False
        if self._moved() or self._stored() < self._mark:
            return True
        self._journals = {path: _identity(path) for path in self._beside()}
        return False

    def to_mark(self, now: float) -> bool:
        """Whether it is time for a new mark, which is then up to the caller; `now` in seconds."""
        due = self._open != NOT_OPEN and now - self._marked_at >= MARK_EVERY_SECONDS
        self._marked_at = now if due else self._marked_at
        return due

    def marked(self, mark: int) -> None:
        """Rely on a mark from now on, if it has reached the file: else it still waits in the journal."""
        if self._open != NOT_OPEN and self._stored() >= mark:
            self._mark = mark

    def settled(self) -> bool:
        """Whether nothing was written since this was last asked: a copy takes its time."""
        before, self._seen = self._seen, _written(self._path)
        return before == self._seen

    def part(self) -> None:
        """Keep the journal of the old file out of the new one; raises `OSError`.

        On closing, SQLite would write it into a file that was overwritten: a copy takes the place of that. On
        opening, SQLite would read what it finds there.
        """
        if not self._moved():
            copy = self._path.with_name(f"{self._path.name}-restored")
            copy.unlink(missing_ok=True)
            os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNERS_ALONE))
            shutil.copyfile(self._path, copy)
            copy.replace(self._path)
        for path, of_the_old in self._journals.items():
            if of_the_old and _identity(path) == of_the_old:
                path.unlink()

    def close(self) -> None:
        """Let go of the file, once SQLite has."""
        if self._open != NOT_OPEN:
            os.close(self._open)
        self._open, self._mark, self._journals = NOT_OPEN, 0, {}

    def _beside(self) -> tuple[Path, ...]:
        return tuple(self._path.with_name(self._path.name + ending) for ending in JOURNALS)

    def _moved(self) -> bool:
        found = os.fstat(self._open)
        return _identity(self._path) != (found.st_dev, found.st_ino)

    def _stored(self) -> int:
        return int.from_bytes(os.pread(self._open, 4, MARK_AT))

    def _narrow(self, path: Path) -> None:
        try:
            rights = stat.S_IMODE(path.stat().st_mode)
            if rights == OWNERS_ALONE:
                return
            path.chmod(OWNERS_ALONE)
        except FileNotFoundError:
            return
        if rights & ~OWNERS_ALONE:
            log.warning("database.rights_narrowed", file=path.name, before=f"{rights:04o}", now="0600")


def _identity(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    return found.st_dev, found.st_ino


def _written(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns
