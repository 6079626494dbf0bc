"""What is done about the log now and then: questions whose time is over, what citizens chose to be told of, and
emergency copies: those that are out are decided again, those nobody hears of are told of.
"""

import asyncio
import contextlib

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import HelhedError
from helhed.foundation.logging import logger
from helhed.trust.emergency.copies import EmergencyCopies
from helhed.trust.log.notices import Notices
from helhed.trust.log.why import Whys

_SECONDS_BETWEEN = 600.0


class LogRounds:
    """Goes round until it is stopped. Done twice, by two workers, everything is told of once."""

    def __init__(self, pool: Pool) -> None:
        self._whys, self._notices, self._copies = Whys(pool), Notices(pool), EmergencyCopies(pool)

    async def once(self, clock: Clock) -> tuple[int, int]:
        """One round: how many questions were overdue, and how much news there was."""
        return await self._whys.escalate(clock()), await self._notices.look_for_news(clock())

    async def run(self, clock: Clock, stopping: asyncio.Event) -> None:
        """Rounds, until it is stopped."""
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):  # the database may be away: the next time will do
                overdue, _ = await self.once(clock)
                if overdue:
                    logger("log").info("questions of citizens are overdue", questions=overdue)
                _, unaccounted = await self._copies.follow_up(clock())
                if unaccounted:
                    logger("log").info("emergency copies are not accounted for", copies=unaccounted)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)
