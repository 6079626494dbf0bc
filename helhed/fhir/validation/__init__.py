"""Structural validation against the R4 definitions, with plain sentences and FHIRPath to the place."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.validation.formats import FORMATS
from helhed.fhir.validation.narrative import narrative_problem
from helhed.fhir.validation.schema import schema_of
from helhed.fhir.validation.sentences import issue_of
from helhed.foundation.errors import Issue

__all__ = ["validate"]

_MOST_ISSUES = 20
_MOST_CONTAINED = 1000
_MOST_EXTENSIONS = 2000


def validate(resource: dict[str, Any], path: str = "") -> list[Issue]:
    """What is wrong with a parsed resource; [] when it follows the definitions. ``path`` prefixes the expressions."""
    type_name = resource.get("resourceType")
    if not isinstance(type_name, str) or type_name not in TYPE_NUMBERS:
        return [Issue("structure", "resourceType must name a FHIR R4 resource type.", path or "resourceType")]
    where = path or type_name
    validator = _validator(type_name)
    issues = [] if validator.is_valid(resource) else list(_explained(validator, type_name, resource, where))
    if not issues:
        issues = list(_beyond_schema(resource, where, nested=bool(path)))
    return issues[:_MOST_ISSUES]


@cache
def _validator(type_name: str) -> Any:
    return jsonschema_rs.validator_for(schema_of(type_name), validate_formats=True, formats=FORMATS)


def _explained(validator: Any, type_name: str, resource: dict[str, Any], where: str) -> Iterator[Issue]:
    for count, error in enumerate(validator.iter_errors(resource)):
        if count >= _MOST_ISSUES:
            return
        if not _excused(error, resource):
            yield issue_of(error, type_name, resource, where)


def _excused(error: Any, resource: dict[str, Any]) -> bool:
    """A primitive may be told by its extensions alone: ``_name`` stands in for ``name``, and null pads its array."""
    keyword = error.schema_path[-1] if error.schema_path else ""
    place = list(error.instance_path)
    if keyword == "required":
        missing = re.search(r'^"([^"]+)" is a required property', error.message)
        holder = _at(resource, place)
        return bool(missing and isinstance(holder, dict) and "_" + missing[1] in holder)
    if _at(resource, place) is None and place and isinstance(place[-1], int) and len(place) > 1:
        holder = _at(resource, place[:-2])
        sibling = holder.get("_" + str(place[-2])) if isinstance(holder, dict) else None
        return isinstance(sibling, list) and place[-1] < len(sibling) and sibling[place[-1]] is not None
    return False


def _at(value: Any, place: list[Any]) -> Any:
    for step in place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _beyond_schema(resource: dict[str, Any], where: str, *, nested: bool) -> Iterator[Issue]:
    text = resource.get("text")
    if text is not None and (problem := narrative_problem(text.get("div"))):
        yield Issue("invalid", problem, f"{where}.text.div")
    if "extension" in resource or "modifierExtension" in resource or "contained" in resource:
        yield from _extensions(resource, where)
    contained = resource.get("contained")
    if contained:
        yield from _contained(resource, contained, where, nested=nested)
    if resource["resourceType"] == "Bundle":
        for position, entry in enumerate(resource.get("entry", ())):
            if "resource" in entry:
                yield from validate(entry["resource"], f"{where}.entry[{position}].resource")


def _extensions(resource: dict[str, Any], where: str) -> Iterator[Issue]:
    for name in ("extension", "modifierExtension"):
        some = resource.get(name, ())
        if len(some) > _MOST_EXTENSIONS:
            yield Issue(
                "too-costly",
                f"More than {_MOST_EXTENSIONS} extensions on one element are not taken.",
                f"{where}.{name}",
            )
            return
        for position, extension in enumerate(some):
            yield from _extension(extension, f"{where}.{name}[{position}]")


def _extension(extension: dict[str, Any], where: str) -> Iterator[Issue]:
    values = [name for name in extension if name.startswith(("value", "_value"))]
    nested = extension.get("extension", ())
    if bool(values) == bool(nested):
        yield Issue("invariant", "An extension has either a value or extensions of its own.", where)
    for position, inner in enumerate(nested):
        yield from _extension(inner, f"{where}.extension[{position}]")


def _contained(resource: dict[str, Any], contained: list[Any], where: str, *, nested: bool) -> Iterator[Issue]:
    if nested and ".contained[" in where:
        yield Issue("invariant", "A contained resource cannot contain resources.", f"{where}.contained")
        return
    if len(contained) > _MOST_CONTAINED:
        yield Issue(
            "too-costly", f"More than {_MOST_CONTAINED} contained resources are not taken.", f"{where}.contained"
        )
        return
    names: set[str] = set()
    for position, inner in enumerate(contained):
        place = f"{where}.contained[{position}]"
        yield from validate(inner, place)
        name = inner.get("id")
        if not isinstance(name, str) or name in names:
            yield Issue("invariant", "Each contained resource has an id of its own.", f"{place}.id")
        else:
            names.add(name)
    for reference in _fragments(resource):
        if reference != "#" and reference[1:] not in names:
            yield Issue("not-found", f"Nothing contained here is called {reference[:70]}.", where)


def _fragments(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and text.startswith("#"):
            yield text
        for inner in value.values():
            yield from _fragments(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _fragments(inner)
