"""Where the database is, and connections to it as its two roles.

The *owner* role migrates; the *application* role may call the decided functions and may not read citizen data (the
second wall, invariant 22 of the access model).
"""

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg

from helhed.foundation.errors import HelhedError
from helhed.foundation.once import create_once
from helhed.foundation.postgres import APPLICATION, DATABASE, SUPERUSER, EmbeddedPostgres
from helhed.foundation.settings import Settings

#: another transaction was quicker: this one was undone, and may be tried again
OVERTAKEN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection, Pool = asyncpg.Connection, asyncpg.Pool


_SECRET_BYTES = 32
Proofs = Callable[[], Sequence[bytes]]


class SecretDamaged(HelhedError):
    """The installation's secret is cut short: take the file from a backup. A new one fits an empty network only."""


class _Unreset(Connection):
    """A pooled connection that is not reset: no code leaves session state behind, and the reset halves throughput."""

    proofs: Proofs = staticmethod(tuple)

    def get_reset_query(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Target:
    """How to connect: keyword arguments of ``asyncpg.connect`` for either role."""

    owner: dict[str, Any]
    application: dict[str, Any]
    ensure: Callable[[], None] = field(default=lambda: None)  #: brings an embedded server back after it died
    proofs: Proofs = field(default=tuple)  #: keys by which the application proves what it asks for, the newest first

    def named(self, database: str) -> "Target":
        """The same server, another database."""
        owner, application = {**self.owner, "database": database}, {**self.application, "database": database}
        return replace(self, owner=owner, application=application)


def embedded_target(server: EmbeddedPostgres, database: str = DATABASE, proofs: Proofs = tuple) -> Target:
    """The embedded server behind its private socket."""
    common = {"host": str(server.socket_dir), "database": database}
    return Target({**common, "user": SUPERUSER}, {**common, "user": APPLICATION}, server.start, proofs)


def url_target(
    url: str, *passwords: str, now: Callable[[], Sequence[str]] | None = None, proofs: Proofs = tuple
) -> Target:
    """A server of the operator's. The application role logs in with the first of ``passwords`` that it has; ``now`` says
    which they are at each connection, so that one can take the place of another while the network serves.
    """
    owner = {"dsn": url, "database": urlsplit(url).path.lstrip("/")}
    # the same address: what it says of TLS holds for both roles
    return Target(owner, {**owner, "user": APPLICATION, "password": now or (lambda: passwords)}, proofs=proofs)


def application_password(settings: Settings, secret: bytes) -> str:
    """The configured password, or one that follows from a key."""
    derived = hmac.new(secret, b"database role helhed_app", hashlib.sha256).hexdigest()
    return settings.database_app_password or derived


def read_secret(data_dir: Path) -> bytes:
    """What makes this installation itself, and never changes: the ids of imported records follow from it, and whom
    tokens are for. 32 bytes, made on first use and readable by its owner only. Keys that change: ``keyring``.

    Raises SecretDamaged.
    """
    path = data_dir / "secret"
    if not path.exists():
        create_once(path, secrets.token_bytes(_SECRET_BYTES))
    secret = path.read_bytes()
    if len(secret) < _SECRET_BYTES:
        raise SecretDamaged
    return secret


async def connect(arguments: dict[str, Any], **server_settings: str) -> Connection:
    """One connection with durable commits."""
    settings = {"synchronous_commit": "on", "application_name": "helhed", **server_settings}
    return await _by_password(**arguments, server_settings=settings)


@asynccontextmanager
async def connected(arguments: dict[str, Any], **server_settings: str) -> AsyncIterator[Connection]:
    """One such connection, for as long as the block lasts."""
    connection = await connect(arguments, **server_settings)
    try:
        yield connection
    finally:
        await connection.close()


async def _by_password(*where: Any, **named: Any) -> Connection:
    """``asyncpg.connect`` by the first password that the server takes, where there are several."""
    passwords = named.pop("password", None)
    *others, last = passwords() if callable(passwords) else [passwords]
    for password in others:
        with suppress(asyncpg.InvalidPasswordError):
            return await asyncpg.connect(*where, password=password, **named)
    return await asyncpg.connect(*where, password=last, **named)


async def create_pool(target: Target, *, size: int, statement_timeout_ms: int) -> Pool:
    """A pool of application-role connections."""
    settings = {
        "synchronous_commit": "on",
        "application_name": "helhed",
        "statement_timeout": str(statement_timeout_ms),
        # whoever waits for another's row gives up before its statement would seem to be too much work
        "lock_timeout": str(statement_timeout_ms // 2),
    }
    return await asyncpg.create_pool(
        **target.application,
        min_size=1,
        max_size=size,
        connect=_by_password,
        connection_class=type("_Proving", (_Unreset,), {"proofs": staticmethod(target.proofs)}),
        max_inactive_connection_lifetime=0,
        server_settings=settings,
    )


async def ensure_database(target: Target) -> None:
    """Create the database if it is missing."""
    admin = await asyncpg.connect(**{**target.owner, "database": "postgres"})
    try:
        name = target.owner["database"]
        if not await admin.fetchval("select 1 from pg_database where datname = $1", name):
            await admin.execute(f'create database "{name}"')
    finally:
        await admin.close()
