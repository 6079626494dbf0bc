"""Lanes: dedicated connections that carry batches, brought back when the database was away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from helhed.foundation.database import Connection, Target, connect
from helhed.foundation.errors import Overloaded

#: a batch looks rows up by key whatever the statistics say today
_LOOKUP_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
#: the last is what the driver says when the server ended the connection between two messages of one statement
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    OSError,
    asyncpg.InternalClientError,
)


class DatabaseAway(Overloaded):
    """The database is coming back. Try again in a moment."""


class Lanes:
    """``count`` connections of the application role; ``lane()`` lends one."""

    def __init__(self, target: Target, count: int, *, statement_timeout_ms: int) -> None:
        self.count = count
        self._target = target
        self._timeout = str(statement_timeout_ms)
        self._idle: asyncio.Queue[Connection | None] = asyncio.Queue()
        for _ in range(count):
            self._idle.put_nowait(None)

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[Connection]:
        """One connection. A lost one raises DatabaseAway and is made anew for the next batch."""
        connection = await self._idle.get()
        try:
            if connection is None or connection.is_closed():
                connection = await self._open()
            yield connection
        except LOST as error:
            if connection is not None:
                connection.terminate()
            connection = None
            raise DatabaseAway from error
        finally:
            self._idle.put_nowait(connection)

    async def _open(self) -> Connection:
        await asyncio.to_thread(self._target.ensure)
        return await connect(self._target.application, statement_timeout=self._timeout, **_LOOKUP_PLANS)

    async def close(self) -> None:
        """Close every idle connection."""
        while not self._idle.empty():
            connection = self._idle.get_nowait()
            if connection is not None and not connection.is_closed():
                await connection.close()
