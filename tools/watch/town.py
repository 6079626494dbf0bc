"""The town: a hospital with wards, clinics, home nursing, citizens with homes, and staff who are citizens too."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.ids import key_of

FIRST_DAY = date(2026, 9, 7)  #: a Monday
_COMMON = (
    "Jensen",
    "Nielsen",
    "Hansen",
    "Pedersen",
    "Andersen",
    "Christensen",
    "Larsen",
    "Sørensen",
    "Rasmussen",
    "Jørgensen",
)
_PARTS = (("Vest", "Øster", "Nør", "Lille", "Sten", "Birke", "Ege", "Kold", "Lind", "Højs"), ("gaard", "holm", "bjerg", "lund", "toft", "dal", "kær", "strup", "mark", "skov"))  # fmt: skip
_COMMON_SHARE, _STAFF_ARE_LOCAL = 0.35, 0.7


class Citizen(NamedTuple):
    """Somebody with a home."""

    id: UUID
    name: str
    birth: date
    number: str
    street: str
    house: int

    @property
    def key(self) -> int:
        """As rows name them."""
        return key_of(self.id)


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation, and what kind of work is done there."""

    id: UUID
    name: str
    work: str  #: ward, emergency, clinic, home
    above: UUID | None = None

    @property
    def key(self) -> int:
        """As rows name it."""
        return key_of(self.id)


@dataclass(frozen=True, slots=True)
class Staff:
    """A professional with one job."""

    id: UUID
    role: str
    place: Place
    pattern: str  #: office, day, rotating
    citizen: Citizen | None
    share: float = 1.0  #: how many patients they have beside their peers: some are busier

    @property
    def key(self) -> int:
        """As rows name them."""
        return key_of(self.id)


class Stay(NamedTuple):
    """A contact at a place: a relation of class A from its beginning to its end."""

    citizen: Citizen
    place: Place
    begins: datetime
    ends: datetime


@dataclass
class Town:
    """Everybody and everything that stands still; what happens is drawn elsewhere."""

    seed: int
    weeks: int
    size: int  #: 1 is about fifty members of staff
    citizens: list[Citizen] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    staff: list[Staff] = field(default_factory=list)
    stays: dict[int, list[Stay]] = field(default_factory=dict)  #: by key of the place
    lists: dict[int, list[Citizen]] = field(default_factory=dict)  #: clinics and home nursing: their own citizens
    vips: list[Citizen] = field(default_factory=list)

    @classmethod
    def built(cls, seed: int, weeks: int, size: int = 1) -> "Town":
        """The same seed builds the same town."""
        town = cls(seed, weeks, size)
        dice = Random(f"town {seed}")
        town.citizens = [_citizen(dice) for _ in range(1500 * size)]
        town.vips = dice.sample(town.citizens, 3)
        _places(town, dice)
        _stays(town, dice)
        return town

    def at(self, work: str) -> list[Place]:
        """The places where this work is done."""
        return [place for place in self.places if place.work == work]

    def of(self, place: Place) -> list[Staff]:
        """Who works there."""
        return [one for one in self.staff if one.place is place]

    @property
    def days(self) -> list[date]:
        """Every day of the story."""
        return [FIRST_DAY + timedelta(days=n) for n in range(7 * self.weeks)]


def moment(day: date, hour: float) -> datetime:
    """A time of a Danish day; hours beyond 24 are the next morning's."""
    return datetime.combine(day, time(0), DANISH_TIME) + timedelta(hours=hour)


def uuid_of(dice: Random) -> UUID:
    """An id that follows from the seed."""
    return UUID(int=dice.getrandbits(128), version=4)


def _surname(dice: Random) -> str:
    if dice.random() < _COMMON_SHARE:
        return dice.choice(_COMMON)
    return dice.choice(_PARTS[0]) + dice.choice(_PARTS[1]) + dice.choice(("", "", "er", "sen"))


def _citizen(dice: Random) -> Citizen:
    born = date(1935, 1, 1) + timedelta(days=dice.randrange(85 * 365))
    street = dice.choice(_PARTS[0]) + dice.choice(("gade", "vej", "allé", "vænget")) + f"s {dice.randrange(8)}. led"
    number = f"{born:%d%m%y}{dice.randrange(10_000):04}"
    return Citizen(uuid_of(dice), f"Test {_surname(dice)}", born, number, street, dice.randrange(1, 90))


def _places(town: Town, dice: Random) -> None:
    hospital = Place(uuid_of(dice), "Hospital", "none")
    town.places.append(hospital)
    for n in range(2 * town.size):
        _employ(
            town, dice, Place(uuid_of(dice), f"Ward {n}", "ward", hospital.id), {"doctor": 4, "nurse": 9}, "rotating"
        )
    for _ in range(town.size):
        emergency = Place(uuid_of(dice), "Emergency department", "emergency", hospital.id)
        _employ(town, dice, emergency, {"doctor": 5, "nurse": 7}, "rotating")
        home = Place(uuid_of(dice), "Home nursing", "home")
        _employ(town, dice, home, {"nurse": 6}, "day")
        town.lists[home.key] = dice.sample(town.citizens, 90)
    for n in range(2 * town.size):
        clinic = Place(uuid_of(dice), f"Clinic {n}", "clinic")
        _employ(town, dice, clinic, {"doctor": 2, "nurse": 1, "secretary": 2}, "office")
        town.lists[clinic.key] = dice.sample(town.citizens, 500)


def _employ(town: Town, dice: Random, place: Place, jobs: dict[str, int], pattern: str) -> None:
    town.places.append(place)
    for role, many in jobs.items():
        for _ in range(many):
            local = dice.choice(town.citizens) if dice.random() < _STAFF_ARE_LOCAL else None
            share = dice.lognormvariate(0, 0.25)
            town.staff.append(Staff(uuid_of(dice), role, place, pattern, local, share))


def _stays(town: Town, dice: Random) -> None:
    """Wards of some twenty beds, and an emergency department that receives thirty in a day and night."""
    for place in town.places:
        rate = {"ward": 5.0, "emergency": 32.0}.get(place.work)
        if rate is None:
            continue
        stays = town.stays.setdefault(place.key, [])
        for day in town.days:
            for _ in range(round(dice.gauss(rate, rate**0.5))):
                begins = moment(day, dice.uniform(0, 24))
                hours = dice.expovariate(1 / 80) + 8 if place.work == "ward" else dice.uniform(1, 9)
                stays.append(Stay(dice.choice(town.citizens), place, begins, begins + timedelta(hours=hours)))
