"""Messages between organisations: who wrote to whom about me; threads of a patient, and writing in them; and how the exchange stands."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.exchange.messages.following import Followed
from helhed.exchange.messages.writing import CATEGORY_CODES, Person, Unit, Written
from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.errors import Forbidden, HelhedError, Unknown, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.ports.messages import MessageDesk
from helhed.portals.presenters.messages import parked_lines, progress_lines, stuck_lines, thread_key, threads, way
from helhed.portals.presenters.pages import person_view
from helhed.portals.routes.hiding import known_patient
from helhed.portals.sessions import Opened
from helhed.record.reading import Entry, RecordReader

OWN, PATIENT, DRIFT = "/borger/breve", "/hospital/patient/{handle}/beskeder", "/drift/beskeder"
_MOST, _MOST_TEXT = 100, 8000


def desk(visitor: Visit) -> MessageDesk:
    """Where messages are exchanged. Unknown where they are not."""
    if visitor.ports.messages is None:
        raise Unknown
    return visitor.ports.messages


async def own(request: Request) -> Response:
    """Who wrote to whom about me, and what became of it."""
    visitor = await visit(request)
    visitor.citizen()
    found = await desk(visitor).follow.seen(visitor.ask(Purpose.OWN), most=_MOST)
    return visitor.page("messages_own.html", ways=[way(one, visitor.words) for one in found])


async def patient(request: Request) -> Response:
    """The threads of a patient."""
    visitor = await visit(request)
    visitor.professional()
    return await _patient(visitor, request.path_params["handle"], {})


async def _patient(visitor: Visit, handle: str, fields: dict[str, str], problem: str = "", choices: list[Unit] | None = None) -> Response:  # fmt: skip
    found, ask = known_patient(visitor, handle), visitor.ask(Purpose.TREATMENT)
    if await visitor.ports.relations.held(ask, found.citizen) is None:
        return visitor.redirect(f"/hospital/patient/{handle}")
    rows, followed = await _read(visitor, ask, found)
    suggested = {one.receiver: one for one in followed} | {one.sender: one for one in followed}
    return visitor.page(
        "messages_patient.html", status=422 if problem else 200, handle=handle, person=person_view(found, visitor.words, visitor.now),
        threads=threads(rows, followed, visitor.words), others=[way(one, visitor.words) for one in followed if one.thread is None],
        categories=CATEGORY_CODES, fields=fields, problem=problem, choices=choices or [], suggested=sorted(filter(None, suggested)),
        csrf=visitor.session.csrf if visitor.session else "", notice=await visitor.heard(), bases=True,
    )  # fmt: skip


async def _read(visitor: Visit, ask: Ask, found: Opened) -> tuple[list[Entry], list[Followed]]:
    """The Communications that the asker may see, and the ways of messages of the asker's place about the patient."""
    record = await RecordReader(visitor.ports.rows).whole_record(ask, found.citizen, ("Communication",))
    rows = list(record.of("Communication"))
    messages = desk(visitor)
    followed = await messages.follow.seen(ask, patient=found.patient, most=_MOST)
    await messages.follow.note_seen(ask, [one.id for one in rows])
    return rows, followed


async def write(request: Request) -> Response:
    """A new message, or an answer in a thread. What was written stays in the form until it is sent."""
    visitor = await visit(request)
    who = visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    found, ask = known_patient(visitor, handle), visitor.ask(Purpose.TREATMENT)
    text, category = fields.get("tekst", "").strip()[:_MOST_TEXT], fields.get("kategori", "other")
    if not text or category not in CATEGORY_CODES:
        return await _patient(visitor, handle, fields, "message.problem.text")
    units = await desk(visitor).writer.find(fields.get("modtager", "").strip()[:120]) if fields.get("modtager") else []
    exact = [one for one in units if fields["modtager"].strip().lower() in {one.name.lower(), one.sor}] or units
    if len(exact) != 1:
        return await _patient(visitor, handle, fields, "message.problem.receiver", exact)
    rows, followed = await _read(visitor, ask, found)
    thread = fields.get("traad") or None
    earlier = [one.content for one in reversed(rows) if thread and thread_key(one.content) == thread]
    before = next((str(one.id) for one in followed if thread and one.thread == thread), None)
    own_unit = (await desk(visitor).writer.units([ask.organisation or 0])).get(ask.organisation or 0)
    if own_unit is None:
        raise Forbidden
    written = Written(
        fields.get("emne", "").strip()[:120], text, category, who.name, visitor.words.role(who.role), fields.get("telefon", "")[:20],
        thread, before, earlier,
    )  # fmt: skip
    person = Person(found.number, found.replacement, found.name)
    try:
        taken = await desk(visitor).writer.send(ask, own_unit, exact[0], person, written)
    except Unprocessable:
        return await _patient(visitor, handle, fields, "message.problem.sor")
    if taken.code != "ok":
        return await _patient(visitor, handle, fields, "message.problem.refused")
    await visitor.say("message.said.sent")
    return visitor.redirect(PATIENT.format(handle=handle))


# --- keeping it running -------------------------------------------------------------------------------------------------------------


async def drift(request: Request) -> Response:
    """How far each organisation has come, and what was put aside."""
    visitor = await visit(request)
    visitor.operator()
    return await _drift(visitor)


async def _drift(visitor: Visit, problem: str = "") -> Response:
    messages, ask = desk(visitor), visitor.ask(Purpose.OPERATIONS)
    return visitor.page(
        "messages_drift.html", status=422 if problem else 200, problem=problem, state=await messages.modes.state(),
        progress=progress_lines(await messages.modes.progress(ask), visitor.words),
        stuck=stuck_lines(await messages.modes.stuck(ask), visitor.words),
        parked=parked_lines(await messages.follow.parked(ask), visitor.words),
        csrf=visitor.session.csrf if visitor.session else "", notice=await visitor.heard(),
    )  # fmt: skip


async def mend(request: Request) -> Response:
    """Take up what was put aside, or put it away."""
    visitor = await visit(request)
    visitor.operator()
    fields = await visitor.form()
    ask, wanted = visitor.ask(Purpose.OPERATIONS), id_in(fields, "besked")
    if fields.get("hvad") == "vaek":
        await desk(visitor).follow.dismiss(ask, wanted)
        await visitor.say("message.said.dismissed")
        return visitor.redirect(DRIFT)
    return await _again(visitor, ask, wanted)


async def _again(visitor: Visit, ask: Ask, wanted: UUID) -> Response:
    messages = desk(visitor)
    try:
        taken = await messages.follow.again(ask, wanted, messages.asks)
    except Unknown:
        raise
    except HelhedError:
        return await _drift(visitor, "message.problem.still")
    if taken.code != "ok":
        return await _drift(visitor, "message.problem.still")
    await visitor.say("message.said.taken")
    return visitor.redirect(DRIFT)


ROUTES = [
    Route(OWN, own, methods=["GET"]),
    Route(PATIENT, patient, methods=["GET"]),
    Route(PATIENT, write, methods=["POST"]),
    Route(DRIFT, drift, methods=["GET"]),
    Route(DRIFT, mend, methods=["POST"]),
]
