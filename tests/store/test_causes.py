"""Whatever a driver raises is the database's; what the bot's own code raises within a transaction is not."""

import sqlite3
from collections.abc import Callable
from functools import partial

import psycopg
import pytest
from psycopg import errors

from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database
from bot.store.causes import away, tells_against

OUTSIDE = [TypeError, RuntimeError, OSError, KeyError, partial(UnicodeDecodeError, "utf-8", b"\xe9", 0, 1)]


@pytest.mark.parametrize("moment", ["do_execute", "do_commit"])
@pytest.mark.parametrize("kind", OUTSIDE, ids=repr)
async def test_an_error_of_the_driver_that_is_none_of_databases_keeps_the_database_away_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch, kind: Callable[[str], Exception], moment: str
) -> None:
    def fails(*_: object) -> None:
        raise kind("canary")

    monkeypatch.setattr(database.engine.dialect, moment, fails)
    with pytest.raises(StoreAway) as caught:
        await asked(database)
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None
    monkeypatch.undo()
    await asked(database)


@pytest.mark.parametrize("kind", OUTSIDE, ids=repr)
async def test_a_fault_of_the_bots_own_code_within_a_transaction_stays_what_it_is(
    database: Database, kind: Callable[[str], Exception]
) -> None:
    with pytest.raises(Exception, match="canary") as caught:
        await asked(database, kind("canary"))
    assert not isinstance(caught.value, StoreAway)
    await asked(database)


async def asked(database: Database, fault: Exception | None = None) -> None:
    async with database.transaction() as connection:
        await connection.exec_driver_sql("SELECT 1")
        if fault:
            raise fault


CAUSES = [
    (errors.ReadOnlySqlTransaction(), Unusable.READ_ONLY, True),
    (errors.AdminShutdown(), Unusable.STOPPING, True),
    (errors.CrashShutdown(), Unusable.STOPPING, True),
    (errors.CannotConnectNow(), Unusable.STARTING, True),
    (errors.DatabaseDropped(), Unusable.NO_DATABASE, True),
    (errors.IdleSessionTimeout(), Unusable.HANGS_UP, True),
    (errors.InsufficientPrivilege(), Unusable.NO_RIGHT, True),
    (errors.InvalidAuthorizationSpecification(), Unusable.USER, True),
    (errors.ConnectionException(), Unusable.HANGS_UP, True),
    (errors.UndefinedTable(), Unusable.NO_TABLES, True),
    (errors.InternalError_(), Unusable.UNKNOWN, True),
    (errors.DiskFull(), Unusable.DISK_FULL, True),
    (errors.UntranslatableCharacter(), Unusable.ENCODING, False),
    (errors.UniqueViolation(), Unusable.UNKNOWN, False),
    (errors.SerializationFailure(), Unusable.LOCKED, False),
    (errors.DeadlockDetected(), Unusable.LOCKED, False),
    (errors.LockNotAvailable(), Unusable.LOCKED, False),
    (errors.QueryCanceled(), Unusable.NO_ANSWER_IN_TIME, False),
    (psycopg.OperationalError("the connection is lost"), Unusable.HANGS_UP, True),
    (psycopg.OperationalError('failed to resolve host "x": [Errno -2]'), Unusable.NO_HOST, True),
    (
        psycopg.OperationalError("Connection timed out"),
        Unusable.NO_CONNECTION_IN_TIME,
        True,
    ),
    (psycopg.OperationalError("SSL error: certificate verify failed"), Unusable.UNTRUSTED, True),
    (
        psycopg.OperationalError('server certificate for "a" does not match host name "b"'),
        Unusable.OTHER_HOSTS_CERTIFICATE,
        True,
    ),
    (psycopg.OperationalError("SSL error: wrong version number"), Unusable.TLS_FAILED, True),
    (psycopg.OperationalError("session is read-only"), Unusable.NO_PRIMARY, True),
    (sqlite3.OperationalError("attempt to write a readonly database"), Unusable.FILE_READ_ONLY, True),
    (sqlite3.OperationalError("database is locked"), Unusable.FILE_LOCKED, False),
    (sqlite3.DatabaseError("database disk image is malformed"), Unusable.DAMAGED, True),
    (sqlite3.OperationalError("database or disk is full"), Unusable.DISK_FULL, True),
    (sqlite3.OperationalError("disk I/O error"), Unusable.DAMAGED, True),
    (TypeError("canary"), Unusable.UNKNOWN, True),
]


@pytest.mark.parametrize(("error", "cause", "discarded"), CAUSES, ids=repr)
def test_each_error_has_its_cause_and_says_whether_the_connection_may_be_kept(
    error: Exception, cause: Unusable, discarded: bool
) -> None:
    assert (away(error).cause, tells_against(error)) == (cause, discarded)
    assert "canary" not in str(away(error))
