"""Commands of the sources of the network: who stores here, who is asked when somebody looks, who sends messages."""

from pathlib import Path
from typing import Annotated

import typer

from helhed.cli.running import as_owner

source = typer.Typer(no_args_is_help=True, help="The sources of the network, and which of them are asked live.")
_SOURCE = Annotated[str, typer.Argument(help="The id of a source, as `helhed source list` shows it.")]
_FILE = Annotated[Path, typer.Argument(help="JSON; docs/how-to/connect-a-live-source.md says what stands in it.")]


@source.command("list")
def source_list() -> None:
    """List them, and how each has answered."""
    from helhed.commands.sources import every

    for one in as_owner(every):
        state = (
            "paused" if not one.active else f"{one.failures} failures ({one.reason})" if one.failures else "in order"
        )
        typer.echo(
            f"{one.id}  {one.way:<9}  {one.kind:<16}  {state:<24}  {one.name} ({one.organisation_name}), kept by {one.keeper}"
        )


@source.command("put")
def source_put(file: _FILE) -> None:
    """Register a source, or say anew how the one of its organisation and kind is asked; prints its id."""
    from helhed.commands.sources import put

    typer.echo(as_owner(lambda connection: put(connection, file)))


@source.command("check")
def source_check(source_: _SOURCE) -> None:
    """Ask a live source what it is: proves the address and the key, and names no citizen."""
    from helhed.commands.sources import check
    from helhed.foundation.keyring import KeyPurpose
    from helhed.foundation.keyring_file import KeysInUse
    from helhed.foundation.settings import Settings
    from helhed.trust.identity.keys import access_key

    keys = KeysInUse(Settings().data_dir)
    typer.echo(
        as_owner(lambda connection: check(connection, source_, lambda: access_key(keys.secrets(KeyPurpose.TOKENS)[0])))
    )


@source.command("pause")
def source_pause(source_: _SOURCE) -> None:
    """Ask it nothing and show nothing of it, from the next look on."""
    from helhed.commands.sources import switch

    as_owner(lambda connection: switch(connection, source_, on=False))


@source.command("resume")
def source_resume(source_: _SOURCE) -> None:
    """Ask it again, from the next look on."""
    from helhed.commands.sources import switch

    as_owner(lambda connection: switch(connection, source_, on=True))


@source.command("end")
def source_end(source_: _SOURCE) -> None:
    """It is a source no longer, and what it answered is gone from here."""
    from helhed.commands.sources import end

    as_owner(lambda connection: end(connection, source_))
