"""Whose tables these are: a database is often another application's too."""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, select
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind

from bot.store.schema import metadata, version

NEWEST = "1001"
"""The version that this release needs; versions are numbered in order."""

FIRST = "1001"

_TRIAL = "alembic_version", {"0001", "0002", "0003", "0004"}
"""Where, and as what, a trial before the first release kept the version of its tables."""


@dataclass(frozen=True)
class Ownership:
    """What stands in a database under the bot's names; without a version there is nothing yet.

    `foreign`: a table of one of these names that is not the bot's, or no longer whole. `trial`: tables of a
    trial before the first release are there too; they are not used.
    """

    version: str = ""
    foreign: str = ""
    trial: bool = False


def look(connection: Connection) -> Ownership:
    """Find out what stands there; nothing is changed."""
    found = inspect(connection).get_multi_columns(
        kind=ObjectKind.ANY, filter_names=[*metadata.tables, version.name, _TRIAL[0]]
    )
    columns = {name: frozenset(map(_name, of)) for (_, name), of in found.items()}
    trial = columns.pop(_TRIAL[0], frozenset()) == {"version_num"} and _is_trial(connection)
    number = ""
    if version.name in columns:
        number = _number(connection) if columns[version.name] == set(version.c.keys()) else ""
        if not (re.fullmatch(r"\d{4}", number) and number >= FIRST):
            return Ownership(foreign=version.name, trial=trial)
    return Ownership(number, _foreign(columns, number), trial)


def _foreign(columns: dict[str, frozenset[str]], number: str) -> str:
    """Return the first table that cannot be the bot's: all of them are made, and changed, at once."""
    if not number:
        return next((name for name in metadata.tables if name in columns), "")
    if number < NEWEST:
        return ""
    for name, table in metadata.tables.items():
        if not columns.get(name, frozenset()) >= {*table.c.keys()}:
            return name
    return ""


def _name(column: ReflectedColumn) -> str:
    return column["name"]


def _number(connection: Connection) -> str:
    return connection.scalar(select(version.c.version_num)) or ""


def _is_trial(connection: Connection) -> bool:
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() in _TRIAL[1]
