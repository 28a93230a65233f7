"""Values of PostgreSQL that Python cannot hold, as `BROKEN`: else none of their statement could be read."""

from functools import cache
from typing import Any

import psycopg
from psycopg import abc
from psycopg.adapt import Loader
from psycopg.pq import Format

from bot.store.schema import BROKEN


def register(connection: psycopg.AsyncConnection[Any]) -> None:
    """Load what may be odd with care: a time beyond the year 9999, bytes in a database without encoding."""
    no_encoding = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
    for name in ("timestamptz", "text", "varchar") if no_encoding else ("timestamptz",):
        type_ = psycopg.adapters.types[name].oid
        usual = psycopg.adapters.get_loader(type_, Format.TEXT)
        if usual:
            connection.adapters.register_loader(type_, _careful(usual))


@cache
def _careful(usual: type[abc.Loader]) -> type[Loader]:
    class Careful(Loader):
        def __init__(self, oid: int, context: abc.AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._usual = usual(oid, context)

        def load(self, data: abc.Buffer) -> Any:
            try:
                return self._usual.load(data)
            except (psycopg.Error, ValueError):
                return BROKEN

    return Careful
