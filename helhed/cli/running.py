"""Running work from a command. A command imports what it needs when it runs, so that every command starts fast."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from helhed.foundation.database import Connection, Target


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end, on the fast event loop."""
    import uvloop

    return uvloop.run(work)


def as_owner(work: Callable[["Connection"], Coroutine[Any, Any, Any]]) -> Any:
    """Run work on a connection of the database's owner."""
    from helhed.foundation.settings import Settings
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        return as_owner_of(target, work)


def as_owner_of(target: "Target", work: Callable[["Connection"], Coroutine[Any, Any, Any]]) -> Any:
    """The same where the database is known already."""
    from helhed.foundation.database import connected

    async def asked() -> Any:
        async with connected(target.owner) as connection:
            return await work(connection)

    return run(asked())


def index_again(target: "Target") -> None:
    """Index what waits to be, and tell how far it is and how much it was."""
    from helhed.serving import index_again as index

    typer.echo(f"{run(index(target, lambda count: typer.echo(f'{count} …', err=True)))} resources indexed.")
