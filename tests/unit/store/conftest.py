"""A scene on a database of its own for each test, and a library: one scene that a whole module searches."""

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from tests.support.databases import copy_made, copy_of
from tests.support.world import World
from tests.unit.store.purging import place, ward
from tests.unit.store.scene import Scene

__all__ = ["place", "ward"]  # fixtures


@pytest.fixture(scope="session")
def stage(server_target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, Scene]]:
    """A database with the scene in it, to be cloned."""
    with copy_made(server_target) as fresh:
        yield fresh, asyncio.run(_set(fresh, tmp_path_factory.mktemp("stage")))


@pytest.fixture
async def scene(stage: tuple[Target, Scene], tmp_path: Path) -> AsyncIterator[Scene]:
    """The scene, just set."""
    template, set_scene = stage
    async with _opened(template, set_scene, tmp_path) as own:
        yield own


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(stage: tuple[Target, Scene], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A scene that the tests of a module share, in one event loop."""
    template, set_scene = stage
    async with _opened(template, set_scene, tmp_path_factory.mktemp("library")) as own:
        yield own


async def _set(target: Target, folder: Path) -> Scene:
    world = await World.open(target, Settings(data_dir=folder, demo=True))
    try:
        return await Scene(world).set()
    finally:
        await world.close()


@asynccontextmanager
async def _opened(template: Target, set_scene: Scene, folder: Path) -> AsyncIterator[Scene]:
    async with copy_of(template) as target:
        own = copy.copy(set_scene)
        own.world = await World.open(target, Settings(data_dir=folder, demo=True))
        yield own
        await own.world.close()
