"""Running the server: the database first, then the workers, then an orderly end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops

from helhed.app import database
from helhed.foundation.database import Target, connect, ensure_database
from helhed.foundation.errors import HelhedError
from helhed.foundation.migrations import migrate as run_migrations
from helhed.foundation.settings import Settings
from helhed.trust.roles import put_roles

_BACKLOG = 1024


class NoNetworkHere(HelhedError):
    """A command looks at a network that was never started."""


@contextmanager
def prepared(settings: Settings, *, migrate: bool = True) -> Iterator[Target]:
    """The database, running and migrated, for as long as the block lasts. Without ``migrate`` it must be there already.

    Raises NoNetworkHere.
    """
    target, server = database(settings)
    if not migrate and server is not None and not server.exists:
        raise NoNetworkHere(
            f"There is no network in {settings.data_dir.resolve()}. Run this where `make demo` runs, or set HELHED_DATA_DIR."
        )
    target.ensure()
    try:
        if migrate:
            asyncio.run(prepare(target))
        yield target
    finally:
        if server is not None:
            server.stop()


async def prepare(target: Target) -> None:
    """Create and migrate the database, and bring its policy data up to date."""
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
    finally:
        await connection.close()


class _Server(Granian):  # type: ignore[misc,valid-type]
    """Granian that takes a second signal to stop while it handles the first one: its lock is not re-entrant."""

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Stop, once."""
        if not self.interrupt_signal:
            super().signal_handler_interrupt(*args, **kwargs)


def serve(settings: Settings, workers: int) -> None:
    """Serve until told to stop; requests in flight are finished."""
    with prepared(settings):
        _Server(
            "helhed.app:application",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=workers,
            loop=Loops.uvloop,
            http=HTTPModes.auto,
            factory=True,
            backlog=_BACKLOG,
            websockets=False,
            log_access=False,
            log_enabled=False,
            respawn_failed_workers=True,
        ).serve()
