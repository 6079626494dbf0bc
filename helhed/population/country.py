"""Where people live and who looks after them: Denmark's municipalities and hospitals, with invented clinics and staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple, Protocol

from helhed.population.facts import Json, facts

_PEOPLE = facts("people")
_PLACES = facts("places")


class Member(NamedTuple):
    """Somebody who works at a unit."""

    role: str  #: a role of the policy: doctor, nurse, midwife, ...
    reference: Json


@dataclass(frozen=True, slots=True)
class Unit:
    """One organisation: how references name it, and who writes there."""

    handle: str
    name: str
    reference: Json
    kind: str = ""  #: what it is, in Danish
    above: tuple[tuple[str, str, str], ...] = ()  #: handle, name and kind of what it belongs to, nearest first
    staff: tuple["Member", ...] = ()

    @property
    def doctors(self) -> list[Json]:
        """References to its doctors."""
        return [one.reference for one in self.staff if one.role == "doctor"]

    @property
    def others(self) -> list[Json]:
        """References to nurses, midwives, therapists and carers."""
        return [one.reference for one in self.staff if one.role != "doctor"]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The surroundings of one block of citizens."""

    municipality: str
    post_code: str
    town: str
    clinics: tuple[Unit, ...]
    units: Mapping[str, Unit]  #: by role: emergency, medical, laboratory, nursing, ...
    municipality_code: str = ""
    elsewhere: tuple[tuple[str, str, str], ...] = ()  #: post code, town, municipality: where people moved from


class Country(Protocol):
    """What a population needs to know of a country."""

    def neighbourhood(self, rng: Random) -> Neighbourhood:
        """The surroundings of a block."""
        ...


@dataclass(frozen=True)
class Denmark:
    """The 98 municipalities (``data/denmark.json``), with units after the patterns of ``data/places.json``."""

    facts: Any = field(default_factory=lambda: facts("denmark"), repr=False)

    @cached_property
    def _weights(self) -> list[int]:
        return list(accumulate(row[3] for row in self.facts["municipalities"]))

    def neighbourhood(self, rng: Random) -> Neighbourhood:
        """A municipality in proportion to its inhabitants; one of its towns; two of its clinics."""
        rows = self.facts["municipalities"]
        code, name, region, inhabitants, hospital, towns = rng.choices(rows, cum_weights=self._weights)[0]
        post_code, town = rng.choice(towns)
        clinics = max(2, inhabitants // 4)
        first = rng.randrange(clinics - 1)
        other = rng.choice(rows)
        return Neighbourhood(
            f"{name} Kommune",
            post_code,
            town,
            (self._clinic(code, first, town), self._clinic(code, first + 1, town)),
            {**self._registers, **self._hospital(hospital), **self._municipal(code, name), **self._private(region)},
            code,
            ((*other[5][0], f"{other[1]} Kommune"),),
        )

    @cached_property
    def _registers(self) -> dict[str, Unit]:
        return {role: _unit(f"register-{role}", name, "register") for role, name in _PLACES["registers"].items()}

    def _hospital(self, key: str) -> dict[str, Unit]:
        name, region, _ = self.facts["hospitals"][key]
        above = ((f"hospital-{key}", name, "sygehus"), (f"region-{region}", self.facts["regions"][region], "region"))
        return _units(_PLACES["hospital"], key, name, above)

    def _municipal(self, code: str, name: str) -> dict[str, Unit]:
        full = f"{name} Kommune"
        return _units(_PLACES["municipal"], code, full, ((f"municipality-{code}", full, "kommune"),))

    def _private(self, region: str) -> dict[str, Unit]:
        return _units(_PLACES["private"], region, str(self.facts["regions"][region]), ())

    def _clinic(self, code: str, number: int, town: str) -> Unit:
        name = f"{_PLACES['clinics'][number % len(_PLACES['clinics'])]} {_PEOPLE['streets'][number % 32]}, {town}"
        return _unit(f"{code}-clinic{number}", name, "almen praksis", staff=["doctor", "doctor", "nurse"])


def _units(
    patterns: Mapping[str, tuple[str, str, list[str]]], key: str, place: str, above: tuple[tuple[str, str, str], ...]
) -> dict[str, Unit]:
    return {
        role: _unit(f"{key}-{role}", f"{words}, {place}", kind, above, staff)
        for role, (words, kind, staff) in patterns.items()
    }


@cache
def _member(handle: str, number: int, role: str) -> Member:
    name = staff_name(handle, number)
    return Member(role, {"reference": f"Practitioner/{handle}-{number}", "display": name})


def _unit(
    handle: str, name: str, kind: str, above: tuple[tuple[str, str, str], ...] = (), staff: Sequence[str] = ()
) -> Unit:
    reference = {"reference": f"Organization/{handle}", "display": name}
    members = tuple(_member(handle, number, role) for number, role in enumerate(staff))
    return Unit(handle, name, reference, kind, above, members)


def staff_name(handle: str, number: int) -> str:
    """The name of a member of staff; the same wherever it is asked for."""
    rng = Random(f"{handle}/{number}")
    names = _PEOPLE["names"]
    given = rng.choice(rng.choice(names["female" if rng.random() < 0.6 else "male"][2:5])[1])
    return f"{given} Test {rng.choice(names['family'])}"
