"""Composites in the index: what is said together within one element."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from helhed.fhir.definitions import Composite, Path, SearchParameter, type_definition, values_at
from helhed.fhir.indexing.numbers import Value, pair_of, values_of
from helhed.fhir.tokens import number_key, pair_token


class Said(NamedTuple):
    """What an element says for a composite."""

    tokens: list[int]
    numbers: list[tuple[float, Value]]


@cache
def composites_at(type_name: str) -> dict[str, list[tuple[SearchParameter, Composite, Path]]]:
    """Composites of a type that look at elements, by the top-level property on the way there."""
    found: dict[str, list[tuple[SearchParameter, Composite, Path]]] = {}
    for parameter in type_definition(type_name).parameters.values():
        for path in parameter.composite.elements if parameter.composite else ():
            assert parameter.composite is not None
            found.setdefault(path.steps[0].name, []).append((parameter, parameter.composite, path))
    return found


def said(number: int, composite: Composite, element: dict[str, Any]) -> Said:
    """What one element says."""
    tokens: list[int] = []
    numbers: list[tuple[float, Value]] = []
    first, *others = [_component(kind, paths, element) for _, kind, paths in composite.components]
    if not all(others):
        return Said(tokens, numbers)
    match composite.kinds:
        case ("token" | "reference", "token"):
            tokens = [pair_token(number, a, b) for a in first for b in others[0]]
        case (_, "quantity"):
            numbers = [(number_key(number, a), value) for a in first for value in others[0]]
        case (_, "number", "number"):
            numbers = [(float(number), pair_of(a[0], b[0])) for a in others[0] for b in others[1]]
    return Said(tokens, numbers)


def _component(kind: str, paths: tuple[Path, ...], element: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for path in paths:
        if path.steps[0].name not in element:  # most choices of type are not taken
            continue
        for value in values_at(element, path):
            if kind in {"token", "reference"}:
                found += codes_in(path.kind, value)
            else:
                found += values_of(path.kind, value)
    return found


def codes_in(kind: str, value: Any) -> Iterator[str]:
    """A coded value as composites name it: ``code`` and ``system|code``; a reference as ``Type/id``."""
    if kind == "Reference":
        if text := value.get("reference"):
            yield text.partition("/_history/")[0]
    elif kind == "boolean":
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield value
        yield f"|{value}"
    else:
        for coding in value.get("coding", ()) if kind == "CodeableConcept" else (value,):
            if code := coding.get("code"):
                yield code
                yield f"{coding.get('system', '')}|{code}"
