"""A scene on a fresh database, and a library: one database that a whole module searches."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from helhed.foundation.database import Target, connect
from helhed.foundation.settings import Settings
from tests.support.world import World
from tests.unit.store.scene import Scene


@pytest.fixture
async def scene(world: World) -> Scene:
    """The scene, just set."""
    return await Scene(world).set()


@pytest.fixture(scope="module")
def shelf(server_target: Target) -> Iterator[Target]:
    """A database for one module; its tests read only what the module put there."""
    fresh = server_target.named(f"t_{uuid4().hex}")
    name = fresh.owner["database"]
    asyncio.run(_run(server_target, f'create database "{name}" template "{server_target.owner["database"]}"'))
    yield fresh
    asyncio.run(_run(server_target, f'drop database if exists "{name}" with (force)'))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(shelf: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A scene that the tests of a module share, in one event loop."""
    folder: Path = tmp_path_factory.mktemp("library")
    world = await World.open(shelf, Settings(data_dir=folder, demo=True))
    yield await Scene(world).set()
    await world.close()


async def _run(target: Target, statement: str) -> None:
    admin = await connect({**target.owner, "database": "postgres"})
    try:
        await admin.execute(statement)
    finally:
        await admin.close()
