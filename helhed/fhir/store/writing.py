"""Decided writes: one transaction, whole or absent, with its log rows, its projections and its event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from helhed.fhir.changes import Change
from helhed.fhir.definitions import Ownership, TypeDefinition, type_definition
from helhed.fhir.indexing import Indexed, index, normalise
from helhed.fhir.indexing.numbers import WIDTH
from helhed.fhir.store.encoding import (
    DATE_COLUMNS,
    RESOURCE_COLUMNS,
    STRING_COLUMNS,
    date_row,
    resource_row,
    string_row,
)
from helhed.foundation.binary_copy import copy_binary
from helhed.foundation.database import Connection
from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import bucket_of, key_of

OWNED = {Ownership.CITIZEN: 1, Ownership.ORGANISATION: 2, Ownership.PUBLIC: 3}
#: PostgreSQL's -infinity stands for "no date", so the earliest date is a day later (asyncpg writes year 1 as -infinity)
NO_DATE = datetime.min.replace(tzinfo=UTC)
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_MOST_SIDE_ROWS = 5000


class Stored(NamedTuple):
    """A resource as it was written, for projections."""

    type_name: str
    id: UUID
    citizen: int | None
    origin: int
    resource: dict[str, Any]
    created: bool
    by_custodian: bool = True  #: written by a system client for its organisation, not by a person


class Projection(Protocol):
    """What an upper room derives from resources inside the transaction that writes them."""

    types: frozenset[str]

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Take up ``stored``, all of ``types``."""

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """Take back what deleted resources of ``types`` gave."""


class Preparer(Protocol):
    """What an upper room adds to a new resource before it is stored."""

    types: frozenset[str]

    async def prepare(self, connection: Connection, change: Change) -> Change:
        """The change as it will be stored."""


@dataclass(slots=True)
class Prepared:
    """Rows ready for COPY."""

    resources: list[tuple[Any, ...]] = field(default_factory=list)
    strings: list[tuple[Any, ...]] = field(default_factory=list)
    dates: list[tuple[Any, ...]] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)


def home_citizen(definition: TypeDefinition, resource: dict[str, Any], own_id: UUID) -> int | None:
    """The key of the citizen a resource belongs to. Raises Unprocessable for a clinical resource without one."""
    if definition.ownership is not Ownership.CITIZEN:
        return None
    if definition.name == "Patient":
        return key_of(own_id)
    patient = definition.home_patient(resource)
    if patient is None:
        raise Unprocessable(f"{definition.name} must say which patient of this network it is about.")
    return key_of(patient)


def home_bucket(definition: TypeDefinition, resource: dict[str, Any]) -> int | None:
    """The bucket a new resource belongs in: its patient's, or any."""
    if definition.ownership is not Ownership.CITIZEN or definition.name == "Patient":
        return None
    patient = definition.home_patient(resource)
    return None if patient is None else bucket_of(patient)


def clinical_dates(indexed: Indexed) -> tuple[datetime, datetime]:
    """The primary date as the row holds it."""
    if indexed.date_lo is None or indexed.date_hi is None:
        return NO_DATE, NO_DATE
    return max(indexed.date_lo, EARLIEST), indexed.date_hi


def add_row(
    prepared: Prepared, resource: dict[str, Any], body: bytes, digest: bytes, where: tuple[UUID, int, datetime]
) -> Stored:
    """Index ``resource`` and append its rows. ``where`` is (id, origin key, moment); returns what projections see."""
    identifier, origin, at = where
    definition = type_definition(resource["resourceType"])
    citizen = home_citizen(definition, resource, identifier)
    indexed = index(resource)
    bucket = bucket_of(identifier)
    lo, hi = clinical_dates(indexed)
    owned = OWNED[definition.ownership]
    prepared.resources.append(
        (bucket, definition.number, owned, 1, identifier, citizen, origin, indexed.code or 0, lo, hi, at,
         indexed.tokens, digest, body, indexed.numbers)
    )  # fmt: skip
    add_side_rows(prepared, definition.number, identifier, indexed)
    stored = Stored(definition.name, identifier, citizen, origin, resource, True)
    prepared.stored.append(stored)
    return stored


def add_side_rows(prepared: Prepared, number: int, identifier: UUID, indexed: Indexed) -> None:
    """Rows for strings and for dates other than the primary one."""
    if len(indexed.strings) + len(indexed.dates) + len(indexed.numbers) // WIDTH > _MOST_SIDE_ROWS:
        raise Unprocessable(
            f"More than {_MOST_SIDE_ROWS} names, dates and numbers to search by in one resource are not taken."
        )
    bucket = bucket_of(identifier)
    for parameter, text in indexed.strings:
        prepared.strings.append((bucket, number, parameter, identifier, normalise(text), text))
    for parameter, lo, hi in indexed.dates:
        prepared.dates.append((bucket, number, parameter, identifier, max(lo, EARLIEST), hi))


async def copy_rows(connection: Connection, prepared: Prepared) -> None:
    """Write prepared rows with COPY."""
    for name, columns, encode, rows in (
        ("resource", RESOURCE_COLUMNS, resource_row, prepared.resources),
        ("resource_string", STRING_COLUMNS, string_row, prepared.strings),
        ("resource_date", DATE_COLUMNS, date_row, prepared.dates),
    ):
        if rows:
            await copy_binary(connection, ("fhir", name), columns, [encode(*row) for row in rows])
