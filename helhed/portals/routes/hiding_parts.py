"""A treating clinician hides parts of a row from those who act for the patient."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import BadRequest, Conflict, Unknown
from helhed.portals.context import Visit, visit
from helhed.portals.presenters.pages import person_view
from helhed.portals.presenters.parts import FIELD, part_choices
from helhed.portals.reading import read_record
from helhed.portals.routes.hiding import EVER, PATH, end_of_day, known_patient, problem_of
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
    too, elements = bool(fields.get("ogsaa")), _elements(fields)
    until = end_of_day(visitor, fields.get("til", ""))
    type_name, _, row = fields.get("raekke", "").partition("/")
    problem = "" if elements else "parts.choose"
    problem = problem or problem_of(fields.get("hvorfor", ""), row, until, fields.get("til", ""), too=too)
    if problem:
        return await _page(visitor, handle, fields, problem, status=422)
    ask = visitor.ask(Purpose.TREATMENT)
    try:
        await visitor.ports.clinicians.hide_part(
            ask, type_name, UUID(row), elements, why=fields["hvorfor"], until=until or EVER, from_citizen=too
        )
    except BadRequest:
        return await _page(visitor, handle, fields, "parts.cannot", status=422)
    except Conflict:
        return await _page(visitor, handle, fields, "parts.moved", status=409)
    except ValueError as error:
        raise Unknown from error
    await visitor.say("parts.hidden_now")
    return visitor.redirect(PATH.format(handle=handle))


ROUTES = [
    Route(f"{PATH}/dele", choose, methods=["POST"]),
    Route(f"{PATH}/dele/skjul", hide, methods=["POST"]),
]
