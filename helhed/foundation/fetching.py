"""Fetching what others publish, without being sent where nobody outside may go (``foundation.guarded``): https, or this machine's."""

import asyncio

from helhed.foundation.guarded import Guard, NotFetched, Reach, is_public

MOST_BYTES = 65_536
_SECONDS = 5.0
_OK = 200


class Fetcher:
    """GETs public documents."""

    def __init__(self, *, allow_loopback: bool = False, guard: Guard | None = None) -> None:
        #: for a demo whose apps run on the same machine; then http is spoken too
        self._reach = Reach(loopback=allow_loopback)
        self._guard = guard or Guard()

    async def get(self, url: str) -> bytes:
        """The document at ``url``. Raises NotFetched, which says nothing about why."""
        try:
            async with asyncio.timeout(_SECONDS), await self._guard.connect(url, self._reach) as connection:
                answer = await connection.send("GET", {"accept": "application/json"}, b"", MOST_BYTES)
        except (NotFetched, TimeoutError):
            raise NotFetched from None
        if answer.status != _OK:
            raise NotFetched
        return answer.body


__all__ = ["MOST_BYTES", "Fetcher", "NotFetched", "is_public"]
