"""From a parsed search to what the database runs: a *wish* inside one record, or a *plan* for everything else.

Both are data. The functions behind them hold the SQL: ``docs/reference/database.md`` says where each in force stands.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.query import (
    AnyOf,
    CitizenTest,
    Condition,
    DateTest,
    IdTest,
    Include,
    NoneOf,
    NumberPair,
    NumberTest,
    Query,
    Sort,
    StringTest,
    UpdatedTest,
)
from helhed.fhir.query.model import CodedTextTest, CodesTest, NearAlternative, NearTest, NumberAlternative
from helhed.fhir.store.logic import logical
from helhed.fhir.tokens import reference_salt

_MANY_GROUPS = 2
_NEWEST_FIRST = (("date", 0, True, (), ()), ("id", 0, True, (), ()))


class Wish(NamedTuple):
    """``fhir.wish``: a search inside one citizen's record, newest first."""

    citizen: int
    type: int
    code: int | None
    all_tokens: list[int] | None
    any_tokens: tuple[int, ...] | None
    more_tokens: tuple[int, ...] | None
    no_tokens: list[int] | None
    date_prefix: str | None
    lo: datetime | None
    hi: datetime | None
    after_date: datetime | None
    after_id: UUID | None
    row_count: int


def as_wish(query: Query) -> Wish | None:
    """The wish behind ``query``, or None when it needs a plan."""
    newest_first = tuple(sort_keys(query)) == _NEWEST_FIRST
    if query.total or query.includes or not query.count or not newest_first or not query.type_name or query.explain:
        return None
    citizen: int | None = None
    date: DateTest | None = None
    groups: list[tuple[int, ...]] = []
    single: list[int] = []
    none: list[int] = []
    for condition in query.conditions:
        match condition:
            case CitizenTest(citizens=(only,), tokens=()) if citizen is None:
                citizen = only
            case DateTest(primary=True, alternatives=(_,)) if date is None:
                date = condition
            case AnyOf(tokens=(token,)):
                single.append(token)
            case AnyOf(tokens=tokens) if len(groups) < _MANY_GROUPS:
                groups.append(tokens)
            case NoneOf(tokens=tokens):
                none.extend(tokens)
            case _:
                return None
    if citizen is None or query.named_tokens or query.named_citizens != (citizen,):
        return None  # a wish is logged to one citizen
    prefix, lo, hi = date.alternatives[0] if date else (None, None, None)
    return Wish(
        citizen,
        query.type_number,
        query.primary_code,
        single or None,
        groups[0] if groups else None,
        groups[1] if len(groups) > 1 else None,
        none or None,
        prefix,
        lo,
        hi,
        None,
        None,
        query.count,
    )


def as_plan(query: Query, after: list[str] | None, *, match: bool = False) -> bytes:
    """The plan of ``query`` as JSON. ``match`` looks for what a write's condition means, own rows of custodians too."""
    keys = sort_keys(query)
    plan = {
        "types": list(query.types),
        "where": [_condition(condition) for condition in query.conditions],
        "code": None if query.primary_code is None else str(query.primary_code),
        "sort": [dict(zip(_KEY_PARTS, key, strict=True)) for key in keys],
        "after": after,
        "count": query.count,
        "total": query.total,
        "match": match,
        "tells_more": True,
        "include": [_include(include) for include in query.includes],
        "named": _texts(query.named_citizens),
        "named_tokens": _texts(query.named_tokens),
        "owned": all(type_definition(TYPE_NAMES[one]).ownership is Ownership.CITIZEN for one in query.types),
    }
    return orjson.dumps(plan)


_Key = tuple[str, int, bool, tuple[str, ...], tuple[int, ...]]
_KEY_PARTS = ("by", "p", "desc", "paths", "keys")


def sort_keys(query: Query) -> list[_Key]:
    """(by, parameter, descending, paths, keys) of each key, ending in the id, which makes the order total.

    Without ``_sort`` the newest comes first by the type's primary date.
    """
    if not query.sort:
        return list(_NEWEST_FIRST)
    keys = [_sort_key(sort) for sort in query.sort]
    if keys[-1][0] != "id":
        keys.append(("id", 0, keys[-1][2], (), ()))
    return keys


def _sort_key(sort: Sort) -> _Key:
    by = {"parameter_date": "other_date"}.get(sort.kind, sort.kind)
    return (by, sort.parameter if by in {"other_date", "string"} else 0, sort.descending, sort.paths, sort.keys)


def _alternatives(alternatives: tuple[tuple[str, datetime, datetime], ...]) -> list[list[str]]:
    return [[prefix, lo.isoformat(), hi.isoformat()] for prefix, lo, hi in alternatives]


def _texts(numbers: tuple[int, ...]) -> list[str]:
    return [str(number) for number in numbers]


def _condition(condition: Condition) -> dict[str, Any]:
    match condition:
        case AnyOf(tokens=tokens):
            return {"k": "any", "tokens": _texts(tokens)}
        case NoneOf(tokens=tokens):
            return {"k": "none", "tokens": _texts(tokens)}
        case CitizenTest(citizens=citizens, tokens=()):
            return {"k": "only_citizen", "citizens": _texts(citizens)}
        case CitizenTest(citizens=citizens, tokens=tokens):
            return {"k": "citizen", "citizens": _texts(citizens), "tokens": _texts(tokens)}
        case IdTest(ids=ids):
            return {"k": "id", "ids": [str(identifier) for identifier in ids]}
        case DateTest(primary=True, alternatives=alternatives):
            return {"k": "date", "alt": _alternatives(alternatives)}
        case DateTest(parameter=parameter, alternatives=alternatives):
            return {"k": "other_date", "p": parameter, "alt": _alternatives(alternatives)}
        case UpdatedTest(alternatives=alternatives):
            return {"k": "updated", "alt": _alternatives(alternatives)}
        case StringTest(parameter=parameter, mode=mode, values=values):
            return {"k": mode, "p": parameter, "values": list(values)}
        case NumberTest(keys=keys, alternatives=alternatives):
            return {"k": "number", "keys": keys, "alt": [_number(one) for one in alternatives]}
        case NumberPair(key=key, first=first, second=second):
            return {"k": "number_pair", "key": key, "first": _number(first), "second": _number(second)}
        case CodedTextTest(type_number, paths, values, owned, citizens):
            within = {"citizens": _texts(citizens)} if owned else {}
            return {"k": "coded_text", "t": type_number, "paths": list(paths), "values": list(values), **within}
        case NearTest(parameter, circles):
            return {"k": "near", "key": parameter, "alt": [_circle(one) for one in circles]}
        case CodesTest():
            raise TypeError("the terminology was not asked")
    return logical(condition, _condition)


def _circle(one: NearAlternative) -> dict[str, Any]:
    cells = {} if one.cells is None else {"cells": _texts(one.cells)}
    return {"lat": one.latitude, "lon": one.longitude, "m": one.metres, **cells}


def _number(one: NumberAlternative) -> dict[str, Any]:
    return {"op": one.prefix, "a": one.lo, "b": one.hi, "v": one.exact, "u": one.measure, "unit": one.unit}


def _include(include: Include) -> dict[str, Any]:
    parameter, source = include.parameter, type_definition(include.source_type)
    targets = [include.target_type] if include.target_type else list(parameter.targets or TYPE_NUMBERS)
    numbers = {name: TYPE_NUMBERS[name] for name in targets if name in TYPE_NUMBERS}
    own = "Patient" in numbers and parameter.code in source.own_patient_parameters
    common = {"reverse": include.reverse, "t": source.number, "again": include.again}
    if not include.reverse:
        where = {"p": parameter.number} if parameter.custom is not None else {"paths": list(parameter.jsonpaths)}
        return {**common, **where, "names": numbers}
    salts = {str(number): str(reference_salt(parameter.number, number)) for number in numbers.values()}
    return {**common, "own": own, "patient": TYPE_NUMBERS["Patient"], "salts": salts}
