"""The SQLite file: readable by its owner alone, and noticed when another one comes into its place."""

import os
import stat
from pathlib import Path

import structlog
from sqlalchemy import make_url

log = structlog.get_logger()

OWNERS_ALONE = 0o600
BESIDE = ("", "-wal", "-shm", "-journal")


class DatabaseFile:
    """Where the file is to be, and which one was opened there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None

    @classmethod
    def of(cls, url: str) -> "DatabaseFile | None":
        """Return the file that an address names, if it names one by its path."""
        address = make_url(url)
        path = address.database or ""
        named = address.get_backend_name() == "sqlite" and path and not path.startswith((":", "file:"))
        return cls(Path(path)) if named else None

    def prepare(self) -> None:
        """Make the file for its owner alone, whatever the umask, or narrow its rights; remember which it is.

        SQLite gives its journals the rights of the file; the folder is left as it is. Whoever opens the file
        says why it cannot be.
        """
        self._opened = None
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, OWNERS_ALONE))
            for beside in BESIDE:
                self._narrow(self._path.with_name(self._path.name + beside))
        except (OSError, ValueError):
            return
        self._opened = self._present()

    def replaced(self) -> bool:
        """Whether the file that was opened is no longer the one at its place."""
        return self._opened is not None and self._present() != self._opened

    def _present(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino

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
