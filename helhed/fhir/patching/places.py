"""Where a path of a FHIRPath Patch leads: places in a resource that can be changed, not values.

The paths of patches are the simple part of FHIRPath: elements, indexers, ``first()``, ``last()``, ``where()`` and ``ofType()``
(http://hl7.org/fhir/R4/fhirpatch.html; http://hl7.org/fhir/R4/fhirpath.html#simple). Inside ``where()`` stand comparisons and
a few functions that cost little whatever they are given.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from helhed.fhir.definitions import facts
from helhed.fhir.fhirpath import Environment, Expression, NotFhirPath, NotOne
from helhed.fhir.fhirpath.compiling import compiled
from helhed.fhir.fhirpath.syntax import Node, parse

_CHEAP = frozenset({"where", "exists", "empty", "not", "first", "last", "count", "startsWith", "endsWith", "contains", "ofType", "as", "is", "all"})  # fmt: skip
_LONGEST = 1000  #: characters of a path


class Missing(Exception):
    """Why a path cannot be followed, as a sentence."""


class Place(NamedTuple):
    """One value in a resource: the object that holds it, under which property, at which index of a list."""

    holder: dict[str, Any]
    name: str
    at: int | None  #: index in a list
    kind: str  #: FHIR type
    properties: dict[str, str]  #: JSON property → type of the element; several for a choice

    @property
    def value(self) -> Any:
        """What is there."""
        held = self.holder[self.name]
        return held if self.at is None else held[self.at]


def places_at(resource: dict[str, Any], path: str, environment: Environment) -> list[Place]:
    """The places that ``path`` finds. Raises Missing and TooMuch."""
    if len(path) > _LONGEST:
        raise Missing(f"A path holds at most {_LONGEST} characters.")
    try:
        tree = parse(path)
    except NotFhirPath as error:
        raise Missing(str(error)) from None
    root = Place({"": resource}, "", None, resource["resourceType"], {})
    return list(_found(tree, root, environment))


def element_of(kind: str, name: str) -> facts.Element:
    """An element of a type, a choice by its name without ``[x]``. Raises Missing."""
    known = facts.elements(kind) if facts.is_type(kind) else {}
    found = known.get(name) or known.get(f"{name}[x]")
    if found is None:
        raise Missing(f"{kind} has no element {name}.")
    return found


def _found(tree: Node, root: Place, environment: Environment) -> Iterator[Place]:
    if tree.kind == "name":
        if tree.text == root.kind:
            yield root
        else:
            yield from _children(root, tree.text, environment)
    elif tree.kind == "dot":
        left, right = tree.parts
        yield from _step(list(_found(left, root, environment)), right, environment)
    elif tree.kind == "index":
        left, right = tree.parts
        if right.kind != "literal" or not (
            isinstance(right.value, str) and right.value.isdigit() and len(right.value) < 7
        ):
            raise Missing("An indexer of a patch holds a whole number.")
        at = int(right.value)
        yield from list(_found(left, root, environment))[at : at + 1]
    elif tree.kind == "type" and tree.text == "as":
        yield from (one for one in _found(tree.parts[0], root, environment) if one.kind == str(tree.value))
    else:
        raise Missing("The path of a patch holds elements, indexers, first(), last(), where() and ofType().")


def _step(places: list[Place], step: Node, environment: Environment) -> Iterator[Place]:
    if step.kind == "name":
        for place in places:
            yield from _children(place, step.text, environment)
    elif step.kind == "call" and step.text == "first" and not step.parts:
        yield from places[:1]
    elif step.kind == "call" and step.text == "last" and not step.parts:
        yield from places[-1:]
    elif step.kind == "call" and step.text == "where" and len(step.parts) == 1:
        criterion = _criterion(step.parts[0])
        yield from (place for place in places if _meets(place, criterion, environment))
    elif step.kind == "call" and step.text in {"ofType", "as"} and len(step.parts) == 1:
        yield from (place for place in places if place.kind == step.parts[0].text)
    else:
        raise Missing(f"{step.text or step.kind} does not stand in the path of a patch.")


def _children(place: Place, name: str, environment: Environment) -> Iterator[Place]:
    value = place.value
    if not isinstance(value, dict):
        return
    properties = element_of(place.kind, name).properties
    for prop, kind in properties.items():
        held = value.get(prop)
        environment.step()
        if isinstance(held, list):
            environment.step(len(held))
            yield from (Place(value, prop, index, _kind(one, kind), properties) for index, one in enumerate(held))
        elif held is not None:
            yield Place(value, prop, None, _kind(held, kind), properties)


def _kind(value: Any, kind: str) -> str:
    return value["resourceType"] if isinstance(value, dict) and isinstance(value.get("resourceType"), str) else kind


def _criterion(node: Node) -> Node:
    """Raises Missing for a criterion that holds more than it may."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.kind == "call" and one.text not in _CHEAP:
            raise Missing(f"{one.text}() does not stand in the path of a patch.")
        if one.kind == "variable":
            raise Missing("Variables do not stand in the path of a patch.")
        waiting += one.parts
    return node


def _meets(place: Place, criterion: Node, environment: Environment) -> bool:
    try:
        return Expression(compiled(criterion), place.kind).holds(place.value, environment) is True
    except (NotOne, NotFhirPath) as error:
        raise Missing(f"The criterion cannot be judged: {error}") from None
