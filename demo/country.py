"""The demo's region as a country of its own: the population generator lives there, at the demo's places and with its staff."""

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from demo.catalogue import load
from demo.places import PLACES
from demo.staff import STAFF
from helhed.population.country import Member, Neighbourhood, Unit

_FACTS: dict[str, Any] = load("population.json")
SEED: int = _FACTS["seed"]
_CARERS = ("doctor", "nurse", "midwife", "physiotherapist", "social-care-assistant")


@dataclass(frozen=True, slots=True)
class Vestfjord:
    """Towns and units of ``data/population.json``."""

    def neighbourhood(self, rng: Random) -> Neighbourhood:
        """One of the towns, in proportion to its size."""
        towns = _FACTS["towns"]
        post_code, town, municipality, _, clinics = rng.choices(towns, [one[3] for one in towns])[0]
        roles = {**_FACTS["units"], **_FACTS["municipal"][municipality]}
        units = {role: _unit(handle) for role, handle in roles.items()}
        elsewhere = [(one[0], one[1], one[2]) for one in towns if one[2] != municipality]
        return Neighbourhood(
            municipality, post_code, town, tuple(_unit(one) for one in clinics), units, "", (rng.choice(elsewhere),)
        )


@cache
def _unit(handle: str) -> Unit:
    """A place as the generator knows it; those who work there now write its notes."""
    place = PLACES[handle]
    members = tuple(
        Member(one.role, one.reference)
        for one in STAFF.values()
        if one.role in _CARERS and any(job.place == handle and not job.end for job in one.jobs)
    )
    return Unit(handle, place.name, place.reference, place.kind, (), members)


#: the region of each municipality, as addresses name it
AREAS: dict[str, str] = {town[2]: _FACTS["region"] for town in _FACTS["towns"]}
