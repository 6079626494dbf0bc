"""What an example must be found by, read by an evaluator of FHIRPath that this network does not use.

The expressions are those of the R4 definitions; ``fhirpathpy`` evaluates them, and the terms are written as the search
chapter says (https://hl7.org/fhir/R4/search.html, sections in each function). Nothing here knows the indexing.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import fhirpathpy
from fhirpathpy.models import models

Resource = dict[str, Any]
_RESOLVED = re.compile(r"\.where\(\s*resolve\(\) is (\w+)\)")
#: R4's expressions say ``as`` of what may be several, where FHIRPath has ``ofType``
_AS = re.compile(r"\(?([\w.]+) as (\w+)\)?|\b([\w.]+)\.as\((\w+)\)")
_HUMAN_NAME = ("text", "family", "given", "prefix", "suffix")
_ADDRESS = ("text", "line", "city", "district", "state", "postalCode", "country")


class Definition(NamedTuple):
    """One search parameter of one type, as R4 defines it."""

    code: str
    kind: str
    expression: str


class Term(NamedTuple):
    """``name=value``, which finds the resource."""

    name: str
    value: str


@cache
def definitions(type_name: str) -> tuple[Definition, ...]:
    """The parameters of a type and those of every resource."""
    rows = [row for row in _lines("search_parameters.jsonl") if row[0] in (type_name, "Resource", "DomainResource")]
    return tuple(Definition(row[1], row[2], re.sub(r"^(Domain)?Resource\b", type_name, row[3])) for row in rows)


@cache
def _composites(type_name: str, code: str) -> tuple[Any, ...] | None:
    found = [row[2:] for row in _lines("composites.jsonl") if row[:2] == [type_name, code]]
    return tuple(found[0]) if found else None


@cache
def _lines(name: str) -> list[Any]:
    """The lines of a file of R4's definitions; the first names their source."""
    text = (files("helhed.fhir.definitions") / name).read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()][1:]


# --- values -----------------------------------------------------------------------------------------------------------


@cache
def _compiled(expression: str) -> Callable[[Resource], list[Any]]:
    compiled = fhirpathpy.compile(expression, models["r4"])
    return lambda resource: compiled(resource, None)


def evaluate(resource: Resource, expression: str) -> list[Any]:
    """The values of an expression. ``resolve() is Type`` is read off the reference, which names its type."""
    found: list[Any] = []
    for part in _parts(expression):
        target = _RESOLVED.search(part)
        plain = _AS.sub(lambda match: f"{match[1] or match[3]}.ofType({match[2] or match[4]})", _RESOLVED.sub("", part))
        values = _compiled(plain)(resource)
        if target is not None:
            values = [one for one in values if str(one.get("reference", "")).startswith(f"{target[1]}/")]
        found += values
    return found


def _parts(expression: str) -> list[str]:
    """The members of a union, where it is one at the outermost level."""
    parts, depth = [""], 0
    for sign in expression:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


# --- terms ------------------------------------------------------------------------------------------------------------


def terms(resource: Resource, parameter: Definition) -> list[Term] | None:
    """Everything that the parameter must find the resource by; None when there is no value at all."""
    if parameter.kind == "composite":
        return [Term(parameter.code, value) for value in _pairs(resource, parameter)] or None
    values = evaluate(resource, parameter.expression)
    if not values:
        return None
    written = [term for value in values for term in _WRITERS[parameter.kind](parameter.code, value)]
    return list(dict.fromkeys(written))


def _pairs(resource: Resource, parameter: Definition) -> Iterator[str]:
    """3.1.1.4.12: the values of the parts, of one and the same element."""
    bases, parts = _composites(resource["resourceType"], parameter.code) or ((), ())
    for base in bases:
        for turn in range(len(evaluate(resource, base))):
            element = base if base == resource["resourceType"] else f"{base}[{turn}]"
            yield from _joined(resource, element, parts)


def _joined(resource: Resource, element: str, parts: Any) -> Iterator[str]:
    values: list[list[str]] = [[]]
    for _, kind, expression in parts:
        whole = "|".join(f"{element}.{one.strip()}" for one in expression.split("|"))
        found = [term.value for value in evaluate(resource, whole) for term in _WRITERS[kind]("", value)]
        values = [[*before, one] for before in values for one in found if one[:2] not in ("ge", "le")]
    yield from ("$".join(one) for one in values)


def _near(name: str, value: Any) -> Iterator[Term]:
    """http://hl7.org/fhir/R4/location.html: the only special parameter of a type."""
    yield Term(name, f"{value['latitude']}|{value['longitude']}")
    yield Term(name, f"{value['latitude']}|{value['longitude']}|1|m")


def _token(name: str, value: Any) -> Iterator[Term]:
    """3.1.1.4.10."""
    if isinstance(value, bool):
        yield Term(name, str(value).lower())
    elif isinstance(value, str):
        yield Term(name, _escaped(value))
    elif "coding" in value:
        for coding in value["coding"]:
            yield from _token(name, coding)
    elif code := value.get("code") or value.get("value"):
        yield Term(name, _escaped(code))
        if "system" in value and value["system"].startswith(("http", "urn")):  # a ContactPoint's is no address
            yield Term(name, f"{_escaped(value['system'])}|{_escaped(code)}")


def _string(name: str, value: Any) -> Iterator[Term]:
    """3.1.1.4.8: of names and addresses, any of the parts."""
    if isinstance(value, str):
        yield Term(name, _escaped(value))
        yield Term(f"{name}:exact", _escaped(value))
        return
    for part in _HUMAN_NAME if {"family", "given"} & set(value) else _ADDRESS:
        inner = value.get(part, [])
        for one in inner if isinstance(inner, list) else [inner]:
            yield from _string(name, one)


def _reference(name: str, value: Any) -> Iterator[Term]:
    """3.1.1.4.11. What is contained has no address."""
    text = value if isinstance(value, str) else value.get("reference", "")
    if text and not text.startswith("#"):
        yield Term(name, _escaped(text))
    if isinstance(value, dict) and "value" in value.get("identifier", {}):
        system = value["identifier"].get("system", "")
        yield Term(f"{name}:identifier", f"{_escaped(system)}|{_escaped(value['identifier']['value'])}")


def _date(name: str, value: Any) -> Iterator[Term]:
    """3.1.1.4.7. A period is found by its ends."""
    if isinstance(value, str):
        yield Term(name, value)
        return
    if "start" in value:
        yield Term(name, f"ge{value['start']}")
    if "end" in value:
        yield Term(name, f"le{value['end']}")
    for event in value.get("event", ()):
        yield Term(name, f"le{event}")


def _number(name: str, value: Any) -> Iterator[Term]:
    """3.1.1.4.6."""
    yield Term(name, str(value))


def _quantity(name: str, value: Any) -> Iterator[Term]:
    """3.1.1.4.9."""
    if "value" in value and "comparator" not in value:
        yield Term(name, str(value["value"]))
        if "code" in value:
            yield Term(name, f"{value['value']}|{_escaped(value.get('system', ''))}|{_escaped(value['code'])}")


def _uri(name: str, value: Any) -> Iterator[Term]:
    """3.1.1.4.13."""
    yield Term(name, _escaped(value))


def _escaped(text: str) -> str:
    """3.1.1.4.5.2."""
    return re.sub(r"([\\,|$])", r"\\\1", text)


_WRITERS: dict[str, Callable[[str, Any], Iterator[Term]]] = {
    "special": _near,
    "token": _token,
    "string": _string,
    "reference": _reference,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "uri": _uri,
}
