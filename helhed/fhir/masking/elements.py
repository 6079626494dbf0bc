"""Which elements of a resource can be masked, and by what name: ``note``, ``component.value[x]``.

A name is the path of an element from the resource, without places in a list: every value of the element is meant, in every
version to come, and of a choice every type (a value that is a text now may be a quantity next time).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS, facts, type_definition
from helhed.foundation.errors import BadRequest

MOST_ELEMENTS = 50
#: what a resource is, and what the whole of it tells again: the narrative never stays, and what is contained stays for whom it is referred to
_NEVER = frozenset({"id", "meta", "implicitRules", "language", "text", "contained", "modifierExtension"})
_NOBODYS = frozenset({"Patient", "Binary"})  #: the identity minimum, and bytes: masked whole or not at all

Tree = dict[str, "Tree"]  #: element → what is masked within it; nothing: all of it


def checked(type_name: str, names: Iterable[str]) -> list[str]:
    """The elements as they are kept, sorted, none within another. Raises BadRequest for one that cannot be masked."""
    found = {_canonical(type_name, name) for name in names}
    if not found or len(found) > MOST_ELEMENTS:
        raise BadRequest(f"Name 1 to {MOST_ELEMENTS} elements to mask.")
    return sorted(one for one in found if not any(one.startswith(f"{other}.") for other in found))


def can_be_masked(type_name: str, name: str) -> bool:
    """Whether an element can be masked."""
    try:
        _canonical(type_name, name)
    except BadRequest:
        return False
    return True


def _canonical(type_name: str, name: str) -> str:
    if type_name in _NOBODYS or type_name not in TYPE_NUMBERS:
        raise BadRequest(f"A part of a {type_name[:40]} cannot be masked.")
    steps: list[str] = []
    inside = type_name
    for step in name.split("."):
        element = _element(inside, step)
        if element is None:
            raise BadRequest(f"There is no element {name[:80]} in a {type_name}.")
        steps.append(element.name)
        _check(type_name, inside, element, name, last=len(steps) == name.count(".") + 1)
        inside = element.types[0] if len(element.types) == 1 else ""
    return ".".join(steps)


def _check(type_name: str, inside: str, element: facts.Element, name: str, *, last: bool) -> None:
    _, modifying = facts.summaries().get(inside, (frozenset(), frozenset()))
    at_top = inside == type_name
    if (at_top and element.name in _NEVER) or element.name == "modifierExtension":
        raise BadRequest(f"{name[:80]} of a {type_name} cannot be masked.")
    if element.name in modifying:
        raise BadRequest(
            f"{name[:80]} says what the rest means: without it the rest would mislead. Mask the whole row."
        )
    if at_top and element.name in _owners(type_name):
        raise BadRequest(f"{name[:80]} says whose the row is.")
    if last and element.minimum > 0:
        raise BadRequest(f"A {type_name} without {name[:80]} is none. Mask what is within it, or the whole row.")


@lru_cache(maxsize=1024)
def _owners(type_name: str) -> frozenset[str]:
    """The elements that name the citizen best."""
    plain = type_definition(type_name).plain_patient
    return frozenset({"subject", "patient", plain} & facts.elements(type_name).keys())


def _element(type_name: str, step: str) -> facts.Element | None:
    """An element by its published name, that name without ``[x]``, or one of its properties."""
    if not facts.is_type(type_name):
        return None
    for element in facts.elements(type_name).values():
        if step in {element.name, element.name.removesuffix("[x]")} or step in element.properties:
            return element
    return None


def tree_of(names: Iterable[str]) -> Tree:
    """Elements as they are kept, as what is within what."""
    tree: Tree = {}
    for name in names:
        place = tree
        for step in name.split("."):
            place = place.setdefault(step, {})
    return tree


def properties_of(type_name: str, element: str) -> list[tuple[str, str]]:
    """The properties in which an element may stand in JSON, and the type of each."""
    if not facts.is_type(type_name):
        return []
    return [(name, kind) for name, (one, kind) in facts.properties(type_name).items() if one.name == element]


def present(resource: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """The elements of a resource that can be masked, and the values of each; of parts of its own, theirs beside it."""
    type_name = resource["resourceType"]
    for element in facts.elements(type_name).values():
        values = list(_values(resource, type_name, element))
        if not values:
            continue
        if can_be_masked(type_name, element.name):
            yield element.name, values
        if element.types and element.types[0].startswith(f"{type_name}."):
            for inner in facts.elements(element.types[0]).values():
                name = f"{element.name}.{inner.name}"
                within = [one for value in values for one in _values(value, element.types[0], inner)]
                if within and inner.name not in {"id", "extension"} and can_be_masked(type_name, name):
                    yield name, within


def _values(value: Any, type_name: str, element: facts.Element) -> Iterator[Any]:
    for name in element.properties:
        inner = value.get(name) if isinstance(value, dict) else None
        yield from inner if isinstance(inner, list) else () if inner is None else (inner,)
