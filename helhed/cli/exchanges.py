"""Commands for old assertions (OIO IDWS, Den Gode Webservice) that become tokens."""

from typing import Annotated

import typer

from helhed.cli.clients import FILE, with_owner
from helhed.foundation.clock import system_clock

exchange = typer.Typer(no_args_is_help=True, help="Old assertions that become tokens, one system at a time.")


@exchange.command("trust")
def exchange_trust(file: FILE) -> None:
    """Take assertions of an issuer, or its new certificates."""
    from helhed.commands import clients, exchanging

    told = clients.read(file)
    typer.echo(with_owner(lambda connection: exchanging.trust(connection, told, system_clock())))


@exchange.command("distrust")
def exchange_distrust(issuer: Annotated[str, typer.Argument(help="As the list shows it.")]) -> None:
    """Take its assertions no longer, from the next request on."""
    from helhed.commands import exchanging

    with_owner(lambda connection: exchanging.trust_no_more(connection, issuer, system_clock()))


@exchange.command("allow")
def exchange_allow(file: FILE) -> None:
    """Let a registered system change assertions about the people of some care providers."""
    from helhed.commands import clients, exchanging

    told = clients.read(file)
    typer.echo(with_owner(lambda connection: exchanging.allow(connection, told, system_clock())))


@exchange.command("forbid")
def exchange_forbid(client: Annotated[str, typer.Argument(help="A client_id.")]) -> None:
    """Let it change none any more, from the next request on."""
    from helhed.commands import exchanging

    with_owner(lambda connection: exchanging.allow_no_more(connection, client, system_clock()))


@exchange.command("list")
def exchange_list() -> None:
    """Show whose assertions are taken and who may change them."""
    from helhed.commands import exchanging

    issuers, changers = with_owner(lambda connection: exchanging.listed(connection, system_clock()))
    for one in issuers:
        typer.echo(f"taken from  {one.issuer}  {one.name}, {one.profile}")
    for other in changers:
        citizens = ", citizens" if other.citizens else ""
        typer.echo(f"changed by  {other.client}  {' '.join(other.care_providers)}{citizens}")
