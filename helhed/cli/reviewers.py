"""Commands of who reviews broken glasses for the whole network."""

from typing import Annotated

import typer

from helhed.cli.running import as_owner

reviewer = typer.Typer(
    no_args_is_help=True, help="Who reviews broken glasses (værdispring) for the whole network, when a place does not."
)
_ORGANISATION = Annotated[str, typer.Argument(help="Organization/ and the id.")]


@reviewer.command("list")
def reviewer_list() -> None:
    """List the organisations whose reviewers review for the network, and how many are at work."""
    from helhed.commands.reviewers import list_reviewers

    for one in as_owner(list_reviewers):
        typer.echo(f"Organization/{one.organisation}  {one.people} reviewers  {one.name}")


@reviewer.command("add")
def reviewer_add(organisation: _ORGANISATION) -> None:
    """Let an organisation's reviewers review what other places have nobody for, or did not review in time."""
    from helhed.commands.reviewers import add_reviewer

    as_owner(lambda connection: add_reviewer(connection, organisation))


@reviewer.command("end")
def reviewer_end(organisation: _ORGANISATION) -> None:
    """No longer let them, from their next request on."""
    from helhed.commands.reviewers import end_reviewer

    as_owner(lambda connection: end_reviewer(connection, organisation))
