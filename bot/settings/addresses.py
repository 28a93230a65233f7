"""Addresses that settings may hold: of an API, of a page for people, of the database."""

import re
import warnings
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import SplitResult, unquote, urlsplit

import yarl
from pydantic import BeforeValidator, PlainValidator, SecretStr
from sqlalchemy import URL, make_url
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from bot.settings.faults import fault, unquoted

SQLITE = "sqlite+aiosqlite:///"
POSTGRESQL = "postgresql+psycopg://"
_PLACE = re.compile(r"([^:/@]*(?::[^@]*)?@)?([^/?]*)(.*)", re.DOTALL)
"""User and password, hosts and ports, and the rest, as SQLAlchemy parts them."""

_LONGEST_LINK = 3000
_HIGHEST_PORT = 65535
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER = re.compile(r"[0-9]{1,9}")
_QUERY = {
    "sslmode": re.compile(r"disable|allow|prefer|require|verify-ca|verify-full"),
    "connect_timeout": re.compile(r"[0-9]{1,4}"),
    "target_session_attrs": re.compile(r"any|read-write|primary|prefer-standby"),
    "channel_binding": re.compile(r"disable|prefer|require"),
    "gssencmode": re.compile(r"disable|prefer|require"),
    "sslnegotiation": re.compile(r"postgres|direct"),
    "load_balance_hosts": re.compile(r"disable|random"),
    **dict.fromkeys(("ssl_min_protocol_version", "ssl_max_protocol_version"), re.compile(r"TLSv1(\.[1-3])?")),
    **dict.fromkeys(
        ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
        _NUMBER,
    ),
}
"""What libpq looks at only when it connects: a slip there would be tried again for ever."""


def _split(text: object) -> SplitResult | None:
    """Take an address apart; nothing if it cannot be one, for `urlsplit` alone takes almost anything."""
    written = unquoted(text)
    if not re.fullmatch(r"[!-~]*", written):
        raise fault(
            "must be printable ASCII without spaces: other letters are written as xn--… in a host and "
            "as %XX after it"
        )
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        return None
    if not _host(parts.hostname or "") or port == 0:
        return None
    try:
        yarl.URL(parts.geturl())  # as aiohttp reads it: not every name can be spelled for a resolver
    except ValueError:
        return None
    return parts


def _host(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        labels = name.removesuffix(".").split(".")
        proper = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
        return all(re.fullmatch(proper, label) for label in labels) and len(name) <= 253
    return True


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _url(text: object) -> str:
    parts = _split(text)
    if parts and (parts.username or parts.password or parts.query or parts.fragment):
        raise fault("must be a bare address, with no user, password, query or fragment")
    if parts and parts.scheme == "https":
        return parts.geturl()
    if parts and parts.scheme == "http" and _loopback(parts.hostname or ""):
        return parts.geturl()
    raise fault("must be an https address (plain http for loopback addresses only)")


def _link(text: object) -> str:
    """A page for people: its query may be needed; everybody in the channel sees it."""
    parts = _split(text)
    if parts and (parts.username or parts.password):
        raise fault("must hold no user and no password: everybody in the channel sees it")
    if parts is None or parts.scheme != "https" or len(str(text)) > _LONGEST_LINK:
        raise fault(f"must be an https address of at most {_LONGEST_LINK:,} characters")
    return parts.geturl()


def _secret_url(text: object) -> str:
    """An address that is a secret itself: its path or query may hold what only we may send."""
    parts = _split(text)
    safe = parts and (parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or "")))
    if not parts or not safe:
        raise fault("must be an https address (plain http for loopback addresses only)")
    return parts.geturl()


def _bind_address(text: object) -> str:
    """Return an address of this machine; a link-local one needs a zone, which means nothing on the next."""
    written = unquoted(text)
    sentence = "must be an IP address of this machine, such as 127.0.0.1 or ::1, and no port"
    try:
        address = ip_address(written)
    except ValueError:
        raise fault(sentence) from None
    if address.is_multicast or "%" in written or (address.version == 6 and address.is_link_local):
        raise fault(sentence)
    return str(address)


def _database(text: object) -> str:
    """Rewrite every spelling that hosts use (`postgres://…`) to the drivers that this bot ships."""
    address = unquoted(text)
    if _CONTROL.search(unquote(address)):
        raise fault("has a control character in it")
    scheme, _, rest = address.partition("://")
    kind = scheme.lower().partition("+")[0]
    if kind in {"postgres", "postgresql"}:
        if not address.isascii():
            raise fault("must be ASCII: other letters, as in a password, are written as %XX")
        url = POSTGRESQL + _hosts_apart(rest)
        _check_postgresql(*_connecting(url))
    elif kind == "sqlite" and rest.startswith("/"):
        url = SQLITE.removesuffix("/") + rest
        _check_sqlite(_connecting(url)[0])
    else:
        raise fault("must begin with sqlite:/// or postgres://")
    return url


def _hosts_apart(rest: str) -> str:
    """Move a list of hosts, as libpq writes it (`user@a:5432,b/db`), to where SQLAlchemy takes it from."""
    place = _PLACE.fullmatch(rest)
    user, listed, behind = place.groups("") if place else ("", "", "")
    if "," not in listed:
        return rest
    found = [re.fullmatch(r"(\[[^]]*\]|[^:]*)(?::(\d*))?", one) for one in listed.split(",")]
    hosts = [one and one[1].strip("[]") for one in found]
    if not all(hosts):
        raise fault("has a host without a name in its list of hosts, or a port that is no number")
    ports = [(one and one[2]) or "5432" for one in found]
    if any(int(port) == 0 for port in ports):
        raise fault("has a port that does not exist")
    path, _, query = behind.partition("?")
    added = f"host={','.join(map(str, hosts))}&port={','.join(ports)}"
    return f"{user}{path or '/'}?{'&'.join(filter(None, [added, query]))}"


def _connecting(text: str) -> tuple[URL, Mapping[str, Any]]:
    """Return an address and what the driver would be told; errors of SQLAlchemy name parts of a password."""
    try:
        with warnings.catch_warnings():
            # What a driver does not know SQLAlchemy leaves out, with a warning that nobody reads.
            warnings.simplefilter("error", SAWarning)
            url = make_url(text)
            return url, url.get_dialect()().create_connect_args(url)[1]
    except (SQLAlchemyError, SAWarning, ValueError):
        raise fault(
            "cannot be understood: is the port a number, @ in the password written as %40, "
            "and everything after the ? known to the database's client?"
        ) from None


def _check_postgresql(url: URL, connecting: Mapping[str, Any]) -> None:
    import psycopg.conninfo  # noqa: PLC0415 - heavy, and SQLite does without

    if not connecting:
        raise fault("names no host and no database")
    hosts = str(connecting.get("host") or "localhost").split(",")
    if not all(host.startswith("/") or _host(host) for host in hosts):
        raise fault("names no valid host; @ in a password is written as %40")
    ports = [str(url.port)] if url.port is not None else str(connecting.get("port", "")).split(",")
    if not all(one.isdecimal() and 0 < int(one) <= _HIGHEST_PORT for one in ports if one):
        raise fault("has a port that does not exist")
    try:
        psycopg.conninfo.make_conninfo(**connecting)
    except psycopg.Error:
        raise fault("has a query that PostgreSQL's client does not know; ?sslmode=require is one") from None
    for name, allowed in _QUERY.items():
        if name in connecting and not allowed.fullmatch(str(connecting[name])):
            raise fault(f"has a value for {name} that PostgreSQL's client does not know")


def _check_sqlite(url: URL) -> None:
    if not url.database or ":memory:" in url.database or url.query.get("mode") == "memory":
        raise fault("must name a file: with state in memory, everything is posted again after a restart")


BindAddress = Annotated[str, PlainValidator(_bind_address)]
Url = Annotated[str, PlainValidator(_url)]
Link = Annotated[str, PlainValidator(_link)]
SecretUrl = Annotated[SecretStr, BeforeValidator(_secret_url)]
DatabaseUrl = Annotated[SecretStr, BeforeValidator(_database)]
