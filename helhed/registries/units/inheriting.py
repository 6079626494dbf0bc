"""What a unit has from those above it: its location number, its addresses, its telephone and mail.

A unit without one has its nearest ancestor's, as they stood on the day (SOR XML documentation 2.0.0, "Info om nedarvning af data i SOR").
Names, other numbers, services and specialities are a unit's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from helhed.registries.identifiers import GLN
from helhed.registries.units.history import UnitThen

#: an extension of ours: the unit above that has the value
INHERITED_FROM = "urn:helhed:inherited-from"
#: the location number as it is written, and as a later DK Core writes it
GLNS = frozenset({GLN, "https://www.gs1.org/gln"})
_LISTS = ("address", "telecom")


@dataclass(frozen=True, slots=True)
class Inherited:
    """Values that a unit has, and from whom."""

    values: tuple[Mapping[str, Any], ...]  #: identifiers, addresses or contact points as FHIR has them
    unit: int  #: key of who has them: the unit itself, or one above
    depth: int  #: how many steps above; 0: its own
    since: date  #: the day from which that unit was so
    known_since: datetime


def inherited(line: Sequence[UnitThen]) -> dict[str, Inherited]:
    """By ``gln``, ``address`` and ``telecom``, from a unit and those above it, nearest first; what nobody has is not there."""
    found = {name: _nearest(line, lambda said, name=name: said.get(name, ())) for name in _LISTS}  # type: ignore[misc]
    found["gln"] = _nearest(line, lambda said: [one for one in said.get("identifier", ()) if one.get("system") in GLNS])
    return {name: one for name, one in found.items() if one is not None}


def _nearest(
    line: Sequence[UnitThen], of: Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]]
) -> Inherited | None:
    for one in line:
        if values := tuple(of(one.said)):
            return Inherited(values, one.unit, one.depth, one.begins, one.known_since)
    return None


def with_inherited(line: Sequence[UnitThen], ids: Mapping[int, UUID]) -> dict[str, Any]:
    """What is said of the first of ``line``, and beside it what it inherits, each value with an extension that names who has it."""
    said = dict(line[0].said)
    for name, one in inherited(line).items():
        if one.depth:
            element = "identifier" if name == "gln" else name
            from_whom = {"url": INHERITED_FROM, "valueReference": {"reference": f"Organization/{ids[one.unit]}"}}
            marked = [{**value, "extension": [*value.get("extension", ()), from_whom]} for value in one.values]
            said[element] = [*said.get(element, ()), *marked]
    return said
