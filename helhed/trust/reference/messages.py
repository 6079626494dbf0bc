"""Who is told of a stay, and who is handed a copy of a message, in the reference: sets and loops over facts, and no SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Has:
    """A relation of a place to a citizen."""

    citizen: str
    place: str
    of_one_person: bool
    strength: int  #: number of the basis: 2 is class A, 3 class B
    begins: datetime
    ends: datetime  #: no longer in it


@dataclass(frozen=True, slots=True)
class Closed:
    """A block of the citizen's: of everybody or one place with all beneath it, for everything or what one place recorded."""

    citizen: str
    who: str | None
    what: str | None
    begins: datetime
    ends: datetime
    row: str | None = None  #: one row alone


@dataclass(frozen=True, slots=True)
class Country:
    """Places, and what stands above each: itself first."""

    places: Mapping[str, Sequence[str]]
    municipalities: frozenset[str]

    def told(
        self, *, stay: str, citizen: str, hospital: str, has: Iterable[Has], closed: Iterable[Closed], before: Iterable[str], at: datetime
    ) -> dict[str, bool]:  # fmt: skip
        """Whom a change of the stay is told, and whether they have the citizen still: one unit of each municipality that has."""
        units: dict[str, list[tuple[bool, int, float, str]]] = {}
        earlier = set(before)
        for one in has:
            town = next((place for place in self.places[one.place] if place in self.municipalities), None)
            in_force = one.begins <= at < one.ends and not one.of_one_person and one.strength in {2, 3}
            if town and in_force and one.citizen == citizen and town not in self.places[hospital]:
                rank = (one.place not in earlier, one.strength, -one.begins.timestamp(), one.place)
                units.setdefault(town, []).append(rank)
        holds = {min(found)[-1] for found in units.values()}
        closed = list(closed)
        return {
            place: place in holds
            for place in holds | earlier
            if not self.shut(stay, citizen, hospital, place, closed, at)
        }

    def shut(self, row: str, citizen: str, origin: str, place: str, closed: Iterable[Closed], at: datetime) -> bool:
        """Whether a block keeps a place from a row, or from what its origin recorded."""
        return any(
            one.citizen == citizen and one.begins <= at < one.ends and (one.who is None or one.who in self.places[place])
            and (one.what is None or one.what in self.places[origin]) and one.row in {None, row}
            for one in closed
        )  # fmt: skip

    def handed(self, *, asker: str, receiver: str, shut: bool) -> bool:
        """Whether the asker's system is handed a copy that waits for the receiver."""
        return asker in self.places[receiver] and not shut
