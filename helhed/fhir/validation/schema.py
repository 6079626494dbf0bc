"""JSON Schemas (draft 2020-12) of resource types, made from the compiled facts."""

from functools import cache
from typing import Any

from helhed.fhir.definitions import facts
from helhed.fhir.definitions.facts import Element

Json = dict[str, Any]
#: primitive type -> JSON type where it is not a string
_JSON_TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "positiveInt": "integer",
    "unsignedInt": "integer",
    "decimal": "number",
}
_RANGES = {
    "integer": (-(2**31), 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
}
#: dates are checked as real dates by these formats; the published pattern is checked there too
DATE_FORMATS = {"date": "fhir-date", "dateTime": "fhir-dateTime", "instant": "fhir-instant", "time": "fhir-time"}
_LONGEST_DATE = 64
_TEXT = {"string", "markdown", "xhtml"}
#: characters below 32 stand in no string but for tab and the ends of lines (FHIR R4 datatypes, string); XML cannot say them
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f"
_SAID = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
_NESTED = {"Resource", "DomainResource"}


@cache
def schema_of(type_name: str) -> Json:
    """The schema of a resource type with every type it uses."""
    wanted, definitions = [type_name], {}
    while wanted:
        name = wanted.pop()
        if name not in definitions:
            definitions[name], used = _object(name)
            wanted += used
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": f"#/$defs/{type_name}",
        "$defs": definitions,
    }


def _object(name: str) -> tuple[Json, list[str]]:
    properties: Json = {}
    required: list[Any] = []
    exclusive: Json = {}
    used: list[str] = []
    for element in facts.elements(name).values():
        names = list(element.properties)
        for prop, kind in element.properties.items():
            properties[prop], more = _property(element, kind)
            used += more
            if kind in facts.primitives() and prop != "id":
                properties["_" + prop] = _sibling(element)
                used.append("Element")
        if element.minimum and len(names) == 1:
            required.append(names[0])
        if len(names) > 1:
            exclusive.update({one: {"properties": {other: False for other in names if other != one}} for one in names})
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}
    if (facts.is_type(name) and "contained" in facts.elements(name)) or name in {"Bundle", "Binary", "Parameters"}:
        properties["resourceType"] = {"const": name}
        required.append("resourceType")
    choices = [
        {"anyOf": [{"required": [one]} for one in element.properties]}
        for element in facts.elements(name).values()
        if element.minimum and element.name.endswith("[x]")
    ]
    schema.update({"required": required} if required else {})
    schema.update({"dependentSchemas": exclusive} if exclusive else {})
    schema.update({"allOf": choices} if choices else {})
    return schema, used


def _property(element: Element, kind: str) -> tuple[Json, list[str]]:
    single, used = _single(element, kind)
    if not element.many:
        return single, used
    return {"type": "array", "minItems": max(1, element.minimum), "items": single}, used


def _sibling(element: Element) -> Json:
    one: Json = {"$ref": "#/$defs/Element"}
    if not element.many:
        return one
    return {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "null"}, one]}}


def _single(element: Element, kind: str) -> tuple[Json, list[str]]:
    if kind in facts.primitives():
        return _primitive(kind, element.required_codes if kind == "code" else ""), []
    if kind in _NESTED:
        return {"type": "object", "required": ["resourceType"]}, []
    reference: Json = {"$ref": f"#/$defs/{kind}"}
    if kind == "Reference" and element.targets:
        return {"allOf": [reference, {"properties": {"reference": {"pattern": _targets(element.targets)}}}]}, [kind]
    if element.required_codes and kind in {"Coding", "CodeableConcept"}:
        return _bound(reference, kind, element.required_codes), [kind]
    return reference, [kind]


def _targets(targets: tuple[str, ...]) -> str:
    """A literal reference is a fragment, an absolute URI, or Type/… or Type?… of an allowed type."""
    return rf"^(#|[a-z][a-z0-9+.-]*:|({'|'.join(targets)})([/?]|$))"


def _bound(reference: Json, kind: str, value_set: str) -> Json:
    pairs = facts.required_codes(value_set)
    if pairs is None:
        return reference
    systems: dict[str, list[str]] = {}
    for system, code in pairs:
        systems.setdefault(system, []).append(code)
    coding: Json = {
        "anyOf": [
            {"properties": {"system": {"const": system}, "code": {"enum": codes}}, "required": ["code"]}
            for system, codes in systems.items()
        ]
    }
    if kind == "Coding":
        return {"allOf": [reference, coding]}
    return {"allOf": [reference, {"properties": {"coding": {"contains": coding}}}]}


@cache
def _primitive_base(kind: str) -> Json:
    if kind in _JSON_TYPES:
        schema: Json = {"type": _JSON_TYPES[kind]}
        if kind in _RANGES:
            schema["minimum"], schema["maximum"] = _RANGES[kind]
        return schema
    if kind in DATE_FORMATS:
        return {"type": "string", "maxLength": _LONGEST_DATE, "format": DATE_FORMATS[kind]}
    if kind in _TEXT:
        return (
            {"type": "string", "minLength": 1, "maxLength": 2**20, "pattern": _SAID}
            if kind != "xhtml"
            else {"type": "string"}
        )
    if kind == "base64Binary":
        return {"type": "string", "format": "fhir-base64"}
    pattern = _without_control(facts.primitives()[kind])
    return (
        {"type": "string", "minLength": 1, "pattern": f"^(?:{pattern})$"}
        if pattern
        else {"type": "string", "minLength": 1}
    )


def _without_control(pattern: str) -> str:
    """A published pattern, which takes control characters for letters, without them."""
    visible = rf"[^\s{_CONTROL}]"
    return pattern.replace(r"[^\s]", visible).replace(r"\S", visible).replace(r"(\s", r"([ \t\r\n]")


def _primitive(kind: str, value_set: str) -> Json:
    pairs = facts.required_codes(value_set) if value_set else None
    if pairs is not None:
        return {"enum": sorted({code for _, code in pairs})}
    return _primitive_base(kind)


__all__ = ["DATE_FORMATS", "schema_of"]
