"""The front page of those who keep the network running: is it up, is it whole, what waits, and whose move is it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Unknown
from helhed.portals.context import visit
from helhed.portals.presenters.works import parts, summed


async def operations(request: Request) -> Response:
    """Everything at this moment. No citizen is named, and nothing of anybody's record is counted."""
    visitor = await visit(request)
    visitor.operator()
    if visitor.ports.operations is None:
        raise Unknown
    state = await visitor.ports.operations.state(visitor.ask(Purpose.OPERATIONS))
    told = parts(state, visitor.words, visitor.now)
    return visitor.page("operations.html", parts=told, summed=summed(told), when=visitor.words.instant(visitor.now))


ROUTES = [Route("/drift", operations, methods=["GET"])]
