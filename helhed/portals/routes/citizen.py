"""My record: what is next, what is new, who looked, and one timeline over all organisations."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Ask, Purpose
from helhed.portals.context import Visit, visit
from helhed.portals.ports import CitizenIdentity, Subject
from helhed.portals.presenters.log import log_days
from helhed.portals.presenters.pages import Lookers, lookers, overview_view, person_view
from helhed.portals.reading import read_record, told_timeline
from helhed.portals.routes.acting import WHO
from helhed.record.overview import overview
from helhed.trust.acting.mandates import ActsFor

LOG_WITHIN = timedelta(days=90)
LOG_ROWS = 120
EVENTS = 20


async def my_record(request: Request) -> Response:
    """The citizen's own page, or that of whom the citizen acts for; before the first, the citizen says whose."""
    visitor = await visit(request)
    ask = visitor.ask(Purpose.OWN)
    if await _has_a_choice(visitor, ask):
        return visitor.redirect(WHO)
    who = await visitor.subject()
    identity = await _identity(visitor, ask, who)
    record, names = await read_record(visitor, ask, who.citizen)
    return visitor.page(
        "record.html",
        person=identity and person_view(identity, visitor.words, visitor.now),
        name=identity.name if identity else who.name,
        shown=overview_view(overview(record, visitor.now), visitor.words, names, visitor.now),
        timeline=told_timeline(visitor, record, names, EVENTS),
        timeline_path="/borger",
        looked=await _looked(visitor, ask) if who.own else None,
        notice=await visitor.heard(),
    )  # fmt: skip


async def my_medicine(request: Request) -> Response:
    """The whole medicine card, for reading and for paper."""
    visitor = await visit(request)
    who = await visitor.subject()
    ask = visitor.ask(Purpose.OWN)
    identity = await _identity(visitor, ask, who)
    record, names = await read_record(visitor, ask, who.citizen)
    return visitor.page(
        "medicine.html",
        person=identity and person_view(identity, visitor.words, visitor.now),
        name=identity.name if identity else who.name,
        shown=overview_view(overview(record, visitor.now), visitor.words, names, visitor.now),
        printed=visitor.words.instant(visitor.now),
    )  # fmt: skip


async def _has_a_choice(visitor: Visit, ask: Ask) -> bool:
    """Whether the citizen acts for somebody and has not said yet on whose behalf this visit is."""
    visitor.some_citizen()
    if visitor.session is None or visitor.session.chosen:
        return False
    return bool(await visitor.ports.acting.acts_for(ask))


async def _identity(visitor: Visit, ask: Ask, who: Subject) -> CitizenIdentity | ActsFor | None:
    """The identity minimum of whom the page is about."""
    return who.acts[0] if who.acts else await visitor.ports.registries.own_identity(ask)


async def _looked(visitor: Visit, ask: Ask) -> Lookers:
    found = await visitor.ports.log.entries(
        ask, visitor.now - LOG_WITHIN, visitor.now + timedelta(minutes=1), None, LOG_ROWS
    )
    return lookers(log_days(found.entries, visitor.words))


ROUTES = [
    Route("/borger", my_record, methods=["GET"]),
    Route("/borger/medicin", my_medicine, methods=["GET"]),
]
