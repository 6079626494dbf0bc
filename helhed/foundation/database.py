"""Where the database is, and connections to it as its two roles.

The *owner* role migrates; the *application* role may call the decided functions and may not read citizen data (the
second wall, invariant 22 of the access model).
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg

from helhed.foundation.errors import HelhedError
from helhed.foundation.once import create_once
from helhed.foundation.postgres import APPLICATION, DATABASE, SUPERUSER, EmbeddedPostgres
from helhed.foundation.settings import Settings

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection, Pool = asyncpg.Connection, asyncpg.Pool


_SECRET_BYTES = 32
#: what a network needs besides its database: without them its page links, tokens and imported ids change
SECRET_FILES = ("secret", "demo-token-key.json")


class SecretDamaged(HelhedError):
    """The installation's secret is cut short: take the file from a backup. A new one fits an empty network only."""


class _Unreset(Connection):
    """A pooled connection that is not reset: no code leaves session state behind, and the reset halves throughput."""

    def get_reset_query(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Target:
    """How to connect: keyword arguments of ``asyncpg.connect`` for either role."""

    owner: dict[str, Any]
    application: dict[str, Any]
    ensure: Callable[[], None] = field(default=lambda: None)  #: brings an embedded server back after it died

    def named(self, database: str) -> "Target":
        """The same server, another database."""
        owner, application = {**self.owner, "database": database}, {**self.application, "database": database}
        return Target(owner, application, self.ensure)


def embedded_target(server: EmbeddedPostgres, database: str = DATABASE) -> Target:
    """The embedded server behind its private socket."""
    common = {"host": str(server.socket_dir), "database": database}
    return Target({**common, "user": SUPERUSER}, {**common, "user": APPLICATION}, server.start)


def url_target(url: str, password: str) -> Target:
    """A server of the operator's; the application role logs in with ``password``."""
    parts = urlsplit(url)
    common = {"host": parts.hostname or "localhost", "port": parts.port or 5432, "database": parts.path.lstrip("/")}
    owner = {"dsn": url, "database": common["database"]}
    return Target(owner, {**common, "user": APPLICATION, "password": password})


def application_password(settings: Settings, secret: bytes) -> str:
    """The configured password, or one derived from the installation's secret."""
    derived = hmac.new(secret, b"database role helhed_app", hashlib.sha256).hexdigest()
    return settings.database_app_password or derived


def read_secret(data_dir: Path) -> bytes:
    """The installation's 32-byte secret, made on first use and readable by its owner only. Raises SecretDamaged."""
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
    return await asyncpg.connect(**arguments, server_settings=settings)


async def create_pool(target: Target, *, size: int, statement_timeout_ms: int) -> Pool:
    """A pool of application-role connections."""
    settings = {
        "synchronous_commit": "on",
        "application_name": "helhed",
        "statement_timeout": str(statement_timeout_ms),
    }
    return await asyncpg.create_pool(
        **target.application,
        min_size=1,
        max_size=size,
        connection_class=_Unreset,
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
