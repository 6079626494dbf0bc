"""My record: what is next, what is new, who looked, and one timeline over all organisations."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.portals.context import visit
from helhed.portals.presenters.log import log_days
from helhed.portals.presenters.pages import lookers, overview_view, person_view
from helhed.portals.reading import read_record, told_timeline
from helhed.record.overview import overview

LOG_WITHIN = timedelta(days=90)
LOG_ROWS = 120
EVENTS = 20


async def my_record(request: Request) -> Response:
    """The citizen's own page."""
    visitor = await visit(request)
    who = visitor.citizen()
    ask = visitor.ask(Purpose.OWN)
    identity = await visitor.ports.registries.own_identity(ask)
    record, names = await read_record(visitor, ask, who.actor)
    looked = await visitor.ports.log.entries(
        ask, visitor.now - LOG_WITHIN, visitor.now + timedelta(minutes=1), None, LOG_ROWS
    )
    return visitor.page(
        "record.html",
        person=identity and person_view(identity, visitor.words, visitor.now),
        name=identity.name if identity else who.name,
        shown=overview_view(overview(record, visitor.now), visitor.words, names, visitor.now),
        timeline=told_timeline(visitor, record, names, EVENTS),
        timeline_path="/borger",
        looked=lookers(log_days(looked.entries, visitor.words)),
        notice=await visitor.heard(),
    )  # fmt: skip


async def my_medicine(request: Request) -> Response:
    """The whole medicine card, for reading and for paper."""
    visitor = await visit(request)
    who = visitor.citizen()
    ask = visitor.ask(Purpose.OWN)
    identity = await visitor.ports.registries.own_identity(ask)
    record, names = await read_record(visitor, ask, who.actor)
    return visitor.page(
        "medicine.html",
        person=identity and person_view(identity, visitor.words, visitor.now),
        name=identity.name if identity else who.name,
        shown=overview_view(overview(record, visitor.now), visitor.words, names, visitor.now),
        printed=visitor.words.instant(visitor.now),
    )  # fmt: skip


ROUTES = [
    Route("/borger", my_record, methods=["GET"]),
    Route("/borger/medicin", my_medicine, methods=["GET"]),
]
