"""Commands of a witness, who is somebody else than who runs the network."""

from pathlib import Path
from typing import Annotated

import typer

from helhed.cli.running import run

witness = typer.Typer(
    no_args_is_help=True, help="A witness of a log: signs what the log says, and never two histories."
)
_STATE = Annotated[Path, typer.Option("--state", help="Folder of its own, with its key and what it signed last.")]
_NAME = Annotated[str, typer.Option("--name", help="What the witness is called, in a to z, 0 to 9, - and .")]


@witness.command("run")
def witness_run(
    log: Annotated[str, typer.Option(help="Address of the network whose log is followed.")],
    state: _STATE,
    name: _NAME,
    log_id: Annotated[str, typer.Option(help="The id that the log must have; without, the one seen first.")] = "",
) -> None:
    """Follow a log and sign its heads, until ended. Ends by itself when the log contradicts itself."""
    from helhed.commands.witnessing import Memory, run_witness
    from helhed.foundation.logging import configure

    configure("info")
    memory = Memory(state, name)
    typer.echo(f"{name} {memory.public.hex()}")
    run(run_witness(memory, log, log_id))


@witness.command("key")
def witness_key(state: _STATE, name: _NAME) -> None:
    """Print the public key, made if there is none: give it to the log, and publish it for the citizens."""
    from helhed.commands.witnessing import Memory

    typer.echo(Memory(state, name).public.hex())
