"""Indexing what an upgrade left to be indexed, while the network serves and without being asked.

The server looks now and then whether anything waits. If so it starts a process of its own for it, which loads the code that
is there by then, steps back for everybody else, and rests as long as it worked. Only one in the whole network works at a
time; each page is a transaction, so it may be ended whenever, and goes on where it was left.
"""

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from helhed.app import database
from helhed.fhir.store.reindexing import reindex
from helhed.foundation.database import Connection, Target, connected
from helhed.foundation.logging import configure, logger
from helhed.foundation.settings import Settings

_PENDING = "select exists (select from fhir.index_work where done_at is null)"
ALONE = 0x496E6478  #: the advisory lock of whoever indexes
_SECONDS_BETWEEN_LOOKS = 2.0
_SECONDS_AFTER_FAILURE = 10.0
_POLITENESS = 10


async def index_again(target: Target, tell: Callable[[int], object]) -> int:
    """Do the indexing that waits, after whoever is doing it now; returns how many resources were indexed."""
    async with connected(target.owner) as connection:
        await connection.execute("select pg_advisory_lock($1)", ALONE)
        return await reindex(connection, tell)


@contextmanager
def what_waits_is_indexed(settings: Settings, target: Target) -> Iterator[None]:
    """Whatever waits is indexed, for as long as the block lasts; nothing when the settings say no."""
    if not settings.index_in_background:
        yield
        return
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(settings, target, stop), name="indexing")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(settings: Settings, target: Target, stop: threading.Event) -> None:
    while not stop.wait(_SECONDS_BETWEEN_LOOKS):
        with suppress(Exception):  # the database may be away
            if asyncio.run(_pending(target)):
                _work(settings, stop)


async def _pending(target: Target) -> bool:
    async with connected(target.owner) as connection:
        return bool(await connection.fetchval(_PENDING))


def _work(settings: Settings, stop: threading.Event) -> None:
    """One process, until it has ended or is to end. After a failure there is a pause."""
    worker = multiprocessing.get_context("spawn").Process(target=index_politely, args=(settings,), daemon=True)
    worker.start()
    while worker.is_alive() and not stop.is_set():
        worker.join(_SECONDS_BETWEEN_LOOKS / 10)
    worker.terminate()
    worker.join()
    if worker.exitcode and not stop.is_set():
        stop.wait(_SECONDS_AFTER_FAILURE)


def index_politely(settings: Settings) -> None:
    """Index what waits unless somebody else does, stepping back for all who serve."""
    configure(settings.log_level)
    os.nice(_POLITENESS)
    target, _ = database(settings)
    try:
        asyncio.run(_index_alone(target))
    except Exception as error:
        logger("indexing").error("indexing stopped; it is tried again", error=error)
        raise SystemExit(1) from None


async def _index_alone(target: Target) -> None:
    async with connected(target.owner) as connection:
        if await connection.fetchval("select pg_try_advisory_lock($1)", ALONE):
            await _index(connection)


async def _index(connection: Connection) -> None:
    log, begun = logger("indexing"), time.monotonic()

    def rest(count: int) -> None:
        """A pause as long as the page took. Nothing else runs in this process, so it may sleep."""
        nonlocal begun
        log.debug("indexed", resources=count)
        time.sleep(time.monotonic() - begun)
        begun = time.monotonic()

    log.info("indexing begins")
    log.info("indexing has ended", resources=await reindex(connection, rest))
