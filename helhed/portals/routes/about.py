"""The small pages: about the demo, and accessibility."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.portals.context import visit


async def about_demo(request: Request) -> Response:
    """What this network is, and is not."""
    return (await visit(request)).page("about.html")


async def accessibility(request: Request) -> Response:
    """The accessibility statement."""
    return (await visit(request)).page("accessibility.html")


ROUTES = [
    Route("/om", about_demo, methods=["GET"]),
    Route("/tilgaengelighed", accessibility, methods=["GET"]),
]
