"""From the parameters of a search request to a Query, or a refusal that names the parameter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from helhed.fhir.definitions import TYPE_NUMBERS, TypeDefinition, type_definition
from helhed.fhir.definitions.custom import FIRST_NUMBER
from helhed.fhir.query.conditions import Reader
from helhed.fhir.query.model import (
    WHOLE,
    AnyOf,
    Both,
    Chain,
    CitizenTest,
    Condition,
    DateTest,
    Either,
    Has,
    IdTest,
    Include,
    LeftOut,
    NoneOf,
    Not,
    NumberPair,
    NumberTest,
    Query,
    Shape,
    Sort,
    StringTest,
    TypeTest,
    UpdatedTest,
)
from helhed.fhir.query.naming import named_citizens, named_tokens
from helhed.fhir.query.places import Place, in_each, membership, place_of
from helhed.fhir.query.refusals import Unsupported
from helhed.fhir.query.results import includes_of, sort_of
from helhed.fhir.query.shape import DEFAULT_COUNT, MOST_COUNT, SHAPES, Wanted
from helhed.fhir.query.text import split
from helhed.fhir.query.texts import bounded
from helhed.fhir.query.words import WORDS, words_of
from helhed.foundation.clock import system_clock
from helhed.foundation.errors import BadRequest

__all__ = [
    "DEFAULT_COUNT", "MOST_COUNT", "WHOLE",
    "AnyOf", "Both", "Chain", "CitizenTest", "Condition", "DateTest", "Either", "Has", "IdTest", "Include", "LeftOut",
    "NoneOf", "Not", "NumberPair", "NumberTest", "Query", "Shape", "Sort", "StringTest", "TypeTest", "UpdatedTest",
    "parse_search",
]  # fmt: skip

CURSOR, EXPLAIN = "_cursor", "_explain"
_MOST_PARAMETERS, _MOST_INCLUDES, _MOST_INCLUDE_PATHS, _LONGEST = 40, 10, 80, 8000
_FORMATTING = frozenset({"_format", "_pretty"})
#: parameters that shape an answer: one of these left out makes a search find nothing more
_SHAPING = ("_sort", "_include", "_revinclude", "_summary", "_elements", "_contained", "_score", EXPLAIN)
_LONGEST_NAME = 60
_IDENTIFIER, _NAMED_QUERY = "identifier", "_query"


@dataclass(slots=True)
class _Parsed:
    place: Place
    conditions: list[Condition] = field(default_factory=list)
    #: conditions on business identifiers, which may name citizens, by the type they begin at
    identifying: list[tuple[str, Condition]] = field(default_factory=list)
    sort: tuple[Sort, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)
    includes: list[Include] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    including: int = 0  #: how many parameters ask for includes
    cursor: str | None = None
    explain: bool = False
    applied: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[LeftOut] = field(default_factory=list)


def parse_search(
    place: str,
    pairs: Sequence[tuple[str, str]],
    *,
    strict: bool = True,
    base_url: str = "",
    now: datetime | None = None,
    operator: bool = False,
) -> Query:
    """The query behind decoded ``pairs`` at a place: a type, "" for the system, or a compartment (``query.places``).

    Raises BadRequest, Unknown or NotSupported; lenient handling leaves out unknown parameters instead. Whatever is left
    out is reported in ``ignored``: a search is never widened in silence, and one of which no condition is left is
    refused, for it would find everything. Only an ``operator`` may ask how a search is done.
    """
    if len(pairs) > _MOST_PARAMETERS:
        raise BadRequest(f"A search takes at most {_MOST_PARAMETERS} parameters.")
    reader = Reader(base_url, now or system_clock())
    parsed = _Parsed(_narrowed(place_of(place), pairs))
    member = membership(parsed.place, reader.condition)
    for name, value in pairs:
        if len(name) + len(value) > _LONGEST:
            raise BadRequest(f"The parameter {name[:40]} is longer than {_LONGEST} characters.")
        try:
            _take(parsed, reader, name, value, operator=operator)
        except Unsupported as unknown:
            if strict:
                raise BadRequest(str(unknown)) from None
            widens = not name.startswith(_SHAPING)
            parsed.ignored.append(LeftOut(name[:_LONGEST_NAME], str(unknown), widens))
    if not (parsed.conditions or parsed.words) and (lost := [one for one in parsed.ignored if one.widens]):
        raise BadRequest(f"No condition of the search is left when what is unknown is left out: {lost[0].why}")
    if not parsed.conditions and not place and not any(name == "_type" for name, _ in pairs):
        raise BadRequest("A search of all types has a condition, or names its types: _type=Observation,Condition.")
    return _query(parsed, reader, member)


def _narrowed(place: Place, pairs: Sequence[tuple[str, str]]) -> Place:
    for name, value in pairs:
        if name == "_type":
            place = place.only(value)
    return place


def _query(parsed: _Parsed, reader: Reader, member: Condition | None) -> Query:
    place, wanted = parsed.place, parsed.wanted
    conditions = [*([] if member is None else [member]), *parsed.conditions]
    conditions = [*bounded(place, conditions), *words_of(place, conditions, parsed.words)]
    definition = None if place.many else type_definition(place.types[0])
    if wanted.summary == "text" and parsed.includes:  # R4 search, section 3.1.1.5.7
        raise BadRequest("_summary=text does not go with _include and _revinclude.")
    owner = (place.compartment, (IdTest((place.owner,)),)) if place.owner else ("", ())
    return Query(
        type_name=definition.name if definition else "",
        type_number=definition.number if definition else 0,
        conditions=tuple(conditions),
        sort=parsed.sort,
        count=0 if wanted.only_total else wanted.count,
        total=wanted.total or wanted.only_total,
        includes=tuple(parsed.includes),
        cursor=parsed.cursor,
        named_citizens=_merged(
            *(named_citizens(one, conditions) for one in place.types),
            named_citizens(*owner),
            tuple(reader.named_citizens),
        ),
        named_tokens=_merged(*(named_tokens(one, [said]) for one, said in (*parsed.identifying, *reader.identifying))),
        names_codes=reader.names_codes,
        young=reader.young,
        near=reader.near,
        custom=_custom(parsed, reader),
        primary_code=_primary_code(definition, reader, conditions) if definition else None,
        applied=tuple(parsed.applied),
        ignored=tuple(parsed.ignored),
        place=place.path,
        types=tuple(TYPE_NUMBERS[one] for one in place.types),
        shape=wanted.shape,
        explain=parsed.explain,
    )


def _custom(parsed: _Parsed, reader: Reader) -> tuple[int, ...]:
    """Numbers of the parameters beside R4's own, wherever in the search they stand."""
    sorted_by = [one.parameter for one in parsed.sort if one.parameter >= FIRST_NUMBER]
    included_by = [one.parameter.number for one in parsed.includes if one.parameter.custom is not None]
    return tuple(dict.fromkeys((*reader.custom, *sorted_by, *included_by)))


def _take(parsed: _Parsed, reader: Reader, name: str, value: str, *, operator: bool) -> None:
    if name in _FORMATTING:
        return
    if "\x00" in value or "\x00" in name:
        raise BadRequest("A parameter holds a NUL character.")
    if name == CURSOR:
        parsed.cursor = value
        return
    types = parsed.place.types
    if name in SHAPES:
        value = parsed.wanted.take(types, name, value)
    elif name == "_sort":
        parsed.sort = sort_of(types, value)
    elif name == "_type":
        pass  # the place was narrowed by it
    elif name == EXPLAIN and operator:
        parsed.explain = value == "true"
    elif name == _NAMED_QUERY:
        raise Unsupported(f"The parameter {name} is not supported: this network keeps no named queries.")
    elif name in WORDS:
        parsed.words.append((name, value))
    elif name.startswith(("_include", "_revinclude")):
        _take_include(parsed, name, value)
    else:
        parsed.conditions.append(in_each(types, lambda one: reader.condition(one, name, value)))
        if re.split("[.:]", name)[-1] == _IDENTIFIER and (numbers := _numbers(value)):
            parsed.identifying += ((one, reader.condition(type_definition(one), name, numbers)) for one in types)
    parsed.applied.append((name, value))


def _take_include(parsed: _Parsed, name: str, value: str) -> None:
    parsed.including += 1
    parsed.includes += includes_of(parsed.place.types, name, value)
    if parsed.including > _MOST_INCLUDES or len(parsed.includes) > _MOST_INCLUDE_PATHS:
        raise BadRequest(
            f"A search takes at most {_MOST_INCLUDES} includes, of {_MOST_INCLUDE_PATHS} references in all."
        )


def _numbers(value: str) -> str:
    """The alternatives that hold a number: a system alone ("system|") names everybody, which is nobody."""
    return ",".join(one for one in split(value, ",") if split(one, "|")[-1])


def _merged(*several: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one for some in several for one in some))


def _primary_code(definition: TypeDefinition, reader: Reader, conditions: Sequence[Condition]) -> int | None:
    """The token when exactly one system|code of the primary code parameter is asked for, of the row itself."""
    primary = definition.primary_code
    token = reader.exact_codes.get(primary.number) if primary is not None else None
    return token if any(isinstance(one, AnyOf) and one.tokens == (token,) for one in conditions) else None
