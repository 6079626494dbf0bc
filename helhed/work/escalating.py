"""Overdue pieces of work are escalated, again and again, until somebody moves: nothing falls silently."""

import asyncio
import contextlib
from datetime import datetime
from functools import cache

import orjson

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import HelhedError
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger
from helhed.foundation.proving import Duty, prove
from helhed.work.kinds import kinds

_ESCALATE = "select work.escalate($1, $2::text::jsonb, $3)"
_AT_ONCE = 200
_SECONDS_BETWEEN = 30.0


class Escalation:
    """A round looks for overdue pieces. Every worker may, at the same time, and be killed at any point: a piece is escalated once for
    each deadline that passes, whole with what is told of it, or not yet.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def round(self, moment: datetime, at_once: int = _AT_ONCE) -> int:
        """How many were escalated now; at most ``at_once``."""
        async with lend(self._pool) as connection, connection.transaction():
            await prove(connection, Duty.STORE)
            return int(await connection.fetchval(_ESCALATE, moment, _policy(), at_once))

    async def run(self, clock: Clock, stopping: asyncio.Event) -> None:
        """Rounds until it is stopped; when the database is away, the next time will do."""
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):
                while (done := await self.round(clock())) >= _AT_ONCE:
                    pass
                if done:
                    logger("work").info("overdue pieces of work were escalated", pieces=done)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)


@cache
def _policy() -> str:
    told = {name: {"to": kind.escalates_to, "seconds": kind.step.total_seconds()} for name, kind in kinds().items()}
    return orjson.dumps(told).decode()
