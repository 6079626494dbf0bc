"""A network that holds FHIR's own terminologies, and what a test puts beside them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from helhed.fhir.terminology import Terminology
from helhed.fhir.terminology.model import CodeSystem
from helhed.fhir.terminology.storing import count_change, lock, store
from helhed.foundation.database import Target, connect, create_pool

Put = Callable[..., Awaitable[None]]


@pytest.fixture
async def terminology(target: Target) -> AsyncIterator[Terminology]:
    """Asked as the application asks."""
    pool = await create_pool(target, size=2, statement_timeout_ms=5000)
    yield Terminology(pool)
    await pool.close()


@pytest.fixture
def put(target: Target) -> Put:
    """Store code systems, value sets and concept maps, as an importer does."""

    async def stored(*listed: CodeSystem | dict[str, Any]) -> None:
        connection = await connect(target.owner)
        try:
            async with connection.transaction():
                await lock(connection)
                await store(connection, listed, "test")
                await count_change(connection)
        finally:
            await connection.close()

    return stored
