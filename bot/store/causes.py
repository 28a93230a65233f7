"""Why the database cannot be used, told from what its drivers raise: their words may hold secrets."""

import re
import sqlite3

from sqlalchemy.exc import TimeoutError as NoFreeConnection

from bot.core.unusable import Unusable
from bot.ports import StoreAway


def away(error: BaseException) -> StoreAway:
    """Return what crosses instead of the driver's error: its cause, and its kind where nobody knows it."""
    driver = getattr(error, "orig", None) or error
    if isinstance(error, NoFreeConnection):
        return StoreAway(Unusable.BUSY)
    state = getattr(driver, "sqlstate", None) or ""
    if cause := _STATES.get(state) or _STATES.get(state[:2]):
        return StoreAway(cause)
    if isinstance(driver, UnicodeError):
        return StoreAway(Unusable.ENCODING)
    said = str(driver)
    for sign, cause in _SIGNS:
        if re.search(sign, said):
            return StoreAway(cause)
    return StoreAway(Unusable.UNKNOWN, f"{type(driver).__name__} {state}".strip())


def tells_against(error: BaseException) -> bool:
    """Whether a connection that met this error is not to be used again.

    Only what is about the statement, or about others who want the same rows, tells nothing against it: a
    server that was switched over, or a role that was changed, answers as fast as ever.
    """
    if isinstance(error, sqlite3.Error):
        innocent = isinstance(error, sqlite3.IntegrityError) or "locked" in str(error)
        return not innocent
    state = getattr(error, "sqlstate", None) or ""
    return state == "22012" or not state.startswith(("22", "23", "40", "55P03", "57014"))


_STATES = {
    "08": Unusable.HANGS_UP,
    "22021": Unusable.ENCODING,
    "22P05": Unusable.ENCODING,
    "22012": Unusable.READ_ONLY,  # of the statement that begins, and of no other
    "25006": Unusable.READ_ONLY,
    "25P03": Unusable.NO_ANSWER_IN_TIME,
    "25P04": Unusable.NO_ANSWER_IN_TIME,
    "28P01": Unusable.PASSWORD,
    "28": Unusable.USER,
    "3D000": Unusable.NO_DATABASE,
    "3F000": Unusable.NO_SCHEMA,
    "40": Unusable.LOCKED,
    "42501": Unusable.NO_RIGHT,
    "42P01": Unusable.NO_TABLES,
    "42703": Unusable.FOREIGN_TABLES,
    "42P07": Unusable.FOREIGN_TABLES,
    "42710": Unusable.FOREIGN_TABLES,
    "53100": Unusable.DISK_FULL,
    "53200": Unusable.BUSY,
    "53300": Unusable.FULL,
    "53400": Unusable.FULL,
    "55P03": Unusable.LOCKED,
    "57014": Unusable.NO_ANSWER_IN_TIME,
    "57P01": Unusable.STOPPING,
    "57P02": Unusable.STOPPING,
    "57P03": Unusable.STARTING,
    "57P04": Unusable.NO_DATABASE,
    "57P05": Unusable.HANGS_UP,
    "58030": Unusable.DAMAGED,
    "XX001": Unusable.DAMAGED,
    "XX002": Unusable.DAMAGED,
}
"""By SQLSTATE, or its class (postgresql.org, "PostgreSQL Error Codes")."""

_SIGNS = (
    ("unable to open database file", Unusable.FILE_NOT_OPENED),
    ("readonly database", Unusable.FILE_READ_ONLY),
    ("database (table )?is locked", Unusable.FILE_LOCKED),
    ("file is not a database", Unusable.FILE_NO_DATABASE),
    ("disk image is malformed|disk I/O error", Unusable.DAMAGED),
    ("database or disk is full", Unusable.DISK_FULL),
    ("no such table", Unusable.NO_TABLES),
    ("there is already a|already exists|no such column|has no column", Unusable.FOREIGN_TABLES),
    # What refuses a connection has no SQLSTATE in the driver: the server's words, or libpq's.
    ("too many c", Unusable.FULL),  # "… clients already", "… connections for role"
    ("connection slots are reserved", Unusable.FULL),
    ("is starting up|not yet accepting connections", Unusable.STARTING),
    ("is shutting down", Unusable.STOPPING),
    ("not accept(ing)? connections|not currently accepting", Unusable.CLOSED),
    ("no pg_hba.conf entry", Unusable.NOT_FROM_HERE),
    ("is not permitted to log in", Unusable.USER),
    ("password authentication failed|no password supplied", Unusable.PASSWORD),
    ("permission denied for database", Unusable.NO_RIGHT),
    ("session is read-only|server is in hot standby|session is not read-only", Unusable.NO_PRIMARY),
    ("root certificate file .* does not exist|could not read root certificate", Unusable.NO_ROOT_CERTIFICATE),
    ("does not match host name", Unusable.OTHER_HOSTS_CERTIFICATE),
    ("certificate has expired", Unusable.CERTIFICATE_EXPIRED),
    ("certificate", Unusable.UNTRUSTED),
    ("not support SSL", Unusable.NO_TLS),
    ("closed the connection|connection has been closed|EOF detected", Unusable.HANGS_UP),
    ("Connection reset|connection is lost|connection is closed", Unusable.HANGS_UP),
    ("SSL error|SSL SYSCALL", Unusable.TLS_FAILED),
    ("resolve host|Name or service not known|name resolution|No address associated", Unusable.NO_HOST),
    ("Connection refused", Unusable.REFUSED),
    ("timeout expired|timed out", Unusable.NO_CONNECTION_IN_TIME),
    ("No route to host|Network is unreachable|Host is unreachable", Unusable.NO_ROUTE),
    ("does not exist", Unusable.NO_DATABASE),
    ("No such file or directory", Unusable.NO_SOCKET),
)
