"""Commands for people. The names are fixed: other tools rely on them."""

import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from helhed.foundation.errors import HelhedError
from helhed.foundation.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


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


def _settings(host: str | None, port: int | None) -> Settings:
    if host is not None:
        os.environ["HELHED_HOST"] = host
    if port is not None:
        os.environ["HELHED_PORT"] = str(port)
    return Settings()


if __name__ == "__main__":
    main()
