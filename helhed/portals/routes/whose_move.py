"""Whose move is it: the citizen's pieces of work, who has each, since when, by when, and what to do when one is late."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.portals.context import visit
from helhed.portals.presenters.work import own_of
from helhed.portals.routes.work import work_of

PATH = "/borger/hvis-tur"


async def whose_move(request: Request) -> Response:
    """My pieces of work, or those of whom I act for."""
    visitor = await visit(request)
    who = await visitor.subject()
    found = await work_of(visitor).of_citizen(visitor.ask(Purpose.OWN), who.citizen)
    shown = [own_of(one, visitor.words, visitor.now) for one in found]
    return visitor.page(
        "whose_move.html",
        name=who.name,
        open=[one for one in shown if not one.over],
        over=[one for one in shown if one.over],
        notice=await visitor.heard(),
    )


ROUTES = [Route(PATH, whose_move, methods=["GET"])]
