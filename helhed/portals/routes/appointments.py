"""Staff: who comes on a day, and the appointments of one patient from all sectors, among which the unit makes its own."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Forbidden, InvalidResource, PreconditionFailed, Unknown, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.ports.calendar import Appointment, Booking, OnTheDay
from helhed.portals.presenters.calendar import Teller, calendar_view
from helhed.portals.presenters.day_list import day_view
from helhed.portals.presenters.pages import person_view
from helhed.portals.routes.hiding import known_patient
from helhed.portals.sessions import Opened
from helhed.record.calendar.booking import MANNERS, provisional
from helhed.record.calendar.conflicts import conflicts, would_collide

DAY = "/hospital/dagsliste"
OF = "/hospital/patient/{handle}/aftaler"
PAST = timedelta(days=365)
_FIRST, _LAST = date(1900, 1, 1), date(2200, 1, 1)
_LONGEST_VERSION = 9
Doing = Coroutine[Any, Any, None]
_WRONG = (Forbidden, Unprocessable, InvalidResource, Unknown)


async def day_list(request: Request) -> Response:
    """Who comes to the unit on a day."""
    visitor = await visit(request)
    visitor.professional()
    day = _date(request.query_params.get("dag", "")) or visitor.now.astimezone(DANISH_TIME).date()
    rows = await _day(visitor, day)
    units = await visitor.ports.calendars.units([one.appointment.origin for one in rows], visitor.now)
    return visitor.page(
        "hospital_day.html",
        day=visitor.words.long_day(day),
        iso=day.isoformat(),
        before=(day - timedelta(days=1)).isoformat(),
        after=(day + timedelta(days=1)).isoformat(),
        listed=day_view(rows, Teller(visitor.words, units, visitor.now), visitor.words, visitor.now),
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def _day(visitor: Visit, day: date) -> list[OnTheDay]:
    begins = datetime.combine(day, time(), DANISH_TIME)
    ends = datetime.combine(day + timedelta(days=1), time(), DANISH_TIME)
    return list(await visitor.ports.calendars.day(visitor.ask(Purpose.TREATMENT), begins, ends))


async def open_from_list(request: Request) -> Response:
    """From the list to the patient's appointments."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    day, wanted = _date(fields.get("dag", "")), id_in(fields, "aftale")
    rows = await _day(visitor, day) if day else []
    one = next((one for one in rows if one.appointment.id == wanted), None)
    if one is None or visitor.session is None:
        raise Unknown
    person = Opened(one.citizen, one.patient, one.name, one.number, one.replacement, one.birth_date, one.sex, one.alive)
    handle, session = visitor.session.with_opened(person)
    await visitor.keep(session)
    return visitor.redirect(f"/hospital/patient/{handle}/aftaler")


@dataclass(frozen=True, slots=True)
class _Form:
    """What was written, what is wrong with it, and what it collides with."""

    fields: Mapping[str, str]
    problem: str = ""
    collides: tuple[str, ...] = ()
    about: UUID | None = None  #: the appointment that is changed; None for a new one


async def of_patient(request: Request) -> Response:
    """The appointments of a patient, from all sectors, as far as they are shown here."""
    visitor = await visit(request)
    visitor.professional()
    return await _page(visitor, _Form({}))


async def _page(visitor: Visit, form: _Form, status: int = 200) -> Response:
    handle = visitor.request.path_params["handle"]
    found = known_patient(visitor, handle)
    ask = visitor.ask(Purpose.TREATMENT)
    if not await _may_open(visitor, found):
        return visitor.redirect(f"/hospital/patient/{handle}")
    listed = list(await visitor.ports.calendars.calendar(ask, found.citizen))
    teller = await _teller(visitor, listed)
    hits = conflicts(listed, lambda one: teller.where(one).spot, visitor.now)
    own = [
        one
        for one in listed
        if one.origin == visitor.principal.organisation and one.stands and not one.over(visitor.now)
    ]
    return visitor.page(
        "hospital_appointments.html",
        status=status,
        handle=handle,
        person=person_view(found, visitor.words, visitor.now),
        rows=(),
        agenda=calendar_view(listed, hits, teller, visitor.now, visitor.now - PAST),
        own={str(one.id): _written(one) for one in own},
        manners=MANNERS,
        form=form,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )  # fmt: skip


async def _may_open(visitor: Visit, found: Opened) -> bool:
    ask = visitor.ask(Purpose.TREATMENT)
    return bool(
        await visitor.ports.relations.held(ask, found.citizen) or await visitor.ports.glass.held(ask, found.citizen)
    )


async def _teller(visitor: Visit, listed: list[Appointment]) -> Teller:
    keys = {one.origin for one in listed} | {visitor.principal.organisation or 0}
    return Teller(visitor.words, await visitor.ports.calendars.units(sorted(keys), visitor.now), visitor.now)


def _written(one: Appointment) -> dict[str, str]:
    """The fields of the form as the appointment has them."""
    start, until = one.said.start, one.said.until()
    assert start is not None
    assert until is not None
    local, end = start.at.astimezone(DANISH_TIME), until.astimezone(DANISH_TIME)
    return {
        "hvad": one.said.what, "dag": local.date().isoformat(), "fra": f"{local:%H:%M}", "til": f"{end:%H:%M}",
        "hvordan": one.said.manner or MANNERS[0], "klar": " ".join(one.said.prepare), "version": str(one.version),
    }  # fmt: skip


async def make(request: Request) -> Response:
    """A new one of the unit's; what it collides with is said before it is saved."""
    visitor = await visit(request)
    who = visitor.professional()
    fields = await visitor.form()
    booking = _booking(fields)
    if isinstance(booking, str):
        return await _page(visitor, _Form(fields, booking), status=422)
    found = known_patient(visitor, request.path_params["handle"])
    collides = await _collides(visitor, found, provisional(booking, who.organisation or 0, visitor.now), fields)
    if collides:
        return await _page(visitor, _Form(fields, collides=collides), status=409)
    try:
        ask = visitor.ask(Purpose.TREATMENT)
        await visitor.ports.calendars.make(ask, found.patient, who.organisation_name or "", booking)
    except _WRONG:
        return await _page(visitor, _Form(fields, "appointment.refused"), status=422)
    await visitor.say("appointment.made")
    return visitor.redirect(OF.format(handle=request.path_params["handle"]))


async def change(request: Request) -> Response:
    """Another time, or what else is said of one of the unit's."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    wanted = id_in(fields, "aftale")
    booking = _booking(fields)
    if isinstance(booking, str):
        return await _page(visitor, _Form(fields, booking, about=wanted), status=422)
    found = known_patient(visitor, request.path_params["handle"])
    moved = provisional(booking, visitor.principal.organisation or 0, visitor.now, wanted)
    collides = await _collides(visitor, found, moved, fields)
    if collides:
        return await _page(visitor, _Form(fields, collides=collides, about=wanted), status=409)
    rooms, ask = visitor.ports.calendars, visitor.ask(Purpose.TREATMENT)
    return await _done(visitor, fields, "appointment.changed", rooms.change(ask, wanted, _version(fields), booking))


async def call_off(request: Request) -> Response:
    """One of the unit's does not stand any more; the citizen reads why."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    wanted, reason = id_in(fields, "aftale"), fields.get("hvorfor", "")
    known_patient(visitor, request.path_params["handle"])
    if not reason:
        return await _page(visitor, _Form(fields, "appointment.say_why", about=wanted), status=422)
    rooms, ask = visitor.ports.calendars, visitor.ask(Purpose.TREATMENT)
    doing = rooms.call_off(ask, wanted, _version(fields), reason)
    return await _done(visitor, fields, "appointment.called_off", doing, onward=DAY)


async def _done(visitor: Visit, fields: Mapping[str, str], said: str, doing: Doing, onward: str = OF) -> Response:
    handle = visitor.request.path_params["handle"]
    known_patient(visitor, handle)
    try:
        await doing
    except PreconditionFailed:
        return await _page(visitor, _Form(fields, "appointment.changed_meanwhile"), status=409)
    except _WRONG:
        return await _page(visitor, _Form(fields, "appointment.refused"), status=422)
    await visitor.say(said)
    return visitor.redirect(
        onward.format(handle=handle)
    )  # with what was called off, the place's reason to look may be over


async def _collides(visitor: Visit, found: Opened, new: Appointment, fields: Mapping[str, str]) -> tuple[str, ...]:
    """What the new time collides with, of what is shown here; nothing once the asker has seen it."""
    if fields.get("alligevel") == "ja":
        return ()
    listed = list(await visitor.ports.calendars.calendar(visitor.ask(Purpose.TREATMENT), found.citizen))
    was = next((one for one in listed if one.id == new.id), None)
    if was is not None:
        new = replace(new, said=replace(new.said, place=was.said.place, address=was.said.address, town=was.said.town))
    teller = await _teller(visitor, listed)
    hits = would_collide(new, listed, lambda one: teller.where(one).spot, visitor.now)
    return tuple(teller.conflict(hit).text for hit in hits)


def _booking(fields: Mapping[str, str]) -> Booking | str:
    """What the form says, or what is wrong with it."""
    day = _date(fields.get("dag", ""))
    start, end = _moment(day, fields.get("fra", "")), _moment(day, fields.get("til", ""))
    if not fields.get("hvad"):
        return "appointment.say_what"
    if start is None or end is None:
        return "appointment.say_when"
    if end.astimezone(UTC) <= start.astimezone(UTC):
        return "appointment.ends_first"
    if fields.get("hvordan") not in MANNERS:
        return "appointment.say_how"
    return Booking(fields["hvad"], start, end, fields["hvordan"], fields.get("klar", ""))


def _moment(day: date | None, text: str) -> datetime | None:
    """A time on a day in Denmark; None for what is none, and for one that the clocks leave out in spring."""
    if day is None:
        return None
    try:
        at = datetime.combine(day, time.fromisoformat(text), DANISH_TIME)
    except ValueError:
        return None
    there = at.astimezone(UTC).astimezone(DANISH_TIME)
    return at if there.replace(tzinfo=None) == at.replace(tzinfo=None) else None


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST <= found <= _LAST else None


def _version(fields: Mapping[str, str]) -> int:
    text = fields.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < _LONGEST_VERSION):
        raise Unknown
    return int(text)


ROUTES = [
    Route(DAY, day_list, methods=["GET"]),
    Route(f"{DAY}/aaben", open_from_list, methods=["POST"]),
    Route(OF, of_patient, methods=["GET"]),
    Route(OF, make, methods=["POST"]),
    Route(f"{OF}/aendr", change, methods=["POST"]),
    Route(f"{OF}/aflys", call_off, methods=["POST"]),
]
