"""Work that is done again and again while the network runs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from helhed.foundation.logging import logger


async def in_rounds(
    once: Callable[[], Awaitable[object]], stopping: asyncio.Event, seconds: float, room: str, unfinished: str
) -> None:
    """``once``, and again ``seconds`` after it ended, until it is stopped. What a round raises is logged as ``unfinished`` and ends no other."""
    while not stopping.is_set():
        try:
            await once()
        except Exception as error:  # the database or the disk may be away: the next time will do
            logger(room).warning(unfinished, error=error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)
