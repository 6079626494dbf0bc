"""Appointments as the calendar shows them, each read from its stored versions (http://hl7.org/fhir/R4/appointment.html)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Protocol
from uuid import UUID

import msgspec

from helhed.record.calendar.rules import rules
from helhed.record.coding import Coded, coded, codes
from helhed.record.moments import Moment, Precision, moment
from helhed.record.paths import Json, objects, text, walk

MANNER = "urn:helhed:extension:appointment-manner"
ANSWERS = "urn:helhed:extension:appointment-answers"
_STANDING = frozenset({"booked", "pending", "arrived", "checked-in", "proposed", "waitlist"})
_CALLED_OFF = frozenset({"cancelled"})
_NEVER = frozenset({"entered-in-error"})


class VersionRow(Protocol):
    """One visible version of an Appointment."""

    @property
    def id(self) -> UUID:
        """Its FHIR id."""
        ...

    @property
    def version(self) -> int:
        """Which version."""
        ...

    @property
    def updated(self) -> datetime:
        """When it was stored."""
        ...

    @property
    def deleted(self) -> bool:
        """Whether the sender took it out."""
        ...

    @property
    def origin(self) -> int:
        """Key of the organisation that keeps it."""
        ...

    @property
    def body(self) -> bytes | None:
        """Its JSON; None when deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What one version of an appointment says."""

    status: str
    start: Moment | None
    end: Moment | None
    what: str = ""
    place: str = ""
    address: str = ""  #: of the place, as the sender wrote it; never a home
    town: str = ""  #: postal code
    location: str = ""  #: Location/id, when it says where by a reference
    who: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    manner: str = ""  #: in-person, telephone, video, home; "" when the sender does not say
    reason: str = ""  #: why it was called off
    answer: str = ""  #: the citizen's own participant status
    answers: frozenset[str] = frozenset()  #: what the citizen may do: confirm, cancel, move
    duration: timedelta | None = None

    @property
    def stands(self) -> bool:
        """Whether somebody is expected."""
        return self.status in _STANDING

    @property
    def called_off(self) -> bool:
        """Whether it was called off."""
        return self.status in _CALLED_OFF

    @property
    def all_day(self) -> bool:
        """Whether it says a day and no time."""
        return self.start is not None and self.start.precision is not Precision.TIME

    @property
    def times(self) -> tuple[datetime | None, datetime | None]:
        """When it says it begins and ends, in UTC: two local times of the night when clocks go back are not equal."""
        return tuple(None if one is None else one.at.astimezone(UTC) for one in (self.start, self.end))  # type: ignore[return-value]

    @property
    def lasts(self) -> bool:
        """Whether it says an end that is later than its beginning."""
        begins, ends = self.times
        return begins is not None and ends is not None and begins < ends

    def until(self) -> datetime | None:
        """When it ends, in UTC: as it says, else after its duration, else after what is usual; of a day the end of the day."""
        begins, ends = self.times
        if self.start is None or begins is None:
            return None
        if self.all_day:
            days = [self.start.ends, *([self.end.ends] if self.end else [])]
            return max(day.astimezone(UTC) for day in days)
        return ends if self.lasts else _later(begins, self.duration or rules().without_an_end)


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment: as it stands, and what it said before, oldest first."""

    id: UUID
    version: int
    updated: datetime
    origin: int
    said: Said
    first: datetime  #: when the oldest version that is known here was stored
    past: tuple[tuple[datetime, Said], ...] = field(default=())  #: earlier versions, and when each was stored
    removed: bool = False  #: the sender took it out

    @property
    def stands(self) -> bool:
        """Whether somebody is expected."""
        return self.said.stands and not self.removed

    @property
    def time_set(self) -> datetime:
        """When it was given the time it has."""
        set_at = self.updated
        for stored, said in reversed(self.past):
            if said.times != self.said.times:
                break
            set_at = stored
        return set_at

    def over(self, now: datetime) -> bool:
        """Whether it is past."""
        until = self.said.until()
        return until is not None and until <= now


def appointments(rows: Iterable[VersionRow]) -> list[Appointment]:
    """Those with a time, the nearest first. What was entered in error is left out."""
    ordered = sorted(rows, key=lambda row: (row.id, row.version))
    found = (_appointment(list(versions)) for _, versions in groupby(ordered, key=lambda row: row.id))
    known = [one for one in found if one is not None]
    return sorted(known, key=lambda one: (one.said.times[0] or one.updated, str(one.id)))


def _appointment(versions: Sequence[VersionRow]) -> Appointment | None:
    newest = versions[-1]
    told = [(row.updated, said_of(msgspec.json.decode(bytes(row.body)))) for row in versions if row.body]
    if not told:
        return None
    said, past = told[-1][1], told[:-1]
    if said.status in _NEVER or said.start is None:
        return None
    return Appointment(
        newest.id, newest.version, newest.updated, newest.origin, said, told[0][0], tuple(past), removed=newest.deleted
    )


def said_of(content: Json) -> Said:
    """What a version says."""
    actors = [actor for actor in walk(content, "participant.actor") if isinstance(actor, dict)]
    where = _where(content, actors)
    manner = _manner(content, where)
    at_home = manner == "home"
    address = {} if at_home or where is None else where
    place = "" if at_home else _place(actors, where)
    minutes = content.get("minutesDuration")
    return Said(
        status=text(content, "status"),
        start=moment(content.get("start")),
        end=moment(content.get("end")),
        what=_what(content),
        place=place,
        address=address_text(address.get("address")),
        town=text(address.get("address"), "postalCode"),
        location=next((r for r in (text(a, "reference") for a in actors) if r.startswith("Location/")), ""),
        who=tuple(dict.fromkeys(n for n in (text(a, "display") for a in actors if _is_person(a)) if n)),
        prepare=tuple(dict.fromkeys(n for n in _words(content, "patientInstruction", "comment") if n)),
        manner=manner,
        reason=(coded(content.get("cancelationReason")) or Coded("")).text,
        answer=_own_status(content),
        answers=_answers(content),
        duration=timedelta(minutes=minutes) if isinstance(minutes, int) and 0 < minutes < _LONGEST else None,
    )


_LONGEST = 60 * 24 * 31


def _words(content: Json, *names: str) -> Iterator[str]:
    for name in names:
        yield text(content, name).strip()


def _what(content: Json) -> str:
    named = (coded(content.get(name)) for name in ("serviceType", "appointmentType", "reasonCode"))
    return text(content, "description") or next((one.text for one in named if one), "")


def _where(content: Json, actors: Sequence[Json]) -> Json | None:
    """The Location within, when the sender put one there."""
    named = {text(actor, "reference").removeprefix("#") for actor in actors}
    within = (one for one in objects(content.get("contained")) if one.get("resourceType") == "Location")
    return next((one for one in within if one.get("id") in named), None)


def _place(actors: Sequence[Json], where: Json | None) -> str:
    shown = next((text(actor, "display") for actor in actors if _is_place(actor)), "")
    return shown or text(where, "name")


def _manner(content: Json, where: Json | None) -> str:
    said = [text(one, "valueCode") for one in objects(content.get("extension")) if one.get("url") == MANNER]
    said += sorted(codes(content.get("serviceCategory")) | codes(content.get("appointmentType")))
    found = next((rules().manners[one] for one in said if one in rules().manners), "")
    return found or ("home" if where and "ho" in codes(where.get("physicalType")) else "")


def _answers(content: Json) -> frozenset[str]:
    said = [text(one, "valueCode") for one in objects(content.get("extension")) if one.get("url") == ANSWERS]
    return frozenset(said) & rules().answers if said else rules().answers


def _own_status(content: Json) -> str:
    for one in objects(content.get("participant")):
        if text(one, "actor.reference").startswith("Patient/"):
            return text(one, "status")
    return ""


def _is_place(actor: Json) -> bool:
    kind = text(actor, "type") or text(actor, "reference").split("/")[0]
    return kind in ("Location", "HealthcareService") or text(actor, "reference").startswith("#")


def _is_person(actor: Json) -> bool:
    return "Practitioner" in (text(actor, "type") or text(actor, "reference"))


def address_text(address: object) -> str:
    """An Address on one line."""
    for one in objects(address):
        if shown := text(one, "text"):
            return shown
        lines = [line for line in walk(one, "line") if isinstance(line, str)]
        town = " ".join(part for part in (text(one, "postalCode"), text(one, "city")) if part)
        return ", ".join(part for part in (*lines, town) if part)
    return ""


def _later(begins: datetime, duration: timedelta) -> datetime:
    """So long after, at the end of time at the latest."""
    try:
        return begins + duration
    except OverflowError:
        return begins


def with_places(found: Sequence[Appointment], places: Mapping[str, Json]) -> list[Appointment]:
    """The same, where what a reference to a Location says is known."""
    return [_with_place(one, places.get(one.said.location)) for one in found]


def _with_place(one: Appointment, location: Json | None) -> Appointment:
    if location is None or one.said.manner == "home":
        return one
    if "ho" in codes(location.get("physicalType")):
        return replace(one, said=replace(one.said, manner=one.said.manner or "home", place="", address="", town=""))
    address = location.get("address")
    said = replace(
        one.said,
        place=one.said.place or text(location, "name"),
        address=one.said.address or address_text(address),
        town=one.said.town or text(address, "postalCode"),
    )
    return replace(one, said=said)
