"""Where small things are kept once between two requests."""

from datetime import datetime

from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.foundation.seal import Seal, SealBroken

_PUT = "insert into portals.once (key, kept, until) values ($1, $2, $3) on conflict do nothing returning true"
_TAKE = "delete from portals.once where key = $1 returning kept, until"
_SWEEP = "delete from portals.once where until < $1"


class PortalOnce:
    """In PostgreSQL, sealed: taking is deleting, so that of two who come at once one gets it."""

    def __init__(self, pool: Pool, seal: Seal) -> None:
        self._pool = pool
        self._seal = seal

    async def put(self, key: str, kept: bytes, until: datetime) -> bool:
        """Keeps it; False when there is one already."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval(_PUT, key, self._seal.close(kept, key), until))

    async def take(self, key: str, now: datetime) -> bytes | None:
        """Takes it, and sweeps what nobody came for."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_TAKE, key)
            await connection.execute(_SWEEP, now)
        if row is None or row["until"] <= now:
            return None
        try:
            return self._seal.open(row["kept"], key)
        except SealBroken:
            return None
