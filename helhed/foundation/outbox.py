"""The outbox: events written in the transaction that causes them, delivered at least once to upper rooms.

An event never feeds a decision; those facts are projected in the transaction itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson

from helhed.foundation.clock import Clock
from helhed.foundation.database import Connection, Pool
from helhed.foundation.logging import logger
from helhed.foundation.metrics import OUTBOX_DELIVERED, OUTBOX_FAILED

#: takes (connection, key, payload); the key is the same at every delivery of one event, so handlers can ignore repeats
Handler = Callable[[Connection, int, Any], Awaitable[None]]
#: takes (connection, payloads) of one topic, oldest first; whoever has one is told one by one too, when it fails
ManyHandler = Callable[[Connection, Sequence[Any]], Awaitable[None]]
_MOST_ATTEMPTS = 8
_TAKE = """
select id, topic, payload, attempts from foundation.outbox
where not failed and not_before <= $1 and topic = any($3) order by id limit $2 for update skip locked
"""
_DONE = "delete from foundation.outbox where id = any($1::bigint[])"
_RETRY = "update foundation.outbox set attempts = attempts + 1, not_before = $2, failed = $3 where id = $1"


class Outbox:
    """Delivers events to handlers by topic. Several workers share the work by SKIP LOCKED.

    An event that nobody here handles is left for a worker that does: old and new code run beside each other.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        handlers: Mapping[str, Handler],
        *,
        together: Mapping[str, ManyHandler] | None = None,
        page: int = 64,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._handlers = dict(handlers)
        self._together = dict(together or {})
        self._page = page
        self._log = logger("outbox")

    async def deliver(self) -> int:
        """Deliver what waits, oldest first; returns how many events were taken."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_TAKE, self._clock(), self._page, list(self._handlers))
            by_topic: dict[str, list[Any]] = defaultdict(list)
            for row in rows:
                by_topic[row["topic"]].append(row)
            for topic, some in by_topic.items():
                if not await self._many(connection, topic, some):  # type: ignore[arg-type]
                    for row in some:
                        await self._one(connection, row)  # type: ignore[arg-type]
            return len(rows)

    async def _many(self, connection: Connection, topic: str, rows: list[Any]) -> bool:
        """Whether all were delivered at once. Where one fails nothing of it is done, and they go one by one."""
        if topic not in self._together or len(rows) == 1:
            return False
        try:
            async with connection.transaction():
                await self._together[topic](connection, [orjson.loads(row["payload"]) for row in rows])
                await connection.execute(_DONE, [row["id"] for row in rows])
        except Exception as error:
            self._log.warning("events not delivered together", topic=topic, events=len(rows), error=error)
            return False
        OUTBOX_DELIVERED.labels(topic).inc(len(rows))
        return True

    async def _one(self, connection: Connection, row: Any) -> None:
        try:
            async with connection.transaction():
                await self._handlers[row["topic"]](connection, row["id"], orjson.loads(row["payload"]))
            await connection.execute("delete from foundation.outbox where id = $1", row["id"])
            OUTBOX_DELIVERED.labels(row["topic"]).inc()
        except Exception as error:
            attempts = row["attempts"] + 1
            failed = attempts >= _MOST_ATTEMPTS
            await connection.execute(_RETRY, row["id"], self._clock() + timedelta(seconds=2**attempts), failed)
            if failed:
                OUTBOX_FAILED.labels(row["topic"]).inc()
            self._log.warning("event not delivered", topic=row["topic"], attempts=attempts, failed=failed, error=error)

    async def run(self, stopping: asyncio.Event, *, pause_seconds: float = 0.5) -> None:
        """Deliver until ``stopping`` is set; pauses when nothing waits."""
        while not stopping.is_set():
            try:
                taken = await self.deliver()
            except Exception as error:  # the database may be away; the next round tries again
                self._log.warning("outbox round failed", error=error)
                taken = 0
            if taken < self._page:
                try:
                    await asyncio.wait_for(stopping.wait(), pause_seconds)
                except TimeoutError:
                    continue
