"""The filters of a value set as conditions on a row ``c`` of fhir.concept.

http://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from collections.abc import Callable
from typing import Any

from helhed.fhir.terminology.model import BadValueSet, Json
from helhed.fhir.terminology.patterns import checked_pattern

Parameter = Callable[[Any, str], str]
_TEXTS = {"display": "c.display", "definition": "c.definition", "concept": "c.code", "code": "c.code"}
_FLAGS = {"inactive": "not c.active", "notSelectable": "c.abstract", "abstract": "c.abstract"}
_HIERARCHY = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
_MOST_VALUES = 5000


def condition(rule: Json, key: str, parameter: Parameter) -> str:
    """SQL that holds for the concepts of the system ``key`` the filter chooses. Raises BadValueSet."""
    name, op, value = (rule.get(part) for part in ("property", "op", "value"))
    if not (isinstance(name, str) and isinstance(op, str) and isinstance(value, str)):
        raise BadValueSet("A filter has a property, an op and a value.")
    if op in _HIERARCHY:
        return _by_hierarchy(name, op, parameter(value, "text"), key)
    if name in {"parent", "child"}:
        return _by_neighbour(name, op, value, key, parameter)
    if name in _FLAGS:
        return _by_flag(_FLAGS[name], op, value)
    if name in _TEXTS:
        return _by_text(_TEXTS[name], op, value, parameter)
    return _by_property(parameter(name, "text"), op, value, parameter)


def _by_hierarchy(name: str, op: str, value: str, key: str) -> str:
    if name not in {"concept", "code"}:
        raise BadValueSet(f"{op} is for the hierarchy of concepts, not for the property {name[:80]}.")
    self = f"select number from fhir.concept where system = {key} and code = {value}"
    down = f"select a.descendant from fhir.concept_above a where a.system = {key} and a.ancestor = ({self})"
    up = f"select a.ancestor from fhir.concept_above a where a.system = {key} and a.descendant = ({self})"
    return {
        "is-a": f"c.number in ({down} union all {self})",
        "descendent-of": f"c.number in ({down})",
        "is-not-a": f"c.number not in ({down} union all {self})",
        "generalizes": f"c.number in ({up} union all {self})",
    }[op]


def _by_neighbour(name: str, op: str, value: str, key: str, parameter: Parameter) -> str:
    has_child = f"exists (select from fhir.concept d where d.system = {key} and c.number = any(d.parents))"
    if op == "exists":
        return _truth(value, "c.parents <> '{}'" if name == "parent" else has_child)
    if op not in {"=", "in"}:
        raise _unknown(op, name)
    codes = f"select number from fhir.concept where system = {key} and code = any({parameter(_values(op, value), 'text[]')})"
    if name == "parent":
        return f"c.parents && array({codes})"
    return (
        f"c.number in (select unnest(d.parents) from fhir.concept d where d.system = {key} and d.number in ({codes}))"
    )


def _by_flag(sql: str, op: str, value: str) -> str:
    if op != "=":
        raise _unknown(op, "a yes or no")
    return _truth(value, sql)


def _by_text(column: str, op: str, value: str, parameter: Parameter) -> str:
    if op == "exists":
        return _truth(value, f"{column} <> ''")
    if op == "regex":
        return f"{column} ~ {parameter(checked_pattern(value), 'text')}"
    if op not in {"=", "in", "not-in"}:
        raise _unknown(op, column)
    return f"{'not ' if op == 'not-in' else ''}{column} = any({parameter(_values(op, value), 'text[]')})"


def _by_property(name: str, op: str, value: str, parameter: Parameter) -> str:
    one = f"select from jsonb_array_elements(c.properties) p where p ->> 'code' = {name}"
    if op == "exists":
        return _truth(value, f"exists ({one})")
    if op == "regex":
        return f"exists ({one} and p ->> 'value' ~ {parameter(checked_pattern(value), 'text')})"
    if op not in {"=", "in", "not-in"}:
        raise _unknown(op, "a property")
    values = parameter(_values(op, value), "text[]")
    return f"{'not ' if op == 'not-in' else ''}exists ({one} and p ->> 'value' = any({values}))"


def _values(op: str, value: str) -> list[str]:
    found = [value] if op == "=" else [one.strip() for one in value.split(",")]
    if len(found) > _MOST_VALUES:
        raise BadValueSet(f"A filter names at most {_MOST_VALUES} values.")
    return found


def _truth(value: str, sql: str) -> str:
    if value not in {"true", "false"}:
        raise BadValueSet("This filter takes true or false.")
    return f"({sql})" if value == "true" else f"not ({sql})"


def _unknown(op: str, name: str) -> BadValueSet:
    return BadValueSet(f"The filter operator {op[:40]} is not one for {name[:80]}.")
