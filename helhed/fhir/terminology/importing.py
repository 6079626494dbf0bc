"""Importing a file of terminologies: each of them whole or not at all, again without effect."""

from collections.abc import Callable
from datetime import datetime
from lzma import LZMAError
from pathlib import Path
from tarfile import TarError

from helhed.fhir.terminology.model import CodeSystem, Json
from helhed.fhir.terminology.origins import file_origin
from helhed.fhir.terminology.sources import NotThisShape, Rejected
from helhed.fhir.terminology.sources.resources import code_system, read_resources
from helhed.fhir.terminology.sources.sks import read_sks
from helhed.fhir.terminology.sources.tables import read_table, shapes
from helhed.fhir.terminology.storing import Outcome, count_change, lock, store
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError

KINDS = ("fhir", "sks", "atc", "npu", "loinc")
Tell = Callable[[Outcome], object]


class NotImported(HelhedError):
    """The terminology could not be imported."""


async def import_terminology(
    connection: Connection, path: Path, kind: str, *, at: datetime, version: str = "", language: str = "",
    tell: Tell = lambda _: None,
) -> Rejected:  # fmt: skip
    """Import a file as the owner of the database; returns what was left out of it. ``tell`` hears of each terminology.

    Raises NotImported or NotThisShape; what was told of by then is imported.
    """
    rejected = Rejected()
    if kind not in KINDS:
        raise NotImported(f"The kinds are {', '.join(KINDS)}.")
    if kind != "fhir" and not version:
        raise NotImported("Say which version this file is (--version): the file does not.")
    try:
        if kind == "fhir":
            for resource in read_resources(path, rejected):
                await _import(connection, resource, path.name, rejected, tell)
        elif kind == "sks":
            for system in read_sks(path, version, at.astimezone(DANISH_TIME).date(), rejected):
                await _import(connection, system, path.name, rejected, tell)
        else:
            usual = "en" if kind in shapes() else ""
            system = read_table(path, kind, version, language or usual, rejected)
            await _import(connection, system, path.name, rejected, tell)
    except (OSError, EOFError, UnicodeDecodeError, LZMAError, TarError) as error:
        raise NotThisShape(f"{path.name} could not be read: {error}") from None
    return rejected


async def _import(connection: Connection, one: CodeSystem | Json, source: str, rejected: Rejected, tell: Tell) -> None:
    found = one
    if not isinstance(found, CodeSystem) and found["resourceType"] == "CodeSystem":
        system = code_system(found, rejected)
        if system is None:
            return
        found = system
    async with connection.transaction():
        await lock(connection)
        (outcome,) = await store(connection, [found], file_origin(source))
        if outcome.changed:
            await count_change(connection)
    for problem in outcome.problems:
        rejected.line(0, problem)
    tell(outcome)
