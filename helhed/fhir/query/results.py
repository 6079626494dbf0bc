"""Parameters that shape the answer: order and includes."""

from helhed.fhir.definitions import TYPE_NUMBERS, TypeDefinition, type_definition
from helhed.fhir.query.conditions import Unsupported
from helhed.fhir.query.model import Include, Sort
from helhed.foundation.errors import BadRequest

_MOST_KEYS = 4
_PARTS = (2, 3)


def sort_of(definition: TypeDefinition, value: str) -> tuple[Sort, ...]:
    """``_sort=-date,family``."""
    names = value.split(",")
    if len(names) > _MOST_KEYS:
        raise BadRequest(f"A search is sorted by at most {_MOST_KEYS} keys.")
    return tuple(_key(definition, name) for name in names)


def _key(definition: TypeDefinition, text: str) -> Sort:
    name, descending = text.lstrip("-"), text.startswith("-")
    if name in {"_lastUpdated", "_id"}:
        return Sort("updated" if name == "_lastUpdated" else "id", 0, descending)
    parameter = definition.parameters.get(name)
    if parameter is None or not parameter.supported or parameter.kind not in {"date", "string"}:
        raise Unsupported(f"{definition.name} cannot be sorted by {name[:60]!r}: use a date or string parameter.")
    if parameter.kind == "string":
        return Sort("string", parameter.number, descending)
    return Sort("date" if parameter is definition.primary_date else "parameter_date", parameter.number, descending)


def includes_of(definition: TypeDefinition, name: str, value: str) -> list[Include]:
    """``_include=Observation:encounter`` or ``_revinclude=Observation:subject``, with an optional target type."""
    if name not in {"_include", "_revinclude"}:
        raise Unsupported(f"{name[:40]} is not supported: use _include or _revinclude without a modifier.")
    parts = value.split(":")
    if len(parts) not in _PARTS or parts[0] not in TYPE_NUMBERS:
        raise Unsupported(f"{name} reads Type:parameter or Type:parameter:Target, not {value[:60]!r}.")
    source = type_definition(parts[0])
    parameter = source.parameters.get(parts[1])
    target = parts[2] if len(parts) == _PARTS[1] else None
    if parameter is None or parameter.kind != "reference" or not parameter.supported:
        raise Unsupported(f"{parts[0]} has no reference parameter called {parts[1][:60]!r}.")
    if target is not None and target not in parameter.targets:
        raise Unsupported(f"{parts[0]}:{parts[1]} does not refer to {target[:60]!r}.")
    reverse = name == "_revinclude"
    own_side, other = (target or definition.name, source.name) if reverse else (source.name, definition.name)
    if reverse and (own_side != definition.name or definition.name not in parameter.targets):
        raise Unsupported(f"{value[:60]!r} does not refer to {definition.name}.")
    if not reverse and own_side != other:
        raise Unsupported(f"_include starts at {definition.name}, not at {source.name}.")
    return [Include(parameter, source.name, definition.name if reverse else target, reverse)]
