"""How far indexing has come of what an earlier release indexed less of."""

from typing import NamedTuple

from helhed.foundation.database import Pool
from helhed.foundation.ids import BUCKETS
from helhed.foundation.lend import lend

_WAITING = "select name, bucket from fhir.index_work where done_at is null order by name"


class IndexWork(NamedTuple):
    """What waits, and how much is behind the place where the least of it goes on."""

    waiting: list[str]
    done: float


async def index_work(pool: Pool) -> IndexWork:
    """As it stands now. Raises DatabaseAway or Overloaded."""
    async with lend(pool) as connection:
        rows = await connection.fetch(_WAITING)
    place = min((row["bucket"] for row in rows), default=BUCKETS)
    return IndexWork([row["name"] for row in rows], max(place, 0) / BUCKETS)
