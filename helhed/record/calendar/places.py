"""Where an appointment is and whom to call: as the appointment says, else as the register has the unit that keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass

from helhed.record.calendar.appointments import Appointment, address_text
from helhed.record.calendar.conflicts import ELSEWHERE_IS_FINE, Spot
from helhed.record.paths import Json, objects, text


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as the register has it."""

    name: str
    phone: str = ""
    address: str = ""
    town: str = ""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where, and whom to call."""

    place: str
    address: str
    keeper: str  #: the unit that keeps the appointment
    phone: str
    spot: Spot


def unit_of(said: Json) -> Unit:
    """A unit, from its Organization."""
    phone = next((text(one, "value") for one in objects(said.get("telecom")) if one.get("system") == "phone"), "")
    address = next(iter(objects(said.get("address"))), {})
    return Unit(text(said, "name"), phone, address_text(address), text(address, "postalCode"))


def whereabouts(one: Appointment, units: Mapping[int, Unit]) -> Whereabouts:
    """Of an appointment. A citizen's own address is never told: of a visit at home only that it is at home."""
    keeper = units.get(one.origin, Unit(""))
    said = one.said
    if said.manner == "home":
        return Whereabouts("", "", keeper.name, keeper.phone, Spot(here=True))
    if said.manner in ELSEWHERE_IS_FINE:
        return Whereabouts("", "", keeper.name, keeper.phone, Spot())
    address, town = (said.address, said.town) if said.address else (keeper.address, keeper.town)
    return Whereabouts(said.place or keeper.name, address, keeper.name, keeper.phone, Spot(address, town))
