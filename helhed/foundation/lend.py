"""Borrowing a pooled connection, with the driver's errors mapped once."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Overloaded, Unprocessable
from helhed.foundation.lanes import LOST, DatabaseAway

_PATIENCE_SECONDS = 2.0
#: callers that may wait for one pool; more are refused at once, so that those who wait are served in time
_MOST_WAITING = 64
_waiting: Counter[int] = Counter()  #: by identity of the pool


@asynccontextmanager
async def lend(pool: Pool) -> AsyncIterator[Connection]:
    """One connection of ``pool``. Raises Overloaded when too many wait, when none is free in time or a row is held too long,
    DatabaseAway when the database is gone, and Unprocessable when a statement takes too long.
    """
    try:
        connection = await _acquire(pool)
        try:
            yield connection
        except asyncpg.InternalClientError:  # the driver and the server no longer agree on where they are
            connection.terminate()
            raise
        finally:
            await pool.release(connection)  # type: ignore[arg-type]
    except (TimeoutError, asyncpg.LockNotAvailableError) as error:  # of a connection, or of a row that others hold
        raise Overloaded from error
    except asyncpg.QueryCanceledError as error:
        raise Unprocessable("This search takes too much work: narrow it to a citizen, a code or a period.") from error
    except LOST as error:
        raise DatabaseAway from error


async def _acquire(pool: Pool) -> Connection:
    if _waiting[id(pool)] >= _MOST_WAITING:
        raise Overloaded
    _waiting[id(pool)] += 1
    try:
        return await pool.acquire(timeout=_PATIENCE_SECONDS)  # type: ignore[return-value]
    finally:
        _waiting[id(pool)] -= 1
