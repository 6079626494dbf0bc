"""Migrations that are killed in their middle: whole or absent, and the next start finishes them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from helhed.foundation.database import Connection, Target, connect, ensure_database
from helhed.foundation.migrations import Migration, MigrationChanged, all_migrations, migrate
from tests.support.catalog import everything
from tests.support.databases import drop

_DIE = "\nselect pg_terminate_backend(pg_backend_pid());"


@pytest.fixture
async def empty(server_target: Target, target: Target) -> AsyncIterator[Target]:
    """A database without a single migration, on the server of the tests."""
    fresh = target.named(target.owner["database"] + "_m")
    await ensure_database(fresh)
    yield fresh
    await drop(fresh)


async def _fails_at(target: Target, migration: Migration, before: list[Migration]) -> None:
    connection = await connect(target.owner)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await migrate(connection, [*before, replace(migration, sql=migration.sql + _DIE)])
    connection.terminate()


async def _catalogue(target: Target) -> list[str]:
    connection = await connect(target.owner)
    try:
        return await everything(connection)
    finally:
        await connection.close()


async def test_each_migration_can_be_killed_at_its_end_and_done_again(empty: Target, target: Target) -> None:
    migrations = all_migrations()
    for place, migration in enumerate(migrations):
        await _fails_at(empty, migration, migrations[:place])
        connection = await connect(empty.owner)
        ran: list[Migration] = await migrate(connection, migrations[: place + 1])
        await connection.close()
        assert ran == [migration]
    assert await _catalogue(empty) == await _catalogue(target)


async def test_an_interrupted_migration_leaves_nothing_behind(empty: Target) -> None:
    migrations = all_migrations()
    connection = await connect(empty.owner)
    await migrate(connection, migrations[:-1])
    before = await everything(connection)
    await connection.close()
    await _fails_at(empty, migrations[-1], migrations[:-1])
    assert await _catalogue(empty) == before


async def test_two_starts_at_once_migrate_once(empty: Target) -> None:
    import asyncio

    async def start() -> int:
        connection: Connection = await connect(empty.owner)
        try:
            return len(await migrate(connection))
        finally:
            await connection.close()

    assert sorted(await asyncio.gather(start(), start())) == [0, len(all_migrations())]


async def test_a_migration_that_was_edited_after_it_ran_stops_the_start(target: Target) -> None:
    connection = await connect(target.owner)
    first, *others = all_migrations()
    with pytest.raises(MigrationChanged):
        await migrate(connection, [replace(first, sql=first.sql + "-- more"), *others])
    await connection.close()
