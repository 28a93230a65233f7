"""The database of a run, emptied before it and looked into by its parent, apart from the bot's own code."""

import shutil
import sqlite3
from pathlib import Path
from typing import Protocol

import psycopg

NOTICES = (
    "SELECT notice.id, notice.kind, notice.level, episode.trouble FROM notice"
    " LEFT JOIN episode ON episode.id = notice.episode ORDER BY notice.id"
)
WAITING = "SELECT id, kind, level, NULL FROM notice WHERE sent_at IS NULL"
EMPTY = (
    "TRUNCATE account, reading, episode, notice, process RESTART IDENTITY",
    "UPDATE lease SET holder = '', expires_at = '2000-01-01'",
    "UPDATE poll_round SET polled_at = NULL, gap_since = NULL",
)
Row = tuple[int, str, int, str | None]


class Tables(Protocol):
    """A database that has the bot's tables."""

    url: str

    def clear(self) -> None:
        """Empty every table."""

    def all_told(self) -> bool:
        """Tell whether no word is owed."""

    def notices(self) -> list[Row]:
        """Return number, kind, level and trouble of every notice."""


class FileTables:
    """A file, copied from one that has the tables."""

    def __init__(self, template: Path, path: Path) -> None:
        self._template, self._path = template, path
        self.url = f"sqlite+aiosqlite:///{path}"

    def clear(self) -> None:
        """Begin with a new file."""
        for leftover in self._path.parent.glob(self._path.name + "*"):
            leftover.unlink()
        shutil.copy(self._template, self._path)

    def all_told(self) -> bool:
        """Tell whether no word is owed."""
        return not self._rows(WAITING)

    def notices(self) -> list[Row]:
        """Return every notice."""
        return self._rows(NOTICES)

    def _rows(self, query: str) -> list[Row]:
        connection = sqlite3.connect(self._path, timeout=10)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


class ServerTables:
    """A database on a PostgreSQL server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)

    def clear(self) -> None:
        """Empty every table, once the last run's processes have let go of them."""
        for statement in EMPTY:
            self._connection.execute(statement.encode())

    def all_told(self) -> bool:
        """Tell whether no word is owed."""
        return self._connection.execute(WAITING.encode()).fetchone() is None

    def notices(self) -> list[Row]:
        """Return every notice."""
        return self._connection.execute(NOTICES.encode()).fetchall()
