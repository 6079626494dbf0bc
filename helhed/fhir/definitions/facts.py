"""The compiled facts, read from their files."""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

_FOLDER = resources.files(__package__)


class Element(NamedTuple):
    """One element of a type."""

    name: str  #: as published, with "[x]" for a choice
    types: tuple[str, ...]
    minimum: int
    many: bool
    required_codes: str  #: value set of a required binding, "" for none
    targets: tuple[str, ...]  #: resource types a Reference may point at; empty for any

    @property
    def properties(self) -> dict[str, str]:
        """JSON property name -> type; several for a choice."""
        if not self.name.endswith("[x]"):
            return {self.name: self.types[0] if self.types else "Resource"}
        return {self.name[:-3] + one[0].upper() + one[1:]: one for one in self.types}


class Invariant(NamedTuple):
    """One rule of a type."""

    element: str  #: the element it holds for, "" for the type itself
    key: str
    severity: str
    expression: str


def lines(name: str) -> Iterator[Any]:
    """The records of a file, without its first line, which tells version and source."""
    with (_FOLDER / name).open(encoding="utf-8") as stream:
        next(stream)
        for line in stream:
            yield json.loads(line)


def document(name: str) -> Any:
    """A JSON file."""
    return json.loads((_FOLDER / name).read_text("utf-8"))


@cache
def _type_lines() -> dict[str, str]:
    with (_FOLDER / "types.jsonl").open(encoding="utf-8") as stream:
        next(stream)
        return {line[9 : line.index('"', 9)]: line for line in stream}


@cache
def elements(type_name: str) -> dict[str, Element]:
    """The elements of a resource type, data type or nested element (``Observation.component``), by published name."""
    members = json.loads(_type_lines()[type_name])["elements"]
    return {m[0]: Element(m[0], tuple(m[1]), m[2], m[3], m[4], tuple(m[5])) for m in members}


@cache
def properties(type_name: str) -> dict[str, tuple[Element, str]]:
    """JSON property name -> (element, type)."""
    return {
        name: (element, kind) for element in elements(type_name).values() for name, kind in element.properties.items()
    }


@cache
def invariants() -> dict[str, list[Invariant]]:
    """Rules in FHIRPath by type or nested element, those left out that are checked without FHIRPath."""
    return {record["type"]: [Invariant(*rule) for rule in record["rules"]] for record in lines("invariants.jsonl")}


def is_type(name: str) -> bool:
    """Whether a resource type, data type or nested element is called that."""
    return name in _type_lines()


def type_names() -> Iterator[str]:
    """Every resource type, data type and nested element."""
    return iter(_type_lines())


@cache
def primitives() -> dict[str, str]:
    """Primitive type -> regular expression."""
    return {record["name"]: record["pattern"] for record in lines("primitives.jsonl")}


@cache
def required_codes(value_set: str) -> tuple[tuple[str, str], ...] | None:
    """(system, code) pairs of a required binding; None when it cannot be enumerated, so it is not checked."""
    return _required().get(value_set)


@cache
def _required() -> dict[str, tuple[tuple[str, str], ...] | None]:
    found = {}
    for record in lines("required_codes.jsonl"):
        codes = record["codes"]
        found[record["valueSet"]] = None if codes is None else tuple((s, c) for s, c in codes)
    return found
