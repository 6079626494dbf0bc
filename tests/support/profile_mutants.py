"""Resources made wrong in one place, by reading a profile's snapshot: what must be refused, and where.

This walks the published snapshot on its own and shares nothing with the compiler but the parsed tree.
"""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from helhed.fhir.definitions import facts
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.structure import Node, Structure

Json = dict[str, Any]
Path = tuple[str | int, ...]
_OTHER = {"CodeableConcept": {"text": "other"}, "Coding": {"code": "other"}, "Identifier": {"value": "other"}}


class Mutant(NamedTuple):
    """A resource that breaks one constraint."""

    kind: str
    element: str
    resource: Json
    expression: str  #: where it must be refused


class Spot(NamedTuple):
    """One value in a resource and the element of the profile that speaks of it."""

    node: Node
    path: Path
    value: Any
    type_name: str


def mutants(resource: Json, structure: Structure, library: Library) -> Iterator[Mutant]:
    """One mutant for each constraint of the profile that the resource has a value for."""
    root = Spot(structure.root, (), resource, structure.type_name)
    yield from _below(resource, root, library)


def _below(resource: Json, spot: Spot, library: Library) -> Iterator[Mutant]:
    if not isinstance(spot.value, dict):
        return
    for name, node in spot.node.children.items():
        element = facts.elements(spot.type_name).get(name) if facts.is_type(spot.type_name) else None
        if element is None:
            continue
        for prop, kind in element.properties.items():
            if prop not in spot.value:
                continue
            yield from _counts(resource, spot, node, prop, element)
            for path, value in _items((*spot.path, prop), spot.value[prop]):
                here = Spot(node, path, value, kind)
                yield from _values(resource, here, library)
                yield from _below(resource, here, library)
            yield from _slices(resource, spot, node, prop, kind, library)


def _items(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, list):
        for position, one in enumerate(value):
            yield (*path, position), one
    else:
        yield path, value


def _counts(resource: Json, spot: Spot, node: Node, prop: str, element: facts.Element) -> Iterator[Mutant]:
    if node.minimum and not (element.minimum and not element.many):
        yield Mutant("removed", node.label, _without(resource, (*spot.path, prop)), expression(resource, spot.path))
    value = spot.value[prop]
    if element.many and node.maximum and isinstance(value, list) and value:
        more = value + [value[-1]] * (node.maximum + 1 - len(value))
        place = expression(resource, (*spot.path, prop, node.maximum))
        yield Mutant("too many", node.label, _with(resource, (*spot.path, prop), more), place)


def _values(resource: Json, spot: Spot, library: Library) -> Iterator[Mutant]:
    node, place = spot.node, expression(resource, spot.path)
    if (node.has_fixed or node.has_pattern) and isinstance(spot.value, (str, dict)):
        other = "urn:other" if isinstance(spot.value, str) else _OTHER.get(spot.type_name, {"id": "other"})
        yield Mutant("other value", node.label, _with(resource, spot.path, other), place)
    if node.max_length is not None and isinstance(spot.value, str):
        yield Mutant("too long", node.label, _with(resource, spot.path, "x" * (node.max_length + 1)), place)
    if node.binding is not None and node.binding.strength == "required":
        wrong = _other_code(spot.value, node.binding.value_set, library)
        if wrong is not None:
            yield Mutant("other code", node.label, _with(resource, spot.path, wrong), place)
    targets = [library.type_of(target) for choice in node.types for target in choice.targets]
    if targets and all(targets) and not set(targets) & {"Resource", "Basic"} and isinstance(spot.value, dict):
        wrong = {**spot.value, "reference": "Basic/1"}
        yield Mutant("wrong target", node.label, _with(resource, spot.path, wrong), place)


def _other_code(value: Any, value_set: str, library: Library) -> Any:
    """The same with a code that is in no value set; None when nobody could tell."""
    if isinstance(value, str):
        return "no-such" if library.terminology.member(value_set, None, "no-such") is False else None
    coding = value.get("coding", [value]) if isinstance(value, dict) else []
    if not coding or not all("system" in one for one in coding):
        return None
    wrong = [{**one, "code": "no-such"} for one in coding]
    if any(library.terminology.member(value_set, one["system"], "no-such") is not False for one in wrong):
        return None
    return {**value, "coding": wrong} if "coding" in value else wrong[0]


def _slices(resource: Json, spot: Spot, node: Node, prop: str, kind: str, library: Library) -> Iterator[Mutant]:
    value = spot.value[prop]
    if not isinstance(value, list) or node.slicing is None:
        return
    for slice_ in node.slices:
        mark = _mark(slice_, node, library)
        mine = [position for position, one in enumerate(value) if mark is not None and _has(one, *mark)]
        if not mine:
            continue
        if slice_.minimum:
            others = [one for position, one in enumerate(value) if position not in mine]
            changed = _with(resource, (*spot.path, prop), others) if others else _without(resource, (*spot.path, prop))
            yield Mutant("slice removed", slice_.label, changed, expression(resource, spot.path))
        if slice_.maximum == 1:
            place = expression(resource, (*spot.path, prop, len(value)))
            more = _with(resource, (*spot.path, prop), [*value, copy.deepcopy(value[mine[0]])])
            yield Mutant("slice twice", slice_.label, more, place)
        for position in mine:
            here = Spot(slice_, (*spot.path, prop, position), value[position], kind)
            yield from (one for one in _below(resource, here, library) if not _moves(one, slice_, mark))


def _moves(mutant: Mutant, slice_: Node, mark: tuple[str, str] | None) -> bool:
    """Whether a mutant is no longer in the slice: then it is not refused there, but as a slice that is missing."""
    return mark is not None and mutant.element.endswith(f".{mark[0]}")


def _mark(slice_: Node, node: Node, library: Library) -> tuple[str, str] | None:
    """The property and text that tell a slice, where it is as simple as that."""
    assert node.slicing is not None
    if len(node.slicing.discriminators) != 1:
        return None
    kind, name = node.slicing.discriminators[0]
    if kind not in {"value", "pattern"} or "." in name or "(" in name or name.startswith("$"):
        return None
    profiles = [one for choice in slice_.types for one in choice.profiles]
    if name == "url" and profiles:
        return name, profiles[0].partition("|")[0]
    roots = [slice_, *(found.root for one in profiles if (found := library.structure(one)))]
    for root in roots:
        child = root.children.get(name)
        for text in (child.fixed, child.pattern) if child is not None else ():
            if isinstance(text, str):
                return name, text
    return None


def _has(value: Any, name: str, text: str) -> bool:
    return isinstance(value, dict) and value.get(name) == text


def expression(resource: Json, path: Path) -> str:
    """FHIRPath of a place."""
    text = str(resource["resourceType"])
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text


def _with(resource: Json, path: Path, value: Any) -> Json:
    fresh = copy.deepcopy(resource)
    holder: Any = fresh
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return fresh


def _without(resource: Json, path: Path) -> Json:
    fresh = copy.deepcopy(resource)
    holder: Any = fresh
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return fresh
