"""The elements of FHIR's own types, as a snapshot would tell them, from the compiled facts."""

from functools import cache
from typing import Any

from helhed.fhir.definitions import facts

Json = dict[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
_MAX_VALUE_SET = CORE + "elementdefinition-maxValueSet"


def core_elements(type_name: str) -> list[Json]:
    """The element of a type, of a nested element (``Patient.contact``) or of a primitive, and the elements it holds."""
    root: Json = {"path": type_name, "min": 0, "max": "*"}
    return [root, *(_element(type_name, one) for one in facts.elements(type_name).values())]


def _element(holder: str, one: facts.Element) -> Json:
    path = f"{holder}.{one.name}"
    found: Json = {"path": path, "min": one.minimum, "max": "*" if one.many else "1"}
    nested = one.types and "." in one.types[0]
    if nested and one.types[0] != path:
        return {**found, "contentReference": f"#{one.types[0]}"}
    profiles, binding = _more().get(path, ({}, None))
    found["type"] = [_type(one, code, profiles) for code in (["BackboneElement"] if nested else one.types)]
    return found if binding is None else {**found, "binding": binding}


def _type(one: facts.Element, code: str, profiles: dict[str, list[str]]) -> Json:
    kind: Json = {"code": code}
    if code in profiles:
        kind["profile"] = profiles[code]
    if code == "Reference":
        kind["targetProfile"] = [CORE + target for target in one.targets or ("Resource",)]
    return kind


@cache
def _more() -> dict[str, tuple[dict[str, list[str]], Json | None]]:
    """Path -> profiles of its types, and its binding, where it has some."""
    found: dict[str, tuple[dict[str, list[str]], Json | None]] = {}
    for path, profiles, bound in facts.lines("bindings.jsonl"):
        binding: Json | None = None
        if bound:
            strength, value_set, outermost = bound
            binding = {"strength": strength, "valueSet": value_set}
            if outermost:
                binding["extension"] = [{"url": _MAX_VALUE_SET, "valueCanonical": outermost}]
        found[path] = (profiles, binding)
    return found


__all__ = ["core_elements"]
