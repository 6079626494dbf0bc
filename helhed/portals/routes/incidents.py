"""The register of incidents, the clock of each, and a draft of what the authorities are to be told."""

from datetime import datetime
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Conflict, Unprocessable
from helhed.portals.context import Visit
from helhed.portals.presenters.watch import clock, entries, incident_line
from helhed.portals.routes.drift import csrf, desk, in_office
from helhed.trust.watch.incidents import Incident, NewIncident, incident_policy

LIST = "/drift/haendelser"


async def register(request: Request) -> Response:
    """The register, open ones first."""
    visitor, _, _ = await desk(request)
    return await _register(visitor, {})


async def _register(visitor: Visit, written: dict[str, str], problem: str = "") -> Response:
    _, watch, ask = await desk(visitor.request)
    found = await watch.incidents.all(ask)
    language = visitor.words.language
    classes = [(one.name, one.words[language], one.what[language]) for one in incident_policy().classes.values()]
    return visitor.page(
        "incidents.html", status=422 if problem else 200, problem=problem, written=written, csrf=csrf(visitor),
        lines=[incident_line(visitor.words, one, visitor.now) for one in found], classes=classes,
        now_local=visitor.now.astimezone(DANISH_TIME).strftime("%Y-%m-%dT%H:%M"), case=visitor.request.query_params.get("sag", ""),
        office=await in_office(watch, ask), notice=await visitor.heard(),
    )  # fmt: skip


async def enter(request: Request) -> Response:
    """A new incident."""
    visitor, watch, ask = await desk(request)
    fields = await visitor.form()
    incident = uuid4()
    try:
        await watch.incidents.open(ask, incident, _new(fields))
    except Unprocessable:
        return await _register(visitor, fields, "incident.problem")
    await visitor.say("incident.said.opened")
    return visitor.redirect(f"{LIST}/{incident}")


def _new(fields: dict[str, str]) -> NewIncident:
    """What the form says. Raises Unprocessable."""
    people, case = fields.get("borgere", "").strip() or "0", fields.get("sag", "")
    try:
        known = datetime.fromisoformat(fields.get("kendt", "")).replace(tzinfo=DANISH_TIME)
        of_case = UUID(case) if case else None
    except ValueError as error:
        raise Unprocessable from error
    if not people.isdecimal() or len(people) > 8:
        raise Unprocessable
    return NewIncident(
        fields.get("klasse", ""),
        fields.get("titel", ""),
        fields.get("hvad", ""),
        known,
        "data" in fields,
        int(people),
        of_case,
    )


async def one(request: Request) -> Response:
    """One incident with its clock."""
    visitor, _, _ = await desk(request)
    return await _one(visitor, "incident.html")


async def draft(request: Request) -> Response:
    """What the authorities are to be told, to be printed or copied."""
    visitor, _, _ = await desk(request)
    return await _one(visitor, "incident_draft.html")


async def _one(visitor: Visit, template: str, problem: str = "") -> Response:
    _, watch, ask = await desk(visitor.request)
    incident: Incident = await watch.incidents.one(ask, visitor.request.path_params["id"])
    words, language = visitor.words, visitor.words.language
    return visitor.page(
        template, status=422 if problem else 200, problem=problem, csrf=csrf(visitor),
        incident=incident_line(words, incident, visitor.now), clock=clock(words, incident, visitor.now),
        entries=entries(words, incident), source=incident_policy().source[language],
        classes=[(known.name, known.words[language]) for known in incident_policy().classes.values()],
        office=await in_office(watch, ask), written_at=words.instant(visitor.now), notice=await visitor.heard(),
    )  # fmt: skip


async def write(request: Request) -> Response:
    """What was done."""
    visitor, watch, ask = await desk(request)
    fields, incident = await visitor.form(), request.path_params["id"]
    step = fields.get("skridt", "")
    try:
        await watch.incidents.write(ask, incident, step, fields.get("klasse" if step == "class" else "note", ""))
    except (Unprocessable, Conflict):
        return await _one(visitor, "incident.html", "incident.problem_write")
    await visitor.say("incident.said.written")
    return visitor.redirect(f"{LIST}/{incident}")


ROUTES = [
    Route(LIST, register, methods=["GET"]),
    Route(LIST, enter, methods=["POST"]),
    Route(f"{LIST}/{{id:uuid}}", one, methods=["GET"]),
    Route(f"{LIST}/{{id:uuid}}", write, methods=["POST"]),
    Route(f"{LIST}/{{id:uuid}}/udkast", draft, methods=["GET"]),
]
