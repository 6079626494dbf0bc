"""The import command: a named source, its documents, progress and a report."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from helhed.exchange.foreign.documents import Document, documents
from helhed.exchange.foreign.load import Importer, Report, Source
from helhed.exchange.foreign.source import register_source
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.fhir.terminology.importing import import_terminology
from helhed.fhir.terminology.storing import Outcome
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Pool, Target, connected, create_pool, read_secret
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS

#: one more process than cores keeps the cores busy while the others wait for the database
_PROCESSES = (os.cpu_count() or 1) + 1
_AHEAD = 2
#: parsed documents are large and free of cycles; looking for some in them costs a tenth of the time
_OBJECTS_BETWEEN_COLLECTIONS = 200_000
_MOST_REASONS = 20
_NO_LIMIT = 0


async def owner_pool(target: Target, size: int) -> Pool:
    """Connections of the owner, for an operator's commands."""
    as_owner = Target(target.owner, target.owner, target.ensure)
    return await create_pool(as_owner, size=size, statement_timeout_ms=_NO_LIMIT)


async def import_paths(settings: Settings, target: Target, source_name: str, paths: list[Path]) -> bool:
    """Import everything beneath ``paths``; True when every document could be read."""
    secret = read_secret(settings.data_dir)
    pool = await owner_pool(target, 1)
    try:
        source = await register_source(Sessions(pool, HOOKS, CursorSigner(secret)), source_name, secret, system_clock)
    finally:
        await pool.close()
    console = Console()
    with _progress(console) as progress:
        task = progress.add_task("", done="starting")
        report = await import_in_processes(
            target, source, secret, paths, lambda so_far: progress.update(task, done=_line(so_far))
        )
    print_report(console, source_name, source, report)
    return not report.unread


async def import_in_processes(
    target: Target, source: Source, secret: bytes, paths: list[Path], tell: Callable[[Report], object]
) -> Report:
    """Spread the documents over processes; each document is still one transaction."""
    report = Report()
    start = (target.owner, source, secret)
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])  # loaded once, not once a process
    with ProcessPoolExecutor(_PROCESSES, context, _start_process, start) as processes:
        waiting: set[Future[Report]] = set()
        for document in documents(paths):
            waiting.add(processes.submit(_import_one, document))
            if len(waiting) >= _PROCESSES * _AHEAD:
                done, waiting = await asyncio.to_thread(wait, waiting, None, FIRST_COMPLETED)
                _take(report, done, tell)
        _take(report, waiting, tell)
    return report


def _take(report: Report, done: Iterable["Future[Report]"], tell: Callable[[Report], object]) -> None:
    for one in done:
        report.merge(one.result())
        tell(report)


class _Process:
    """What one process of an import keeps between documents."""

    def __init__(self, owner: dict[str, Any], source: Source, secret: bytes) -> None:
        self.loop = uvloop.new_event_loop()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        target = Target(owner, owner)
        pool = self.loop.run_until_complete(owner_pool(target, 2))
        sessions = Sessions(pool, HOOKS, CursorSigner(secret))
        knowledge = Knowledge(pool)
        self.loop.run_until_complete(knowledge.refresh())
        self.importer = Importer(pool, sessions, source, secret, system_clock, knowledge)


_PROCESS: list[_Process] = []


def _start_process(owner: dict[str, Any], source: Source, secret: bytes) -> None:
    _PROCESS.append(_Process(owner, source, secret))


def _import_one(document: Document) -> Report:
    process = _PROCESS[0]
    return process.loop.run_until_complete(process.importer.document(document))


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


async def import_terminologies(target: Target, paths: list[Path], kind: str, version: str, language: str) -> bool:
    """Import files of terminologies, saying what became of each; True when nothing was left out."""
    console = Console()
    complete = True
    async with connected(target.owner) as connection:
        for path in paths:
            with console.status(f"{path.name} ..."):
                rejected = await import_terminology(
                    connection, path, kind, at=system_clock(), version=version, language=language,
                    tell=lambda outcome: console.print(_told(outcome), highlight=False),
                )  # fmt: skip
            complete = complete and not rejected.count
            if rejected.count:
                console.print(f"{path.name}: {rejected.count} left out", highlight=False)
            for reason in rejected.reasons:
                console.print(f"  {reason}", highlight=False)
    return complete


def _told(outcome: Outcome) -> str:
    counted = f", {outcome.concepts} codes" if outcome.concepts else ""
    return f"{outcome.what}{counted}: {'imported' if outcome.changed else 'was here already'}"
