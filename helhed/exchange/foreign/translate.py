"""From a foreign document to changes of this store: ids, references, identifiers, and what must be refused.

A glance at the document tells what its entries are called; then its bytes are rewritten with the ids they get here, and
only the rewritten document is parsed, once.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.exchange.foreign.documents import Document
from helhed.exchange.foreign.entries import Entry, Head, entries_of, heads_of
from helhed.exchange.foreign.identity import ForeignIds
from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.profiles.conformance import Demands
from helhed.fhir.references import rewrite_raw
from helhed.fhir.splice import add_identifier
from helhed.fhir.validation import validate
from helhed.foundation.database import Connection
from helhed.foundation.ids import bucket_of, parse_id
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr

_BY_NUMBER = """
select i.system, i.value, c.patient
from unnest($1::text[], $2::text[]) q(system, value)
join registries.citizen_identifier i on i.system = q.system and i.value = q.value
join registries.citizen c on c.key = i.citizen
"""
_PATIENT = "Patient"
#: types that are looked up by what their source called them; the others are found by their own identifiers
_KEEP_SOURCE_ID = frozenset({"Patient", "Practitioner", "Organization"})


class Rejected(NamedTuple):
    """One resource that was refused, and why."""

    position: int
    type_name: str
    expression: str
    reason: str


@dataclass(slots=True)
class Translation:
    """What became of one document. ``entries = changes + merged + rejected``."""

    entries: int
    addresses: MutableMapping[str, str]  #: what the document calls its entries -> Type/id here
    changes: list[Change] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    merged: int = 0
    positions: dict[UUID | None, int] = field(default_factory=dict)  #: of the changes, by their ids


class Translator:
    """Translates the documents of one source."""

    def __init__(
        self,
        ids: ForeignIds,
        namespace: str,
        connection: Connection,
        *,
        earlier: MutableMapping[str, str] | None = None,
        fixed: Mapping[str, UUID] | None = None,
        demands: Demands | None = None,
    ) -> None:
        self._ids = ids
        self._namespace = namespace
        self._connection = connection
        self._earlier = {} if earlier is None else earlier  #: what earlier documents called their entries
        self._fixed = fixed or {}  #: ids that are given
        self._demands = demands

    async def translate(self, document: Document) -> Translation:
        """What goes in, and what is refused. References among accepted entries are resolved.

        Raises BadRequest, InvalidResource or TooLarge for a document that cannot be read.
        """
        heads = heads_of(document)
        known = await self._known_patients(heads)
        placed, addresses = self._placed(heads, known)
        entries = _rewritten(document, addresses)
        refusals = [refusal for refusal in map(_refusal, entries) if refusal is not None]
        refusals += self._unfit(heads, placed, entries, {refusal.position for refusal in refusals})
        if refusals:  # what is refused has no address here, so that nothing points at it
            refused = {refusal.position for refusal in refusals}
            heads = [head for head in heads if head.position not in refused]
            placed, addresses = self._placed(heads, known)
            entries = [one for one in _rewritten(document, addresses) if one.position not in refused]
        found = Translation(len(heads) + len(refusals), addresses, rejected=refusals)
        self._accept(found, heads, placed, entries)
        return found

    def _unfit(
        self, heads: list[Head], placed: list[UUID], entries: list[Entry], refused: set[int]
    ) -> Iterator[Rejected]:
        """The entries that break what this source must conform to."""
        if self._demands is None:
            return
        here = {
            f"{head.type_name}/{identifier}": entry.resource
            for head, identifier, entry in zip(heads, placed, entries, strict=True)
        }
        for head, entry in zip(heads, entries, strict=True):
            if entry.position not in refused and (issue := self._demands(head.type_name, entry.resource, here.get)):
                yield Rejected(entry.position, head.type_name, issue.expression, issue.diagnostics)

    async def _known_patients(self, heads: list[Head]) -> dict[int, UUID]:
        """Position -> id of the document's patients who are here by number already."""
        numbers = {
            head.position: list(_numbers(orjson.loads(head.raw)))
            for head in heads
            if head.type_name == _PATIENT and head.glance is not None
        }
        asked = [number for some in numbers.values() for number in some]
        if not asked:
            return {}
        rows = await self._connection.fetch(_BY_NUMBER, *map(list, zip(*asked, strict=True)))
        here = {(row["system"], row["value"]): row["patient"] for row in rows}
        known = {position: next((here[one] for one in some if one in here), None) for position, some in numbers.items()}
        return {position: UUID(str(patient)) for position, patient in known.items() if patient is not None}

    def _placed(self, heads: list[Head], known: Mapping[int, UUID]) -> tuple[list[UUID], MutableMapping[str, str]]:
        """The id of each entry, and what each reference of the document will read here."""
        addresses = dict(self._earlier)
        ids: dict[int, UUID] = {}
        # a citizen's rows get ids in the citizen's bucket, so patients come first
        for head in sorted(heads, key=lambda head: head.type_name != _PATIENT):
            identifier = known.get(head.position) or self._id_of(head, addresses)
            ids[head.position] = identifier
            here = f"{head.type_name}/{identifier}"
            for name in head.names:
                addresses[name] = here
        return [ids[head.position] for head in heads], addresses

    def _id_of(self, head: Head, addresses: Mapping[str, str]) -> UUID:
        given = self._fixed.get(head.full_url)
        if given is not None:
            return given
        bucket = None
        if head.type_name in TYPE_NUMBERS and type_definition(head.type_name).ownership is Ownership.CITIZEN:
            local = next(filter(None, map(addresses.get, head.patient_references())), "")
            patient = parse_id(local.removeprefix("Patient/"))
            bucket = None if patient is None else bucket_of(patient)
        return self._ids.id_of(head.type_name, head.source_id, bucket)

    def _accept(self, found: Translation, heads: list[Head], placed: list[UUID], entries: list[Entry]) -> None:
        taken: set[UUID] = set()
        for head, identifier, entry in zip(heads, placed, entries, strict=True):
            definition = type_definition(head.type_name)
            if identifier in taken:
                found.merged += 1
            elif (
                definition.ownership is Ownership.CITIZEN
                and head.type_name != _PATIENT
                and definition.home_patient(entry.resource) is None
            ):
                reason = "no patient of this document or of this network"
                found.rejected.append(Rejected(head.position, head.type_name, head.type_name, reason))
            else:
                taken.add(identifier)
                found.positions[identifier] = head.position
                found.changes.append(self._change(head, identifier, entry))

    def _change(self, head: Head, identifier: UUID, entry: Entry) -> Change:
        raw, resource = entry.raw, entry.resource
        if self._namespace and head.type_name in _KEEP_SOURCE_ID:
            extra = {"system": self._namespace, "value": f"{head.type_name}/{head.source_id}"}
            raw, resource = add_identifier(raw, resource, extra)
        return Change("POST", head.type_name, resource, raw, identifier, None, sha256(head.raw).digest())


def _numbers(patient: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The CPR numbers and replacement numbers of a Patient that nobody has looked at yet."""
    identifiers = patient.get("identifier", ())
    for one in identifiers if isinstance(identifiers, list) else ():
        system, value = (one.get("system"), one.get("value")) if isinstance(one, dict) else (None, None)
        if system in (CPR, REPLACEMENT_CPR) and isinstance(value, str) and "\0" not in value:
            yield system, normal_cpr(value)


def _rewritten(document: Document, addresses: Mapping[str, str]) -> list[Entry]:
    return entries_of(document._replace(raw=rewrite_raw(document.raw, addresses)))


def _refusal(entry: Entry) -> Rejected | None:
    type_name = str(entry.resource.get("resourceType", ""))
    try:
        ownership = type_definition(type_name).ownership
    except KeyError:
        return Rejected(entry.position, type_name, "", "not a FHIR R4 resource type")
    if ownership is Ownership.VIRTUAL:
        return Rejected(entry.position, type_name, type_name, "this network keeps these itself")
    issues = validate(entry.resource)
    if issues:
        return Rejected(entry.position, type_name, issues[0].expression, issues[0].diagnostics)
    return None
