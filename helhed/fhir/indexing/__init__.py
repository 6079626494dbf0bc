"""What search needs to know of a resource: tokens, strings and dates, taken out by readers compiled once a type."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from helhed.fhir.definitions import Composite, Path, SearchParameter, TypeDefinition, parameters_in_use, type_definition
from helhed.fhir.indexing import custom
from helhed.fhir.indexing.composites import composites_at, said
from helhed.fhir.indexing.dates import Interval, interval, period_of
from helhed.fhir.indexing.near import place_of
from helhed.fhir.indexing.numbers import values_of
from helhed.fhir.indexing.text import normalise
from helhed.fhir.indexing.uris import uri_tokens
from helhed.fhir.indexing.values import (
    DATES,
    TOKEN_READERS,
    all_reference_tokens,
    coded_once,
    reference_tokens,
    texts,
    when,
)
from helhed.fhir.tokens import present_token

__all__ = ["Indexed", "index", "normalise", "period_of"]

#: primary code of a row whose primary concept has several codings
SEVERAL = 0


class Indexed(NamedTuple):
    """The index of one resource."""

    code: int | None  #: system|code token of the primary concept; 0 for several codings; None for none
    date_lo: datetime | None
    date_hi: datetime | None
    tokens: list[int]
    strings: list[tuple[int, str]]  #: (parameter number, text as written)
    dates: list[tuple[int, datetime, datetime]]  #: dates other than the primary one
    numbers: list[float]  #: eight for each value (helhed.fhir.indexing.numbers)


class _Collected:
    __slots__ = ("dates", "numbers", "primary", "strings", "tokens")

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.strings: list[tuple[int, str]] = []
        self.dates: list[tuple[int, datetime, datetime]] = []
        self.primary: list[Interval] = []
        self.numbers: list[float] = []


#: kinds whose readers are made by path, or by element, rather than by parameter
_READ_BELOW = frozenset({"token", "number", "quantity", "composite"})
Reader = Callable[[Any, _Collected], None]


def index(resource: dict[str, Any]) -> Indexed:
    """The index of a valid resource whose local references read ``Type/id``."""
    readers, primary_code = _compiled(resource["resourceType"])
    found = _Collected()
    for name, value in resource.items():
        if name in readers:
            for reader in readers[name]:
                reader(value, found)
    for custom_reader in custom.readers(resource["resourceType"], parameters_in_use()):
        custom_reader(resource, found)
    lo, hi = _outer(found.primary)
    return Indexed(primary_code(resource), lo, hi, list(set(found.tokens)), found.strings, found.dates, found.numbers)


def _outer(intervals: list[Interval]) -> tuple[datetime | None, datetime | None]:
    if not intervals:
        return None, None
    if len(intervals) == 1:
        return intervals[0]
    return min(lo for lo, _ in intervals), max(hi for _, hi in intervals)


@cache
def _compiled(type_name: str) -> tuple[dict[str, list[Reader]], Callable[[dict[str, Any]], int | None]]:
    """What a type's resources are read with: readers by top-level property, and that of the primary code."""
    definition = type_definition(type_name)
    return _readers(definition), _primary_reader(definition)


def _primary_reader(definition: TypeDefinition) -> Callable[[dict[str, Any]], int | None]:
    parameter = definition.primary_code
    if parameter is None:
        return lambda resource: None
    names = [path.steps[0].name for path in parameter.paths if len(path.steps) == 1 and path.kind == "CodeableConcept"]
    once = coded_once((parameter.number,))

    def primary_code(resource: dict[str, Any]) -> int | None:
        codings: list[dict[str, Any]] = []
        for name in names:
            value = resource.get(name)
            for concept in value if isinstance(value, list) else () if value is None else (value,):
                codings += concept.get("coding", ())
        if len(codings) != 1:
            return SEVERAL if codings else None
        code = codings[0].get("code")
        return None if code is None else once[codings[0].get("system"), code][1]

    return primary_code


def _readers(definition: TypeDefinition) -> dict[str, list[Reader]]:
    """Readers of a type by the top-level property they look at."""
    found: dict[str, list[Reader]] = {}
    coded_paths: dict[Path, list[int]] = {}  # parameters that read the same coded value share a reader
    for parameter in definition.parameters.values():
        if not parameter.supported:
            continue
        own = parameter.code in definition.own_patient_parameters
        for path in parameter.paths:
            if parameter.kind == "token" and not own:
                coded_paths.setdefault(path, []).append(parameter.number)
            if parameter.kind in _READ_BELOW:
                continue
            primary = parameter is definition.primary_date
            leaf = _logical_leaf(parameter.number) if own else _leaf(parameter, path, primary=primary)
            found.setdefault(path.steps[0].name, []).append(_along(path, leaf))
    for path, numbers in coded_paths.items():
        if path.kind in TOKEN_READERS:
            found.setdefault(path.steps[0].name, []).append(_along(path, _token_leaf(tuple(numbers), path.kind)))
    for path, key in definition.value_keys.items():
        found.setdefault(path.steps[0].name, []).append(_along(path, _number_leaf(key, path.kind)))
    for name, some in composites_at(definition.name).items():
        for parameter, composite, path in some:
            found.setdefault(name, []).append(_along(path, _composite_leaf(parameter.number, composite)))
    return found


def _along(path: Path, leaf: Reader) -> Reader:
    """A reader of the value of the path's first step."""
    reader = _filtered(leaf, path, len(path.steps))
    for depth in range(len(path.steps) - 1, 0, -1):
        step = path.steps[depth]
        reader = _filtered(_into(step.name, _each(reader) if step.many else reader), path, depth)
    return _each(reader) if path.steps[0].many else reader


def _filtered(reader: Reader, path: Path, depth: int) -> Reader:
    if path.where is None or path.where[2] != depth:
        return reader
    name, wanted, _ = path.where

    def filtered(value: Any, found: _Collected) -> None:
        if isinstance(value, dict) and value.get(name) == wanted:
            reader(value, found)

    return filtered


def _into(name: str, reader: Reader) -> Reader:
    def into(value: Any, found: _Collected) -> None:
        inner = value.get(name)
        if inner is not None:
            reader(inner, found)

    return into


def _each(reader: Reader) -> Reader:
    def each(values: Any, found: _Collected) -> None:
        for value in values:
            if value is not None:
                reader(value, found)

    return each


def _leaf(parameter: SearchParameter, path: Path, *, primary: bool) -> Reader:
    if parameter.kind == "reference":
        return _reference_leaf(parameter.number, path)
    if parameter.kind == "uri":
        return _uri_leaf(parameter.number)
    if parameter.kind == "string":
        return _string_leaf(parameter.number, path.kind)
    if parameter.kind == "special":
        return _near_leaf(parameter.number)
    return _date_leaf(parameter.number, path.kind, primary=primary)


def _token_leaf(numbers: tuple[int, ...], kind: str) -> Reader:
    read = TOKEN_READERS[kind](numbers)

    def leaf(value: Any, found: _Collected) -> None:
        found.tokens += read(value)

    return leaf


def _reference_leaf(number: int, path: Path) -> Reader:
    present, only = present_token(number), path.only_target

    def leaf(value: Any, found: _Collected) -> None:
        if isinstance(value, str):
            tokens = reference_tokens(number, value, only)
        else:
            tokens = all_reference_tokens(number, value, only)
        if tokens:
            found.tokens += tokens
            found.tokens.append(present)

    return leaf


def _logical_leaf(number: int) -> Reader:
    """The home citizen is a column of its own; a logical reference to them is still found by ``:identifier``, and what is
    no citizen (the device a measurement is about) like any other reference.
    """

    def leaf(value: Any, found: _Collected) -> None:
        citizen = "Patient/" in (value.get("reference") or "")
        found.tokens += all_reference_tokens(number, {**value, "reference": None} if citizen else value, "")

    return leaf


def _string_leaf(number: int, kind: str) -> Reader:
    present = present_token(number)

    def leaf(value: Any, found: _Collected) -> None:
        for text in texts(kind, value):
            found.strings.append((number, text))
            found.tokens.append(present)

    return leaf


def _uri_leaf(number: int) -> Reader:
    def leaf(value: Any, found: _Collected) -> None:
        found.tokens += uri_tokens(number, value)

    return leaf


def _near_leaf(number: int) -> Reader:
    def leaf(value: Any, found: _Collected) -> None:
        for coordinates, tokens in place_of(number, value):
            found.numbers += (float(number), *coordinates)
            found.tokens += tokens

    return leaf


def _number_leaf(key: int, kind: str) -> Reader:
    present, under = present_token(key), float(key)

    def leaf(value: Any, found: _Collected) -> None:
        for one in values_of(kind, value):
            found.numbers += (under, *one)
            found.tokens.append(present)

    return leaf


def _composite_leaf(number: int, composite: Composite) -> Reader:
    present = present_token(number)

    def leaf(element: Any, found: _Collected) -> None:
        tokens, numbers = said(number, composite, element)
        found.tokens += tokens
        for key, value in numbers:
            found.numbers += (key, *value)
        if tokens or numbers:
            found.tokens.append(present)

    return leaf


def _date_leaf(number: int, kind: str, *, primary: bool) -> Reader:
    present = present_token(number)

    def leaf(value: Any, found: _Collected) -> None:
        span = interval(value) if kind in DATES else when(kind, value)
        if span is None:
            return
        found.tokens.append(present)
        if primary:
            found.primary.append(span)
        else:
            found.dates.append((number, *span))

    return leaf
