"""As many fresh databases as a test asks for."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from tests.support.databases import copy_of
from tests.support.world import World

Worlds = Callable[[], AbstractAsyncContextManager[World]]


@pytest.fixture
def fresh_world(server_target: Target, tmp_path: Path) -> Worlds:
    """Opens a world on a fresh database, which is dropped behind it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[World]:
        async with copy_of(server_target) as target:
            world = await World.open(target, Settings(data_dir=tmp_path, demo=True))
            try:
                yield world
            finally:
                await world.close()

    return opened
