"""Borrowing a pooled connection, with the driver's errors mapped once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Overloaded, Unprocessable
from helhed.foundation.lanes import LOST, DatabaseAway

_PATIENCE_SECONDS = 2.0


@asynccontextmanager
async def lend(pool: Pool) -> AsyncIterator[Connection]:
    """One connection of ``pool``. Raises Overloaded when none is free in time, DatabaseAway when the database is gone."""
    try:
        async with pool.acquire(timeout=_PATIENCE_SECONDS) as connection:
            yield connection  # type: ignore[misc]
    except TimeoutError as error:
        raise Overloaded from error
    except asyncpg.QueryCanceledError as error:
        raise Unprocessable("This search takes too much work: narrow it to a citizen, a code or a period.") from error
    except LOST as error:
        raise DatabaseAway from error
