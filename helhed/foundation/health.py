"""What keeps a process from answering as it should: the reasons that /health gives."""

import asyncio
from contextlib import suppress
from functools import cache

import asyncpg

from helhed.foundation.database import Connection, Pool
from helhed.foundation.migrations import all_migrations

AWAY, UNMIGRATED, LEAVING, STARTING = "database unavailable", "migrations pending", "shutting down", "starting"
_PATIENCE_SECONDS = 2.0
_RAN = "select package, number from public.helhed_migration"


async def hindrances(pool: Pool) -> list[str]:
    """Why the database cannot serve this code now; nothing when it can."""
    with suppress(Exception):  # whatever it is, it does not answer
        async with asyncio.timeout(_PATIENCE_SECONDS), pool.acquire() as connection:
            return [UNMIGRATED] if await pending_migrations(connection) else []  # type: ignore[arg-type]
    return [AWAY]


async def pending_migrations(connection: Connection) -> list[str]:
    """The migrations that this code has and the database has not."""
    try:
        ran = {(row["package"], row["number"]) for row in await connection.fetch(_RAN)}
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):  # from before anybody could ask
        ran = set()
    return [f"{package} {number:04}" for package, number in _known() if (package, number) not in ran]


@cache
def _known() -> list[tuple[str, int]]:
    return [(migration.package, migration.number) for migration in all_migrations()]
