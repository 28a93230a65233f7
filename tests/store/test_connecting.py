"""Whatever keeps PostgreSQL from letting the bot in is said in words that hold none of the server's."""

import asyncio
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.core.unusable import Unusable
from bot.ports import StoreAway
from bot.store import Database
from tests.neighbours import DATABASE_PASSWORD, refusing
from tests.store.server import database_of

REFUSALS = [
    ("28P01", 'password authentication failed for user "canary"', Unusable.PASSWORD),
    ("3D000", 'database "canary" does not exist', Unusable.NO_DATABASE),
    ("28000", 'role "canary" is not permitted to log in', Unusable.USER),
    (
        "28000",
        'no pg_hba.conf entry for host "10.1.2.3", user "canary", database "canary", no encryption',
        Unusable.NOT_FROM_HERE,
    ),
    ("53300", "sorry, too many clients already", Unusable.FULL),
    ("53300", 'too many connections for role "canary"', Unusable.FULL),
    (
        "53300",
        "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        Unusable.FULL,
    ),
    ("57P03", "the database system is starting up", Unusable.STARTING),
    ("57P03", "the database system is shutting down", Unusable.STOPPING),
    ("XX000", "canary", Unusable.UNKNOWN),
]


async def reason(address: str) -> Unusable:
    database = Database(f"postgresql+psycopg://bot:{DATABASE_PASSWORD}@{address}")
    try:
        with pytest.raises(StoreAway) as caught:
            async with database.transaction():
                raise AssertionError
        return caught.value.cause
    finally:
        await database.close()


@pytest.mark.parametrize(("code", "said", "told"), REFUSALS)
async def test_a_refusal_of_the_server_is_told_by_its_cause(code: str, said: str, told: Unusable) -> None:
    async with refusing(code, said) as port:
        assert await reason(f"127.0.0.1:{port}/bot") == told


async def test_a_server_without_tls_is_told_where_it_is_demanded() -> None:
    async with refusing() as port:
        told = await reason(f"127.0.0.1:{port}/bot?sslmode=require")
    assert told == Unusable.NO_TLS


async def test_a_certificate_that_cannot_be_looked_at_is_told() -> None:
    async with refusing(tls=b"S") as port:
        told = await reason(f"127.0.0.1:{port}/bot?sslmode=verify-full&sslrootcert=/nowhere/canary.pem")
    assert told == Unusable.NO_ROOT_CERTIFICATE


async def test_a_socket_that_is_not_there_is_told() -> None:
    assert await reason("/bot?host=/nowhere/at/all") == Unusable.NO_SOCKET


async def test_of_several_hosts_the_one_that_can_be_written_is_used(postgresql: str) -> None:
    """The first host is not there; libpq goes on to the next."""
    with database_of(postgresql) as url:
        place = make_url(url)
        listed = f"/nowhere/at/all,{place.query['host']}"
        several = place.update_query_dict({"host": listed, "target_session_attrs": "read-write"})
        database = Database(several.render_as_string(hide_password=False))
        await database.migrate()
        async with database.transaction() as connection:
            assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
        await database.close()


AUTHORITY = """
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with certificates for "localhost": one that is valid, and one that has expired."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ca.cnf").write_text(AUTHORITY)
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01")
    requested = "openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout {name}.key -out {name}.csr"
    signed = (
        "openssl ca -batch -notext -selfsign -config ca.cnf -startdate 20200101000000Z -enddate {end}"
        " -keyfile {name}.key -in {name}.csr -out {name}.pem"
    )
    for name, end in (("valid", "20991231235959Z"), ("expired", "20200201000000Z")):
        for command in (requested, signed):
            made = command.format(name=name, end=end).split()
            subprocess.run(made, cwd=folder, check=True, capture_output=True)
    return folder


CERTIFICATES = [
    ("valid", "expired.pem", "localhost", Unusable.UNTRUSTED),
    ("valid", "valid.pem", "127.0.0.1", Unusable.OTHER_HOSTS_CERTIFICATE),
    ("expired", "expired.pem", "localhost", Unusable.CERTIFICATE_EXPIRED),
    ("valid", "valid.pem", "localhost", Unusable.HANGS_UP),
]


@pytest.mark.parametrize(("shown", "trusted", "host", "cause"), CERTIFICATES)
async def test_each_fault_of_a_certificate_has_its_own_cause(
    certificates: Path, shown: str, trusted: str, host: str, cause: Unusable
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{shown}.pem", certificates / f"{shown}.key")

    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readexactly(8)
            writer.write(b"S")
            await writer.start_tls(context)
            await reader.read(1)
        writer.close()

    async with await asyncio.start_server(shake_hands, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        query = f"sslmode=verify-full&sslrootcert={certificates / trusted}"
        assert await reason(f"{host}:{port}/bot?{query}") == cause
