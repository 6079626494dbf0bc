"""Commands of whoever releases population figures."""

from typing import Any

import typer

from helhed.cli.running import run
from helhed.foundation.settings import Settings

insight = typer.Typer(no_args_is_help=True, help="Population figures: counts in which nobody can be recognised.")


@insight.callback()
def _group() -> None:
    """Keeps the command's name though it is the only one."""


@insight.command("refresh")
def insight_refresh() -> None:
    """Count everybody anew and release the figures; refused, with the reason, when the difference would tell of few people."""
    from helhed.commands.figures import refresh
    from helhed.foundation.database import connected
    from helhed.serving import prepared

    async def released(target: Any) -> int:
        async with connected(target.owner) as connection:
            return await refresh(connection)

    with prepared(Settings()) as target:
        typer.echo(f"Released: number {run(released(target))}. They are at /tal and at /insight/figures.")
