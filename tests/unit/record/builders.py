"""Records out of plain dictionaries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from helhed.foundation.ids import new_id
from helhed.record.reading import Record, record_of

HERE, THERE = 11, 22
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of the store."""

    type_name: str
    id: UUID
    origin: int
    updated: datetime
    body: bytes


def row(resource: Mapping[str, Any], origin: int = HERE, updated: datetime = NOW) -> StoredRow:
    """A resource as stored."""
    identifier = UUID(resource["id"]) if "id" in resource else new_id()
    body = json.dumps({**resource, "id": str(identifier)})
    return StoredRow(resource["resourceType"], identifier, origin, updated, body.encode())


def record(*resources: Mapping[str, Any], origin: int = HERE) -> Record:
    """A record of one source."""
    return record_of([row(resource, origin) for resource in resources])


def records(**by_source: list[Mapping[str, Any]]) -> Record:
    """A record of several sources: ``here=[...]``, ``there=[...]``."""
    origins = {"here": HERE, "there": THERE}
    return record_of([row(r, origins[name]) for name, found in by_source.items() for r in found])


def text(words: str, code: str = "", system: str = "urn:oid:1.2.208.176.2.4") -> dict[str, Any]:
    """A CodeableConcept."""
    return {"text": words, "coding": [{"system": system, "code": code}]} if code else {"text": words}


def value(
    code: str, number: float, unit: str, at: str, system: str = "http://loinc.org", **more: Any
) -> dict[str, Any]:
    """An Observation with a quantity."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": system, "code": code, "display": code}]},
        "effectiveDateTime": at,
        "valueQuantity": {"value": number, "unit": unit},
        **more,
    }
