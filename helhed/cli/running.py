"""Running work from a command. A command imports what it needs when it runs, so that every command starts fast."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from helhed.foundation.database import Target


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end, on the fast event loop."""
    import uvloop

    return uvloop.run(work)


def index_again(target: "Target") -> None:
    """Index what waits to be, and tell how far it is and how much it was."""
    from helhed.serving import index_again as index

    typer.echo(f"{run(index(target, lambda count: typer.echo(f'{count} …', err=True)))} resources indexed.")
