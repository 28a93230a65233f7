"""Rows decoded one by one: one that cannot be read says which it is, and hides none of the others."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Column, Engine, Integer, RowMapping, String, Table, Text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import BROKEN

log = structlog.get_logger()

SAY_AGAIN_SECONDS = 3600
MOST = 1000
"""So many rows are remembered as said, at most."""

_said: WeakKeyDictionary[Engine, dict[tuple[str, str, str], float]] = WeakKeyDictionary()


class BrokenRow(Exception):
    """A row cannot be read: its table, its key and the column, and nothing of what stands there."""

    def __init__(self, table: str, key: str, column: str) -> None:
        super().__init__(f"{table} {key} {column}")
        self.table, self.key, self.column = table, key, column


def decoded(row: RowMapping, table: Table, *names: str) -> dict[str, Any]:
    """Return a row's values, all or those named, by the names of their columns; raises `BrokenRow`."""
    values = {}
    for column, plain in _shape(table, names):
        value = row[column]
        absent = value is None and not column.nullable
        if absent or value is BROKEN or (value is not None and not isinstance(value, plain)):
            raise BrokenRow(table.name, str(row[table.primary_key.columns[0]])[:100], column.name)
        values[column.name] = value
    return values


def readable(
    connection: AsyncConnection, rows: Iterable[RowMapping], table: Table
) -> tuple[Mapping[str, Any], ...]:
    """Return the values of the rows that can be read; each other one is logged."""
    found = []
    for row in rows:
        try:
            found.append(decoded(row, table))
        except BrokenRow as broken:
            say(connection, broken)
    return tuple(found)


def say(connection: AsyncConnection, broken: BrokenRow) -> None:
    """Log a row that cannot be read, once an hour."""
    said = _said.setdefault(connection.sync_engine, {})
    now, which = asyncio.get_running_loop().time(), (broken.table, broken.key, broken.column)
    if now - said.get(which, -SAY_AGAIN_SECONDS) < SAY_AGAIN_SECONDS:
        return
    if len(said) >= MOST:
        said.clear()
    said[which] = now
    log.error(
        "database.row_unreadable",
        table=broken.table,
        row=broken.key,
        column=broken.column,
        mend="deploy the release that wrote it, or delete the row",
    )


@cache
def _shape(table: Table, names: tuple[str, ...]) -> tuple[tuple[Column[Any], type], ...]:
    """Return each column with the type that its driver gives; SQLite keeps any in any column."""
    return tuple((column, _plain(column)) for column in table.c if not names or column.name in names)


def _plain(column: Column[Any]) -> type:
    if isinstance(column.type, Integer):
        return int
    return str if isinstance(column.type, String | Text) else object
