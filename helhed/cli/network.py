"""Commands that run the network, prepare its database, and make its people."""

import os
from pathlib import Path
from typing import Annotated

import typer

from helhed.cli.running import index_again, run
from helhed.foundation.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(help="Worker processes; one for each two cores is best.")] = 1,
) -> None:
    """Run the network. Settings come from the environment (HELHED_*)."""
    from helhed.serving import serve as serve_on

    serve_on(_settings(host, port), workers)


def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    citizens: Annotated[int, typer.Option(help="Synthetic citizens besides the demo people.")] = 2000,
    load_only: Annotated[bool, typer.Option(help="Load the demo and stop.")] = False,
    workers: Annotated[int, typer.Option(help="Worker processes.")] = 1,
    sources: Annotated[bool, typer.Option(help="With places that are asked when somebody looks.")] = True,
) -> None:
    """Load the demo's people (synthetic, all of them) and run the network."""
    from helhed.commands.demo_sources import put_demo_sources
    from helhed.commands.demo_witnesses import admit_demo_witnesses, demo_witnesses
    from helhed.commands.demo_world import load_demo, print_doors
    from helhed.serving import prepared, serve as serve_on

    os.environ["HELHED_DEMO"] = "true"
    settings = _settings(host, port)
    with prepared(settings) as target:
        run(load_demo(settings, target, citizens))
        if sources:
            run(put_demo_sources(settings, target))
        if not load_only:
            run(admit_demo_witnesses(settings, target))
            with demo_witnesses(settings):
                serve_on(settings, workers, when_ready=lambda: print_doors(settings))


def population(
    citizens: Annotated[int, typer.Option(min=1, help="How many.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Write NDJSON into this folder.")] = None,
    load: Annotated[bool, typer.Option("--load", help="Load them into the network.")] = False,
    show: Annotated[int, typer.Option(min=0, help="Print the records of so many of them, drawn at random.")] = 0,
) -> None:
    """Make a synthetic Danish population. Run it again to go on after an interruption."""
    from helhed.commands.populating import load as load_into, print_totals, show as print_some, write_files
    from helhed.population.blocks import Population
    from helhed.population.country import Denmark
    from helhed.serving import prepared

    if (out is not None) + load + bool(show) != 1:
        raise typer.BadParameter("Say one of --out DIR, --load and --show N.")
    people = Population(seed, citizens, Denmark())
    if show:
        print_some(people, show)
    elif out is not None:
        print_totals(people, run(write_files(people, out)))
    else:
        settings = Settings()
        with prepared(settings) as target:
            print_totals(people, run(load_into(settings, target, people)))


def token(
    persona: Annotated[str, typer.Argument(help="One of the demo's people, e.g. jens.")],
    id_: Annotated[bool, typer.Option("--id", help="Print the person's reference instead of a token.")] = False,
) -> None:
    """Print a bearer token for one of the demo's people (demo mode only)."""
    from helhed.commands.demo_world import persona_token
    from helhed.serving import prepared

    os.environ.setdefault("HELHED_DEMO", "true")
    settings = Settings()
    with prepared(settings, migrate=False) as target:
        typer.echo(run(persona_token(settings, target, persona, reference_only=id_)))


def migrate() -> None:
    """Bring the database up to this release; an earlier release may serve on beside it."""
    from helhed.serving import prepared

    with prepared(Settings()):
        typer.echo("The database is up to date.")


def reindex() -> None:
    """Index again what was stored by a release that indexed less, while the network serves. Goes on where it was left."""
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        index_again(target)


def _settings(host: str | None, port: int | None) -> Settings:
    if host is not None:
        os.environ["HELHED_HOST"] = host
    if port is not None:
        os.environ["HELHED_PORT"] = str(port)
    return Settings()
