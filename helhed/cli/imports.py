"""Commands that bring in what others have written: records, terminologies."""

from pathlib import Path
from typing import Annotated

import typer

from helhed.cli.running import run
from helhed.foundation.settings import Settings

terminology = typer.Typer(no_args_is_help=True, help="Code systems, value sets and concept maps.")


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Bundles, NDJSON, folders or archives of them.")],
    source: Annotated[str, typer.Option(help="Name of the organisation they come from.")] = "Import",
) -> None:
    """Load foreign FHIR as a named source. Run it again to go on after an interruption."""
    from helhed.commands.importing import import_paths
    from helhed.serving import prepared

    settings = Settings()
    with prepared(settings) as target:
        complete = run(import_paths(settings, target, source, paths))
    raise SystemExit(0 if complete else 2)


@terminology.command("import")
def import_terminology(
    files: Annotated[list[Path], typer.Argument(help="Files as they are published, packed or not.")],
    kind: Annotated[str, typer.Option(help="fhir, sks, atc, npu or loinc.")] = "fhir",
    version: Annotated[str, typer.Option(help="Version of the file, where it does not say so itself.")] = "",
    language: Annotated[str, typer.Option(help="Language of the texts of a table, e.g. da.")] = "",
) -> None:
    """Import terminologies; each version whole or not at all, and again without effect."""
    from helhed.commands.importing import import_terminologies
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        complete = run(import_terminologies(target, files, kind, version, language))
    raise SystemExit(0 if complete else 2)
