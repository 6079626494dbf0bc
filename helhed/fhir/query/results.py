"""Parameters that shape the answer: order and includes (FHIR R4 search, sections 3.1.1.5.1 and 3.1.1.5.3)."""

from collections.abc import Sequence

from helhed.fhir.definitions import TYPE_NUMBERS, SearchParameter, TypeDefinition, type_definition
from helhed.fhir.query.jsonpaths import jsonpath
from helhed.fhir.query.model import Include, Sort
from helhed.fhir.query.refusals import Unsupported
from helhed.foundation.errors import BadRequest

_MOST_KEYS = 4
_PARTS = (2, 3)
_EVERY = "*"
_MODIFIERS = {"": False, "iterate": True, "recurse": True}  # "recurse" is what STU3 called it
#: what of a value it is sorted by; a value of another kind is not sorted by
_WORDS = {"Coding": ("code",), "CodeableConcept": ("coding", "code"), "Identifier": ("value",), "ContactPoint": ("value",),
          "Reference": ("reference",), "code": (), "boolean": (), "string": (), "uri": (), "id": (), "canonical": (),
          "url": (), "oid": (), "uuid": (), "markdown": ()}  # fmt: skip
_BY_WORD = frozenset({"token", "reference", "uri"})


def sort_of(types: Sequence[str], value: str) -> tuple[Sort, ...]:
    """``_sort=-date,family``. Raises BadRequest or Unsupported."""
    names = value.split(",")
    if len(names) > _MOST_KEYS:
        raise BadRequest(f"A search is sorted by at most {_MOST_KEYS} keys.")
    found: list[Sort] = []
    for name in names:
        keys = {_key(type_definition(one), name) for one in types}
        if len(keys) > 1:
            raise Unsupported(f"Several types together cannot be sorted by {name[:60]!r}: use date or _lastUpdated.")
        found += keys
    return tuple(found)


def _key(definition: TypeDefinition, text: str) -> Sort:
    name, descending = text.removeprefix("-"), text.startswith("-")
    if name in {"_lastUpdated", "_id"}:
        return Sort("updated" if name == "_lastUpdated" else "id", 0, descending)
    parameter = definition.parameters.get(name)
    if parameter is None or not parameter.supported:
        raise Unsupported(f"{definition.name} cannot be sorted by {name[:60]!r}: it has no such parameter here.")
    if parameter.kind == "string" or (parameter.custom is not None and parameter.kind in _BY_WORD):
        return Sort("string", parameter.number, descending)
    if parameter.kind in {"number", "quantity"}:
        return Sort("number", parameter.number, descending, keys=definition.keys_of(parameter))
    if parameter.kind == "date":
        primary = parameter is definition.primary_date
        return Sort("date" if primary else "parameter_date", 0 if primary else parameter.number, descending)
    paths = tuple(dict.fromkeys(jsonpath(path, _WORDS[path.kind]) for path in parameter.paths if path.kind in _WORDS))
    if parameter.kind not in _BY_WORD or not paths:
        raise Unsupported(f"{definition.name} cannot be sorted by {name[:60]!r}: its values have no order.")
    return Sort("word", parameter.number, descending, paths)


# --- includes ---------------------------------------------------------------------------------------------------------


def includes_of(types: Sequence[str], name: str, value: str) -> list[Include]:
    """``_include=Observation:encounter``, ``_revinclude=Observation:subject``, with a target type, ``*`` and ``:iterate``.

    Raises Unsupported.
    """
    direction, _, modifier = name.partition(":")
    if direction not in {"_include", "_revinclude"} or modifier not in _MODIFIERS:
        raise Unsupported(f"{name[:40]} is not supported: use _include, _revinclude, or either with :iterate.")
    reverse, again = direction == "_revinclude", _MODIFIERS[modifier]
    if value == _EVERY:
        if reverse:
            raise Unsupported("_revinclude=* is not supported: name the types that refer to the matches.")
        return [one for type_name in types for one in _every(type_name, again=again)]
    source, code, target = _parts(name, value)
    if not reverse and source.name not in types and not again:
        raise Unsupported(f"_include starts at {' or '.join(types[:5])}, not at {source.name}.")
    if code == _EVERY:
        if reverse:
            raise Unsupported(f"_revinclude={source.name}:* is not supported: name the reference.")
        return _every(source.name, again=again)
    parameter = _referring(source, code, target)
    if reverse and not again and not set(_targets(parameter)) & ({target} if target else set(types)) & set(types):
        raise Unsupported(f"{value[:60]!r} does not refer to {' or '.join(types[:5])}.")
    return [Include(parameter, source.name, target, reverse, again)]


def _parts(name: str, value: str) -> tuple[TypeDefinition, str, str | None]:
    parts = value.split(":")
    if len(parts) not in _PARTS or parts[0] not in TYPE_NUMBERS:
        raise Unsupported(f"{name} reads Type:parameter or Type:parameter:Target, not {value[:60]!r}.")
    return type_definition(parts[0]), parts[1], parts[2] if len(parts) == _PARTS[1] else None


def _referring(source: TypeDefinition, code: str, target: str | None) -> SearchParameter:
    parameter = source.parameters.get(code)
    if parameter is None or parameter.kind != "reference" or not parameter.supported:
        raise Unsupported(f"{source.name} has no reference parameter called {code[:60]!r}.")
    if target is not None and target not in _targets(parameter):
        raise Unsupported(f"{source.name}:{code} does not refer to {target[:60]!r}.")
    return parameter


def _every(type_name: str, *, again: bool) -> list[Include]:
    """By every reference of a type that R4 has; parameters that read the same references count once."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], Include] = {}
    for parameter in type_definition(type_name).parameters.values():
        if parameter.kind == "reference" and parameter.supported and parameter.custom is None:
            same = (parameter.jsonpaths, parameter.targets)
            found.setdefault(same, Include(parameter, type_name, None, reverse=False, again=again))
    return list(found.values())


def _targets(parameter: SearchParameter) -> tuple[str, ...]:
    """The types it may refer to; one that names none may refer to any."""
    return parameter.targets or tuple(TYPE_NUMBERS)


__all__ = ["includes_of", "sort_of"]
