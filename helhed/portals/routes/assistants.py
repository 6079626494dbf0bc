"""Mine medhjælpere: whom a professional is responsible for, what is delegated to them, and under whom an assistant works."""

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.acting import danish_midnight
from helhed.portals.presenters.assistants import assistance_views, delegable

PATH = "/hospital/medhjaelpere"
LONGEST = timedelta(days=366)


async def assistants_page(request: Request) -> Response:
    """Whom I am responsible for, and under whom I work."""
    visitor = await visit(request)
    visitor.professional()
    return await _page(visitor)


async def _page(visitor: Visit, problem: str = "", status: int = 200) -> Response:
    ask = visitor.ask(Purpose.OPERATIONS)
    found = await visitor.ports.clinicians.assistances(ask)
    return visitor.page(
        "hospital_assistants.html",
        status=status,
        mine=assistance_views([one for one in found if one.i_am_responsible], visitor.words),
        under=assistance_views([one for one in found if not one.i_am_responsible], visitor.words),
        candidates=await visitor.ports.clinicians.assistants(ask),
        delegable=delegable(visitor.words),
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def take_on(request: Request) -> Response:
    """Answers for an assistant until the end of a day, and delegates what was ticked."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    try:
        who, until = int(fields.get("medhjaelp", "")), date.fromisoformat(fields.get("til", ""))
    except ValueError:
        return await _page(visitor, "assistants.choose", status=422)
    today = visitor.now.astimezone(DANISH_TIME).date()
    if not today <= until <= today + LONGEST:
        return await _page(visitor, "assistants.choose", status=422)
    delegated = [name for name, _ in delegable(visitor.words) if fields.get(f"skriv-{name}")]
    await visitor.ports.clinicians.take_on(
        visitor.ask(Purpose.OPERATIONS), who, danish_midnight(until + timedelta(days=1)), delegated=delegated
    )
    await visitor.say("assistants.taken_on")
    return visitor.redirect(PATH)


async def let_go(request: Request) -> Response:
    """It holds no longer; said by either of the two."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    await visitor.ports.clinicians.let_go(visitor.ask(Purpose.OPERATIONS), id_in(fields, "ansvar"))
    await visitor.say("assistants.let_go_now")
    return visitor.redirect(PATH)


ROUTES = [
    Route(PATH, assistants_page, methods=["GET"]),
    Route(PATH, take_on, methods=["POST"]),
    Route(f"{PATH}/slut", let_go, methods=["POST"]),
]
