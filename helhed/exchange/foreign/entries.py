"""What a foreign document holds: first a glance at each entry, later each entry parsed strictly."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import orjson

from helhed.exchange.foreign.documents import LARGEST_DOCUMENT, Document
from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.parsing import Limits, check_shape, checked_lines, parse_compact, parse_shaped
from helhed.foundation.errors import BadRequest

_DOCUMENT_LIMITS = Limits(bytes=LARGEST_DOCUMENT)


class _RawEntry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    fullUrl: str = ""


class _RawBundle(msgspec.Struct):
    resourceType: str = ""
    entry: list[_RawEntry] = []


class _Reference(msgspec.Struct):
    reference: str = ""


def _plain_patient_names() -> list[str]:
    """The properties that name a patient by themselves, of all types."""
    definitions = (type_definition(name) for name in TYPE_NUMBERS)
    mine = (one for one in definitions if one.ownership is Ownership.CITIZEN)
    return sorted({path.steps[0].name for one in mine for path in one.patient_paths if not path.winding})


#: decodes to an object with resourceType, id and those properties
_GLANCE: Any = msgspec.json.Decoder(
    msgspec.defstruct(
        "_Glance",
        [
            ("resourceType", str, ""),
            ("id", str, ""),
            # what is one reference in one type is a list of them in another
            *((name, _Reference | list[msgspec.Raw] | None, None) for name in _plain_patient_names()),
        ],
    )
)
_BUNDLE = msgspec.json.Decoder(_RawBundle)


class Head(NamedTuple):
    """What one entry is called, before anything is known to be sound."""

    position: int
    full_url: str
    raw: bytes
    type_name: str
    id: str
    glance: Any  #: the properties that may name its patient; None when it is no ordinary resource

    @property
    def source_id(self) -> str:
        """What the source calls it."""
        return self.id or self.full_url or f"entry-{self.position}"

    @property
    def names(self) -> list[str]:
        """What references in the document may call it."""
        names = [self.full_url] if self.full_url else []
        if self.id:
            names.append(f"{self.type_name}/{self.id}")
        return names or [f"#{self.position}"]

    def patient_references(self) -> Iterator[str]:
        """Literal references on the type's patient paths, best first."""
        definition = type_definition(self.type_name)
        if self.glance is None:
            yield from definition.patient_references(orjson.loads(self.raw))
            return
        for path in definition.patient_paths:
            if path.winding:  # seldom reached: the plain paths come first
                yield from definition.patient_references(orjson.loads(self.raw))
                return
            found = getattr(self.glance, path.steps[0].name)
            if isinstance(found, _Reference) and found.reference:
                yield found.reference


class Entry(NamedTuple):
    """One resource of a document."""

    position: int
    raw: bytes
    resource: dict[str, Any]


def heads_of(document: Document) -> list[Head]:
    """What the entries of a Bundle, NDJSON lines, or a single resource are called. Raises BadRequest or TooLarge."""
    if document.ndjson:
        return [
            _head(position, "", line) for position, line in enumerate(checked_lines(document.raw, _DOCUMENT_LIMITS))
        ]
    check_shape(document.raw, _DOCUMENT_LIMITS)
    try:
        bundle = _BUNDLE.decode(document.raw)
    except msgspec.MsgspecError:
        parse_compact(document.raw, limits=_DOCUMENT_LIMITS)  # says what is wrong, if it is no JSON
        raise BadRequest(
            f"{document.name}: the entries of a Bundle are objects with a fullUrl and a resource."
        ) from None
    if bundle.resourceType != "Bundle":
        return [_head(0, "", document.raw)]
    return [_head(position, one.fullUrl, bytes(one.resource)) for position, one in enumerate(bundle.entry)]


def _head(position: int, full_url: str, raw: bytes) -> Head:
    try:
        glance = _GLANCE.decode(raw)
    except msgspec.MsgspecError:
        return _unusual(position, full_url, raw)
    return Head(position, full_url, raw, glance.resourceType, glance.id, glance)


def _unusual(position: int, full_url: str, raw: bytes) -> Head:
    """An entry whose properties have other types than most: parsed whole, and perhaps refused later."""
    try:
        resource = orjson.loads(raw)
    except orjson.JSONDecodeError:
        resource = None
    if not isinstance(resource, dict):
        return Head(position, full_url, raw, "", "", None)
    return Head(position, full_url, raw, str(resource.get("resourceType", "")), str(resource.get("id", "")), None)


def entries_of(document: Document) -> list[Entry]:
    """The resources of a document that ``heads_of`` has looked at, parsed strictly. Raises BadRequest or InvalidResource."""
    if document.ndjson:
        return [_line(position, line) for position, line in enumerate(document.raw.split(b"\n"))]
    parsed, compact = parse_shaped(document.raw, _DOCUMENT_LIMITS)
    if parsed.get("resourceType") != "Bundle":
        return [Entry(0, compact, parsed)]
    raws = _BUNDLE.decode(compact).entry
    return [
        Entry(position, bytes(raw.resource), _resource(document.name, position, entry))
        for position, (raw, entry) in enumerate(zip(raws, parsed.get("entry", ()), strict=True))
    ]


def _line(position: int, line: bytes) -> Entry:
    resource, compact = parse_shaped(line, _DOCUMENT_LIMITS)
    return Entry(position, compact, resource)


def _resource(name: str, position: int, entry: dict[str, Any]) -> dict[str, Any]:
    resource = entry.get("resource")
    if not isinstance(resource, dict):
        raise BadRequest(f"{name}: entry {position} holds no resource.")
    return resource
