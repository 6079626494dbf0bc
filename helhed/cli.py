"""Commands for people. The names are fixed: other tools rely on them."""

import os
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helhed.foundation.errors import HelhedError
from helhed.foundation.settings import Settings

if TYPE_CHECKING:
    from helhed.backup import Manifest

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
terminology = typer.Typer(no_args_is_help=True, help="Code systems, value sets and concept maps.")
app.add_typer(terminology, name="terminology")
package = typer.Typer(no_args_is_help=True, help="FHIR packages: profiles, value sets and code systems.")
app.add_typer(package, name="package")


def main() -> None:
    """Run a command; a mistake is one sentence, not a traceback."""
    try:
        app()
    except HelhedError as error:
        typer.echo(f"helhed: {error}", err=True)
        raise SystemExit(1) from None


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    import uvloop

    return uvloop.run(work)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(help="Worker processes; one for each two cores is best.")] = 1,
) -> None:
    """Run the network. Settings come from the environment (HELHED_*)."""
    from helhed.serving import serve as run

    run(_settings(host, port), workers)


@app.command()
def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    citizens: Annotated[int, typer.Option(help="Synthetic citizens besides the demo people.")] = 2000,
    load_only: Annotated[bool, typer.Option(help="Load the demo and stop.")] = False,
) -> None:
    """Load the demo's people (synthetic, all of them) and run the network."""
    from helhed.demo_world import load_demo, print_doors
    from helhed.serving import prepared, serve as run

    os.environ["HELHED_DEMO"] = "true"
    settings = _settings(host, port)
    with prepared(settings) as target:
        _run(load_demo(settings, target, citizens))
        if not load_only:
            print_doors(settings)
            run(settings, 1)


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Bundles, NDJSON, folders or archives of them.")],
    source: Annotated[str, typer.Option(help="Name of the organisation they come from.")] = "Import",
) -> None:
    """Load foreign FHIR as a named source. Run it again to go on after an interruption."""
    from helhed.importing import import_paths
    from helhed.serving import prepared

    settings = Settings()
    with prepared(settings) as target:
        complete = _run(import_paths(settings, target, source, paths))
    raise SystemExit(0 if complete else 2)


@terminology.command("import")
def import_terminology(
    files: Annotated[list[Path], typer.Argument(help="Files as they are published, packed or not.")],
    kind: Annotated[str, typer.Option(help="fhir, sks, atc, npu or loinc.")] = "fhir",
    version: Annotated[str, typer.Option(help="Version of the file, where it does not say so itself.")] = "",
    language: Annotated[str, typer.Option(help="Language of the texts of a table, e.g. da.")] = "",
) -> None:
    """Import terminologies; each version whole or not at all, and again without effect."""
    from helhed.importing import import_terminologies
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        complete = _run(import_terminologies(target, files, kind, version, language))
    raise SystemExit(0 if complete else 2)


@package.command("install")
def package_install(
    files: Annotated[list[Path], typer.Argument(help="Package archives (.tgz).")],
) -> None:
    """Install FHIR packages, all of them or none. Installing the same again changes nothing."""
    from helhed.packaging import install_files
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        _run(install_files(target, files))


@package.command("list")
def package_list() -> None:
    """List the installed packages, and what they ask for."""
    from helhed.packaging import list_packages
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        _run(list_packages(target))


_PROFILE = Annotated[str, typer.Argument(help="Address of the profile; claimed: every one that a resource claims.")]
_ORGANISATION = Annotated[str, typer.Option(help="Organization/ and its id here; every organisation without.")]
_TYPE = Annotated[str, typer.Option("--type", help="Resource type; every type without.")]


@package.command("require")
def package_require(
    profile: _PROFILE,
    organisation: _ORGANISATION = "",
    type_: _TYPE = "",
    warn: Annotated[bool, typer.Option("--warn", help="Let in what breaks it, and log that.")] = False,
) -> None:
    """From now on refuse what an organisation writes against a profile."""
    _require(profile, type_, organisation, "warning" if warn else "error")


@package.command("release")
def package_release(profile: _PROFILE, organisation: _ORGANISATION = "", type_: _TYPE = "") -> None:
    """From now on no longer refuse it: name what was named to require it."""
    _require(profile, type_, organisation, None)


def _require(profile: str, type_name: str, organisation: str, severity: str | None) -> None:
    from helhed.packaging import set_requirement
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        _run(set_requirement(target, "" if profile == "claimed" else profile, type_name, organisation, severity))


@app.command()
def population(
    citizens: Annotated[int, typer.Option(min=1, help="How many.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Write NDJSON into this folder.")] = None,
    load: Annotated[bool, typer.Option("--load", help="Load them into the network.")] = False,
    show: Annotated[int, typer.Option(min=0, help="Print the records of so many of them, drawn at random.")] = 0,
) -> None:
    """Make a synthetic Danish population. Run it again to go on after an interruption."""
    from helhed.populating import load as load_into, print_totals, show as print_some, write_files
    from helhed.population.blocks import Population
    from helhed.population.country import Denmark
    from helhed.serving import prepared

    if (out is not None) + load + bool(show) != 1:
        raise typer.BadParameter("Say one of --out DIR, --load and --show N.")
    people = Population(seed, citizens, Denmark())
    if show:
        print_some(people, show)
    elif out is not None:
        print_totals(people, _run(write_files(people, out)))
    else:
        settings = Settings()
        with prepared(settings) as target:
            print_totals(people, _run(load_into(settings, target, people)))


@app.command()
def token(
    persona: Annotated[str, typer.Argument(help="One of the demo's people, e.g. jens.")],
    id_: Annotated[bool, typer.Option("--id", help="Print the person's reference instead of a token.")] = False,
) -> None:
    """Print a bearer token for one of the demo's people (demo mode only)."""
    from helhed.demo_world import persona_token
    from helhed.serving import prepared

    os.environ.setdefault("HELHED_DEMO", "true")
    settings = Settings()
    with prepared(settings, migrate=False) as target:
        typer.echo(_run(persona_token(settings, target, persona, reference_only=id_)))


@app.command()
def migrate() -> None:
    """Bring the database up to this release; an earlier release may serve on beside it."""
    from helhed.serving import prepared

    with prepared(Settings()):
        typer.echo("The database is up to date.")


@app.command()
def reindex() -> None:
    """Index again what was stored by a release that indexed less, while the network serves. Goes on where it was left."""
    from helhed.serving import index_again, prepared

    with prepared(Settings()) as target:
        typer.echo(f"{_run(index_again(target, lambda count: typer.echo(f'{count} …', err=True)))} resources indexed.")


@app.command("backup-key")
def backup_key(path: Annotated[Path, typer.Argument(help="New file for the secret half.")]) -> None:
    """Make a pair of keys for backups; prints the recipient. Keep the file apart from server and backups."""
    from helhed.backup import new_identity

    typer.echo(new_identity(path))


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="New folder for the backup.")],
    to: Annotated[list[str] | None, typer.Option(help="Recipient (age1…); HELHED_BACKUP_RECIPIENTS without.")] = None,
) -> None:
    """Copy the whole network, encrypted, while it serves on."""
    from helhed.backup import back_up
    from helhed.foundation.clock import system_clock
    from helhed.serving import prepared

    settings = Settings()
    with prepared(settings, migrate=False) as target:
        recipients = to or settings.backup_recipients.split()
        manifest = _run(back_up(settings, target, folder, recipients, system_clock()))
    typer.echo(f"{folder}: {_sum(manifest)}")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    key: Annotated[Path, typer.Option(help="File with the secret half of a key it was encrypted to.")],
    check: Annotated[bool, typer.Option(help="Restore into a server of its own, compare, and remove it.")] = False,
) -> None:
    """Bring a backup back into an empty network, and compare every table with what was backed up."""
    from helhed.backup import check as prove, restore as bring_back
    from helhed.serving import running

    settings = Settings()
    if check:
        manifest = prove(settings, folder, key)
    else:
        with running(settings) as target:
            manifest = _run(bring_back(settings, target, folder, key))
    typer.echo(f"{folder}: the same as at {manifest.at}: {_sum(manifest)}")


def _sum(manifest: "Manifest") -> str:
    rows = {table: head.rows for table, head in manifest.heads.items()}
    log = manifest.heads["foundation.access_log"]
    return (
        f"{rows['fhir.resource']} resources, {log.rows} log rows (head {log.digest}), {sum(rows.values())} rows in all"
    )


def _settings(host: str | None, port: int | None) -> Settings:
    if host is not None:
        os.environ["HELHED_HOST"] = host
    if port is not None:
        os.environ["HELHED_PORT"] = str(port)
    return Settings()


if __name__ == "__main__":
    main()
