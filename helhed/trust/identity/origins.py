"""The origins from which apps in browsers ask: those of the addresses that public clients registered, and no others."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend

KEPT_FOR = timedelta(minutes=1)
ASKED_AGAIN = timedelta(
    seconds=1
)  #: the soonest, for an origin that was not there: an app works as soon as it is registered


class AppOrigins:
    """Known for a while: whether a browser shows an answer to a page opens nothing by itself."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._known: frozenset[str] = frozenset()
        self._read_at: datetime | None = None

    async def known(self, origin: str) -> bool:
        """Whether an app of ours runs there."""
        now = self._clock()
        kept_for = KEPT_FOR if origin in self._known else ASKED_AGAIN
        if self._read_at is None or now >= self._read_at + kept_for:
            async with lend(self._pool) as connection:
                rows = await connection.fetch("select trust.addresses_of_public_clients($1)", now)
            self._known, self._read_at = frozenset(_origin(row[0]) for row in rows), now
        return origin in self._known


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
