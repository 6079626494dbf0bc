"""Appointments as staff make, change and call them off, by pages; a system does the same by the API (``docs/how-to/send-appointments.md``)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from helhed.fhir import exact
from helhed.fhir.changes import Change
from helhed.fhir.definitions import type_definition
from helhed.fhir.parsing import parse_json
from helhed.fhir.store import Store
from helhed.fhir.store.writing import home_bucket
from helhed.fhir.transaction import check_storable
from helhed.foundation.ask import Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import new_id
from helhed.record.calendar.appointments import MANNER, Appointment, said_of
from helhed.record.paths import Json, objects, text

MANNERS = ("in-person", "telephone", "video", "home")
LONGEST = 1000
_CALLED_OFF = "cancelled"
_WRITTEN = frozenset({"Appointment"})


@dataclass(frozen=True, slots=True)
class Booking:
    """What staff write down. Moments are aware."""

    what: str
    start: datetime
    end: datetime
    manner: str
    prepare: str = ""
    who: str = ""


class Bookings:
    """Makes appointments of the asker's own unit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def make(self, ask: Ask, patient: UUID, unit: str, booking: Booking) -> UUID:
        """A new one. Raises what creating an Appointment raises."""
        citizen = {"actor": {"reference": f"Patient/{patient}"}, "status": "needs-action"}
        place = {"actor": {"type": "Location", "display": unit}, "status": "accepted"}
        content: Json = {"resourceType": "Appointment", "status": "booked", "participant": [citizen, place]}
        _write_down(content, booking)
        content = _sound(content)
        raw = exact.dumps(content)
        change = Change(
            "POST", "Appointment", content, raw, new_id(home_bucket(type_definition("Appointment"), content))
        )
        return (await self._store.commit(self._writing(ask), [change]))[0].id

    async def change(self, ask: Ask, id: UUID, version: int, booking: Booking) -> None:
        """Another time, or what else is said. Raises what changing an Appointment raises; PreconditionFailed for an older version."""
        content = await self._held(ask, id, version)
        before = said_of(content).times
        _write_down(content, booking)
        if said_of(content).times != before:
            for one in _citizens(content):
                one["status"] = "needs-action"  # what was answered was answered to another time
        await self._put(ask, id, version, content)

    async def call_off(self, ask: Ask, id: UUID, version: int, reason: str) -> None:
        """It does not stand any more; it stays to be seen, with the reason."""
        content = await self._held(ask, id, version)
        content["status"] = _CALLED_OFF
        content["cancelationReason"] = {"text": reason[:LONGEST]}
        await self._put(ask, id, version, content)

    @staticmethod
    def _writing(ask: Ask) -> Ask:
        """The same ask, for writing appointments: a page's ask writes nothing by itself."""
        return replace(ask, write_types=_WRITTEN)

    async def _held(self, ask: Ask, id: UUID, version: int) -> Json:
        held = await self._store.read(ask, "Appointment", id)
        content: Json = exact.loads(held.body)
        if not said_of(content).stands:
            raise Unprocessable("The appointment does not stand any more.")
        return content

    async def _put(self, ask: Ask, id: UUID, version: int, content: Json) -> None:
        content = _sound(content)
        change = Change("PUT", "Appointment", content, exact.dumps(content), id, if_match=version)
        await self._store.commit(self._writing(ask), [change])


def provisional(booking: Booking, origin: int, now: datetime, id: UUID | None = None) -> Appointment:
    """What would stand, to be compared with what stands."""
    content: Json = {"status": "booked", "participant": []}
    _write_down(content, booking)
    return Appointment(id or UUID(int=0), 0, now, origin, said_of(content), now)


def _write_down(content: Json, booking: Booking) -> None:
    if booking.end.astimezone(UTC) <= booking.start.astimezone(UTC):
        raise Unprocessable("An appointment ends after it begins.")
    if booking.manner not in MANNERS:
        raise Unprocessable("Say how the two meet.")
    content["description"] = booking.what[:LONGEST]
    for name, at in (("start", booking.start), ("end", booking.end)):
        content[name] = at.astimezone(DANISH_TIME).isoformat(timespec="milliseconds")
    if booking.prepare:
        content["patientInstruction"] = booking.prepare[:LONGEST]
    else:
        content.pop("patientInstruction", None)
    content.pop("minutesDuration", None)
    others = [one for one in objects(content.get("extension")) if one.get("url") != MANNER]
    content["extension"] = [*others, {"url": MANNER, "valueCode": booking.manner}]


def _citizens(content: Json) -> list[Json]:
    return [one for one in objects(content.get("participant")) if text(one, "actor.reference").startswith("Patient/")]


def _sound(content: Json) -> Json:
    """The same, held to what everybody's resources are held to."""
    check_storable("Appointment", parse_json(exact.dumps(content)))
    return content
