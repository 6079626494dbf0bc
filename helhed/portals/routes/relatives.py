"""Pårørende: who is close to the citizen and may be called; and staff who call write it down."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.routes.hiding import known_patient
from helhed.trust.acting.relatives import TOLD_OF, Relative

PATH = "/borger/paaroerende"
_NONE = UUID(int=0)


async def relatives(request: Request) -> Response:
    """Who is close to me."""
    visitor = await visit(request)
    visitor.citizen()
    return await _page(visitor, {})


async def _page(visitor: Visit, fields: dict[str, str], problem: str = "", status: int = 200) -> Response:
    return visitor.page(
        "relatives.html",
        status=status,
        relatives=await visitor.ports.relatives.own(visitor.ask(Purpose.OWN)),
        told_of=TOLD_OF,
        fields=fields,
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def add(request: Request) -> Response:
    """One more."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    if not fields.get("navn") or not fields.get("relation"):
        return await _page(visitor, fields, "relative.say_name", status=422)
    may_call = fields.get("ring") == "ja"
    if may_call and not fields.get("telefon"):
        return await _page(visitor, fields, "relative.say_phone", status=422)
    told = tuple(one for one in TOLD_OF if fields.get(f"besked-{one}"))
    card = Relative(
        _NONE, fields["navn"], fields["relation"], fields.get("telefon", ""), may_call, told, fields.get("oenske", "")
    )
    await visitor.ports.relatives.put(visitor.ask(Purpose.OWN), card)
    await visitor.say("relative.saved")
    return visitor.redirect(PATH)


async def remove(request: Request) -> Response:
    """It stands no longer."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    await visitor.ports.relatives.end(visitor.ask(Purpose.OWN), id_in(fields, "paaroerende"))
    await visitor.say("relative.removed")
    return visitor.redirect(PATH)


async def called(request: Request) -> Response:
    """Staff called a relative: a disclosure, written down."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    known_patient(visitor, handle)
    await visitor.ports.relatives.called(visitor.ask(Purpose.TREATMENT), id_in(fields, "paaroerende"))
    await visitor.say("relative.called")
    return visitor.redirect(f"/hospital/patient/{handle}/indsigt")


ROUTES = [
    Route(PATH, relatives, methods=["GET"]),
    Route(PATH, add, methods=["POST"]),
    Route(f"{PATH}/fjern", remove, methods=["POST"]),
    Route("/hospital/patient/{handle}/paaroerende", called, methods=["POST"]),
]
