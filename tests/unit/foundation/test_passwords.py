"""The application's password on a PostgreSQL of the operator's: set without being told, and changed while it is used."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace

import asyncpg
import pytest

from helhed.foundation.database import Target, connect, create_pool, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.scram import set_password, verifier

OLD, NEW, WRONG = "old" * 9, "new" * 9, "wrong" * 9


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that asks helhed_app for a password."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("strict"), shared_buffers="16MB")
    server.start()
    rules = server.cluster / "pg_hba.conf"
    rules.write_text("local all helhed_app scram-sha-256\n" + rules.read_text())
    yield embedded_target(server, "postgres")
    server.discard()


@pytest.fixture
async def target(strict: Target) -> Target:
    owner = await connect(strict.owner)
    await owner.execute("select pg_reload_conf()")
    await owner.execute("drop role if exists helhed_app")
    await owner.execute("create role helhed_app login")
    await set_password(owner, OLD)
    await owner.close()
    return strict


def known_as(target: Target, *passwords: str) -> Target:
    return replace(target, application={**target.application, "password": lambda: passwords})


async def test_whoever_knows_both_passwords_gets_in_before_and_after_the_change(target: Target) -> None:
    both = [known_as(target, OLD, NEW), known_as(target, NEW, OLD)]
    owner = await connect(target.owner)
    for password in (OLD, NEW):
        await set_password(owner, password)
        for one in both:
            await (await connect(one.application)).close()
            async with await create_pool(one, size=1, statement_timeout_ms=1000) as pool:
                assert await pool.fetchval("select current_user") == "helhed_app"
    await owner.close()


async def test_who_knows_neither_is_refused(target: Target) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(known_as(target, WRONG, NEW).application)


async def test_the_database_hears_only_what_it_keeps(target: Target) -> None:
    owner = await connect(target.owner)
    kept = await owner.fetchval("select rolpassword from pg_authid where rolname = 'helhed_app'")
    await owner.close()
    assert OLD not in kept
    assert kept.startswith("SCRAM-SHA-256$4096:")


def test_it_is_what_the_standard_says() -> None:
    """The example of RFC 7677, section 3: the server's signature of the exchange follows from what it keeps."""
    salt, nonce = "W22ZaJ0SNY7soEsUEjb6gQ==", "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    exchange = f"n=user,r={nonce[:20]},r={nonce},s={salt},i=4096,c=biws,r={nonce}"
    kept = verifier("pencil", b64decode(salt))
    server_key = b64decode(kept.rpartition(":")[2])
    assert kept.startswith(f"SCRAM-SHA-256$4096:{salt}$")
    assert (
        b64encode(hmac.digest(server_key, exchange.encode(), "sha256"))
        == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )
