"""Work spread over processes, as much of it waiting as keeps them busy."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: one more process than cores keeps the cores busy while the others wait for the database
PROCESSES = (os.cpu_count() or 1) + 1
_AHEAD = 2
#: documents are large and free of cycles; looking for some in them costs a tenth of the time
_OBJECTS_BETWEEN_COLLECTIONS = 200_000


@contextmanager
def processes(preload: str, start: Callable[..., None], *given: object) -> Iterator[ProcessPoolExecutor]:
    """Processes that have loaded a module once for all, and each run ``start`` before their first work."""
    context = get_context("forkserver")
    context.set_forkserver_preload([preload])
    with ProcessPoolExecutor(PROCESSES, context, start, given) as pool:
        yield pool


def collect_seldom() -> None:
    """For processes that make or parse many documents."""
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


async def spread(
    pool: ProcessPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item]
) -> AsyncIterator[Result]:
    """The results, in the order in which they come. What one piece of work raises ends it all."""
    waiting: set[Future[Result]] = set()
    try:
        for item in items:
            waiting.add(pool.submit(work, item))
            if len(waiting) >= PROCESSES * _AHEAD:
                done, waiting = await asyncio.to_thread(wait, waiting, None, FIRST_COMPLETED)
                for one in done:
                    yield one.result()
        while waiting:
            done, waiting = await asyncio.to_thread(wait, waiting, None, FIRST_COMPLETED)
            for one in done:
                yield one.result()
    finally:
        for one in waiting:
            one.cancel()
