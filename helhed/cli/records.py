"""Commands of those who keep records and registers right: purge, retention, legal hold, keepers of the directory."""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helhed.cli.running import as_owner, as_owner_of, run
from helhed.foundation.settings import Settings

if TYPE_CHECKING:
    from helhed.commands.purging import Custodian
    from helhed.foundation.database import Target

purge = typer.Typer(no_args_is_help=True, help="Taking out what was recorded on the wrong citizen.")
keeper = typer.Typer(
    no_args_is_help=True, help="Keepers of the directory: who may link citizens and place organisations."
)
unit = typer.Typer(no_args_is_help=True, help="Organisational units (SOR).")
_TOKEN = Annotated[Path, typer.Option("--token", help="File with the records custodian's token; - is standard input.")]
_PROPOSAL = Annotated[str, typer.Argument(help="Id of the proposal.")]


@purge.command("propose")
def purge_propose(
    rows: Annotated[list[str], typer.Argument(help="What was recorded on the wrong citizen, each as Type/id.")],
    case: Annotated[str, typer.Option(help="Number of the case. Citizens read it.")],
    token: _TOKEN,
    ground: Annotated[str, typer.Option(help="wrong-patient, decision or no-basis.")] = "wrong-patient",
    rightful: Annotated[str, typer.Option(help="Patient/ and the id of the citizen it is about, where known.")] = "",
    keep_others: Annotated[
        bool, typer.Option("--keep-others", help="Let stay what presents them, or they present.")
    ] = False,
) -> None:
    """Propose to take rows out for good; another custodian of the organisation approves."""
    found = _as_custodian(token, lambda who: who.propose(rows, ground, case, rightful, apart=keep_others))
    typer.echo(f"{found.id} waits for another custodian: seal {found.seal.hex()}, {found.versions} versions.")


@purge.command("list")
def purge_list(token: _TOKEN) -> None:
    """List what waits for a second custodian, without its content."""
    for one in _as_custodian(token, lambda who: who.waiting()):
        typer.echo(f"{one.id}: {one.ground}, case {one.case_number}, {one.versions} versions, until {one.expires_at}")
        typer.echo("\n".join([f"  seal {one.seal.hex()}", *(f"  {row}" for row in one.rows)]))


@purge.command("approve")
def purge_approve(
    proposal: _PROPOSAL,
    seal: Annotated[str, typer.Option(help="Seal of the proposal.")],
    token: _TOKEN,
    move: Annotated[bool, typer.Option("--move", help="Record it on the rightful citizen in the same moment.")] = False,
) -> None:
    """Approve a colleague's proposal: its rows are gone, and a tombstone stands in the logs of those concerned."""
    if move:
        moved, seen_by = _as_custodian(token, lambda who: who.approve_and_move(proposal, seal), as_owner=True)
        purged, instead = moved.purged, [f"  {row}" for row in moved.rows]
    else:
        purged, seen_by = _as_custodian(token, lambda who: who.approve(proposal, seal))
        instead = []
    typer.echo(f"{purged.rows} rows with {purged.versions} versions are gone.")
    typer.echo("\n".join(["Recorded on the rightful citizen:", *instead] if instead else []), nl=bool(instead))
    if seen_by:
        typer.echo(f"By the log they were seen by, and you must tell (GDPR art. 19): {', '.join(seen_by)}")


@purge.command("withdraw")
def purge_withdraw(proposal: _PROPOSAL, token: _TOKEN) -> None:
    """Take a proposal back."""
    _as_custodian(token, lambda who: who.withdraw(proposal))


@purge.command("tombstones")
def purge_tombstones(file: Annotated[Path, typer.Argument(help="Where to write them.")]) -> None:
    """Write every tombstone to a file, to be kept beside the backups: nothing of what was purged is in it."""
    from helhed.commands.purging import write_tombstones

    typer.echo(f"{as_owner(lambda connection: write_tombstones(connection, file))} tombstones.")


@purge.command("reapply")
def purge_reapply(file: Annotated[Path, typer.Argument(help="What `helhed purge tombstones` wrote.")]) -> None:
    """Purge again, in a restored network, what was purged after its backup was made."""
    from helhed.serving import prepared

    with prepared(Settings()) as target:
        purge_again(target, file)


@purge.command("recognise")
def purge_recognise(file: Annotated[Path, typer.Argument(help="One resource, as it was submitted.")]) -> None:
    """Tell whether a file is a copy of something that has been purged."""
    from helhed.commands.files import bytes_of
    from helhed.commands.purging import recognise

    content = bytes_of(file)
    known = as_owner(lambda connection: recognise(connection, content))
    typer.echo("\n".join(f"Purged: tombstone {one}" for one in known) or "Not known.")


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only.")] = False,
    released: Annotated[
        str, typer.Option(help="Case by which the archives have released records; without it records stay.")
    ] = "",
) -> None:
    """Let go what the law no longer asks to be kept, while the network serves. Stop it whenever you like, and run it again."""
    from helhed.commands.retaining import line, retain
    from helhed.foundation.clock import system_clock

    def tell(outcome: Any) -> None:
        typer.echo(line(outcome, dry=dry_run))

    as_owner(lambda connection: retain(connection, system_clock(), dry=dry_run, released=released, tell=tell))


def hold(
    patient: Annotated[str, typer.Argument(help="Patient/ and the id.")],
    case: Annotated[str, typer.Option(help="The pending case. Citizens do not read it.")],
    organisation: Annotated[str, typer.Option(help="Organization/ and an id: only what that one recorded.")] = "",
) -> None:
    """Hold a citizen's record while a case is pending: nothing of it is purged or let go."""
    from helhed.commands.retaining import hold as keep
    from helhed.foundation.clock import system_clock

    typer.echo(as_owner(lambda connection: keep(connection, system_clock(), patient, case, organisation)))


def release(held: Annotated[str, typer.Argument(help="What `helhed hold` printed.")]) -> None:
    """End a hold."""
    from helhed.commands.retaining import release as let_go
    from helhed.foundation.clock import system_clock

    as_owner(lambda connection: let_go(connection, system_clock(), held))


_ORGANISATION = Annotated[str, typer.Argument(help="Organization/ and the id.")]


@keeper.command("list")
def keeper_list() -> None:
    """List the organisations that keep the directory."""
    from helhed.commands.keepers import list_keepers

    for one in as_owner(list_keepers):
        typer.echo(f"Organization/{one.organisation}  {one.name}")


@keeper.command("add")
def keeper_add(organisation: _ORGANISATION) -> None:
    """Let an organisation's system keep the directory: place organisations, register jobs, link citizens."""
    from helhed.commands.keepers import add_keeper

    as_owner(lambda connection: add_keeper(connection, organisation))


@keeper.command("end")
def keeper_end(organisation: _ORGANISATION) -> None:
    """No longer let it, from its next request on."""
    from helhed.commands.keepers import end_keeper

    as_owner(lambda connection: end_keeper(connection, organisation))


def _as_custodian(
    token: Path, work: Callable[["Custodian"], Coroutine[Any, Any, Any]], *, as_owner: bool = False
) -> Any:
    from helhed.commands.files import bytes_of
    from helhed.commands.purging import custodian
    from helhed.serving import prepared

    text = sys.stdin.read() if str(token) == "-" else bytes_of(token).decode("utf-8", "replace")

    async def done(target: "Target") -> Any:
        async with custodian(Settings(), target, text, as_owner=as_owner) as who:
            return await work(who)

    with prepared(Settings(), migrate=False) as target:
        return run(done(target))


def purge_again(target: "Target", file: Path) -> None:
    """Carry out the tombstones of a file, and say how many."""
    from helhed.commands.purging import reapply

    told = as_owner_of(target, lambda connection: reapply(connection, file))
    typer.echo(f"{told.again} purges were carried out again, {told.known} were known.")


@unit.command("import")
def unit_import(
    file: Annotated[Path, typer.Argument(help="The register in XML, as it is published (SOR, schema 2.0.0).")],
    keeper_of: Annotated[
        str, typer.Option("--keeper", help="Organization/ and the id of the keeper of the directory.")
    ],
    part: Annotated[
        bool, typer.Option("--part", help="The file is meant to hold a part of the register only.")
    ] = False,
) -> None:
    """Take a published register in; again at any time, and only what changed is changed. Half a file is refused whole."""
    from helhed.commands.unit_files import take_in_register
    from helhed.serving import prepared

    settings = Settings()
    with prepared(settings) as target:
        taken, missing = run(take_in_register(settings, target, file, keeper_of, part=part))
    typer.echo(f"{taken.new} new, {taken.changed} changed, {taken.same} as before, {len(taken.left_out)} left out")
    typer.echo(f"{taken.services} units with other specialities than before")
    for one in taken.told:
        typer.echo(f"  changed: {one}")
    if missing:
        typer.echo(
            f"{len(missing)} known from before are not in the file, and stay as they are: {', '.join(missing[:20])}"
        )
    for one in taken.left_out:
        typer.echo(f"  {one}")
    raise SystemExit(2 if taken.left_out else 0)


@unit.command("import-shak")
def unit_import_shak(
    file: Annotated[
        Path, typer.Argument(help="The published map of SHAK and SOR codes: text with a heading, one pair a line.")
    ],
) -> None:
    """Take a published map in, whole; what it no longer says no longer holds."""
    from helhed.commands.unit_files import take_in_shak

    added, gone = as_owner(lambda connection: take_in_shak(connection, file))
    typer.echo(f"{added} new pairs, {gone} hold no longer")
