"""What a worker does about live sources between looks: whether there are any, and away with what has come to its end."""

import asyncio
import contextlib

from helhed.foundation.clock import Clock
from helhed.foundation.errors import HelhedError
from helhed.record.live.gathering import LiveSources
from helhed.record.live.rules import rules

_SECONDS_BETWEEN = 2.0


async def run(live: LiveSources, clock: Clock, stopping: asyncio.Event) -> None:
    """Again and again until told to stop."""
    rounds = 0
    while not stopping.is_set():
        with contextlib.suppress(HelhedError, OSError):  # the database may be away: the next time will do
            await live.look_again()
            if rounds % int(rules().purge_seconds / _SECONDS_BETWEEN) == 0:
                await live.kept.purge(clock())
        rounds += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)
