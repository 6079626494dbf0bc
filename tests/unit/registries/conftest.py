"""A region on a database of its own."""

import pytest

from tests.support.world import World
from tests.unit.registries.region import Region


@pytest.fixture
async def region(world: World) -> Region:
    """Just registered."""
    return await Region(world).open()
