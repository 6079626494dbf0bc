"""Running the server: the database first, then the workers, then an orderly end."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from helhed.app import database
from helhed.fhir.store.reindexing import reindex
from helhed.fhir.terminology.core import put_core
from helhed.foundation.database import Target, connect, ensure_database
from helhed.foundation.errors import HelhedError
from helhed.foundation.logging import configure
from helhed.foundation.migrations import migrate as run_migrations
from helhed.foundation.settings import Settings
from helhed.foundation.workers import ReadyMarks
from helhed.serving.server import Server
from helhed.trust.roles import put_roles


class NoNetworkHere(HelhedError):
    """A command looks at a network that was never started."""


@contextmanager
def prepared(settings: Settings, *, migrate: bool = True) -> Iterator[Target]:
    """The database, running and migrated, for as long as the block lasts. Without ``migrate`` it must be there already.

    Raises NoNetworkHere.
    """
    with running(settings, made=not migrate) as target:
        if migrate:
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
    """Create and migrate the database, and bring its policy data and FHIR's own terminologies up to date."""
    await ensure_database(target)
    connection = await connect(target.owner)
    try:
        await run_migrations(connection)
        if "password" in target.application:
            statement = await connection.fetchval(
                "select format('alter role helhed_app password %L', $1::text)", target.application["password"]
            )
            await connection.execute(statement)
        await put_roles(connection)
        await put_core(connection)
    finally:
        await connection.close()


async def index_again(target: Target, tell: Callable[[int], object]) -> int:
    """Do the indexing that migrations left to be done; returns how many resources were indexed."""
    connection = await connect(target.owner)
    try:
        return await reindex(connection, tell)
    finally:
        await connection.close()


def serve(settings: Settings, workers: int) -> None:
    """Serve until told to stop; requests in flight are finished. SIGHUP replaces the workers one by one."""
    configure(settings.log_level)
    # spawned, not forked: a worker that is started later loads the code that is there by then
    multiprocessing.set_start_method("spawn", force=True)
    with prepared(settings), pid_file(settings.data_dir / "serve.pid"):
        Server(settings.host, settings.port, workers, ReadyMarks(settings.data_dir), settings.goodbye_seconds).serve()


@contextmanager
def pid_file(path: Path) -> Iterator[None]:
    """The number of this process in a file, for as long as the block lasts."""
    path.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
