"""Schema errors as sentences people understand, at FHIRPath expressions."""

import re
from typing import Any

from helhed.foundation.errors import Issue

_FORMAT_SENTENCES = {
    "fhir-date": "must be a real date such as 2026-11-23",
    "fhir-dateTime": "must be a real date or time such as 2026-11-23T08:30:00+01:00",
    "fhir-instant": "must be a real moment with a time zone such as 2026-11-23T08:30:00+01:00",
    "fhir-time": "must be a time of day such as 08:30:00",
    "fhir-base64": "must be sound base64",
}


def expression(where: str, place: list[Any]) -> str:
    """``Observation.component[1].code``."""
    text = where
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text


def issue_of(error: Any, type_name: str, resource: dict[str, Any], where: str) -> Issue:
    """One schema error as an issue."""
    place = list(error.instance_path)
    keyword = _keyword(error)
    name = _last_name(place, type_name)
    maker = _MAKERS.get(keyword)
    if maker is None:
        return Issue("structure", f"{name} does not follow its definition.", expression(where, place))
    code, sentence, more = maker(error, name)
    return Issue(code, sentence, expression(where, place + more))


def _keyword(error: Any) -> str:
    path = [step for step in error.schema_path if isinstance(step, str)]
    if error.message.startswith("False schema"):
        return "false"
    return path[-1] if path else ""


def _last_name(place: list[Any], type_name: str) -> str:
    names = [step for step in place if isinstance(step, str)]
    return names[-1] if names else type_name


def _unknown(error: Any, name: str) -> tuple[str, str, list[Any]]:
    found = re.findall(r"'([^']*)'", error.message)
    extra = found[0][:60] if found else "?"
    return "structure", f"{name} has no element called {extra!r}.", [extra] if re.fullmatch(r"\w+", extra) else []


def _missing(error: Any, name: str) -> tuple[str, str, list[Any]]:
    found = re.search(r'^"([^"]+)"', error.message)
    return "required", f"{name} must have {found[1] if found else 'more'}.", []


def _wrong_type(error: Any, name: str) -> tuple[str, str, list[Any]]:
    found = re.search(r"is not of types? (.*)$", error.message)
    wanted = (found[1] if found else "").replace('"', "")
    words = {
        "array": "a list",
        "object": "an object",
        "string": "a text",
        "boolean": "true or false",
        "number": "a number",
        "integer": "a whole number",
    }
    return "structure", f"{name} must be {words.get(wanted, wanted or 'another type')}.", []


def _not_listed(error: Any, name: str) -> tuple[str, str, list[Any]]:
    return "code-invalid", f"{name} must be one of the codes its definition lists.", []


def _empty(error: Any, name: str) -> tuple[str, str, list[Any]]:
    return "structure", f"{name} is empty: leave it out instead.", []


def _pattern(error: Any, name: str) -> tuple[str, str, list[Any]]:
    if name == "reference":
        return "value", "This reference may not point at that type of resource.", []
    return "value", f"{name} is not written as its type demands.", []


def _format(error: Any, name: str) -> tuple[str, str, list[Any]]:
    found = re.search(r'"(fhir-\w+)"', error.message)
    return (
        "value",
        f"{name} {_FORMAT_SENTENCES.get(found[1] if found else '', 'is not written as its type demands')}.",
        [],
    )


def _second_choice(error: Any, name: str) -> tuple[str, str, list[Any]]:
    return "structure", f"Only one of the alternatives may stand here; {name} is a second one.", []


def _no_choice(error: Any, name: str) -> tuple[str, str, list[Any]]:
    return (
        "required",
        f"{name} lacks an element that must stand here, or a code that is not one its definition lists.",
        [],
    )


def _range(error: Any, name: str) -> tuple[str, str, list[Any]]:
    return "value", f"{name} is out of range.", []


def _long(error: Any, name: str) -> tuple[str, str, list[Any]]:
    return "too-long", f"{name} is too long.", []


def _wrong_resource(error: Any, name: str) -> tuple[str, str, list[Any]]:
    return "structure", f"{name} is not what this resource type is called.", []


_MAKERS = {
    "additionalProperties": _unknown,
    "required": _missing,
    "type": _wrong_type,
    "enum": _not_listed,
    "contains": _not_listed,
    "minItems": _empty,
    "minProperties": _empty,
    "minLength": _empty,
    "maxLength": _long,
    "pattern": _pattern,
    "format": _format,
    "false": _second_choice,
    "anyOf": _no_choice,
    "minimum": _range,
    "maximum": _range,
    "const": _wrong_resource,
}
