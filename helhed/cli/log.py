"""Commands about the log that can be proved."""

from pathlib import Path
from typing import Annotated

import typer

from helhed.cli.running import run
from helhed.foundation.settings import Settings

log = typer.Typer(no_args_is_help=True, help="The log that can be proved: checking it, and who witnesses it.")


@log.command("verify")
def log_verify(
    export: Annotated[Path, typer.Argument(help="What a citizen took out of My log.")],
    witness_key: Annotated[
        list[str] | None, typer.Option(help="Public key of a witness that is trusted, from the witness itself.")
    ] = None,
    log_id: Annotated[str, typer.Option(help="The id that the log must have.")] = "",
    citizen: Annotated[list[str] | None, typer.Option(help="Patient/ and the id: whose log it must be.")] = None,
    previous: Annotated[Path | None, typer.Option(help="An earlier export, which this one must go on from.")] = None,
) -> None:
    """Check a citizen's log with nothing but the file: no database, no network, no code that wrote it."""
    from helhed.commands.verifying import verify_file

    for line in verify_file(export, witness_key or [], log_id, citizen or [], previous):
        typer.echo(line)


@log.command("witness")
def log_witness(
    name: Annotated[str, typer.Argument(help="What the witness is called.")],
    key: Annotated[str, typer.Argument(help="Its public key, as `helhed witness key` prints it.")],
) -> None:
    """Let a witness's signatures be kept and shown."""
    from helhed.commands.verifying import admit_witness
    from helhed.foundation.database import connected
    from helhed.serving import prepared

    with prepared(Settings(), migrate=False) as target:

        async def admit() -> None:
            async with connected(target.owner) as connection:
                await admit_witness(connection, name, key)

        run(admit())


@log.command("audit")
def log_audit(
    witness: Annotated[
        list[Path] | None, typer.Option(help="signed.json of a witness: the log must have what it signed.")
    ] = None,
) -> None:
    """Compute every leaf anew from the rows and compare, also with what witnesses signed; after a restore, for one."""
    from helhed.commands.auditing import audit
    from helhed.foundation.database import connected
    from helhed.serving import prepared

    with prepared(Settings(), migrate=False) as target:

        async def done() -> list[str]:
            async with connected(target.owner) as connection:
                return await audit(connection, witness or [])

        for line in run(done()):
            typer.echo(line)
