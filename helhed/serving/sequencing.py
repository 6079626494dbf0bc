"""Sequencing the log while the network serves, in a process of its own that steps back for everybody else.

It signs with a key that no worker uses, and as a role that may read no row of the access log: it is given leaves. Where
several machines serve, one of them does it. A process that dies is replaced, and goes on where its last round ended.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvloop

from helhed.app import database
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Target, connected
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.logging import configure, logger
from helhed.foundation.processes import collect_seldom
from helhed.foundation.settings import Settings
from helhed.trust.evidence.sequencing import NotTheOnlyOne, Sequencer

_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_AFTER_FAILURE = 2.0
_SECONDS_BETWEEN_HEADS = 1.0
#: a round rests several times as long as it worked, so that it takes a small part of the machine
_REST = 8.0
#: and at most so long: nothing waits longer than this and the round itself
_LONGEST_REST = 10.0
_POLITENESS = 5
_SECONDS_FOR_THE_LAST_ROUND = 20.0


@contextmanager
def the_log_is_sequenced(settings: Settings) -> Iterator[None]:
    """Whatever is logged is sequenced, for as long as the block lasts; nothing when the settings say no."""
    if not settings.sequence_log:
        yield
        return
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(settings, stop), name="sequencing")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(settings: Settings, stop: threading.Event) -> None:
    while not stop.is_set():
        worker = multiprocessing.get_context("spawn").Process(target=sequence, args=(settings,), daemon=True)
        worker.start()
        while worker.is_alive() and not stop.is_set():
            worker.join(_SECONDS_BETWEEN_LOOKS)
        worker.terminate()
        worker.join(_SECONDS_FOR_THE_LAST_ROUND)
        worker.kill()
        worker.join()
        stop.wait(_SECONDS_AFTER_FAILURE)


def sequence(settings: Settings) -> None:
    """Sequence until the parent is gone."""
    configure(settings.log_level)
    os.nice(_POLITENESS)
    collect_seldom()
    target, embedded = database(settings)
    keys, parent, log = KeysInUse(settings.data_dir), os.getppid(), logger("sequencing")
    while os.getppid() == parent:
        try:
            if uvloop.run(_sequence(target, keys, parent, polite=embedded is not None)):
                return
        except NotTheOnlyOne:
            log.debug("somebody else sequences the log")
        except Exception as error:  # the next try begins with what the database has
            log.error("sequencing stopped; it is tried again", error=error)
        time.sleep(_SECONDS_AFTER_FAILURE)


async def _sequence(target: Target, keys: KeysInUse, parent: int, *, polite: bool) -> bool:
    """Round after round. True when it was asked to end: then nothing that was logged waits; False to be opened anew."""
    leaving = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leaving.set)
    async with connected(target.owner) as connection:
        if polite:
            await _step_back(connection)
        await connection.execute("set role helhed_log")
        sequencer = await Sequencer.open(connection, system_clock, keys.secrets(KeyPurpose.LOG))
        while os.getppid() == parent:
            begun = time.monotonic()
            await sequencer.round()
            worked = time.monotonic() - begun
            rest = max(_SECONDS_BETWEEN_HEADS - worked, min(_REST * worked, _LONGEST_REST))
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), rest)
            if leaving.is_set():
                await sequencer.round()
                return True
            if keys.look_again():  # with the consent of the key before
                return False
    return False


async def _step_back(connection: Connection) -> None:
    """The database's own process for this connection is on this machine, and ours."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, await connection.fetchval("select pg_backend_pid()"), _POLITENESS)
