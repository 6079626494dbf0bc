"""Work on large documents, done aside, so that whoever waits with a small request is answered meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

#: bytes; below this a document costs a few milliseconds, and a thread costs more than it gives
LARGE = 128 * 1024
#: one at a time: large documents wait for each other, and the event loop shares the interpreter with one thread only
_THREAD = ThreadPoolExecutor(1, "large-document")

T = TypeVar("T")


async def aside(size: int, work: Callable[[], T]) -> T:
    """What ``work`` gives, worked out in a thread when it is about ``size`` bytes or more than a little."""
    if size < LARGE:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work)
