"""Commands that copy the whole network, and bring it back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from helhed.cli.records import purge_again
from helhed.cli.running import run
from helhed.foundation.settings import Settings

if TYPE_CHECKING:
    from helhed.commands.backup import Manifest


def backup_key(path: Annotated[Path, typer.Argument(help="New file for the secret half.")]) -> None:
    """Make a pair of keys for backups; prints the recipient. Keep the file apart from server and backups."""
    from helhed.commands.backup import new_identity

    typer.echo(new_identity(path))


def backup(
    folder: Annotated[Path, typer.Argument(help="New folder for the backup.")],
    to: Annotated[list[str] | None, typer.Option(help="Recipient (age1…); HELHED_BACKUP_RECIPIENTS without.")] = None,
) -> None:
    """Copy the whole network, encrypted, while it serves on."""
    from helhed.commands.backup import back_up
    from helhed.foundation.clock import system_clock
    from helhed.serving import prepared

    settings = Settings()
    with prepared(settings, migrate=False) as target:
        recipients = to or settings.backup_recipients.split()
        manifest = run(back_up(settings, target, folder, recipients, system_clock()))
    typer.echo(f"{folder}: {_sum(manifest)}")


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    key: Annotated[Path, typer.Option(help="File with the secret half of a key it was encrypted to.")],
    check: Annotated[bool, typer.Option(help="Restore into a server of its own, compare, and remove it.")] = False,
    tombstones: Annotated[Path | None, typer.Option(help="What has been purged since, to be purged again.")] = None,
) -> None:
    """Bring a backup back into an empty network, and compare every table with what was backed up."""
    from helhed.commands.backup import check as prove, restore as bring_back
    from helhed.commands.purging import read_tombstones
    from helhed.serving import prepare, running

    settings = Settings()
    if check:
        manifest = prove(settings, folder, key)
    else:
        if tombstones is not None:
            read_tombstones(tombstones)  # before anything that was purged is back
        with running(settings) as target:
            manifest = run(bring_back(settings, target, folder, key))
            if tombstones is not None:
                run(prepare(target))
                purge_again(target, tombstones)
    typer.echo(f"{folder}: the same as at {manifest.at}: {_sum(manifest)}")
    if not check:
        typer.echo("Compare its log with what witnesses signed: `helhed log audit --witness FILE`.", err=True)
    if tombstones is None and not check:
        typer.echo(
            f"What was purged after {manifest.at} is back: `helhed purge reapply FILE` takes it out again.", err=True
        )


def _sum(manifest: "Manifest") -> str:
    rows = {table: head.rows for table, head in manifest.heads.items()}
    log = manifest.heads["foundation.access_log"]
    return (
        f"{rows['fhir.resource']} resources, {log.rows} log rows (head {log.digest}), {sum(rows.values())} rows in all"
    )
