"""The doors over one world that the tests of a module share; each test brings people of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from tests.support.world import NOW, World
from tests.unit.acting.doors import Doors


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def building(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """All pages over one world."""
    world = await World.open(module_target, Settings(data_dir=tmp_path_factory.mktemp("building"), demo=True))
    yield Doors(world)
    await world.close()


@pytest.fixture
def doors(building: Doors) -> Doors:
    """The same, with the clock set back."""
    building.now = NOW
    return building
