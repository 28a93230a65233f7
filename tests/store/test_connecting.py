"""Whatever keeps PostgreSQL from letting the bot in is said in words that hold none of the server's."""

import pytest

from bot.ports import StoreAway
from bot.store import Database
from tests.neighbours import DATABASE_PASSWORD, refusing

REFUSALS = [
    ("28P01", 'password authentication failed for user "canary"', "the password is refused"),
    ("3D000", 'database "canary" does not exist', "there is no such database or user"),
    ("28000", 'role "canary" is not permitted to log in', "the user is refused"),
    (
        "28000",
        'no pg_hba.conf entry for host "10.1.2.3", user "canary", database "canary", no encryption',
        "no such user from this machine (perhaps only with ?sslmode=require)",
    ),
    ("53300", "sorry, too many clients already", "too many connections are open"),
    ("53300", 'too many connections for role "canary"', "too many connections are open"),
    (
        "53300",
        "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "too many connections are open",
    ),
    ("57P03", "the database system is starting up", "the server is starting"),
    ("57P03", "the database system is shutting down", "the server is stopping"),
    ("XX000", "canary", "OperationalError"),
]


async def reason(address: str) -> str:
    database = Database(f"postgresql+psycopg://bot:{DATABASE_PASSWORD}@{address}")
    try:
        with pytest.raises(StoreAway) as caught:
            async with database.transaction():
                raise AssertionError
        return str(caught.value)
    finally:
        await database.close()


@pytest.mark.parametrize(("code", "said", "told"), REFUSALS)
async def test_a_refusal_of_the_server_is_told_by_its_cause(code: str, said: str, told: str) -> None:
    async with refusing(code, said) as port:
        assert await reason(f"127.0.0.1:{port}/bot") == told


async def test_a_server_without_tls_is_told_where_it_is_demanded() -> None:
    async with refusing() as port:
        told = await reason(f"127.0.0.1:{port}/bot?sslmode=require")
    assert told == "the server speaks no TLS, and sslmode demands it"


async def test_a_certificate_that_cannot_be_looked_at_is_told() -> None:
    async with refusing(tls=b"S") as port:
        told = await reason(f"127.0.0.1:{port}/bot?sslmode=verify-full&sslrootcert=/nowhere/canary.pem")
    assert told == "the server's certificate is not trusted (sslmode, sslrootcert)"


async def test_a_socket_that_is_not_there_is_told() -> None:
    assert await reason("/bot?host=/nowhere/at/all") == "no server listens at that path"
