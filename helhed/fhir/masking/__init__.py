"""What is left of a resource when elements of it are masked: a resource of its own, for whoever may see no more.

Left out are the elements, whatever repeats their texts or numbers elsewhere (displays, other texts, extensions), the narrative, which tells
everything again, and what is contained for the sake of what was left out. What must be there and has nothing left in it says that it is
masked (data-absent-reason); of everything else there is no trace. Numbers are kept to the character.
"""

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.definitions import facts
from helhed.fhir.masking.elements import Tree, checked, present, properties_of, tree_of
from helhed.fhir.masking.repeats import Number, Repeats
from helhed.foundation.ids import parse_id

__all__ = ["Part", "checked", "in_part", "present"]

#: http://hl7.org/fhir/R4/extension-data-absent-reason.html
_MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
_ATTACHMENT = re.compile(r"(?:^|/)Binary/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?![^/?#|])")
_TAG = 8  #: characters that tell the parts of one version apart


class Part(NamedTuple):
    """What is left of a version."""

    body: bytes
    resource: dict[str, Any]
    attachments: list[UUID]  #: those behind what was masked


def in_part(body: bytes, elements: Sequence[str]) -> Part:
    """What is left of a stored version without ``elements`` (as ``checked`` gives them). Its version id is the version's, and a
    digest of what is left: whoever keeps either knows when the other takes its place, and nothing of what was left out.
    """
    resource = json.loads(body, parse_float=Number, parse_int=Number)
    taken: list[Any] = []
    left = _without(resource, resource["resourceType"], tree_of(elements), taken)
    repeats = Repeats(taken)
    left = {name: value for name, value in left.items() if name != "text"}
    left = _unrepeated(left, left["resourceType"], repeats)
    left = _contained_still(left)
    digest = sha256(_written(left)).hexdigest()[:_TAG]
    meta = left.get("meta", {})
    left["meta"] = {**meta, "versionId": f"{meta.get('versionId', '1')}-{digest}"}
    written = _written(left)
    return Part(written, orjson.loads(written), sorted(set(_attachments(taken))))


def _written(value: Any) -> bytes:
    return orjson.dumps(_fragments(value))


def _fragments(value: Any) -> Any:
    if isinstance(value, Number):
        return orjson.Fragment(str(value))
    if isinstance(value, dict):
        return {name: _fragments(inner) for name, inner in value.items()}
    return [_fragments(one) for one in value] if isinstance(value, list) else value


# --- what is masked ---------------------------------------------------------------------------------------------------------


def _without(value: dict[str, Any], type_name: str, tree: Tree, taken: list[Any]) -> dict[str, Any]:
    """An object without the elements of a tree; what is taken out is added to ``taken``."""
    left = dict(value)
    for element, within in tree.items():
        for name, kind in properties_of(type_name, element):
            if not within:
                taken += [left.pop(one) for one in (name, f"_{name}") if one in left]
            elif name in left:
                deeper = {**within, **({element: within} if _goes_on(kind, element) else {})}
                _put(left, name, _each(left[name], kind, deeper, taken), type_name)
    return left


def _goes_on(kind: str, element: str) -> bool:
    """Whether an element has itself within it, as sections and the items of a questionnaire do."""
    return facts.is_type(kind) and any(
        kind in one.types for one in facts.elements(kind).values() if one.name == element
    )


def _each(value: Any, kind: str, tree: Tree, taken: list[Any]) -> Any:
    if isinstance(value, list):
        return [one for inner in value if (one := _each(inner, kind, tree, taken))]
    return _without(value, kind, tree, taken) if isinstance(value, dict) else value


def _put(left: dict[str, Any], name: str, value: Any, type_name: str) -> None:
    """Put what is left of a property; of one that must be there, at least that it is masked."""
    if value or value is False:
        left[name] = value
        return
    known = facts.properties(type_name).get(name) if facts.is_type(type_name) else None
    del left[name]
    if known is not None and known[0].minimum > 0:
        element, kind = known
        plain = kind[:1].islower()
        left[f"_{name}" if plain else name] = [_MASKED] if element.many else _MASKED


# --- what repeats it ----------------------------------------------------------------------------------------------------------


def _unrepeated(value: dict[str, Any], type_name: str, repeats: Repeats, *, extension: bool = False) -> dict[str, Any]:
    kind_of = facts.properties(type_name) if facts.is_type(type_name) else {}
    left: dict[str, Any] = {}
    for name, inner in value.items():
        kind = kind_of[name][1] if name in kind_of else ""
        within = extension or name == "extension"
        kept = _kept(name, inner, kind, repeats, within)
        if kept is None or kept in ({}, []):
            left[name] = inner
            _put(left, name, None, type_name)
        else:
            left[name] = kept
    return left


def _kept(name: str, value: Any, kind: str, repeats: Repeats, extension: bool) -> Any:
    if isinstance(value, dict):
        inside = value.get("resourceType", kind) if kind == "Resource" else kind
        bare = {own: inner for own, inner in value.items() if own != "text"} if kind == "Resource" else value
        left = _unrepeated(bare, inside, repeats, extension=extension)
        return None if name == "extension" and left.keys() <= {"url", "id"} and left.keys() != value.keys() else left
    if isinstance(value, list):
        several = [_kept(name, one, kind, repeats, extension) for one in value]
        return several if name.startswith("_") else [one for one in several if one is not None and one not in ({}, [])]
    if isinstance(value, Number):
        return None if extension and repeats.counts(value) else value
    return None if isinstance(value, str) and repeats.repeats(name, value) else value


# --- what was there for its sake ------------------------------------------------------------------------------------------------


def _contained_still(resource: dict[str, Any]) -> dict[str, Any]:
    """Of what is contained, that which something that is left refers to."""
    if "contained" not in resource:
        return resource
    by_id = {f"#{one.get('id')}": one for one in resource["contained"]}
    rest = {name: value for name, value in resource.items() if name != "contained"}
    wanted: set[str] = set()
    waiting = [one for one in _references(rest) if one in by_id]
    while waiting:
        one = waiting.pop()
        if one not in wanted:
            wanted.add(one)
            waiting += [inner for inner in _references(by_id[one]) if inner in by_id]
    kept = [inner for name, inner in by_id.items() if name in wanted]
    return {**rest, "contained": kept} if kept else rest


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _references(one)
    elif isinstance(value, str) and value.startswith("#"):
        yield value


def _attachments(value: Any) -> Iterator[UUID]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _attachments(one)
    elif isinstance(value, str):
        for found in _ATTACHMENT.finditer(value):
            if (known := parse_id(found[1])) is not None:
                yield known
