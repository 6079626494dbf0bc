"""FHIRPath Patch (http://hl7.org/fhir/R4/fhirpatch.html): operations as a Parameters resource."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from helhed.fhir.fhirpath import Environment, TooMuch
from helhed.fhir.patching.places import Missing, Place, element_of, places_at
from helhed.foundation.errors import BadRequest, InvalidResource, Issue, TooLarge, Unprocessable

_MOST_OPERATIONS = 500
_MOST_NESTED = 16
_PARTS = {
    "add": ("path", "name", "value"), "insert": ("path", "index", "value"), "delete": ("path",), "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}  # fmt: skip
_KINDS = {"type": "valueCode", "path": "valueString", "name": "valueString", "index": "valueInteger", "source": "valueInteger", "destination": "valueInteger"}  # fmt: skip


def apply(resource: dict[str, Any], parameters: Any) -> dict[str, Any]:
    """``resource`` after all operations of ``parameters``; the one that was given is not changed.

    Raises InvalidResource for what is no FHIRPath Patch, Unprocessable naming the operation that fails, TooLarge when the
    operations are too many or their paths cost more than they may.
    """
    operations = _operations(parameters)
    if len(operations) > _MOST_OPERATIONS:
        raise TooLarge(f"A patch takes at most {_MOST_OPERATIONS} operations.")
    changed = deepcopy(resource)
    environment = Environment(changed)
    for place, operation in enumerate(operations):
        try:
            _WORK[operation["type"]](changed, operation, environment)
        except Missing as missing:
            raise Unprocessable(issues=[Issue("processing", str(missing), f"Parameters.parameter[{place}]")]) from None
        except TooMuch:
            raise TooLarge("The paths of the patch cost more than they may.") from None
    return changed


# --- reading the operations -------------------------------------------------------------------------------------------


def _operations(parameters: Any) -> list[dict[str, Any]]:
    if not isinstance(parameters, dict) or parameters.get("resourceType") != "Parameters":
        raise BadRequest("A FHIRPath Patch is a Parameters resource.")
    found = parameters.get("parameter", [])
    if not isinstance(found, list):
        raise _wrong("Parameters.parameter", "is a list")
    return [_operation(one, f"Parameters.parameter[{place}]") for place, one in enumerate(found)]


def _operation(one: Any, where: str) -> dict[str, Any]:
    """The parts of one operation by name; a value as the part that holds it."""
    if not isinstance(one, dict) or one.get("name") != "operation" or not isinstance(one.get("part"), list):
        raise _wrong(where, "is an operation with its parts")
    parts: dict[str, Any] = {}
    for part in one["part"]:
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name in parts or (name != "value" and name not in _KINDS):
            raise _wrong(where, "has each of type, path, name, value, index, source and destination once at most")
        parts[name] = part if name == "value" else _plain(part, name, where)
    wanted = _PARTS.get(parts.get("type", ""))
    if wanted is None:
        raise _wrong(where, f"has a type of {', '.join(_PARTS)}")
    if set(parts) != {"type", *wanted}:
        raise _wrong(where, f"has {', '.join(wanted)} and nothing else, being of type {parts['type']}")
    return parts


def _plain(part: dict[str, Any], name: str, where: str) -> Any:
    alike = {"valueString": ("valueString", "valueCode"), "valueCode": ("valueCode", "valueString")}
    for key in alike.get(_KINDS[name], (_KINDS[name],)):
        value = part.get(key)
        if isinstance(value, str if key != "valueInteger" else int) and not isinstance(value, bool):
            return value
    raise _wrong(where, f"has its {name} as {_KINDS[name]}")


def _wrong(where: str, what: str) -> InvalidResource:
    return InvalidResource(issues=[Issue("value", f"A FHIRPath Patch {what}.", where)])


# --- values -----------------------------------------------------------------------------------------------------------


def _value(part: dict[str, Any], properties: dict[str, str], depth: int = 0) -> tuple[str, Any]:
    """The property to set and its value, for an element with these properties (several for a choice). Raises Missing."""
    if depth > _MOST_NESTED:
        raise Missing("The value is nested too deep.")
    given = [name for name in part if name.startswith("value")]
    if len(given) == 1 and "part" not in part:
        kind = given[0][len("value") :]
        for prop, wanted in properties.items():
            if _same_kind(kind, wanted):
                return prop, deepcopy(part[given[0]])
        raise Missing(f"The element does not hold a value of type {kind}.")
    if not given and isinstance(part.get("part"), list) and len(properties) == 1:
        ((prop, kind),) = properties.items()
        return prop, _built(part["part"], kind, depth)
    if isinstance(part.get("resource"), dict) and list(properties.values()) == ["Resource"]:
        return next(iter(properties)), deepcopy(part["resource"])
    raise Missing("The value stands in one value[x], or in parts for an element that has no type of its own.")


def _same_kind(given: str, wanted: str) -> bool:
    """Parameters name types with a capital; strings, codes and uris of every sort may stand for each other."""
    text = {"string", "code", "id", "markdown", "uri", "url", "canonical", "oid", "uuid"}
    number = {"integer", "positiveInt", "unsignedInt"}
    plain = given[:1].lower() + given[1:]
    if wanted in (given, plain):
        return True
    return any(plain in alike and wanted in alike for alike in (text, number))


def _built(parts: list[Any], kind: str, depth: int) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise Missing("Each part of a value has a name.")
        element = element_of(kind, part["name"])
        prop, value = _value(part, element.properties, depth + 1)
        if element.many:
            built.setdefault(prop, []).append(value)
        elif prop in built:
            raise Missing(f"{part['name']} stands once.")
        else:
            built[prop] = value
    return built


# --- the work ---------------------------------------------------------------------------------------------------------


def _one(resource: dict[str, Any], path: str, environment: Environment) -> Place:
    found = places_at(resource, path, environment)
    if len(found) != 1:
        raise Missing(
            f"The path finds {'nothing' if not found else f'{len(found)} elements'}, where it should find one."
        )
    return found[0]


def _list(resource: dict[str, Any], path: str, environment: Environment) -> tuple[dict[str, Any], str, str]:
    """The list whose elements a path finds, all of them: its holder, property and type."""
    found = places_at(resource, path, environment)
    if not found:
        raise Missing("The path finds no list.")
    first = found[0]
    whole = first.holder[first.name]
    if not isinstance(whole, list) or len(found) != len(whole) or any(one.holder is not first.holder for one in found):
        raise Missing("The path finds one whole list.")
    return first.holder, first.name, first.kind


def _add(resource: dict[str, Any], operation: dict[str, Any], environment: Environment) -> None:
    place = _one(resource, operation["path"], environment)
    if not isinstance(place.value, dict):
        raise Missing("Elements are added to elements that hold some.")
    element = element_of(place.kind, operation["name"])
    prop, value = _value(operation["value"], element.properties)
    if element.many:
        place.value.setdefault(prop, []).append(value)
        _beside(place.value, prop, len(place.value[prop]) - 1, lambda items: items.append(None))
    elif any(one in place.value for one in element.properties):
        raise Missing(f"{operation['name']} is there already: replace it.")
    else:
        place.value[prop] = value


def _insert(resource: dict[str, Any], operation: dict[str, Any], environment: Environment) -> None:
    holder, name, kind = _list(resource, operation["path"], environment)
    index = _within(operation["index"], len(holder[name]) + 1)
    holder[name].insert(index, _value(operation["value"], {name: kind})[1])
    _beside(holder, name, len(holder[name]) - 1, lambda items: items.insert(index, None))


def _delete(resource: dict[str, Any], operation: dict[str, Any], environment: Environment) -> None:
    found = places_at(resource, operation["path"], environment)
    if not found:  # nothing to delete is no failure
        return
    if len(found) > 1:
        raise Missing(f"The path finds {len(found)} elements, where it should find one.")
    (place,) = found
    if not place.name:
        raise Missing("A patch does not delete the resource.")
    if place.at is None:
        del place.holder[place.name]
        place.holder.pop(f"_{place.name}", None)
        return
    index = place.at
    place.holder[place.name].pop(index)
    _beside(place.holder, place.name, len(place.holder[place.name]) + 1, lambda items: items.pop(index))
    if not place.holder[place.name]:
        del place.holder[place.name]
        place.holder.pop(f"_{place.name}", None)


def _replace(resource: dict[str, Any], operation: dict[str, Any], environment: Environment) -> None:
    place = _one(resource, operation["path"], environment)
    if not place.name:
        raise Missing("A patch does not replace the resource: send it whole.")
    if place.at is not None:
        index = place.at
        place.holder[place.name][index] = _value(operation["value"], {place.name: place.kind})[1]
        _beside(place.holder, place.name, len(place.holder[place.name]), lambda items: items.__setitem__(index, None))
        return
    prop, value = _value(operation["value"], place.properties)
    del place.holder[place.name]
    place.holder.pop(f"_{place.name}", None)
    place.holder[prop] = value


def _move(resource: dict[str, Any], operation: dict[str, Any], environment: Environment) -> None:
    holder, name, _ = _list(resource, operation["path"], environment)
    source = _within(operation["source"], len(holder[name]))
    destination = _within(operation["destination"], len(holder[name]))
    holder[name].insert(destination, holder[name].pop(source))
    _beside(holder, name, len(holder[name]), lambda items: items.insert(destination, items.pop(source)))


def _within(index: int, length: int) -> int:
    if not 0 <= index < length:
        raise Missing(f"The index {index} is outside the list.")
    return index


def _beside(holder: dict[str, Any], name: str, before: int, change: Callable[[list[Any]], object]) -> None:
    """What stands beside primitives (ids and extensions) keeps its place in a list that had ``before`` items."""
    items = holder.get(f"_{name}")
    if isinstance(items, list):
        items += [None] * (before - len(items))
        change(items)
        if not any(items):
            del holder[f"_{name}"]


_WORK = {"add": _add, "insert": _insert, "delete": _delete, "replace": _replace, "move": _move}
