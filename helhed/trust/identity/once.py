"""What may be used once: the ids of assertions and proofs, kept in the database until they would have ended anyway."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from helhed.foundation.batcher import Batcher
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend


class Once(Protocol):
    """Takes what may be used once."""

    async def take(self, digest: bytes, until: datetime) -> bool:
        """Whether nobody took it before."""
        ...


class UsedOnce:
    """Kept in PostgreSQL, so that all workers and the next start know it. Those who come together share one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._batcher: Batcher[tuple[bytes, datetime], bool] = Batcher(self._take)

    async def take(self, digest: bytes, until: datetime) -> bool:
        """Whether nobody took it before; durable before this returns."""
        return await self._batcher.submit((digest, until))

    async def _take(self, items: Sequence[tuple[bytes, datetime]]) -> list[bool | Exception]:
        longest: dict[bytes, datetime] = {}
        for one, until in items:
            longest[one] = max(until, longest.get(one, until))
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select trust.take_once($1, $2)", list(longest), list(longest.values()))
        fresh = {row[0] for row in rows}
        return [_first(one, fresh) for one, _ in items]


def _first(digest: bytes, fresh: set[bytes]) -> bool:
    """Of several in one batch the first has it."""
    if digest in fresh:
        fresh.remove(digest)
        return True
    return False
