"""Commands of those who watch over the network: whose security officers see all of it, and how well the watch finds."""

from typing import Annotated

import typer

from helhed.cli.running import as_owner

watch = typer.Typer(no_args_is_help=True, help="Who watches over the whole network.")
_ORGANISATION = Annotated[str, typer.Argument(help="Organization/ and the id.")]


@watch.command("offices")
def watch_offices() -> None:
    """List the organisations whose security officers watch over the whole network."""
    from helhed.commands.watching import list_offices

    for one in as_owner(list_offices):
        typer.echo(f"Organization/{one.organisation}  {one.name}")


@watch.command("add-office")
def watch_add_office(organisation: _ORGANISATION) -> None:
    """Let an organisation's security officers watch over the whole network, from their next request on."""
    from helhed.commands.watching import add_office

    as_owner(lambda connection: add_office(connection, organisation))


@watch.command("end-office")
def watch_end_office(organisation: _ORGANISATION) -> None:
    """No longer let them, from their next request on."""
    from helhed.commands.watching import end_office

    as_owner(lambda connection: end_office(connection, organisation))
