"""A treating clinician hides parts of a row from those who act for the patient."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import BadRequest, Conflict
from helhed.portals.context import Visit, visit
from helhed.portals.presenters.pages import person_view
from helhed.portals.presenters.parts import FIELD, part_choices
from helhed.portals.reading import read_record
from helhed.portals.routes.hiding import PATH, known_patient, masking_in
from helhed.record.reading import Entry, Record


async def choose(request: Request) -> Response:
    """What a row consists of, for the clinician to choose from."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    return await _page(visitor, request.path_params["handle"], fields)


async def _page(visitor: Visit, handle: str, fields: dict[str, str], problem: str = "", status: int = 200) -> Response:
    found = known_patient(visitor, handle)
    ask = visitor.ask(Purpose.TREATMENT)
    record, _ = await read_record(visitor, ask, found.citizen)
    entry = _entry(record, fields.get("raekke", ""))
    if entry is None or await visitor.ports.relations.held(ask, found.citizen) is None:
        await visitor.say("insight.choose_row")
        return visitor.redirect(PATH.format(handle=handle))
    mask = next(
        (
            one
            for one in await visitor.ports.clinicians.masks_on(ask, found.citizen)
            if one.resource == entry.id and one.elements
        ),
        None,
    )
    chosen = _elements(fields) or (list(mask.elements) if mask else [])
    return visitor.page(
        "hospital_parts.html",
        status=status,
        handle=handle,
        person=person_view(found, visitor.words, visitor.now),
        row=entry.reference,
        kind=visitor.words.either(f"type.{entry.type_name}", visitor.words.kind_of_data(entry.type_name)),
        parts=part_choices(entry.content, chosen, visitor.words),
        already=mask is not None,
        why=fields.get("hvorfor", "") or (mask.reason if mask else ""),
        until=fields.get("til", ""),
        too=bool(fields.get("ogsaa")) or (mask is not None and mask.from_citizen),
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
    )


def _entry(record: Record, reference: str) -> Entry | None:
    return next((one for one in record.entries if one.reference == reference), None)


def _elements(fields: dict[str, str]) -> list[str]:
    return [name.removeprefix(FIELD) for name in fields if name.startswith(FIELD)]


async def hide(request: Request) -> Response:
    """Hides the parts that were chosen, for a reason and perhaps for a time; from the citizen too only for both."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    known_patient(visitor, handle)
    elements = _elements(fields)
    masking = masking_in(visitor, fields) if elements else "parts.choose"
    if isinstance(masking, str):
        return await _page(visitor, handle, fields, masking, status=422)
    try:
        await visitor.ports.clinicians.hide_part(visitor.ask(Purpose.TREATMENT), masking, elements)
    except BadRequest:
        return await _page(visitor, handle, fields, "parts.cannot", status=422)
    except Conflict:
        return await _page(visitor, handle, fields, "parts.moved", status=409)
    await visitor.say("parts.hidden_now")
    return visitor.redirect(PATH.format(handle=handle))


ROUTES = [
    Route(f"{PATH}/dele", choose, methods=["POST"]),
    Route(f"{PATH}/dele/skjul", hide, methods=["POST"]),
]
