"""Breaking the glass (værdispring) in the Hospital pages: a reason, a confirmation, and the end."""

from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Unknown
from helhed.portals.context import Visit, visit
from helhed.portals.presenters.glass import reasons
from helhed.portals.presenters.pages import person_view
from helhed.portals.routes.block_desk import emergency_unit
from helhed.portals.routes.block_forms import identifier
from helhed.portals.sessions import Opened
from helhed.trust.glass.rules import glass_policy

LONGEST_NOTE = 160


def _found(visitor: Visit) -> tuple[str, Opened]:
    handle: str = visitor.request.path_params["handle"]
    found = visitor.session.opened.get(handle) if visitor.session else None
    if found is None:
        raise Unknown
    return handle, found


async def choose(request: Request) -> Response:
    """The reasons; and when one was chosen, the confirmation."""
    visitor = await visit(request)
    visitor.professional()
    _found(visitor)
    return await _page(visitor, request.query_params.get("grund", ""))


async def _page(visitor: Visit, reason: str, problem: str = "", status: int = 200) -> Response:
    handle, found = _found(visitor)
    chosen = dict(reasons(visitor.words)).get(reason, "")
    return visitor.page(
        "hospital_glass.html",
        status=status,
        handle=handle,
        person=person_view(found, visitor.words, visitor.now),
        may=await visitor.ports.glass.may(visitor.ask(Purpose.TREATMENT)),
        reasons=reasons(visitor.words),
        reason=reason if chosen else "",
        chosen=chosen,
        ticket=uuid4(),
        minutes=int(glass_policy().holds.total_seconds() // 60),
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
    )


async def break_it(request: Request) -> Response:
    """Confirmed: the record is open for an hour, the citizen is told, and it will be reviewed."""
    visitor = await visit(request)
    who = visitor.professional()
    fields = await visitor.form()
    handle, found = _found(visitor)
    reason = fields.get("grund", "")
    if reason not in glass_policy().reasons:
        return await _page(visitor, "", "glass.choose", status=422)
    acute = {*visitor.ports.acute_places, await emergency_unit(visitor)}
    await visitor.require_fresh("break-glass", excused=who.organisation is not None and who.organisation in acute)
    ticket = identifier(fields.get("billet", "")) or uuid4()
    added = fields.get("tekst", "")[:LONGEST_NOTE]
    await visitor.ports.glass.break_it(visitor.ask(Purpose.TREATMENT), found.citizen, reason, added, ticket)
    return visitor.redirect(f"/hospital/patient/{handle}")


async def end(request: Request) -> Response:
    """Ends it now."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle, _ = _found(visitor)
    ticket: UUID | None = identifier(fields.get("billet", ""))
    if ticket is None:
        raise Unknown
    await visitor.ports.glass.end(visitor.ask(Purpose.TREATMENT), ticket)
    await visitor.say("glass.ended")
    return visitor.redirect(f"/hospital/patient/{handle}")


_PATH = "/hospital/patient/{handle}/vaerdispring"
ROUTES = [
    Route(_PATH, choose, methods=["GET"]),
    Route(_PATH, break_it, methods=["POST"]),
    Route(f"{_PATH}/slut", end, methods=["POST"]),
]
