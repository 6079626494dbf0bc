"""What a decision may ask of a row beyond its citizen, its origin and its type: who recorded it, what it presents, whom else
it concerns, and when what it tells took place.

Which elements say so is data: ``definitions/labels.json``. Resources within a resource (``contained``, the entries of a
Bundle) carry their labels into it.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.definitions import facts
from helhed.fhir.indexing.dates import Interval, interval_of
from helhed.foundation.ids import key_of, parse_id

_UUID = "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
# An id of ours is random: whoever writes it means our row, whatever address, version or fragment stands around it.
_PATIENT = re.compile(f"Patient/{_UUID}".encode())
_PROFESSIONAL = re.compile(f"(?:^|/)(?:Practitioner|PractitionerRole)/{_UUID}(?![^/?#|])")
_LOCAL = re.compile(f"(?:^urn:uuid:|(?:^|/)[A-Za-z]+/){_UUID}(?![^/?#|])")
Steps = tuple[str, ...]


class Labels(NamedTuple):
    """The labels of one row. ``clinical`` is None when the primary date says it, or nothing does."""

    authors: list[int]  #: keys of Practitioners and PractitionerRoles
    contents: list[UUID]  #: ids of the rows it presents
    concerns: list[int]  #: keys of the citizens it names beside its own
    clinical: Interval | None


class _Places(NamedTuple):
    """Where the labels of a type stand."""

    authors: tuple[Steps, ...] | None  #: None: any professional it refers to
    contents: tuple[Steps, ...]
    timeless: bool
    presents: frozenset[str]  #: the properties in which the contents stand


def labels_of(resource: dict[str, Any], body: bytes, citizen: int | None, *, dated: bool) -> Labels:
    """The labels of a valid resource whose local references read ``Type/id``. ``body`` is its JSON; ``citizen`` the key of
    its own citizen; ``dated`` whether it has a primary date.
    """
    found = _Found(set(), set(), _concerns(resource, body))
    places = _places(resource["resourceType"])
    escaped = b"\\" in body
    if escaped or b"Practitioner" in body or b"contained" in body or not places.presents.isdisjoint(resource):
        _gather(resource, found)  # most rows name nobody and present nothing
    clinical = None if dated or places.timeless else _written(resource)
    return Labels(sorted(found.authors), sorted(found.contents), sorted(found.concerns - {citizen}), clinical)


def is_timeless(type_name: str) -> bool:
    """Whether no clinical period applies to rows of a type."""
    return _places(type_name).timeless


@cache
def _facts() -> Any:
    return facts.document("labels.json")


@cache
def _places(type_name: str) -> _Places:
    known = _facts()
    authors, contents = (
        None if (paths := known[what].get(type_name)) is None else tuple(tuple(path.split(".")) for path in paths)
        for what in ("authors", "contents")
    )
    presents = frozenset(path[0] for path in contents or ())
    return _Places(authors, contents or (), type_name in known["timeless"], presents)


class _Found(NamedTuple):
    """What was found so far."""

    authors: set[int]
    contents: set[UUID]
    concerns: set[int]


def _gather(resource: dict[str, Any], found: _Found) -> None:
    """What the resource says, and every resource within it."""
    places = _places(resource["resourceType"])
    for value in _named(resource, places.authors):
        _add_author(value, found.authors)
    for path in places.contents:
        for value in _values(resource, path, 0):
            text = value.get("reference") if isinstance(value, dict) else value
            if isinstance(text, str) and (one := _id_in(text)) is not None:
                found.contents.add(one)
    for inner in resource.get("contained", ()):
        _gather_within(inner, "", found)
    if resource["resourceType"] == "Bundle":
        for entry in resource.get("entry", ()):
            if isinstance(entry.get("resource"), dict):
                _gather_within(entry["resource"], entry.get("fullUrl", ""), found)


def _gather_within(inner: dict[str, Any], address: str, found: _Found) -> None:
    """A resource within another; a Patient there is whom its id or its address says, without any reference."""
    _gather(inner, found)
    if inner["resourceType"] == "Patient":
        named = (parse_id(str(inner.get("id", ""))), _id_in(address))
        found.concerns.update(key_of(one) for one in named if one is not None)


def _named(resource: dict[str, Any], paths: tuple[Steps, ...] | None) -> Iterator[Any]:
    """The references that may name an author."""
    if paths is None:
        yield from _everything(resource)
        return
    for path in paths:
        if path[0] in resource:
            yield from _values(resource, path, 0)
    notes = resource.get("note")
    if isinstance(notes, list):
        yield from (note.get("authorReference") for note in notes if isinstance(note, dict))


def _add_author(value: Any, authors: set[int]) -> None:
    text = value.get("reference") if isinstance(value, dict) else None
    match = _PROFESSIONAL.search(text) if isinstance(text, str) else None
    if match is not None and (found := parse_id(match[1])) is not None:
        authors.add(key_of(found))


def _everything(value: Any) -> Iterator[Any]:
    """Every object anywhere in a value."""
    if isinstance(value, dict):
        yield value
        value = value.values()
    for inner in value:
        if isinstance(inner, dict | list):
            yield from _everything(inner)


def _values(value: Any, path: Steps, depth: int) -> Iterator[Any]:
    """The values at a path; sections within sections are on the path of sections."""
    if isinstance(value, list):
        for one in value:
            yield from _values(one, path, depth)
    elif depth == len(path):
        yield value
    elif isinstance(value, dict) and (inner := value.get(path[depth])) is not None:
        yield from _values(inner, path, depth + 1)
        if path[depth] == "section":
            yield from _values(inner, path, depth)


def _id_in(text: str) -> UUID | None:
    match = _LOCAL.search(text)
    return None if match is None else parse_id(match[1])


def _concerns(resource: dict[str, Any], body: bytes) -> set[int]:
    """Found in the bytes, which takes no time; what is written with escapes is written anew without them first."""
    found = _PATIENT.findall(body if b"\\" not in body else orjson.dumps(resource))
    return {_key(one) for one in found}


@lru_cache(maxsize=1 << 12)
def _key(text: bytes) -> int:
    """The key of an id as it is written: its low 64 bits."""
    low = int(text[19:23] + text[24:], 16)
    return low - (1 << 64) if low >> 63 else low


def _written(resource: dict[str, Any]) -> Interval | None:
    """When it was written down."""
    for name in _facts()["recorded"]:
        value = resource.get(name)
        if isinstance(value, str) and (found := interval_of(value)) is not None:
            return found
    return None
