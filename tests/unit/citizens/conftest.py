"""The doors over one world that the tests of a module share; each test brings people of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
import pytest_asyncio

from helhed.foundation.database import Target, connect
from helhed.foundation.settings import Settings
from tests.support.world import NOW, World
from tests.unit.acting.doors import Doors


@pytest.fixture(scope="module")
def stage(server_target: Target) -> Iterator[Target]:
    """A database for a module."""
    name = f"citizens_{uuid4().hex}"
    asyncio.run(_do(server_target, f'create database "{name}" template "{server_target.owner["database"]}"'))
    yield server_target.named(name)
    asyncio.run(_do(server_target, f'drop database "{name}" with (force)'))


async def _do(target: Target, statement: str) -> None:
    admin = await connect({**target.owner, "database": "postgres"})
    await admin.execute(statement)
    await admin.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def building(stage: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """All pages over one world."""
    world = await World.open(stage, Settings(data_dir=tmp_path_factory.mktemp("citizens"), demo=True))
    yield Doors(world)
    await world.close()


@pytest.fixture
def doors(building: Doors) -> Doors:
    """The same, with the clock set back."""
    building.now = NOW
    return building
