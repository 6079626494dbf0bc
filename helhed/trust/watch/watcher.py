"""What one worker does in the background to watch over the network: composed here, begun by the application."""

import asyncio
from contextlib import suppress

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.logging import logger
from helhed.foundation.metrics import WATCH_CASES, WATCH_ROWS
from helhed.foundation.settings import Settings
from helhed.trust.watch.events import SecurityEvents
from helhed.trust.watch.job import WatchJob
from helhed.trust.watch.policy import watch_policy
from helhed.trust.watch.siem import Siem, SiemExport


class Watcher:
    """The background work, and the place where the doors note events."""

    def __init__(self, pool: Pool, secret: bytes, clock: Clock, siem: Siem | None = None) -> None:
        self.events = SecurityEvents(pool, secret, clock)
        self._export = None if siem is None else SiemExport(pool, secret, clock, siem)
        self._job = WatchJob(pool)
        self._clock = clock
        self._log = logger("watch")

    async def run(self, stopping: asyncio.Event) -> None:
        """Until ``stopping``."""
        given_on = [] if self._export is None else [self._export.run(stopping)]
        await asyncio.gather(self.events.run(stopping), self._watch(stopping), *given_on)

    async def _watch(self, stopping: asyncio.Event) -> None:
        """Run the job now and then. All workers try; the database lets one at a time take the log in."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), watch_policy().pause_seconds)
            if not stopping.is_set():
                await self._once()

    async def _once(self) -> None:
        try:
            done = await self._job.run(self._clock())
        except Exception as error:  # the database may be away, or busy: the next run goes on where this one was
            self._log.warning("the watching job waits", error=error)
            return
        WATCH_ROWS.inc(done.rows)
        WATCH_CASES.inc(done.raised)
        if done.raised:
            self._log.info("cases opened", many=done.raised)


def siem_of(settings: Settings) -> Siem | None:
    """The security centre's system that the settings name. Raises ValueError for an address without a port."""
    return Siem.of(settings.siem_address, settings.siem_authority, settings.siem_certificate)
