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
from helhed.trust.policy import BASIS_NUMBERS, contact_holds
from helhed.trust.relation.registrations import own_relation, registrations

_PUT_EMPLOYMENTS = "select trust.put_employments($1,$2,$3,$4,$5,$6,$7)"
_PUT_RECORDERS = "select trust.put_recorders($1,$2)"
_PUT_RELATIONS = "select trust.put_relations($1,$2,$3,$4,$5,$6,$7,$8)"
_ADD_OWN = "select trust.add_own_relations($1,$2,$3,$4,$5,$6,$7)"
_PUT_PAST = "select trust.put_past_contacts($1,$2,$3,$4,$5,$6,$7)"
_DROP = "select trust.drop_sources($1)"
ROLE_SYSTEM = "urn:helhed:role"
CLASS_A, CLASS_B = 2, 3
_FOR_A_WHILE = frozenset({BASIS_NUMBERS["override"], BASIS_NUMBERS["consent"]})  #: for one who is named, until an end
#: the same, and the asker's own declaration
_NOT_LONG = _FOR_A_WHILE | {BASIS_NUMBERS["treatment-D"]}
_AFTERWARDS = BASIS_NUMBERS["treatment-C"]
ALWAYS = datetime.max.replace(tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)
_OPEN_CONTACT = frozenset({"arrived", "triaged", "in-progress", "onleave"})
_ACCEPTED_REFERRAL = frozenset({"active", "on-hold"})


class Employments:
    """Jobs, from PractitionerRole: who works where as what, from when to when."""

    types = frozenset({"PractitionerRole"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """An inactive or incomplete PractitionerRole gives no job, but tells whose records name it. Raises Unprocessable for a
        job at somebody else's place.
        """
        rows = [row for one in stored if (row := _employment(one))]
        await connection.execute(_DROP, [one.id for one in stored])
        holders = [(one.id, key_of(who)) for one in stored if (who := _holder(one.resource))]
        if holders:
            await connection.execute(_PUT_RECORDERS, *map(list, zip(*holders, strict=True)))
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


class _PastContact(NamedTuple):
    source: UUID
    citizen: int
    organisation: int
    ended_at: datetime
    people: str
    writer: int


class Relations:
    """Treatment relations: A from open contacts, B from the chosen clinic and from accepted referrals; and contacts that have
    ended, from which class C and the follow-up of one's own work are counted.
    """

    types = frozenset({"Encounter", "Patient", "ServiceRequest"}) | registrations().keys()

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """What a source registered before is replaced by what it registers now.

        Only a custodian says which clinic a citizen has chosen: a professional who corrects a Patient cannot open the
        record to a clinic that way. And what is written under a ticket or a consent opens it to nobody: it ends what was
        registered before, or leaves it as it is. Nor does a contact that is recorded as over by those who see because of
        an earlier one: class C does not renew itself.
        """
        stored = [one for one in stored if not _renews(one)]
        stored = [one for one in stored if one.by_custodian or one.type_name != "Patient"]
        await _project_own(connection, [one for one in stored if one.type_name in registrations()])
        stored = [one for one in stored if one.type_name not in registrations()]
        given = {one.id: list(_relations(one)) for one in stored}
        stored = [one for one in stored if one.basis not in _FOR_A_WHILE or not given[one.id]]
        rows = [row for one in stored for row in given[one.id]]
        changed = [one.id for one in stored if not one.created or one.type_name != "Encounter"]
        past = [row for one in stored if one.type_name == "Encounter" and (row := _past_contact(one)) is not None]
        if past or changed:
            await connection.execute(_PUT_PAST, changed, *_columns(past, _PastContact))
        if not rows and not changed:
            return
        await connection.execute(_PUT_RELATIONS, changed, *_columns(rows, _Relation))

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """A deleted registration gives no relation."""
        await connection.execute(_DROP, list(removed))


async def _project_own(connection: Connection, stored: Sequence[Stored]) -> None:
    """What a place registers for itself. Written under a ticket, a consent or one's own declaration, it opens nothing: nobody
    makes a booking out of a moment's access.
    """
    given = {one.id: own_relation(one) for one in stored}
    rows = [row for one in stored if (row := given[one.id]) is not None and one.basis not in _NOT_LONG]
    before = [one.id for one in stored if not one.created and (one.basis not in _NOT_LONG or given[one.id] is None)]
    if before:
        await connection.execute(_PUT_RELATIONS, before, *_columns([], _Relation))
    if rows:
        await connection.execute(_ADD_OWN, *map(list, zip(*rows, strict=True)))


def _holder(resource: dict[str, Any]) -> UUID | None:
    return local_target(resource.get("practitioner"), "Practitioner")


def _employment(one: Stored) -> tuple[Any, ...] | None:
    resource = one.resource
    professional = _holder(resource)
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
    """Class A lasts as long as the contact is open at the unit; but not for ever after it was last registered, whatever end is planned."""
    if one.resource.get("status") not in _OPEN_CONTACT:
        return
    unit = local_target(one.resource.get("serviceProvider"), "Organization")
    start, end = _validity(one.resource.get("period"))
    end = min(end, one.at + contact_holds())
    yield _Relation(one.id, citizen, one.origin if unit is None else key_of(unit), CLASS_A, start, end, one.origin)


def _renews(one: Stored) -> bool:
    """Whether class C would be counted anew from what was written by it."""
    return one.type_name == "Encounter" and one.basis == _AFTERWARDS and _past_contact(one) is not None


def _past_contact(one: Stored) -> _PastContact | None:
    """A contact that has ended, once its end is known, and the professionals who took part in it."""
    period = one.resource.get("period")
    if one.citizen is None or one.resource.get("status") != "finished" or not isinstance(period, dict):
        return None
    _, end = _validity(period)
    if end == ALWAYS:
        return None
    unit = local_target(one.resource.get("serviceProvider"), "Organization")
    individuals = [each.get("individual") for each in one.resource.get("participant", ())]
    found = {local_target(each, kind) for each in individuals for kind in ("Practitioner", "PractitionerRole")}
    people = ",".join(str(key_of(each)) for each in found if each is not None)
    return _PastContact(
        one.id, one.citizen, one.origin if unit is None else key_of(unit), end, f"{{{people}}}", one.origin
    )


def _columns(rows: Sequence[Any], of: type[_Relation | _PastContact]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in of._fields]


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
