"""A part of a resource: what ``_summary`` and ``_elements`` leave of it (FHIR R4 search, sections 3.1.1.5.7 and 3.1.1.5.8).

Numbers are kept to the character, as everything that is stored here: 4.60 stays 4.60. What must be there and what would
change the meaning of the rest is never left out, and the tag SUBSETTED says that this is not the whole.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from helhed.fhir.definitions import facts
from helhed.fhir.query import Shape

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = frozenset({"resourceType", "id", "meta"})

Wanted = dict[str, Any]  #: name → what is wanted of it, or None for all of it


def subset(body: bytes, type_name: str, shape: Shape) -> bytes:
    """What is wanted of a stored resource; all of it for a shape that says nothing."""
    if not (shape.summary or shape.elements):
        return body
    resource = json.loads(body, parse_float=_as_written, parse_int=_as_written)
    part = _part(resource, type_name, _wanted(type_name, shape))
    part["meta"] = {**part.get("meta", {}), "tag": [*part.get("meta", {}).get("tag", ()), SUBSETTED]}
    ordered = {name: part[name] for name in ("resourceType", "id", "meta") if name in part} | part
    return orjson.dumps(ordered)


def _as_written(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


@lru_cache(maxsize=1024)
def _wanted(type_name: str, shape: Shape) -> Wanted:
    if shape.summary == "data":
        return {**dict.fromkeys(_names(type_name)), **dict.fromkeys(_ALWAYS), "text": {}}
    if shape.summary == "true":
        return _summary(type_name)
    chosen: Wanted = dict.fromkeys(_ALWAYS)
    if shape.summary == "text":
        chosen["text"] = None
    for element in shape.elements:
        _add(chosen, type_name, element.split("."))
    for name in _needed(type_name):
        chosen.setdefault(name, None)
    return chosen


def _add(chosen: Wanted, type_name: str, steps: list[str]) -> None:
    """Want one more element, whole or in part; what a part must have goes with it."""
    for name, kind in _properties(type_name, steps[0]):
        if len(steps) == 1:
            chosen[name] = None
        elif name not in chosen or chosen[name] is not None:
            inner = chosen.setdefault(name, dict.fromkeys(_needed(kind) if facts.is_type(kind) else ()))
            if facts.is_type(kind):
                _add(inner, kind, steps[1:])


def _summary(type_name: str) -> Wanted:
    """The elements marked as summary, and within nested ones theirs; the elements of data types whole."""
    chosen: Wanted = dict.fromkeys(_ALWAYS if "." not in type_name else ())
    marked, _ = facts.summaries().get(type_name, ((), ()))
    for element in {*marked, *_needed_elements(type_name)}:
        for name, kind in _properties(type_name, element):
            nested = kind.startswith(f"{type_name}.") and kind in facts.summaries()
            chosen[name] = _summary(kind) if nested else None
    return chosen


def _needed(type_name: str) -> Iterable[str]:
    """Properties that must be there, or that change what the others mean."""
    return [name for element in _needed_elements(type_name) for name, _ in _properties(type_name, element)]


def _needed_elements(type_name: str) -> list[str]:
    _, modifying = facts.summaries().get(type_name, ((), ()))
    return [name for name, one in facts.elements(type_name).items() if one.minimum > 0 or name in modifying]


def _names(type_name: str) -> Iterable[str]:
    return facts.properties(type_name)


def _properties(type_name: str, element: str) -> list[tuple[str, str]]:
    """Property and type for an element as published, without its "[x]", or as one of its properties."""
    bare = element.removesuffix("[x]")
    return [
        (name, kind)
        for name, (one, kind) in facts.properties(type_name).items()
        if one.name.removesuffix("[x]") == bare or name == element
    ]


def _part(value: dict[str, Any], type_name: str, wanted: Wanted) -> dict[str, Any]:
    part: dict[str, Any] = {}
    for name, inner in value.items():
        bare = name.removeprefix("_")
        if bare not in wanted:
            continue
        deeper = wanted[bare]
        if deeper is None:
            part[name] = inner
        elif deeper and (kept := _within(inner, type_name, deeper)):
            part[name] = kept
    return part


def _within(inner: Any, type_name: str, wanted: Wanted) -> Any:
    if isinstance(inner, list):
        return [kept for one in inner if (kept := _within(one, type_name, wanted))]
    return _part(inner, type_name, wanted) if isinstance(inner, dict) else None
