"""Hospital: from a number to the patient in one screen."""

from datetime import datetime, timedelta
from re import compile as pattern
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Forbidden, NotSupported, TooMany, Unknown
from helhed.portals.context import Visit, visit
from helhed.portals.ports import CitizenIdentity, Relation
from helhed.portals.ports.glass import Opening
from helhed.portals.presenters.glass import open_view, reasons as break_reasons
from helhed.portals.presenters.matches import identity_shown
from helhed.portals.presenters.pages import PersonView, news, overview_view, person_view
from helhed.portals.reading import read_record, told_timeline
from helhed.portals.sessions import Opened
from helhed.record.overview import overview
from helhed.registries.regional import looks_regional
from helhed.trust.policy import policy

EVENTS = 40
MOST_FOUND = 10
SHORTEST_NAME = 2
PERIODS = {"1": 1, "5": 5, "alt": 150}  #: years
SELF_DECLARED = 4
REASONS = ("behandler", "modtager", "vagt")

_NUMBER = pattern(r"\d{6}[A-Z0-9]{4}")


async def find_page(request: Request) -> Response:
    """Whom are you treating?"""
    visitor = await visit(request)
    visitor.professional()
    return await _find_page(visitor)


async def _find_page(
    visitor: Visit, written: str = "", problem: str = "", several: tuple[PersonView, ...] = (), status: int = 200
) -> Response:
    return visitor.page(
        "hospital_find.html",
        status=status,
        written=written,
        problem=problem,
        several=several,
        later=await _later(visitor),
        opened=await _opened_before(visitor),
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def _opened_before(visitor: Visit) -> list[tuple[str, PersonView]]:
    """Whom this session has opened and still has a relation to, the latest first: decided anew each time it is shown."""
    handles = reversed(list(visitor.session.opened.items())) if visitor.session else ()
    ask = visitor.ask(Purpose.TREATMENT)
    return [
        (handle, _person(found, visitor))
        for handle, found in handles
        if await visitor.ports.relations.held(ask, found.citizen) or await visitor.ports.glass.held(ask, found.citizen)
    ]


async def _later(visitor: Visit) -> str:
    """What to say to those whose own door is not built yet, "" to the others."""
    everybody = await visitor.ports.personas.all()
    door = next((one.door for one in everybody if one.principal == visitor.principal), "")
    return f"find.later_{door}" if visitor.words.has(f"find.later_{door}") else ""


async def find(request: Request) -> Response:
    """By CPR number, replacement number or name. The answer's address carries an opaque handle."""
    visitor = await visit(request)
    visitor.professional()
    written = (await visitor.form()).get("patient", "")
    number = written.replace("-", "").replace(" ", "").upper()
    if looks_regional(number):
        return await _find_by_regional_number(visitor, written, number)
    if _NUMBER.fullmatch(number):
        allowed = await visitor.count_lookup(number)
        found = await visitor.ports.registries.find_citizen(visitor.ask(Purpose.DIRECTORY), number)
        if not allowed:  # the attempt stands in the log of whom it named
            raise TooMany
        return await open_found(visitor, found) if found else await _nobody(visitor, written)
    if len(written) < SHORTEST_NAME or any(sign.isdigit() for sign in written):
        return await _find_page(visitor, written, "find.unreadable", status=422)
    return await _find_by_name(visitor, written)


async def _find_by_regional_number(visitor: Visit, written: str, number: str) -> Response:
    """Whoever has it is shown, also when it is one: such a number says of nobody that it is them."""
    allowed = await visitor.count_lookup(number)
    ask = visitor.ask(Purpose.DIRECTORY)
    found = await visitor.ports.keeping.with_regional_number(ask, number, MOST_FOUND)
    if not allowed:
        raise TooMany
    if not found:
        return await _nobody(visitor, written)
    people = tuple(_person(_open(identity_shown(one)), visitor) for one in found)
    return await _find_page(visitor, written, "find.regional", several=people)


async def _nobody(visitor: Visit, written: str) -> Response:
    """The same of a number nobody has; who works under nobody is told so, which says nothing of a patient."""
    role = policy().roles.get(visitor.principal.role)
    alone = role is not None and role.assists and not await _works_under(visitor)
    return await _find_page(visitor, written, "find.alone" if alone else "find.nobody", status=404)


async def _works_under(visitor: Visit) -> bool:
    held = await visitor.ports.clinicians.assistances(visitor.ask(Purpose.OPERATIONS))
    return any(not one.i_am_responsible for one in held)


async def _find_by_name(visitor: Visit, written: str) -> Response:
    if not await visitor.count_lookup(" ".join(written.casefold().split())):
        await visitor.ports.registries.attempted(visitor.ask(Purpose.DIRECTORY))
        raise TooMany
    try:
        found = await visitor.ports.registries.find_citizens_by_name(
            visitor.ask(Purpose.DIRECTORY), written, MOST_FOUND
        )
    except NotSupported:
        return await _find_page(visitor, written, "find.unreadable", status=422)
    if not found:
        await visitor.ports.registries.attempted(visitor.ask(Purpose.DIRECTORY))
        return await _nobody(visitor, written)
    if len(found) == 1:
        return await open_found(visitor, found[0])
    return await _find_page(visitor, written, several=tuple(_person(_open(one), visitor) for one in found))


def _open(found: CitizenIdentity) -> Opened:
    return Opened(
        found.key, found.patient, found.name, found.number, found.replacement, found.birth_date, found.sex, found.alive
    )


async def open_found(visitor: Visit, found: CitizenIdentity) -> Response:
    """Goes to the page of somebody who was looked up, under a handle of this session."""
    if visitor.session is None:
        raise Unknown
    handle, session = visitor.session.with_opened(_open(found))
    await visitor.keep(session)
    return visitor.redirect(f"/hospital/patient/{handle}")


def _known(visitor: Visit, handle: str) -> Opened:
    """The citizen behind a handle of this session. Unknown for any other handle."""
    found = visitor.session.opened.get(handle) if visitor.session else None
    if found is None:
        raise Unknown
    return found


def _person(found: Opened, visitor: Visit) -> PersonView:
    return person_view(found, visitor.words, visitor.now)


async def _access(visitor: Visit, found: Opened) -> tuple[Relation | None, Opening | None]:
    """The relation held now, whatever was held when the handle was made; and a ticket or a consent beside it."""
    ask = visitor.ask(Purpose.TREATMENT)
    return await visitor.ports.relations.held(ask, found.citizen), await visitor.ports.glass.held(ask, found.citizen)


def known(visitor: Visit, handle: str) -> Opened:
    """The citizen behind a handle of this session. Unknown for any other handle."""
    return _known(visitor, handle)


def person(found: Opened, visitor: Visit) -> PersonView:
    """Who it is, in words."""
    return _person(found, visitor)


async def may_open(visitor: Visit, found: Opened) -> bool:
    """Whether there is a relation, a ticket or a consent now."""
    return any(await _access(visitor, found))


async def patient(request: Request) -> Response:
    """The overview, or why there is none and what to do."""
    visitor = await visit(request)
    visitor.professional()
    handle = request.path_params["handle"]
    found = _known(visitor, handle)
    held, opening = await _access(visitor, found)
    if held is None and opening is None:
        return await _no_relation(visitor, handle, found)
    record, names = await read_record(visitor, visitor.ask(Purpose.TREATMENT), found.citizen)
    period = request.query_params.get("periode", "")
    return visitor.page(
        "hospital_patient.html",
        handle=handle,
        person=_person(found, visitor),
        shown=overview_view(
            overview(record, visitor.now), visitor.words, names, visitor.now, _since(period, visitor.now)
        ),
        news=news(record, visitor.words, names, visitor.now),
        relation=held,
        deadline=visitor.words.near(held.until, visitor.now)
        if held and held.basis == SELF_DECLARED and held.until
        else "",
        period=period if period in PERIODS else "",
        at=visitor.words.instant(visitor.now),
        notice=await visitor.heard(),
        blocks_shown=await visitor.ports.glass.blocks_shown(visitor.ask(Purpose.TREATMENT), found.citizen),
        **await _glass_part(visitor, opening),
    )


async def _glass_part(visitor: Visit, opening: Opening | None) -> dict[str, Any]:
    """What opens the record beside a relation, and whether the glass may be broken: the same for every citizen."""
    return {
        "opened": opening and open_view(opening, visitor.words, visitor.now),
        "may_break": opening is None and await visitor.ports.glass.may(visitor.ask(Purpose.TREATMENT)),
        "reasons_to_break": break_reasons(visitor.words),
    }


def _since(period: str, now: datetime) -> datetime | None:
    return now - timedelta(days=365 * PERIODS[period] + 1) if period in PERIODS else None


async def patient_timeline(request: Request) -> Response:
    """The same patient, in order of time."""
    visitor = await visit(request)
    visitor.professional()
    handle = request.path_params["handle"]
    found = _known(visitor, handle)
    held, opening = await _access(visitor, found)
    if held is None and opening is None:
        return await _no_relation(visitor, handle, found)
    record, names = await read_record(visitor, visitor.ask(Purpose.TREATMENT), found.citizen)
    return visitor.page(
        "hospital_timeline.html",
        handle=handle,
        person=_person(found, visitor),
        shown=overview_view(overview(record, visitor.now), visitor.words, names, visitor.now),
        timeline=told_timeline(visitor, record, names, EVENTS),
        timeline_path=f"/hospital/patient/{handle}/tidslinje",
        at=visitor.words.instant(visitor.now),
        **await _glass_part(visitor, opening),
    )


async def _looked_up_again(visitor: Visit, found: Opened) -> CitizenIdentity:
    registries, ask = visitor.ports.registries, visitor.ask(Purpose.DIRECTORY)
    if found.number:
        one = await registries.find_citizen(ask, found.number)
        again = [one] if one else []
    else:
        again = list(await registries.find_citizens_by_name(ask, found.name, MOST_FOUND))
    for one in again:
        if one.key == found.citizen:
            return one
    raise Unknown


async def _no_relation(visitor: Visit, handle: str, found: Opened, problem: str = "", status: int = 403) -> Response:
    """Explains, and offers to declare a relation where the role may.

    Who it is about is looked up again: a handle outlives the relation it was made under, and each look leaves its row.
    """
    again = await _looked_up_again(visitor, found)
    return visitor.page(
        "hospital_relation.html",
        status=status,
        handle=handle,
        person=_person(_open(again), visitor),
        may_declare=await visitor.ports.relations.may_declare(visitor.ask(Purpose.TREATMENT)),
        hours=round(policy().declared_lasts.total_seconds() / 3600),
        reasons=REASONS,
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
        **await _glass_part(visitor, None),
    )


async def declare(request: Request) -> Response:
    """The patient is in treatment with me now: a relation of class D."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    handle = request.path_params["handle"]
    found = _known(visitor, handle)
    reason = fields.get("grund", "")
    if reason not in REASONS:
        return await _no_relation(visitor, handle, found, "relation.choose", status=422)
    ask = visitor.ask(Purpose.TREATMENT)
    if not await visitor.ports.relations.may_declare(ask):
        raise Forbidden
    await visitor.ports.relations.declare(ask, found.citizen, reason)
    await visitor.say("relation.declared")
    return visitor.redirect(f"/hospital/patient/{handle}")


ROUTES = [
    Route("/hospital", find_page, methods=["GET"]),
    Route("/hospital/find", find, methods=["POST"]),
    Route("/hospital/patient/{handle}", patient, methods=["GET"]),
    Route("/hospital/patient/{handle}/tidslinje", patient_timeline, methods=["GET"]),
    Route("/hospital/patient/{handle}/relation", declare, methods=["POST"]),
]
