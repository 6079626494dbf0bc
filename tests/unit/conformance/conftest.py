"""As many fresh databases as a test asks for."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from helhed.foundation.database import Target, connect
from helhed.foundation.settings import Settings
from tests.support.world import World

Worlds = Callable[[], AbstractAsyncContextManager[World]]


@pytest.fixture
def fresh_world(server_target: Target, tmp_path: Path) -> Worlds:
    """Opens a world on a fresh database, which is dropped behind it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[World]:
        target = server_target.named(f"t_{uuid4().hex}")
        await _admin(
            target, f'create database "{target.owner["database"]}" template "{server_target.owner["database"]}"'
        )
        world = await World.open(target, Settings(data_dir=tmp_path, demo=True))
        try:
            yield world
        finally:
            await world.close()
            await _admin(target, f'drop database "{target.owner["database"]}" with (force)')

    return opened


async def _admin(target: Target, statement: str) -> None:
    admin = await connect({**target.owner, "database": "postgres"})
    try:
        await admin.execute(statement)
    finally:
        await admin.close()
