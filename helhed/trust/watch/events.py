"""Security events at the doors: log-ins and tokens refused, used from several places, used after they were revoked.

Noting one costs the caller nothing: events wait in memory, those that are alike are counted together, and a background task
writes them each second. A worker that dies forgets the counts of its last second; looks are logged elsewhere, durably.
"""

import asyncio
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger

_NOTE = "select trust.security_event($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_DIGEST_BYTES = 16
_MOST_WAITING = 4096
_SECONDS_BETWEEN_WRITES = 1.0
_LONGEST = 64


class EventKind(StrEnum):
    """What may happen at a door; each is told in words in ``trust/policy/watch.json``."""

    LOGIN = "login"
    LOGIN_REFUSED = "login-refused"
    TOKEN_USED = "token-used"  # noqa: S105
    TOKEN_REFUSED = "token-refused"  # noqa: S105
    TOKEN_AFTER_REVOCATION = "token-after-revocation"  # noqa: S105
    REPLAY = "replay"
    LOOKUPS_REFUSED = "lookups-refused"


class _Alike(NamedTuple):
    kind: str
    actor: int | None
    organisation: int | None
    client: str
    place: bytes | None
    session: bytes | None


class _Count(NamedTuple):
    times: int
    at: datetime
    trace: UUID | None


class SecurityEvents:
    """Takes events from every door of one worker."""

    def __init__(self, pool: Pool, secret: bytes, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._key = blake2b(secret, digest_size=32, person=b"watch events").digest()
        self._waiting: dict[_Alike, _Count] = {}
        self._log = logger("watch")

    def note(
        self,
        kind: EventKind,
        *,
        actor: int | None = None,
        organisation: int | None = None,
        client: str = "",
        place: str = "",
        session: str = "",
        trace: UUID | None = None,
    ) -> None:
        """Something happened now. ``place`` (a network address) and ``session`` (a session, token or family) are kept as digests."""
        alike = _Alike(kind, actor, organisation, _printable(client), self._digest(place), self._digest(session))
        if alike not in self._waiting and len(self._waiting) >= _MOST_WAITING:  # somebody floods: count without whence
            alike = _Alike(kind, None, None, "", None, None)
        known = self._waiting.get(alike)
        self._waiting[alike] = _Count(known.times + 1 if known else 1, self._clock(), trace)

    async def write(self) -> int:
        """Write what waits; how many rows that were. What cannot be written waits for the next time. Raises DatabaseAway."""
        taken, self._waiting = self._waiting, {}
        rows = [
            (one.kind, count.at, count.times, one.actor, one.organisation, one.client, one.place, one.session, count.trace)
            for one, count in taken.items()
        ]  # fmt: skip
        try:
            if rows:
                async with lend(self._pool) as connection:
                    await connection.executemany(_NOTE, rows)
        except Exception:
            self._put_back(taken)
            raise
        return len(rows)

    async def run(self, stopping: asyncio.Event) -> None:
        """Write each second until ``stopping``, and once more then."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN_WRITES)
            try:
                await self.write()
            except Exception as error:  # the database may be away: the next second tries again
                self._log.warning("security events wait", waiting=len(self._waiting), error=error)

    def _put_back(self, taken: dict[_Alike, _Count]) -> None:
        for alike, count in taken.items():
            newer = self._waiting.get(alike)
            self._waiting[alike] = newer._replace(times=newer.times + count.times) if newer else count

    def _digest(self, text: str) -> bytes | None:
        return blake2b(text.encode(), digest_size=_DIGEST_BYTES, key=self._key).digest() if text else None


def _printable(client: str) -> str:
    """A client's name as it claims to be called: short, and safe to write down."""
    return "".join(c for c in client[:_LONGEST] if c.isprintable())
