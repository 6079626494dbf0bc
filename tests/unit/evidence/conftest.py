"""A log with a sequencer beside it, and witnesses that need no network."""

from collections.abc import AsyncIterator

import pytest

from tests.support.provable import ProvableLog
from tests.support.world import World


@pytest.fixture
async def log(world: World) -> AsyncIterator[ProvableLog]:
    """The log of a world."""
    opened = await ProvableLog.open(world)
    yield opened
    await opened.close()
