"""The accounts of a batch and their readings, written in as few statements as the database allows."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    Column,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from bot.store.schema import account, reading

Row = Mapping[str, Any]
_READING = ("account", "began_at", "amounts", "currency")


async def swap(connection: AsyncConnection, accounts: Sequence[Row], readings: Sequence[Row]) -> int:
    """Write accounts whose stored version is one less, or that are new; return how many were written.

    The readings are added in any case: a caller who finds an account missing rolls back.
    """
    if connection.dialect.name == "sqlite":
        written = await connection.execute(_ON_SQLITE, accounts)
        if readings:
            await connection.execute(_READINGS, readings)
    else:
        written = await connection.execute(
            _ON_POSTGRESQL, {"accounts": _document(accounts), "readings": _document(readings)}
        )
    return len(written.all())


def _document(rows: Sequence[Row]) -> str:
    return to_json(rows, fallback=dict).decode()


def _swapping(inserted: postgresql.Insert | sqlite.Insert) -> ReturningInsert[tuple[str]]:
    swapped = inserted.on_conflict_do_update(
        index_elements=[account.c.name],
        set_={column.name: inserted.excluded[column.name] for column in account.c},
        where=account.c.version == inserted.excluded.version - 1,
    )
    return swapped.returning(account.c.name)


def _given(document: str, table: Table, names: Sequence[str]) -> Select[Any]:
    """Select the rows of a JSON document: PostgreSQL would parse and plan each row of VALUES anew."""
    columns = (Column(name, table.c[name].type) for name in names)
    rows = func.json_to_recordset(cast(bindparam(document, type_=Text), JSON)).table_valued(*columns)
    return select(*rows.render_derived(with_types=True).c)


def _on_postgresql() -> Select[tuple[str]]:
    names = account.c.keys()
    written = postgresql.insert(account).from_select(names, _given("accounts", account, names))
    added = insert(reading).from_select(_READING, _given("readings", reading, _READING))
    return select(_swapping(written).cte("written").c.name).add_cte(added.cte("added"))


_ON_SQLITE = _swapping(sqlite.insert(account))
_READINGS = insert(reading)
_ON_POSTGRESQL = _on_postgresql()
