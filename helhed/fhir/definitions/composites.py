"""Composite search parameters: what has to hold of one and the same element (FHIR R4 search, section 3.1.1.4.12)."""

from functools import cache
from typing import NamedTuple

from helhed.fhir.definitions import facts
from helhed.fhir.definitions.expressions import Path, paths_below, paths_of

_SAME_RESOURCE = "%resource."


class Component(NamedTuple):
    """One part of a composite."""

    parameter: str  #: the search parameter of the resource that asks for the same thing
    kind: str
    paths: tuple[Path, ...]  #: below the element; () when it stands elsewhere in the resource


class Composite(NamedTuple):
    """One composite of one type."""

    elements: tuple[Path, ...]  #: elements whose parts must hold together; () when it is the resource alone
    whole: bool  #: whether the resource itself is such an element
    components: tuple[Component, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its components."""
        return tuple(component.kind for component in self.components)


@cache
def composites() -> dict[tuple[str, str], Composite]:
    """(type, parameter code) -> composite."""
    return {
        (type_name, code): _composite(type_name, bases, components)
        for type_name, code, bases, components in facts.lines("composites.jsonl")
    }


def _composite(type_name: str, bases: list[str], components: list[list[str]]) -> Composite:
    elements = [path for base in bases if base != type_name for path in paths_of(type_name, base) or ()]
    return Composite(
        tuple(elements),
        type_name in bases,
        # the combo- parameters of Observation look at the resource and at its components; a composite at one of them
        tuple(Component(code.removeprefix("combo-"), kind, _below(elements, text)) for code, kind, text in components),
    )


def _below(elements: list[Path], text: str) -> tuple[Path, ...]:
    if not elements or text.startswith(_SAME_RESOURCE):
        return ()
    return paths_below(elements[0].kind, text)
