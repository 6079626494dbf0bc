"""Where a search is asked: of one type, of the system, or of a compartment (FHIR R4 http, section 3.1.0.1.3 and search).

A place is written as the path behind ``/fhir``: ``Observation``, nothing, ``Patient/{id}/Observation``, ``Patient/{id}/*``.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, TypeDefinition, facts, type_definition
from helhed.fhir.query.model import Both, Condition, Either, IdTest, TypeTest
from helhed.fhir.query.refusals import Unsupported
from helhed.foundation.errors import BadRequest, NotSupported, Unknown
from helhed.foundation.ids import parse_id

EVERY_TYPE = "*"
_PARTS = 3
_SELF = "{def}"


class Place(NamedTuple):
    """What a search looks at, before its parameters."""

    path: str
    types: tuple[str, ...]
    many: bool  #: whether ``_type`` may name some of them
    compartment: str = ""  #: the type of the resource whose compartment it is
    owner: UUID | None = None  #: that resource; None when its id is none

    def only(self, wanted: str) -> "Place":
        """The same place for the types of ``_type``. Raises BadRequest."""
        if not self.many:
            raise BadRequest("The parameter _type belongs to searches of several types.")
        names = wanted.split(",")
        for name in names:
            if name not in TYPE_NUMBERS:
                raise BadRequest(f"The parameter _type names {name[:60]!r}, which is no resource type.")
        return self._replace(types=tuple(one for one in self.types if one in names))


def place_of(path: str) -> Place:
    """The place behind a path. Raises Unknown or NotSupported for what is none."""
    parts = path.split("/") if path else []
    if not parts:
        return Place(path, _stored(), many=True)
    if len(parts) == 1:
        return Place(path, (parts[0],), many=False)
    if len(parts) != _PARTS:
        raise Unknown
    members = compartment(parts[0])
    if not members:
        raise NotSupported(f"{parts[0][:40]} has no compartment: only {', '.join(compartments())} have one.")
    many = parts[2] == EVERY_TYPE
    if not many and parts[2] not in TYPE_NUMBERS:
        raise Unknown
    if not many and parts[2] not in members:
        raise NotSupported(f"{parts[2]} is never in the compartment of a {parts[0]}.")
    types = tuple(name for name in _stored() if name in members) if many else (parts[2],)
    return Place(path, types, many, parts[0], parse_id(parts[1]))


@cache
def _stored() -> tuple[str, ...]:
    """The types that have rows of their own."""
    return tuple(name for name in sorted(TYPE_NUMBERS) if type_definition(name).ownership is not Ownership.VIRTUAL)


@cache
def compartments() -> tuple[str, ...]:
    """The types that have a compartment."""
    return ("Patient", *facts.document("compartments.json")["compartments"])


@cache
def compartment(type_name: str) -> dict[str, tuple[str, ...]]:
    """Type → the parameters by which its resources are in the compartment; the resource itself always is. Empty for none."""
    if type_name not in compartments():
        return {}
    found = (
        dict(facts.lines("patient_compartment.jsonl"))
        if type_name == "Patient"
        else facts.document("compartments.json")["compartments"][type_name]
    )
    members = {name: tuple(codes) for name, codes in found.items()}
    members[type_name] = (_SELF, *(one for one in members.get(type_name, ()) if one != _SELF))
    return members


Read = Callable[[TypeDefinition, str, str], Condition]


def membership(place: Place, read: Read) -> Condition | None:
    """The condition of being in the place's compartment; None when the place is none."""
    if not place.compartment:
        return None
    members = compartment(place.compartment)
    return of_each(
        {name: Either(tuple(_by(place, name, code, read) for code in members[name])) for name in place.types}
    )


def _by(place: Place, name: str, code: str, read: Read) -> Condition:
    if code == _SELF or place.owner is None:
        return IdTest((place.owner,) if place.owner else ())
    return read(type_definition(name), code, f"{place.compartment}/{place.owner}")


def in_each(types: tuple[str, ...], read: Callable[[TypeDefinition], Condition]) -> Condition:
    """What a parameter means for each of several types. Raises Unsupported when it is not a parameter of all of them."""
    if len(types) == 1:
        return read(type_definition(types[0]))
    try:
        return of_each({name: read(type_definition(name)) for name in types})
    except Unsupported as unknown:
        raise Unsupported(f"{unknown} Only parameters of all types that are searched can be used.") from None


def of_each(conditions: dict[str, Condition]) -> Condition:
    """The condition of each type's rows; one for all when they do not differ."""
    alike: dict[Condition, list[int]] = {}
    for name, condition in conditions.items():
        alike.setdefault(condition, []).append(TYPE_NUMBERS[name])
    if len(alike) == 1:
        return next(iter(alike))
    return Either(tuple(Both((TypeTest(tuple(numbers)), condition)) for condition, numbers in alike.items()))
