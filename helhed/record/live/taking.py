"""From a source's answer to rows of ours: each validated, about this citizen and nobody else, with the labels that blocks hold by."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import orjson

from helhed.fhir.definitions import type_definition
from helhed.fhir.indexing import index
from helhed.fhir.store.writing import clinical_dates, home_citizen, label_columns
from helhed.fhir.validation import validate
from helhed.foundation.errors import HelhedError
from helhed.foundation.ids import bucket_of, derived_id, key_of
from helhed.record.live.asking import Answered, is_id
from helhed.record.live.faults import Fault, SourceFault
from helhed.record.live.references import NamesSomebodyElse, References

_WRITE = msgspec.json.Encoder(decimal_format="number")
TAG = {"system": "urn:helhed:source", "code": "live", "display": "Answered by its source when somebody looked"}


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A row of a live answer, as it is kept until its end."""

    id: UUID
    type_name: str
    authors: tuple[int, ...] | None  #: None: somebody whom nobody here knows
    contents: tuple[UUID, ...]
    concerns: tuple[int, ...]
    lo: datetime
    hi: datetime
    sort: datetime
    body: bytes
    addresses: tuple[str, ...] = ()  #: where the source has its attachments
    others: tuple[UUID, ...] = ()  #: its ids under other keys of the citizen


@dataclass(frozen=True, slots=True)
class Taken:
    """The rows of an answer, and how many parts of it could not be used."""

    rows: tuple[LiveRow, ...]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom an answer is about, and which source gave it."""

    source: UUID
    base: str
    patient: UUID  #: here
    secret: bytes  #: that ids follow from
    at: datetime
    people: Mapping[tuple[str, str], str]  #: identifiers of professionals and places that are known here -> Type/id
    also: frozenset[UUID] = frozenset()  #: other Patients of the citizen here, whom the source has as the same one


def identifiers_named(answered: Answered) -> set[tuple[str, str]]:
    """Identifiers of professionals and places that an answer brings along."""
    return {pair for entry in answered.entries for pair in _identifiers(entry["resource"])}


def take(answered: Answered, types: Sequence[str], whose: Whose) -> Taken:
    """The rows. Raises SourceFault when any of them is about somebody else."""
    wanted: dict[tuple[str, str], dict[str, Any]] = {}
    dropped = 0
    for entry in answered.entries:
        resource = entry["resource"]
        name, identifier = resource.get("resourceType"), resource.get("id")
        if name == "Patient" and identifier != answered.patient:
            raise SourceFault(Fault.WRONG_PERSON)
        if name not in types:
            continue
        if not is_id(identifier):
            dropped += 1
        elif (name, identifier) not in wanted or _version(resource) > _version(wanted[name, identifier]):
            wanted[name, identifier] = resource
    known = _known(answered, wanted, whose)
    rows = [row for resource in wanted.values() if (row := _row(resource, known, whose)) is not None]
    return Taken(tuple(_presenting(rows)), dropped + len(wanted) - len(rows))


def _version(resource: dict[str, Any]) -> tuple[int, str]:
    meta = resource.get("meta")
    said = meta.get("versionId") if isinstance(meta, dict) else None
    return (len(said), said) if isinstance(said, str) else (0, "")


def _known(answered: Answered, wanted: Mapping[tuple[str, str], dict[str, Any]], whose: Whose) -> dict[str, str]:
    """What the source's addresses mean here."""
    known = {f"Patient/{answered.patient}": f"Patient/{whose.patient}"}
    known |= {f"{name}/{one}": f"{name}/{_own_id(name, one, whose)}" for name, one in wanted}
    for entry in answered.entries:
        resource = entry["resource"]
        local = f"{resource.get('resourceType')}/{resource.get('id')}"
        if (
            ours := next((whose.people[pair] for pair in _identifiers(resource) if pair in whose.people), None)
        ) is not None and ours.partition("/")[0] == resource["resourceType"]:
            known.setdefault(local, ours)
        if isinstance(entry.get("fullUrl"), str) and local in known:
            known.setdefault(entry["fullUrl"], known[local])
    return known


def _identifiers(resource: dict[str, Any]) -> list[tuple[str, str]]:
    if resource.get("resourceType") not in {"Practitioner", "Organization"}:
        return []
    named = resource.get("identifier")
    pairs = (
        [(one.get("system"), one.get("value")) for one in named if isinstance(one, dict)]
        if isinstance(named, list)
        else []
    )
    return [(a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str)]


def _own_id(type_name: str, identifier: str, whose: Whose, patient: UUID | None = None) -> UUID:
    """The same each time the source answers, and told by nobody without the secret."""
    home = patient or whose.patient
    said = "\n".join(("live row", str(whose.source), str(home), type_name, identifier))
    return derived_id(hmac.new(whose.secret, said.encode(), hashlib.sha256).digest(), bucket_of(home))


def _row(resource: dict[str, Any], known: Mapping[str, str], whose: Whose) -> LiveRow | None:
    """None for what cannot be used. Raises SourceFault for what is about somebody else."""
    if validate(orjson.loads(_WRITE.encode(resource))):
        return None
    name = resource["resourceType"]
    identifier = _own_id(name, resource["id"], whose)
    turning = References(whose.base, known, lambda number: f"{name}/{identifier}/$attachment?number={number}")
    try:
        told = turning.turned(resource)
    except NamesSomebodyElse:
        if _subject(resource).removeprefix(whose.base + "/") not in known:
            raise SourceFault(Fault.WRONG_PERSON) from None
        return None
    told["id"] = str(identifier)
    told["meta"] = {"versionId": "1", "lastUpdated": whose.at.isoformat(), **_meta(resource)}
    body = _WRITE.encode(
        {"resourceType": told.pop("resourceType"), "id": told.pop("id"), "meta": told.pop("meta"), **told}
    )
    row = _labelled(identifier, body, turning, whose)
    others = tuple(_own_id(name, resource["id"], whose, other) for other in sorted(whose.also))
    return replace(row, others=others) if row and others else row


def _subject(resource: dict[str, Any]) -> str:
    return next(iter(type_definition(resource["resourceType"]).patient_references(resource)), "")


def _meta(resource: dict[str, Any]) -> dict[str, Any]:
    said = resource.get("meta", {})
    profiles = {"profile": said["profile"]} if "profile" in said else {}
    return {**profiles, "tag": [TAG]}


def _labelled(identifier: UUID, body: bytes, turning: References, whose: Whose) -> LiveRow | None:
    resource = orjson.loads(body)
    name = resource["resourceType"]
    try:
        citizen = home_citizen(type_definition(name), resource, identifier)
        if citizen != key_of(whose.patient):
            raise SourceFault(Fault.WRONG_PERSON)
        indexed = index(resource)
        authors, contents, concerns, lo, hi = label_columns(resource, body, citizen, indexed, whose.at)
    except HelhedError:
        return None
    date_lo, date_hi = clinical_dates(indexed)
    return LiveRow(
        identifier, name, None if turning.unknown_people else tuple(authors), tuple(contents or ()), tuple(concerns or ()),
        lo if lo is not None else date_lo, hi if hi is not None else date_hi, date_lo, body, tuple(turning.addresses),
    )  # fmt: skip


def _presenting(rows: list[LiveRow]) -> list[LiveRow]:
    """What a row presents lies beside it, in no stored row: it carries the labels of all of it, to the end."""
    by_id = {row.id: row for row in rows}
    return [_with_contents(row, by_id) for row in rows]


def _with_contents(row: LiveRow, by_id: Mapping[UUID, LiveRow]) -> LiveRow:
    reached, waiting = {row.id: row}, [row]
    while waiting:
        for one in waiting.pop().contents:
            if one in by_id and one not in reached:
                reached[one] = by_id[one]
                waiting.append(by_id[one])
    if len(reached) == 1:
        return row
    all_of = list(reached.values())
    authors = (
        None if any(one.authors is None for one in all_of) else {key for one in all_of for key in one.authors or ()}
    )
    return replace(
        row,
        authors=None if authors is None else tuple(sorted(authors)),
        concerns=tuple(sorted({key for one in all_of for key in one.concerns})),
        lo=min(one.lo for one in all_of),
        hi=max(one.hi for one in all_of),
    )
