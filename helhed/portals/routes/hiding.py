"""Who sees a patient's record on the patient's behalf, and what a treating clinician hides from them."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Forbidden, Unknown
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.acting import danish_midnight
from helhed.portals.presenters.hiding import acting_views, hidden_views, rows_of
from helhed.portals.presenters.pages import person_view
from helhed.portals.reading import read_record
from helhed.portals.sessions import Opened
from helhed.trust.acting.rights import Masking

PATH = "/hospital/patient/{handle}/indsigt"
_EVER = datetime.max.replace(tzinfo=UTC)  #: until it is ended


def known_patient(visitor: Visit, handle: str) -> Opened:
    """The citizen behind a handle of this session. Unknown for any other handle."""
    found = visitor.session.opened.get(handle) if visitor.session else None
    if found is None:
        raise Unknown
    return found


async def insight(request: Request) -> Response:
    """Who acts for the patient, what is hidden from them, and what could be."""
    visitor = await visit(request)
    visitor.professional()
    return await _page(visitor, request.path_params["handle"])


async def _page(visitor: Visit, handle: str, problem: str = "", status: int = 200) -> Response:
    found = known_patient(visitor, handle)
    ask = visitor.ask(Purpose.TREATMENT)
    if await visitor.ports.relations.held(ask, found.citizen) is None:
        return visitor.redirect(f"/hospital/patient/{handle}")
    record, names = await read_record(visitor, ask, found.citizen)
    hidden = await visitor.ports.clinicians.masks_on(ask, found.citizen)
    return visitor.page(
        "hospital_insight.html",
        status=status,
        handle=handle,
        person=person_view(found, visitor.words, visitor.now),
        acting=acting_views(await visitor.ports.clinicians.acting_on(ask, found.citizen), visitor.words),
        hidden=hidden_views(hidden, record, visitor.words),
        rows=rows_of(record, {one.resource for one in hidden}, visitor.words, names),
        relatives=await visitor.ports.relatives.of(ask, found.citizen),
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def hide(request: Request) -> Response:
    """Hides one row, for a reason and perhaps for a time; from the citizen too only for both."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    known_patient(visitor, handle)
    masking = masking_in(visitor, fields)
    if isinstance(masking, str):
        return await _page(visitor, handle, masking, status=422)
    await visitor.ports.clinicians.hide(visitor.ask(Purpose.TREATMENT), masking)
    await visitor.say("insight.hidden_now")
    return visitor.redirect(PATH.format(handle=handle))


def masking_in(visitor: Visit, fields: dict[str, str]) -> Masking | str:
    """What a form asks to hide; or, as a message, what it still has to say. Raises Unknown for what names no row."""
    why, written, too = fields.get("hvorfor", ""), fields.get("til", ""), bool(fields.get("ogsaa"))
    type_name, _, row = fields.get("raekke", "").partition("/")
    until = end_of_day(visitor, written)
    if not row:
        return "insight.choose_row"
    if not why:
        return "insight.say_why"
    if (written or too) and until is None:
        return "insight.say_until"
    try:
        return Masking(type_name, UUID(row), why, until or _EVER, too)
    except ValueError as error:
        raise Unknown from error


def end_of_day(visitor: Visit, written: str) -> datetime | None:
    """The end of a day from today on; None for anything else."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    today = visitor.now.astimezone(DANISH_TIME).date()
    return danish_midnight(day + timedelta(days=1)) if today <= day <= today + timedelta(days=3653) else None


async def show(request: Request) -> Response:
    """Shows a hidden row again."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    known_patient(visitor, handle)
    await visitor.ports.clinicians.unmask(visitor.ask(Purpose.TREATMENT), id_in(fields, "skjult"))
    await visitor.say("insight.shown_now")
    return visitor.redirect(PATH.format(handle=handle))


async def decide(request: Request) -> Response:
    """Lets a parent of a youth see the record, for a reason and a time."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    known_patient(visitor, handle)
    until, why = end_of_day(visitor, fields.get("til", "")), fields.get("hvorfor", "")
    if until is None or not why:
        return await _page(visitor, handle, "insight.say_why" if until else "insight.say_until", status=422)
    try:
        custody = UUID(fields.get("foraelder", ""))
    except ValueError as error:
        raise Forbidden from error
    await visitor.ports.clinicians.decide_for_youth(visitor.ask(Purpose.TREATMENT), custody, why=why, until=until)
    await visitor.say("insight.decided")
    return visitor.redirect(PATH.format(handle=handle))


async def undo(request: Request) -> Response:
    """Such a decision holds no longer."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    known_patient(visitor, handle)
    await visitor.ports.clinicians.end(visitor.ask(Purpose.TREATMENT), id_in(fields, "afgoerelse"))
    await visitor.say("insight.undone")
    return visitor.redirect(PATH.format(handle=handle))


ROUTES = [
    Route(PATH, insight, methods=["GET"]),
    Route(f"{PATH}/skjul", hide, methods=["POST"]),
    Route(f"{PATH}/vis", show, methods=["POST"]),
    Route(f"{PATH}/foraelder", decide, methods=["POST"]),
    Route(f"{PATH}/foraelder/slut", undo, methods=["POST"]),
]
