"""Searches through references: chains, which follow them, and ``_has``, which meets them (FHIR R4 search, 3.1.1.4.15-16).

Each hop goes only through rows that the asker may see; the database holds that, for every condition with a hop in it.
"""

from collections.abc import Callable

from helhed.fhir.definitions import TYPE_NUMBERS, SearchParameter, TypeDefinition, type_definition
from helhed.fhir.query.model import Chain, Condition, Either, Has, IdTest
from helhed.fhir.query.refusals import Unsupported
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import parse_id

HAS = "_has:"
_DEEPEST, _MOST_HOPS, _MOST_TYPES = 4, 24, 12
_HAS_PARTS = 4
_OF_EVERY_TYPE = frozenset({"_id", "_lastUpdated", "_list", "_has", "_filter"})

Read = Callable[[TypeDefinition, str, str, int], Condition]


class Hops:
    """The hops of one request: how deep, and how many in all."""

    def __init__(self, read: Read, note: Callable[[SearchParameter], None]) -> None:
        self._read = read
        self._note = note  #: hears of each parameter that is followed
        self._taken = 0

    def chain(self, definition: TypeDefinition, name: str, value: str, depth: int) -> Condition:
        """``subject:Patient.name=value``. Without a type, every type it may refer to that has the parameter.

        Raises BadRequest or Unsupported.
        """
        head, _, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        parameter = _reference(definition, code)
        self._note(parameter)
        if modifier and modifier not in _targets(parameter):
            raise Unsupported(f"The parameter {code}:{modifier[:60]} cannot be chained.")
        fitting = [modifier] if modifier else self._fitting(parameter, code, rest)
        through = [self._through(definition, parameter, one, rest, value, depth) for one in fitting]
        found = [one for one in through if isinstance(one, Chain)]
        if not found:
            raise next(one for one in through if isinstance(one, Unsupported))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def _through(
        self, definition: TypeDefinition, parameter: SearchParameter, target: str, rest: str, value: str, depth: int
    ) -> Chain | Unsupported:
        self._take(depth)
        try:
            inner = self._read(type_definition(target), rest, value, depth + 1)
        except Unsupported as unknown:
            return unknown
        own = parameter.code in definition.own_patient_parameters and target == "Patient"
        return Chain(parameter.number, TYPE_NUMBERS[target], own, (inner,))

    def _fitting(self, parameter: SearchParameter, code: str, rest: str) -> list[str]:
        wanted = rest.split(".", maxsplit=1)[0].split(":", maxsplit=1)[0]
        found = [one for one in _targets(parameter) if _has_parameter(one, wanted)]
        if not 0 < len(found) <= _MOST_TYPES:
            raise BadRequest(
                f"The chain through {code} fits {len(found)} types: name one, as in {code}:Patient.{rest[:40]}."
            )
        return found

    def has(self, definition: TypeDefinition, name: str, value: str, depth: int) -> Condition:
        """``_has:Observation:patient:code=value``: something meets the condition and refers to the row by the parameter.

        Raises BadRequest or Unsupported.
        """
        self._take(depth)
        parts = name.split(":", _HAS_PARTS - 1)
        if len(parts) != _HAS_PARTS or not all(parts):
            raise BadRequest("_has reads _has:Type:reference:parameter, as in _has:Observation:patient:code.")
        if parts[1] not in TYPE_NUMBERS:
            raise Unsupported(f"_has names {parts[1][:60]!r}, which is no resource type.")
        source = type_definition(parts[1])
        parameter = _reference(source, parts[2])
        self._note(parameter)
        if definition.name not in _targets(parameter):
            raise Unsupported(f"{source.name}:{parameter.code} does not refer to {definition.name}.")
        inner = self._read(source, parts[3], value, depth + 1)
        own = definition.name == "Patient" and parameter.code in source.own_patient_parameters
        return Has(source.number, parameter.number, definition.number, own, (inner,))

    def listed(self, definition: TypeDefinition, found: list[str], depth: int) -> Condition:
        """``_list=id``: the rows that a List the asker may see names as its items. Raises BadRequest or Unsupported."""
        self._take(depth)
        if any(one.startswith("$") for one in found):
            raise Unsupported("The parameter _list names a List by its id: lists that a server makes up are not here.")
        ids = tuple(one for one in map(parse_id, found) if one is not None)
        source = type_definition("List")
        number = source.parameters["item"].number
        return Has(source.number, number, definition.number, by_citizen=False, conditions=(IdTest(ids),))

    def _take(self, depth: int) -> None:
        self._taken += 1
        if depth + 1 > _DEEPEST:
            raise BadRequest(f"A chain goes through at most {_DEEPEST} references.")
        if self._taken > _MOST_HOPS:
            raise BadRequest(f"A search follows at most {_MOST_HOPS} references: name the types of its chains.")


def _reference(definition: TypeDefinition, code: str) -> SearchParameter:
    parameter = definition.parameters.get(code)
    if parameter is None or not parameter.supported:
        raise Unsupported(f"{definition.name} has no search parameter called {code[:60]!r} here.")
    if parameter.kind != "reference":
        raise Unsupported(f"The parameter {code} cannot be chained: it is no reference.")
    return parameter


def _targets(parameter: SearchParameter) -> list[str]:
    """The types it may refer to; one that names none may refer to any."""
    return [one for one in parameter.targets or TYPE_NUMBERS if one in TYPE_NUMBERS]


def _has_parameter(type_name: str, code: str) -> bool:
    return code in _OF_EVERY_TYPE or code in type_definition(type_name).parameters
