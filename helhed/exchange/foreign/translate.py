"""From a foreign document to changes of this store: ids, references, identifiers, and what must be refused."""

from collections import ChainMap
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import orjson

from helhed.exchange.foreign.documents import Document
from helhed.exchange.foreign.identity import ForeignIds
from helhed.fhir.changes import Change
from helhed.fhir.definitions import Ownership, type_definition
from helhed.fhir.parsing import Limits, parse_json
from helhed.fhir.references import rewrite_raw
from helhed.fhir.splice import add_identifier
from helhed.fhir.validation import validate
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import bucket_of
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr

_BY_NUMBER = """
select c.patient from registries.citizen_identifier i join registries.citizen c on c.key = i.citizen
where i.system = $1 and i.value = $2
"""
_DOCUMENT_LIMITS = Limits(bytes=256 * 1024 * 1024)


#: types that are looked up by what their source called them; the others are found by their own identifiers
_KEEP_SOURCE_ID = frozenset({"Patient", "Practitioner", "Organization"})


class Entry(NamedTuple):
    """One resource of a document."""

    position: int
    full_url: str
    raw: bytes
    resource: dict[str, Any]


class Rejected(NamedTuple):
    """One resource that was refused, and why."""

    position: int
    type_name: str
    expression: str
    reason: str


@dataclass(slots=True)
class Accepted:
    """One resource that goes in."""

    id: UUID
    resource: dict[str, Any]
    raw: bytes
    digest: bytes

    def change(self) -> Change:
        """As a create."""
        return Change("POST", self.resource["resourceType"], self.resource, self.raw, self.id, digest=self.digest)


class _RawEntry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    fullUrl: str = ""


class _RawBundle(msgspec.Struct):
    entry: list[_RawEntry] = []


def entries_of(document: Document) -> Iterator[Entry]:
    """The resources of a Bundle, of NDJSON lines, or of a single resource. Raises BadRequest or InvalidResource."""
    if document.ndjson:
        for position, line in enumerate(document.raw.split(b"\n")):
            yield Entry(position, "", line, parse_json(line))
        return
    parsed = parse_json(document.raw, limits=_DOCUMENT_LIMITS)
    if parsed.get("resourceType") != "Bundle":
        yield Entry(0, "", document.raw, parsed)
        return
    raws = msgspec.json.decode(document.raw, type=_RawBundle).entry
    for position, (raw, entry) in enumerate(zip(raws, parsed.get("entry", ()), strict=True)):
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            raise BadRequest(f"{document.name}: entry {position} holds no resource.")
        yield Entry(position, raw.fullUrl, bytes(raw.resource), resource)


class Translator:
    """Translates the entries of one document."""

    def __init__(
        self, ids: ForeignIds, namespace: str, connection: Connection, earlier: MutableMapping[str, str]
    ) -> None:
        self._ids = ids
        self._namespace = namespace
        self._connection = connection
        self._earlier = earlier
        self.merged = 0

    async def translate(self, entries: list[Entry]) -> tuple[list[Accepted], list[Rejected]]:
        """What goes in, and what is refused. References among accepted entries are resolved."""
        refusals = [_refusal(entry) for entry in entries]
        good = [entry for entry, refusal in zip(entries, refusals, strict=True) if refusal is None]
        rejected = [refusal for refusal in refusals if refusal is not None]
        mapping = await self.addresses(good)
        taken: set[UUID] = set()
        accepted = []
        for entry in good:
            one = await self._accept(entry, mapping, taken)
            if isinstance(one, Rejected):
                rejected.append(one)
            elif one is not None:
                accepted.append(one)
        return accepted, rejected

    async def addresses(self, entries: list[Entry]) -> MutableMapping[str, str]:
        """What each reference of the document will read here; earlier documents' names are known too."""
        mapping = ChainMap(await self._patients(entries), self._earlier)
        for entry in entries:
            if entry.resource["resourceType"] != "Patient":
                self._assign(entry, mapping)
        return mapping

    async def _patients(self, entries: list[Entry]) -> dict[str, str]:
        """References to the document's patients; one who is here by number already is that citizen."""
        mapping: dict[str, str] = {}
        for entry in entries:
            if entry.resource["resourceType"] == "Patient":
                known = await self._known(entry.resource)
                identifier = known or self._ids.id_of("Patient", _source_id(entry), None)
                for name in _names(entry):
                    mapping[name] = f"Patient/{identifier}"
        return mapping

    async def _known(self, resource: dict[str, Any]) -> UUID | None:
        for identifier in resource.get("identifier", ()):
            if identifier.get("system") in {CPR, REPLACEMENT_CPR} and identifier.get("value"):
                value = normal_cpr(identifier["value"])
                found = await self._connection.fetchval(_BY_NUMBER, identifier["system"], value)
                if found is not None:
                    return UUID(str(found))
        return None

    def _assign(self, entry: Entry, mapping: MutableMapping[str, str]) -> None:
        type_name = entry.resource["resourceType"]
        bucket = None
        if type_definition(type_name).ownership is Ownership.CITIZEN:
            patient = next((mapping[r] for r in patient_references(entry.resource) if r in mapping), None)
            bucket = bucket_of(UUID(patient.split("/")[1])) if patient else None
        identifier = self._ids.id_of(type_name, _source_id(entry), bucket)
        for name in _names(entry):
            mapping[name] = f"{type_name}/{identifier}"

    async def _accept(
        self, entry: Entry, mapping: MutableMapping[str, str], taken: set[UUID]
    ) -> Accepted | Rejected | None:
        type_name = entry.resource["resourceType"]
        target = UUID(mapping[_names(entry)[0]].split("/")[1])
        if target in taken:
            self.merged += 1
            return None
        taken.add(target)
        raw = rewrite_raw(entry.raw, mapping)
        resource = entry.resource if raw == entry.raw else orjson.loads(raw)
        definition = type_definition(type_name)
        if (
            definition.ownership is Ownership.CITIZEN
            and type_name != "Patient"
            and definition.home_patient(resource) is None
        ):
            return Rejected(entry.position, type_name, type_name, "no patient of this document or of this network")
        extra = {"system": self._namespace, "value": f"{type_name}/{_source_id(entry)}"}
        if self._namespace and type_name in _KEEP_SOURCE_ID:
            raw, resource = add_identifier(raw, resource, extra)
        return Accepted(target, resource, raw, sha256(entry.raw).digest())


def patient_references(resource: dict[str, Any]) -> Iterator[str]:
    """Literal references on the type's patient paths."""
    yield from type_definition(resource["resourceType"]).patient_references(resource)


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


def _source_id(entry: Entry) -> str:
    return str(entry.resource.get("id") or entry.full_url or f"entry-{entry.position}")


def _names(entry: Entry) -> list[str]:
    """What references in the document may call this entry."""
    names = [entry.full_url] if entry.full_url else []
    if entry.resource.get("id"):
        names.append(f"{entry.resource['resourceType']}/{entry.resource['id']}")
    return names or [f"#{entry.position}"]
