"""The import command: a named source, its documents, progress and a report."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from helhed.app import HOOKS
from helhed.exchange.foreign.load import Importer, Report, Source
from helhed.exchange.foreign.source import register_source
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.session import Sessions
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Pool, Target, create_pool, read_secret
from helhed.foundation.settings import Settings

_LANES = 3
_MOST_REASONS = 20
_NO_LIMIT = 0


async def owner_pool(target: Target, size: int) -> Pool:
    """Connections of the owner, for an operator's commands."""
    as_owner = Target(target.owner, target.owner, target.ensure)
    return await create_pool(as_owner, size=size, statement_timeout_ms=_NO_LIMIT)


async def import_paths(settings: Settings, target: Target, source_name: str, paths: list[Path]) -> bool:
    """Import everything beneath ``paths``; True when every document could be read."""
    secret = read_secret(settings.data_dir)
    pool = await owner_pool(target, _LANES + 1)
    try:
        sessions = Sessions(pool, HOOKS, CursorSigner(secret))
        source = await register_source(sessions, source_name, secret, system_clock)
        importer = Importer(pool, sessions, source, secret, system_clock)
        console = Console()
        with _progress(console) as progress:
            task = progress.add_task("", done="starting")
            report = await importer.run(
                paths, lanes=_LANES, progress=lambda so_far: progress.update(task, done=_line(so_far))
            )
        print_report(console, source_name, source, report)
        return not report.unread
    finally:
        await pool.close()


def _progress(console: Console) -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn(), console=console)


def _line(report: Report) -> str:
    return f"{report.documents} documents, {report.stored} stored, {report.merged} merged, {report.rejected} rejected"


def print_report(console: Console, name: str, source: Source, report: Report) -> None:
    """What went in, what was merged, and every reason for refusing."""
    console.print(f"Source: {name} ({source.namespace})")
    console.print(
        f"{report.entries} entries = {report.stored} stored + {report.merged} merged + {report.rejected} rejected, "
        f"in {report.documents} documents ({report.already} finished by an earlier run)"
    )
    for reason, count in report.reasons.most_common(_MOST_REASONS):
        console.print(f"  rejected {count} x {reason}", highlight=False)
    for unread in report.unread:
        console.print(f"  could not be read: {unread}", highlight=False)
