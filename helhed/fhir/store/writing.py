"""Decided writes: one transaction, whole or absent, with its log rows, its projections and its event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple, Protocol, runtime_checkable
from uuid import UUID

from helhed.fhir.changes import Change, Written
from helhed.fhir.definitions import Ownership, TypeDefinition, type_definition
from helhed.fhir.indexing import Indexed, index, normalise
from helhed.fhir.indexing.labels import is_timeless, labels_of
from helhed.fhir.indexing.numbers import WIDTH
from helhed.fhir.splice import splice
from helhed.fhir.store.public import check_names_nobody
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import Forbidden, Unprocessable
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
    at: datetime  #: when, as the ask that wrote it says
    created: bool
    by_custodian: bool = True  #: written by a system client for its organisation, not by a person
    basis: int | None = None  #: why it might be written, as the decision numbers it


class Projection(Protocol):
    """What an upper room derives from resources inside the transaction that writes them."""

    types: frozenset[str]

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Take up ``stored``, all of ``types``."""

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """Take back what deleted resources of ``types`` gave."""


class Preparer(Protocol):
    """What an upper room adds to a new resource, or to a new version of one, before it is stored."""

    types: frozenset[str]

    async def prepare(self, connection: Connection, ask: Ask, change: Change) -> Change:
        """The change as it will be stored."""


@runtime_checkable
class PreparesMany(Protocol):
    """A preparer that takes the changes of several asks at once."""

    async def prepare_many(self, connection: Connection, asked: Sequence[tuple[Ask, Change]]) -> list[Change]:
        """The changes as they will be stored, in their order."""


class Witness(Protocol):
    """Whom a change names that only an upper room knows of: they read in their logs that it was tried."""

    types: frozenset[str]

    async def refused(self, connection: Connection, ask: Ask, changes: Sequence[Change]) -> None:
        """Changes, all of ``types``, that were refused and undone."""


@dataclass(slots=True)
class Prepared:
    """Rows ready for COPY."""

    resources: list[tuple[Any, ...]] = field(default_factory=list)
    strings: list[tuple[Any, ...]] = field(default_factory=list)
    dates: list[tuple[Any, ...]] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)


def add_created(prepared: Prepared, ask: Ask, change: Change) -> Written:
    """Append the rows of a create. Raises Forbidden for whoever acts for no organisation."""
    identifier, resource, raw = change.id, change.resource, change.raw
    assert identifier is not None
    assert resource is not None
    assert raw is not None
    where = (identifier, organisation_of(ask), ask.at)
    body = splice(raw, str(identifier), 1, ask.at, resource)
    add_row(prepared, resource, body, change.digest or sha256(raw).digest(), where, ask.at)
    return Written(change.type_name, identifier, 1, ask.at, created=True, deleted=False, body=body)


def organisation_of(ask: Ask) -> int:
    """The organisation that writes. Raises Forbidden."""
    if ask.organisation is None:
        raise Forbidden("Citizens do not write resources here.")
    return ask.organisation


def home_citizen(definition: TypeDefinition, resource: dict[str, Any], own_id: UUID) -> int | None:
    """The key of the citizen a resource belongs to; of what an organisation keeps, whom it is about, if anybody.

    Raises Unprocessable for a clinical resource without one.
    """
    if definition.name == "Patient":
        return key_of(own_id)
    patient = definition.home_patient(resource)
    if patient is not None:
        return key_of(patient)
    if definition.ownership is Ownership.CITIZEN:
        raise Unprocessable(f"{definition.name} must say which patient of this network it is about.")
    return None


def home_bucket(definition: TypeDefinition, resource: dict[str, Any]) -> int | None:
    """The bucket a new resource belongs in: its patient's, or any."""
    if definition.name == "Patient":
        return None
    patient = definition.home_patient(resource)
    return None if patient is None else bucket_of(patient)


def clinical_dates(indexed: Indexed) -> tuple[datetime, datetime]:
    """The primary date as the row holds it."""
    if indexed.date_lo is None or indexed.date_hi is None:
        return NO_DATE, NO_DATE
    return max(indexed.date_lo, EARLIEST), indexed.date_hi


def add_row(
    prepared: Prepared,
    resource: dict[str, Any],
    body: bytes,
    digest: bytes,
    where: tuple[UUID, int, datetime],
    first_stored: datetime | None,
) -> Stored:
    """Index ``resource`` and append its rows. ``where`` is (id, origin key, moment); ``first_stored`` the moment of a first
    version. Returns what projections see.
    """
    identifier, origin, at = where
    definition, owned = _about(resource["resourceType"])
    citizen = home_citizen(definition, resource, identifier)
    if citizen is not None:
        owned = OWNED[Ownership.CITIZEN]
    indexed = index(resource)
    bucket = bucket_of(identifier)
    lo, hi = clinical_dates(indexed)
    labels = label_columns(resource, body, citizen, indexed, first_stored)
    if definition.ownership is Ownership.PUBLIC:
        check_names_nobody(resource, labels[2])
    prepared.resources.append(
        (bucket, definition.number, owned, 1, identifier, citizen, origin, indexed.code or 0, lo, hi, at,
         indexed.tokens, digest, body, indexed.numbers, *labels)
    )  # fmt: skip
    add_side_rows(prepared, definition.number, identifier, indexed)
    stored = Stored(definition.name, identifier, citizen, origin, resource, at, True)
    prepared.stored.append(stored)
    return stored


def label_columns(
    resource: dict[str, Any], body: bytes, citizen: int | None, indexed: Indexed, first_stored: datetime | None
) -> tuple[list[int], list[UUID] | None, list[int] | None, datetime | None, datetime | None]:
    """The labels of a row: authors, contents, concerns and the clinical period where it is not the primary date.

    What has no date took place when it was first stored. Of master data, no period ever took place.
    """
    dated = indexed.date_lo is not None
    labels = labels_of(resource, body, citizen, dated=dated)
    if is_timeless(resource["resourceType"]):
        lo, hi = NO_DATE, NO_DATE
    elif labels.clinical is not None:
        lo, hi = max(labels.clinical[0], EARLIEST), labels.clinical[1]
    else:
        return labels.authors, labels.contents or None, labels.concerns or None, *(None if dated else first_stored,) * 2
    return labels.authors, labels.contents or None, labels.concerns or None, lo, hi


@cache
def _about(type_name: str) -> tuple[TypeDefinition, int]:
    """A type, and how its ownership is told in a row that is about nobody."""
    definition = type_definition(type_name)
    return definition, OWNED[definition.ownership]


def add_side_rows(
    prepared: Prepared, number: int, identifier: UUID, indexed: Indexed, *, bucket: int | None = None
) -> None:
    """Rows for strings and for dates other than the primary one, beside the row or in another bucket."""
    if len(indexed.strings) + len(indexed.dates) + len(indexed.numbers) // WIDTH > _MOST_SIDE_ROWS:
        raise Unprocessable(
            f"More than {_MOST_SIDE_ROWS} names, dates and numbers to search by in one resource are not taken."
        )
    bucket = bucket_of(identifier) if bucket is None else bucket
    for parameter, text in indexed.strings:
        prepared.strings.append((bucket, number, parameter, identifier, normalise(text), text))
    for parameter, lo, hi in indexed.dates:
        prepared.dates.append((bucket, number, parameter, identifier, max(lo, EARLIEST), hi))
