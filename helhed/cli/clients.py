"""Commands for the apps and systems that may ask for tokens, and for whose word is taken on software."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from helhed.cli.running import run
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, connected
from helhed.foundation.settings import Settings

client = typer.Typer(no_args_is_help=True, help="Apps and systems that may ask for tokens.")
trust_list = typer.Typer(no_args_is_help=True, help="Whose statements let software register itself.")
FILE = Annotated[Path, typer.Argument(help="A description in JSON (docs/how-to/register-an-app.md).")]
Done = TypeVar("Done")


@client.command("register")
def client_register(file: FILE) -> None:
    """Register a client; prints its client_id."""
    from helhed.commands import clients

    told = clients.read(file)
    typer.echo(with_owner(lambda connection: clients.register(connection, told, system_clock())).id)


@client.command("list")
def client_list() -> None:
    """Show the clients."""
    from helhed.commands import clients

    for one in with_owner(lambda connection: clients.listed(connection, system_clock())):
        typer.echo(f"{one.id}  {one.name}  {one.kind}, {one.profile}{', retired' if one.ended else ''}  {one.scope}")


@client.command("retire")
def client_retire(id: Annotated[str, typer.Argument(help="A client_id.")]) -> None:
    """Let a client ask no longer; its tokens hold no more from the next request on."""
    from helhed.commands import clients

    with_owner(lambda connection: clients.retire(connection, id, system_clock()))


@trust_list.command("add")
def trust_list_add(file: FILE) -> None:
    """Take an issuer of software statements on the list, or its new keys."""
    from helhed.commands import clients

    told = clients.read(file)
    typer.echo(with_owner(lambda connection: clients.trust(connection, told, system_clock())))


@trust_list.command("list")
def trust_list_list() -> None:
    """Show who is on the list."""
    from helhed.commands import clients

    for issuer, name in with_owner(lambda connection: clients.trusted(connection, system_clock())):
        typer.echo(f"{issuer}  {name}")


@trust_list.command("remove")
def trust_list_remove(issuer: Annotated[str, typer.Argument(help="As the list shows it.")]) -> None:
    """Take an issuer off the list."""
    from helhed.commands import clients

    with_owner(lambda connection: clients.trust_no_more(connection, issuer, system_clock()))


def with_owner(work: Callable[[Connection], Awaitable[Done]]) -> Done:
    """What ``work`` does with a connection of the database's owner."""
    from helhed.serving import prepared

    with prepared(Settings(), migrate=False) as target:

        async def done() -> Done:
            async with connected(target.owner) as connection:
                return await work(connection)

        found: Done = run(done())
        return found
