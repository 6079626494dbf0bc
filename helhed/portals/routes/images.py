"""Images, wounds over time and vaccinations: one page at each door, and the images themselves, fetched through the network."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import parse_id
from helhed.portals.context import Visit, visit
from helhed.portals.presenters.images import images_view
from helhed.portals.presenters.sources import manifest_view
from helhed.portals.reading import read_record
from helhed.portals.routes.hospital import known, may_open, person
from helhed.record.live.pictures import NotShown

_TYPES = frozenset({"DocumentReference", "Media", "DiagnosticReport", "ImagingStudy"})


async def my_images(request: Request) -> Response:
    """The citizen's own, or those of whom the citizen acts for."""
    visitor = await visit(request)
    who = await visitor.subject()
    ask = visitor.ask(Purpose.OWN)
    identity = who.acts[0] if who.acts else await visitor.ports.registries.own_identity(ask)
    return await _page(
        visitor,
        ask,
        who.citizen,
        "images_citizen.html",
        "/borger/billeder",
        name=identity.name if identity else who.name,
    )


async def my_image(request: Request) -> Response:
    """One image of one's own record."""
    visitor = await visit(request)
    await visitor.subject()
    return await _image(visitor, visitor.ask(Purpose.OWN))


async def images(request: Request) -> Response:
    """Those of a patient."""
    visitor = await visit(request)
    visitor.professional()
    handle = request.path_params["handle"]
    found = known(visitor, handle)
    if not await may_open(visitor, found):
        return visitor.redirect(f"/hospital/patient/{handle}")
    address = f"/hospital/patient/{handle}/billeder"
    ask = visitor.ask(Purpose.TREATMENT)
    return await _page(
        visitor,
        ask,
        found.citizen,
        "images_hospital.html",
        address,
        handle=handle,
        person=person(found, visitor),
        rows=(),
    )


async def image(request: Request) -> Response:
    """One image of a patient's record."""
    visitor = await visit(request)
    visitor.professional()
    known(visitor, request.path_params["handle"])
    return await _image(visitor, visitor.ask(Purpose.TREATMENT))


async def _page(visitor: Visit, ask: Ask, citizen: int, template: str, address: str, **more: Any) -> Response:
    record, names = await read_record(visitor, ask, citizen)
    asked = visitor.request.query_params
    view = images_view(record, visitor.words, names, asked.get("nr", ""), asked.get("zoom", ""))
    manifest = manifest_view(record.manifest, visitor.words, visitor.now)
    return visitor.page(template, view=view, manifest_view=manifest, address=address, **more)


async def _image(visitor: Visit, ask: Ask) -> Response:
    """Read, logged and fetched; kept by nobody on the way."""
    asked = visitor.request.path_params
    if visitor.ports.images is None or asked["type"] not in _TYPES:
        raise Unknown
    try:
        found = await visitor.ports.images.of(ask, asked["type"], parse_id(asked["id"]), asked["place"])
    except NotShown:
        return Response(visitor.words("images.not_shown"), 503, media_type="text/plain")
    headers = {
        "cache-control": "no-store",
        "content-disposition": "inline",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(found.content, media_type=found.kind, headers=headers)


_IMAGE = "{type}/{id}/{place:int}"
ROUTES = [
    Route("/borger/billeder", my_images, methods=["GET"]),
    Route("/borger/billeder/" + _IMAGE, my_image, methods=["GET"]),
    Route("/hospital/patient/{handle}/billeder", images, methods=["GET"]),
    Route("/hospital/patient/{handle}/billeder/" + _IMAGE, image, methods=["GET"]),
]
