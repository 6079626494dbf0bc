"""Carrying notices: claimed, begun in writing, handed over, noted. A channel that is away is tried again, and quietly."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import HelhedError
from helhed.foundation.logging import logger
from helhed.foundation.proving import Duty, lend_proven
from helhed.foundation.settings import Settings
from helhed.trust.log.channels import Channel, NotCarried, channels_of
from helhed.trust.log.notices import notice_kinds
from helhed.trust.log.ways import Ways

_CLAIM = "select * from trust.claim_notices($1, $2, $3, $4, $5, $6)"
_NOTE = "select trust.note_delivery($1, $2, $3, $4, $5, $6)"
_LEASE = timedelta(minutes=5)  #: after which another worker tries what a dead one had begun
_MOST_ATTEMPTS = 10
_AT_ONCE = 50
_SECONDS_BETWEEN = 20.0


class Carrier:
    """Goes round. A notice is begun in a transaction of its own before anything leaves, and noted when it has: a worker that dies in
    between has it carried once more after the lease, under the same name (a mail's Message-ID, a letter's file).
    """

    def __init__(self, pool: Pool, channels: Sequence[Channel]) -> None:
        self._pool = pool
        self._channels = {one.way: one for one in channels}
        kinds = notice_kinds().values()
        self._always = [one.name for one in kinds if one.always]
        self._chosen = [one.name for one in kinds if one.chosen]

    async def round(self, now: datetime) -> int:
        """How many were handed over."""
        if not self._channels:
            return 0
        wanted = (now, _LEASE, list(self._channels), self._always, self._chosen, _AT_ONCE)
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            claimed = await connection.fetch(_CLAIM, *wanted)
        carried = 0
        for row in claimed:
            carried += await self._carry(row, now)
        for one in self._channels.values():
            for notice, said in await one.receipts():
                await self._note(notice, one.way, "delivered", now, None, said)
        return carried

    async def _carry(self, row: Any, now: datetime) -> bool:
        try:
            await self._channels[row["way"]].carry(row["notice"], row["address"], row["number"], now)
        except NotCarried as problem:
            over = row["attempts"] >= _MOST_ATTEMPTS
            again = now + timedelta(minutes=min(2 ** row["attempts"], 720))
            await self._note(row["notice"], row["way"], "given-up" if over else "begun", now, again, str(problem))
            return False
        await self._note(row["notice"], row["way"], "sent", now, None, "")
        return True

    async def _note(
        self, notice: UUID, way: str, became: str, now: datetime, again: datetime | None, said: str
    ) -> None:
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            await connection.execute(_NOTE, notice, way, became, now, again, said)

    async def run(self, clock: Clock, stopping: asyncio.Event) -> None:
        """Rounds until it is stopped; when the database is away, the next time will do."""
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):
                if carried := await self.round(clock()):
                    logger("notices").info("notices were carried", notices=carried)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)


def elsewhere(settings: Settings, pool: Pool) -> tuple[Ways | None, Carrier]:
    """The ways that the operator has set up (None without any), and who carries notices by them."""
    email, letters = channels_of(settings)
    ways = Ways(pool, email, letters=letters is not None) if email or letters else None
    return ways, Carrier(pool, [one for one in (email, letters) if one is not None])
