"""How the log stands, for those who watch over it."""

from dataclasses import dataclass
from datetime import datetime

from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.trust.evidence.witnessed import how_far

#: what waits longer is an alarm
MOST_SECONDS = 60.0
_STATE = """
select coalesce((select h.size from foundation.log_head h order by number desc limit 1), 0) as size,
       coalesce((select h.number from foundation.log_head h order by number desc limit 1), 0) as head,
       coalesce((select h.at from foundation.log_head h order by number desc limit 1), 0) as at,
       foundation.log_waits_since() as since"""


@dataclass(frozen=True, slots=True)
class LogState:
    """How far the log and its witnesses have come."""

    size: int
    head: int  #: number of the newest
    head_age: float  #: seconds
    waiting: float  #: seconds that the oldest row waits
    behind: int  #: heads that the slowest witness has not signed; 0 without witnesses

    @property
    def late(self) -> bool:
        """Whether something waits longer than it may."""
        return self.waiting > MOST_SECONDS


async def log_state(pool: Pool, now: datetime) -> LogState:
    """As the database has it."""
    async with lend(pool) as connection:
        row = await connection.fetchrow(_STATE)
        signed = await how_far(connection)
    assert row is not None
    waiting = max((now - row["since"]).total_seconds(), 0.0) if row["since"] else 0.0
    age = max(now.timestamp() - row["at"] / 1_000_000, 0.0) if row["head"] else 0.0
    return LogState(row["size"], row["head"], age, waiting, row["head"] - min(signed.values(), default=row["head"]))
