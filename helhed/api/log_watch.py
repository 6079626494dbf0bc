"""What the log tells those who run it: numbers, and an alarm when it falls behind."""

from helhed.api.log_door import LogDoor
from helhed.foundation import metrics
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import Pool
from helhed.trust.evidence.cosigning import PublicLog
from helhed.trust.evidence.watching import log_state

LATE = "the log is behind: something logged waits longer than 60 seconds to be sequenced"


def log_door(pool: Pool) -> LogDoor:
    """The door for everybody."""
    return LogDoor(PublicLog(pool))


async def log_alarms(pool: Pool, clock: Clock = system_clock) -> list[str]:
    """What somebody must look at. The network serves on: a look is logged, sequenced or not."""
    return [LATE] if (await log_state(pool, clock())).late else []


async def measure_log(pool: Pool, clock: Clock = system_clock) -> None:
    """The numbers of /metrics."""
    state = await log_state(pool, clock())
    metrics.LOG_SIZE.set(state.size)
    metrics.LOG_WAITING.set(state.waiting)
    metrics.LOG_HEAD.set(state.head)
    metrics.LOG_HEAD_AGE.set(state.head_age)
    metrics.WITNESSES_BEHIND.set(state.behind)
