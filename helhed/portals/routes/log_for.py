"""The log of somebody whom the visitor acts for: who has looked, as far as the basis lets the visitor see it."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.portals.context import InPersonOnly, visit
from helhed.portals.ports.log_desk import LogWish
from helhed.portals.presenters.acting import opens
from helhed.portals.presenters.log import log_days

PATH = "/borger/log-for"
WITHIN = timedelta(days=365)
ROWS = 300


async def log_for(request: Request) -> Response:
    """The last year, a page at a time; what a clinician has hidden is not told of."""
    visitor = await visit(request)
    who = await visitor.subject()
    if who.own:
        return visitor.redirect("/borger/log")
    if not opens(who.acts, "AuditEvent"):
        raise InPersonOnly
    cursor = request.query_params.get("fra") or None
    wish = LogWish(visitor.now - WITHIN, visitor.now + timedelta(minutes=1), cursor, limit=ROWS)
    page = await visitor.ports.log_desk.own.page_of(visitor.ask(Purpose.OWN), who.citizen, wish)
    return visitor.page(
        "log_for.html", name=who.name, days=log_days(page.entries, visitor.words), earlier=page.next_cursor
    )


ROUTES = [Route(PATH, log_for, methods=["GET"])]
