"""The labels of generated resources, read off by hand: of few types, and by no code of the network."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.foundation.ids import key_of
from tests.generative.memory_search import span
from tests.generative.resources import Resource

_AUTHOR = {"Observation": ("performer",), "MedicationRequest": ("requester",), "DiagnosticReport": ("performer",), "Condition": ("recorder",)}  # fmt: skip
_CONTENT = {"Observation": ("derivedFrom", "hasMember"), "DiagnosticReport": ("result",)}
_TIME = {"Observation": "effective", "DiagnosticReport": "effective", "Condition": "onset"}
_TICK = timedelta(microseconds=1)  # spans leave their end out
_EARLY, _LATE = "0002-01-01", "9998-12-31"


def labels_of(resource: Resource, citizen: int | None, stored: datetime) -> dict[str, Any]:
    """What ``reference.Row`` knows of a resource beside its type, owner and origin."""
    kind = resource["resourceType"]
    time = _took_place(resource, stored)
    return {
        "id": UUID(resource["id"]),
        "authors": frozenset(_keys(resource, _AUTHOR.get(kind, ()), ("Practitioner", "PractitionerRole"))),
        "contents": frozenset(UUID(text.split("/")[1]) for text in _references(resource, _CONTENT.get(kind, ()))),
        "concerns": frozenset((*_named(resource), *_keys(resource, ("subject", "performer"), ("Patient",)))) - {citizen},
        "took_place": None if time is None else (time[0], time[1] - _TICK if time[1] > time[0] else time[1]),
    }  # fmt: skip


def _references(resource: Resource, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = resource.get(name, [])
        for one in value if isinstance(value, list) else [value]:
            yield one["reference"]


def _keys(resource: Resource, names: tuple[str, ...], types: tuple[str, ...]) -> Iterator[int]:
    for text in _references(resource, names):
        type_name, identifier = text.split("/")
        if type_name in types:
            yield key_of(UUID(identifier))


def _named(resource: Resource) -> Iterator[int]:
    """The patients on a list."""
    for entry in resource.get("entry", ()):
        yield from _keys(entry, ("item",), ("Patient",))


def _took_place(resource: Resource, stored: datetime) -> tuple[datetime, datetime] | None:
    kind = resource["resourceType"]
    if kind in {"Patient", "Organization", "Practitioner"}:
        return None
    if kind == "List" and "date" in resource:
        return span(resource["date"])
    if kind == "Encounter" and "period" in resource:
        return _period(resource["period"])
    if kind == "MedicationRequest" and "authoredOn" in resource:
        return span(resource["authoredOn"])
    element = _TIME.get(kind, "")
    if f"{element}DateTime" in resource:
        return span(resource[f"{element}DateTime"])
    if f"{element}Period" in resource:
        return _period(resource[f"{element}Period"])
    written = resource.get("recordedDate", resource.get("issued"))
    return span(written) if written else (stored, stored)


def _period(period: Resource) -> tuple[datetime, datetime]:
    return span(period.get("start", _EARLY))[0], span(period.get("end", _LATE))[1]
