"""The facts trust takes from resources, inside the transaction that writes them: jobs and treatment relations."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from helhed.fhir.indexing import period_of
from helhed.fhir.store import Stored
from helhed.foundation.database import Connection
from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import key_of
from helhed.registries.projections import local_target

_PUT_EMPLOYMENTS = "select trust.put_employments($1,$2,$3,$4,$5,$6,$7)"
_PUT_RELATIONS = "select trust.put_relations($1,$2,$3,$4,$5,$6,$7,$8)"
_DROP = "select trust.drop_sources($1)"
ROLE_SYSTEM = "urn:helhed:role"
CLASS_A, CLASS_B = 2, 3
ALWAYS = datetime.max.replace(tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)
_OPEN_CONTACT = frozenset({"arrived", "triaged", "in-progress", "onleave"})
_ACCEPTED_REFERRAL = frozenset({"active", "on-hold"})


class Employments:
    """Jobs, from PractitionerRole: who works where as what, from when to when."""

    types = frozenset({"PractitionerRole"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """An inactive or incomplete PractitionerRole gives no job. Raises Unprocessable for a job at somebody else's place."""
        rows = [row for one in stored if (row := _employment(one))]
        await connection.execute(_DROP, [one.id for one in stored])
        if rows:
            taken = await connection.fetchval(_PUT_EMPLOYMENTS, *map(list, zip(*rows, strict=True)))
            if taken != len(rows):
                raise Unprocessable("A job is registered by its own organisation, or by one above it.")

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """A deleted PractitionerRole ends the job at once."""
        await connection.execute(_DROP, list(removed))


class _Relation(NamedTuple):
    source: UUID
    citizen: int
    organisation: int
    relation_class: int
    valid_from: datetime
    valid_to: datetime
    writer: int


class Relations:
    """Treatment relations: A from open contacts, B from the chosen clinic and from accepted referrals."""

    types = frozenset({"Encounter", "Patient", "ServiceRequest"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """What a source registered before is replaced by what it registers now.

        Only a custodian says which clinic a citizen has chosen: a professional who corrects a Patient cannot open the
        record to a clinic that way.
        """
        stored = [one for one in stored if one.by_custodian or one.type_name != "Patient"]
        rows = [row for one in stored for row in _relations(one)]
        changed = [one.id for one in stored if not one.created or one.type_name != "Encounter"]
        if not rows and not changed:
            return
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in _Relation._fields]
        await connection.execute(_PUT_RELATIONS, changed, *columns)

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """A deleted registration gives no relation."""
        await connection.execute(_DROP, list(removed))


def _employment(one: Stored) -> tuple[Any, ...] | None:
    resource = one.resource
    professional = local_target(resource.get("practitioner"), "Practitioner")
    organisation = local_target(resource.get("organization"), "Organization")
    codings = (c for concept in resource.get("code", ()) for c in concept.get("coding", ()))
    role = next((c.get("code") for c in codings if c.get("system") == ROLE_SYSTEM), None)
    if professional is None or organisation is None or role is None or resource.get("active") is False:
        return None
    start, end = _validity(resource.get("period"))
    return (one.id, key_of(professional), key_of(organisation), role, start, end, one.origin)


def _relations(one: Stored) -> Iterator[_Relation]:
    if one.citizen is None:
        return
    maker = {"Encounter": _contact, "Patient": _chosen_clinic, "ServiceRequest": _referral}[one.type_name]
    yield from maker(one, one.citizen)


def _contact(one: Stored, citizen: int) -> Iterator[_Relation]:
    """Class A lasts as long as the contact is open at the unit."""
    if one.resource.get("status") not in _OPEN_CONTACT:
        return
    unit = local_target(one.resource.get("serviceProvider"), "Organization")
    start, end = _validity(one.resource.get("period"))
    yield _Relation(one.id, citizen, one.origin if unit is None else key_of(unit), CLASS_A, start, end, one.origin)


def _chosen_clinic(one: Stored, citizen: int) -> Iterator[_Relation]:
    """Class B: the relation is to the clinic, not to one doctor."""
    for reference in one.resource.get("generalPractitioner", ()):
        clinic = local_target(reference, "Organization")
        if clinic is not None:
            yield _Relation(one.id, citizen, key_of(clinic), CLASS_B, EVER, ALWAYS, one.origin)


def _referral(one: Stored, citizen: int) -> Iterator[_Relation]:
    """Class B while the referral stands accepted with the receiving unit."""
    if one.resource.get("status") not in _ACCEPTED_REFERRAL or one.resource.get("intent") not in {"order", "plan"}:
        return
    for reference in one.resource.get("performer", ()):
        unit = local_target(reference, "Organization")
        if unit is not None:
            yield _Relation(one.id, citizen, key_of(unit), CLASS_B, EVER, ALWAYS, one.origin)


def _validity(period: Any) -> tuple[datetime, datetime]:
    """[from, to) of a FHIR Period; the last day of a date counts whole."""
    start, end = period_of(period) if isinstance(period, dict) else (None, None)
    return (start or EVER, end + timedelta(microseconds=1) if end and end < ALWAYS else ALWAYS)
