"""Commands for the keys of an installation."""

from typing import Annotated

import typer

from helhed.foundation.settings import Settings

keys = typer.Typer(no_args_is_help=True, help="The keys of this installation, and how one takes the place of another.")
_PURPOSE = Annotated[str, typer.Argument(help="cursors, tokens, database or log.")]
_KEY = Annotated[str, typer.Argument(help="A key, as `helhed keys list` names it.")]


@keys.command("list")
def keys_list() -> None:
    """Show the keys: what for, how old, in which state. Never a secret."""
    from helhed.commands.rotating import print_keys

    print_keys(Settings())


@keys.command("prepare")
def keys_prepare(purpose: _PURPOSE) -> None:
    """Make a key that is accepted but not used yet: bring keyring.json to every machine, then activate it."""
    from helhed.commands.rotating import prepare, purpose_named

    typer.echo(prepare(Settings(), purpose_named(purpose)).id)


@keys.command("activate")
def keys_activate(key: _KEY) -> None:
    """Use a key from now on; what was used before is still accepted."""
    from helhed.commands.rotating import activate

    typer.echo(activate(Settings(), key).id)


@keys.command("rotate")
def keys_rotate(purpose: _PURPOSE) -> None:
    """Prepare and activate at once, where all workers share one data folder."""
    from helhed.commands.rotating import purpose_named, rotate

    typer.echo(rotate(Settings(), purpose_named(purpose)).id)


@keys.command("retire")
def keys_retire(key: _KEY) -> None:
    """Accept a key no longer, and erase its secret. What it made is refused from now on."""
    from helhed.commands.rotating import retire

    typer.echo(retire(Settings(), key).id)
