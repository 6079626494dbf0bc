"""From the parameters of a search request to a Query, or a refusal that names the parameter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from helhed.fhir.definitions import TYPE_NAMES, TypeDefinition, type_definition
from helhed.fhir.query.conditions import Reader, Unsupported
from helhed.fhir.query.model import (
    AllOf,
    AnyOf,
    Chain,
    CitizenTest,
    Condition,
    DateTest,
    IdTest,
    Include,
    LeftOut,
    NoneOf,
    NumberPair,
    NumberTest,
    OneOf,
    Query,
    Sort,
    StringTest,
    UpdatedTest,
)
from helhed.fhir.query.results import includes_of, sort_of
from helhed.fhir.query.text import split
from helhed.foundation.clock import system_clock
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import key_of

__all__ = [
    "AllOf", "AnyOf", "Chain", "CitizenTest", "Condition", "DateTest", "IdTest", "Include", "LeftOut", "NoneOf", "NumberPair", "NumberTest", "OneOf", "Query", "Sort",
    "StringTest", "UpdatedTest", "parse_search",
]  # fmt: skip

CURSOR = "_cursor"
DEFAULT_COUNT, MOST_COUNT = 20, 200
_MOST_DIGITS = 20
_MOST_PARAMETERS, _MOST_INCLUDES, _LONGEST = 40, 10, 8000
_FORMATTING = frozenset({"_format", "_pretty"})
#: parameters that shape an answer: one of these left out makes a search find nothing more
_SHAPING = ("_sort", "_include", "_revinclude", "_summary", "_elements", "_contained", "_score")
_LONGEST_NAME = 60
_TOTALS = {"none": False, "estimate": True, "accurate": True}


@dataclass(slots=True)
class _Parsed:
    conditions: list[Condition] = field(default_factory=list)
    sort: tuple[Sort, ...] = ()
    count: int = DEFAULT_COUNT
    total: bool = False
    only_total: bool = False
    includes: list[Include] = field(default_factory=list)
    cursor: str | None = None
    applied: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[LeftOut] = field(default_factory=list)


def parse_search(
    type_name: str,
    pairs: Sequence[tuple[str, str]],
    *,
    strict: bool = True,
    base_url: str = "",
    now: datetime | None = None,
) -> Query:
    """The query behind decoded ``pairs``. Raises BadRequest; lenient handling leaves out unknown parameters instead.

    Whatever is left out is reported in ``ignored``: a search is never widened in silence, and one of which no condition
    is left is refused, for it would find everything.
    """
    if len(pairs) > _MOST_PARAMETERS:
        raise BadRequest(f"A search takes at most {_MOST_PARAMETERS} parameters.")
    definition = type_definition(type_name)
    reader = Reader(base_url, now or system_clock())
    parsed = _Parsed()
    for name, value in pairs:
        if len(name) + len(value) > _LONGEST:
            raise BadRequest(f"The parameter {name[:40]} is longer than {_LONGEST} characters.")
        try:
            _take(parsed, definition, reader, name, value)
        except Unsupported as unknown:
            if strict:
                raise BadRequest(str(unknown)) from None
            widens = not name.startswith(_SHAPING)
            parsed.ignored.append(LeftOut(name[:_LONGEST_NAME], str(unknown), widens))
    if not parsed.conditions and (lost := [one for one in parsed.ignored if one.widens]):
        raise BadRequest(f"No condition of the search is left when what is unknown is left out: {lost[0].why}")
    return Query(
        type_name,
        definition.number,
        conditions=tuple(parsed.conditions),
        sort=parsed.sort,
        count=0 if parsed.only_total else parsed.count,
        total=parsed.total or parsed.only_total,
        includes=tuple(parsed.includes),
        cursor=parsed.cursor,
        named_citizens=_named(definition, parsed.conditions),
        named_tokens=_named_tokens(definition, reader.identifying),
        young=reader.young,
        primary_code=_primary_code(definition, reader),
        applied=tuple(parsed.applied),
        ignored=tuple(parsed.ignored),
    )


def _take(parsed: _Parsed, definition: TypeDefinition, reader: Reader, name: str, value: str) -> None:
    if name in _FORMATTING:
        return
    if "\x00" in value or "\x00" in name:
        raise BadRequest("A parameter holds a NUL character.")
    if name == CURSOR:
        parsed.cursor = value
        return
    if name == "_count":
        parsed.count = _count(value)
        parsed.only_total |= not parsed.count  # R4 search, section 3.1.1.5.3: as _summary=count
    elif name == "_summary" and value in {"count", "false"}:
        parsed.only_total = value == "count"
    elif name == "_sort":
        parsed.sort = sort_of(definition, value)
    elif name == "_total":
        if value not in _TOTALS:
            raise BadRequest("The parameter _total is none, estimate or accurate.")
        parsed.total = _TOTALS[value]
    elif name.startswith(("_include", "_revinclude")):
        parsed.includes += includes_of(definition, name, value)
        if len(parsed.includes) > _MOST_INCLUDES:
            raise BadRequest(f"A search takes at most {_MOST_INCLUDES} includes.")
    else:
        condition = reader.condition(definition, name, value)
        parsed.conditions.append(condition)
        if name.rsplit(".", 1)[-1] == "identifier" and (numbers := _numbers(value)):
            reader.identifying.append(reader.condition(definition, name, numbers))
    parsed.applied.append((name, value))


def _numbers(value: str) -> str:
    """The alternatives that hold a number: a system alone ("system|") names everybody, which is nobody."""
    return ",".join(one for one in split(value, ",") if split(one, "|")[-1])


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
        raise BadRequest("The parameter _count is a whole number.")
    return min(max(int(value), 1), MOST_COUNT) if value != "0" else 0


def _named(definition: TypeDefinition, conditions: Sequence[Condition]) -> tuple[int, ...]:
    """Citizens that the conditions name outright."""
    named: list[int] = []
    for condition in conditions:
        if isinstance(condition, CitizenTest):
            named += condition.citizens
        elif isinstance(condition, IdTest) and definition.name == "Patient":
            named += (key_of(one) for one in condition.ids)
        elif isinstance(condition, Chain):
            named += _named(type_definition(TYPE_NAMES[condition.target_type]), condition.conditions)
    return tuple(dict.fromkeys(named))


def _named_tokens(definition: TypeDefinition, conditions: Sequence[Condition]) -> tuple[int, ...]:
    """Tokens of identifiers that may name citizens: which ones they do name, the database tells for the log."""
    named: list[int] = []
    for condition in conditions:
        if isinstance(condition, AnyOf) and definition.name == "Patient":
            named += condition.tokens
        elif isinstance(condition, Chain):
            named += _named_tokens(type_definition(TYPE_NAMES[condition.target_type]), condition.conditions)
    return tuple(dict.fromkeys(named))


def _primary_code(definition: TypeDefinition, reader: Reader) -> int | None:
    """The token when exactly one system|code of the primary code parameter is asked for."""
    primary = definition.primary_code
    return reader.exact_codes.get(primary.number) if primary is not None else None
