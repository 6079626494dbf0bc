"""What a professional's looks rest on: the bases held on a patient, and declarations that a registration has to confirm."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Unknown
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.pages import person_view
from helhed.portals.presenters.relations import basis_views, declaration_views

DECLARATIONS = "/hospital/erklaeringer"


async def bases(request: Request) -> Response:
    """Which basis do I have here, from which registration, until when?"""
    visitor = await visit(request)
    visitor.professional()
    handle = request.path_params["handle"]
    found = visitor.session.opened.get(handle) if visitor.session else None
    if found is None:
        raise Unknown
    held = await visitor.ports.declarations.bases(visitor.ask(Purpose.TREATMENT), found.citizen)
    if not held:
        return visitor.redirect(f"/hospital/patient/{handle}")
    return visitor.page(
        "hospital_bases.html",
        handle=handle,
        person=person_view(found, visitor.words, visitor.now),
        bases=basis_views(held, visitor.words),
    )


async def declarations(request: Request) -> Response:
    """Declarations that nothing has confirmed: one's own, and those of the organisation one answers for."""
    visitor = await visit(request)
    visitor.professional()
    return await _declarations(visitor)


async def _declarations(visitor: Visit, problem: str = "", about: str = "", status: int = 200) -> Response:
    found = await visitor.ports.declarations.open(visitor.ask(Purpose.OPERATIONS))
    return visitor.page(
        "hospital_declarations.html",
        status=status,
        declarations=declaration_views(found, visitor.words, visitor.now),
        problem=problem,
        about=about,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def explain(request: Request) -> Response:
    """Why nothing confirmed it; or that it should not have been."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    about, text = fields.get("erklaering", ""), fields.get("hvorfor", "")
    if not text:
        return await _declarations(visitor, "declared.say_why", about, status=422)
    await visitor.ports.declarations.explain(
        visitor.ask(Purpose.OPERATIONS), id_in(fields, "erklaering"), text, admits=bool(fields.get("fejl"))
    )
    await visitor.say("declared.explained")
    return visitor.redirect(DECLARATIONS)


ROUTES = [
    Route("/hospital/patient/{handle}/hjemmel", bases, methods=["GET"]),
    Route(DECLARATIONS, declarations, methods=["GET"]),
    Route(DECLARATIONS, explain, methods=["POST"]),
]
