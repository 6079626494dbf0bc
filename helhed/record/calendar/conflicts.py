"""What collides in a calendar, found from what the asker may see alone: no gap, count or hint tells of anything else."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from helhed.foundation.clock import DANISH_TIME
from helhed.record.calendar.appointments import Appointment
from helhed.record.calendar.rules import rules

ELSEWHERE_IS_FINE = frozenset({"telephone", "video"})
_LONGEST = timedelta(days=31)  #: what lasts longer is no appointment to be late for


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody has to be: an address and a town, "" when not known; ``here`` is at home."""

    address: str = ""
    town: str = ""
    here: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two appointments that do not go together, or might be one trip. ``kind`` is overlap, travel or trips."""

    kind: str
    first: Appointment
    second: Appointment
    minutes: int = 0  #: between them, for travel
    needed: int = 0
    mover: Appointment | None = None  #: whose place set its time last, and so has the next move


SpotOf = Callable[[Appointment], Spot]


def conflicts(found: Sequence[Appointment], spot_of: SpotOf, now: datetime) -> list[Conflict]:
    """What collides from now on, the nearest first."""
    coming = [one for one in found if one.stands and one.said.start and not one.over(now)]
    coming.sort(key=lambda one: (_start(one), str(one.id)))
    timed = [one for one in coming if not one.said.all_day and _end(one) - _start(one) <= _LONGEST]
    clashes = [hit for pair in _near(timed, _LONGEST) if (hit := _clash(*pair, spot_of))]
    return clashes + _trips(timed, spot_of, clashes)


def would_collide(new: Appointment, found: Sequence[Appointment], spot_of: SpotOf, now: datetime) -> list[Conflict]:
    """What a new appointment, or one that is moved, would collide with."""
    others = [one for one in found if one.id != new.id]
    return [
        hit
        for hit in conflicts([*others, new], spot_of, now)
        if hit.kind != "trips" and new.id in (hit.first.id, hit.second.id)
    ]


def _start(one: Appointment) -> datetime:
    begins = one.said.times[0]
    assert begins is not None
    return begins


def _end(one: Appointment) -> datetime:
    until = one.said.until()
    assert until is not None
    return until


def _near(ordered: Sequence[Appointment], most: timedelta) -> Iterator[tuple[Appointment, Appointment]]:
    """Pairs of which the second begins before, or soon after, the first has ended."""
    reach = max(rules().travel.values())
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if _start(other) - _start(one) > most + reach:
                break
            if _start(other) < _end(one) + reach:
                yield one, other


def _clash(one: Appointment, other: Appointment, spot_of: SpotOf) -> Conflict | None:
    gap = _start(other) - _end(one)
    if gap < timedelta(0):
        return Conflict("overlap", one, other, mover=_mover(one, other))
    needed = _needed(one, other, spot_of)
    if gap < needed:
        return Conflict("travel", one, other, _minutes(gap), _minutes(needed), _mover(one, other))
    return None


def _minutes(stretch: timedelta) -> int:
    return int(stretch.total_seconds() // 60)


def _needed(one: Appointment, other: Appointment, spot_of: SpotOf) -> timedelta:
    if {one.said.manner, other.said.manner} & ELSEWHERE_IS_FINE:
        return timedelta(0)
    here, there = spot_of(one), spot_of(other)
    if here.here and there.here:
        return rules().travel["same-address"]
    if here.here or there.here or not (here.address and there.address):
        return rules().travel["unknown"]
    if _folded(here) == _folded(there):
        return rules().travel["same-address"]
    return rules().travel["same-town" if here.town and here.town == there.town else "elsewhere"]


def _folded(spot: Spot) -> str:
    return " ".join(spot.address.casefold().split())


def _mover(one: Appointment, other: Appointment) -> Appointment:
    return max((one, other), key=lambda each: (each.time_set, str(each.id)))


def _trips(timed: Sequence[Appointment], spot_of: SpotOf, clashes: Sequence[Conflict]) -> list[Conflict]:
    """Visits to one address on different days near each other, each told of once."""
    told: list[Conflict] = []
    colliding = {one.id for hit in clashes for one in (hit.first, hit.second)}
    last: dict[str, Appointment] = {}
    for one in timed:
        spot = spot_of(one)
        if one.said.manner in ELSEWHERE_IS_FINE or spot.here or not spot.address or one.id in colliding:
            continue
        before = last.get(_folded(spot))
        if before is not None and timedelta(0) < _day(one) - _day(before) <= rules().trips_within:
            told.append(Conflict("trips", before, one))
        last[_folded(spot)] = one
    return told


def _day(one: Appointment) -> datetime:
    return _start(one).astimezone(DANISH_TIME).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
