"""Commands of whoever releases population figures."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helhed.cli.running import as_owner, run
from helhed.foundation.settings import Settings

if TYPE_CHECKING:
    from helhed.foundation.database import Connection

insight = typer.Typer(no_args_is_help=True, help="Population figures: counts in which nobody can be recognised.")


permit = typer.Typer(no_args_is_help=True, help="Research permits: what an authority let a project see.")
insight.add_typer(permit, name="permit")


@insight.command("refresh")
def insight_refresh() -> None:
    """Count everybody anew and release the figures; refused, with the reason, when the difference would tell of few people."""
    from helhed.commands.figures import refresh

    typer.echo(f"Released: number {as_owner(refresh)}. They are at /tal and at /insight/figures.")


_PERMIT = Annotated[str, typer.Argument(help="Id of the permit.")]


@permit.command("add")
def permit_add(
    project: Annotated[str, typer.Option(help="What the project is called. Citizens read it.")],
    purpose: Annotated[str, typer.Option(help="What it is for. Citizens read it.")],
    approval: Annotated[str, typer.Option(help="Which authority permitted it, and its number.")],
    who: Annotated[str, typer.Option(help="Practitioner/ and the id of the researcher.")],
    at: Annotated[str, typer.Option(help="Organization/ and the id of the employer.")],
    until: Annotated[str, typer.Option(help="The last day, as 2027-12-31.")],
    role: Annotated[str, typer.Option(help="In which role.")] = "doctor",
    holds: Annotated[list[str] | None, typer.Option(help="conditions, vaccinated, contacts; again for more.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Only who has this condition, as /tal names it; again for more.")
    ] = None,
    alike: Annotated[int, typer.Option(help="So many at least share place, sex and age.")] = 10,
) -> None:
    """Enter what an authority let a project see."""
    from helhed.commands.research import enter_permit

    def entered(owner: "Connection") -> Coroutine[Any, Any, Any]:
        return enter_permit(
            owner, project=project, purpose=purpose, approval=approval, who=who, at=at, role=role, until=until, alike=alike,
            holds=holds or (), groups=group or (),
        )  # fmt: skip

    typer.echo(as_owner(entered))


@permit.command("list")
def permit_list() -> None:
    """Every permit, with its days."""
    from helhed.commands.research import permits

    for line in as_owner(permits):
        typer.echo(line)


@permit.command("end")
def permit_end(identifier: _PERMIT) -> None:
    """A permit holds no longer, from the next request on."""
    from helhed.commands.research import stop_permit

    as_owner(lambda one: stop_permit(one, identifier))


@insight.command("extract")
def insight_extract(
    identifier: _PERMIT,
    token: Annotated[Path, typer.Option("--token", help="File with the researcher's token; - is standard input.")],
) -> None:
    """A de-identified extract as CSV, by the researcher's own token. Each citizen in it can see so in the log."""
    from helhed.commands.files import bytes_of
    from helhed.commands.research import draw_extract
    from helhed.serving import prepared

    text = sys.stdin.read() if str(token) == "-" else bytes_of(token).decode("utf-8", "replace")
    with prepared(Settings(), migrate=False) as target:
        sys.stdout.buffer.write(run(draw_extract(Settings(), target, text, identifier)))
