"""The database of a run, emptied before it and looked into by its parent, apart from the bot's own code."""

import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg

from bot.core.watch import Trouble
from tests.samples import NOW

NOTICES = (
    "SELECT notice.id, notice.kind, notice.level, notice.at, notice.episode, episode.trouble"
    " FROM smscredits_notice AS notice LEFT JOIN smscredits_episode AS episode ON episode.id = notice.episode"
    " ORDER BY notice.id"
)
WAITING = "SELECT id FROM smscredits_notice WHERE sent_at IS NULL LIMIT 1"
EMPTY = (
    "TRUNCATE smscredits_account, smscredits_reading RESTART IDENTITY",
    "TRUNCATE smscredits_episode, smscredits_notice, smscredits_process RESTART IDENTITY",
    "UPDATE smscredits_lease SET holder = '', expires_at = '2000-01-01'",
    "UPDATE smscredits_poll_round SET polled_at = NULL, gap_since = NULL",
)


@dataclass(frozen=True)
class NoticeRow:
    """A notice as it stands in the table; `at` in seconds since the run's beginning."""

    id: int
    kind: str
    level: int
    at: float
    episode: str
    trouble: Trouble | None


class Tables(Protocol):
    """A database that has the bot's tables."""

    url: str

    def clear(self) -> None:
        """Empty every table."""

    def all_told(self) -> bool:
        """Tell whether no word is owed."""

    def notices(self) -> list[NoticeRow]:
        """Return every notice, in their order."""


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

    def notices(self) -> list[NoticeRow]:
        """Return every notice."""
        return _notices(self._rows(NOTICES))

    def _rows(self, query: str) -> list[Any]:
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

    def notices(self) -> list[NoticeRow]:
        """Return every notice."""
        return _notices(self._connection.execute(NOTICES.encode()))


def _notices(rows: Iterable[Any]) -> list[NoticeRow]:
    return [
        NoticeRow(number, kind, level, _seconds(at), episode, Trouble(trouble) if trouble else None)
        for number, kind, level, at, episode, trouble in rows
    ]


def _seconds(at: datetime | str) -> float:
    time = datetime.fromisoformat(at) if isinstance(at, str) else at
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() - NOW.timestamp()
