"""Running the server: the database first, then the workers, then an orderly end."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from helhed.app import database
from helhed.fhir.packages import put_terminologies
from helhed.fhir.terminology.core import put_core
from helhed.foundation.database import Target, connected, ensure_database
from helhed.foundation.database_log import talkative
from helhed.foundation.errors import HelhedError
from helhed.foundation.keyring_file import read_keyring
from helhed.foundation.logging import configure, let_no_error_speak, logger
from helhed.foundation.migrations import migrate as run_migrations
from helhed.foundation.proving import put_proof_keys
from helhed.foundation.scram import set_password
from helhed.foundation.settings import Settings
from helhed.portals.rooms.gate import checked_providers
from helhed.serving.indexing import index_again, what_waits_is_indexed
from helhed.serving.sequencing import the_log_is_sequenced
from helhed.serving.server import Server
from helhed.trust.identity.authenticators import read_authenticators
from helhed.trust.roles import put_roles

__all__ = ["NoNetworkHere", "index_again", "pid_file", "prepare", "prepared", "running", "serve"]


class NoNetworkHere(HelhedError):
    """A command looks at a network that was never started."""


@contextmanager
def prepared(settings: Settings, *, migrate: bool = True) -> Iterator[Target]:
    """The database, running and migrated, for as long as the block lasts. Without ``migrate`` it must be there already.

    Raises NoNetworkHere.
    """
    with running(settings, made=not migrate) as target:
        if migrate:
            read_keyring(settings.data_dir)  # before anything else makes keys of its own
            asyncio.run(prepare(target))
        yield target


@contextmanager
def running(settings: Settings, *, made: bool = False) -> Iterator[Target]:
    """The database server, for as long as the block lasts. Raises NoNetworkHere when it must be ``made`` and is not."""
    target, server = database(settings)
    if made and server is not None and not server.exists:
        raise NoNetworkHere(
            f"There is no network in {settings.data_dir.resolve()}. Run this where `make demo` runs, or set HELHED_DATA_DIR."
        )
    target.ensure()
    try:
        yield target
    finally:
        if server is not None:
            server.stop()


async def prepare(target: Target) -> None:
    """Create and migrate the database, and bring its policy data and its terminologies up to date."""
    await ensure_database(target)
    async with connected(target.owner) as connection:
        await run_migrations(connection)
        if "password" in target.application:
            await set_password(connection, target.application["password"]()[0])
        if target.proofs():
            await put_proof_keys(connection, target.proofs())
        if loud := await talkative(connection):
            logger("serving").warning("the log of PostgreSQL may hold personal data", settings=loud)
        await put_roles(connection)
        await put_core(connection)
        await put_terminologies(connection)


def serve(settings: Settings, workers: int, when_ready: Callable[[], None] | None = None) -> None:
    """Serve until told to stop; requests in flight are finished. SIGHUP replaces the workers one by one.

    ``when_ready`` is called once, from a thread, when the first worker answers.
    """
    configure(settings.log_level)
    let_no_error_speak()
    read_authenticators(settings.authenticators)
    checked_providers(settings)  # before any worker starts, so that whoever starts it reads what is wrong
    # spawned, not forked: a worker that is started later loads the code that is there by then
    multiprocessing.set_start_method("spawn", force=True)
    with (
        prepared(settings) as target,
        pid_file(settings.data_dir / "serve.pid"),
        what_waits_is_indexed(settings, target),
        the_log_is_sequenced(settings),
    ):
        server = Server(settings, workers)
        if when_ready:
            server.tell_when_ready(when_ready)
        server.serve()


@contextmanager
def pid_file(path: Path) -> Iterator[None]:
    """The number of this process in a file, for as long as the block lasts."""
    path.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
