"""The sources of the network, for those who keep it running: how each has answered, and pausing one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import parse_id
from helhed.portals.context import Visit, visit
from helhed.portals.ports.sources import SourceRegistry
from helhed.portals.presenters.sources import source_rows

PATH = "/drift/kilder"


async def sources(request: Request) -> Response:
    """Every source. No citizen is named."""
    visitor = await visit(request)
    registry = _registry(visitor)
    return visitor.page(
        "sources.html",
        sources=source_rows(await registry.all(), visitor.words, visitor.now),
        when=visitor.words.instant(visitor.now),
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def switch(request: Request) -> Response:
    """Pause a source, or ask it again."""
    visitor = await visit(request)
    registry = _registry(visitor)
    fields = await visitor.form()
    source = parse_id(fields.get("kilde", ""))
    if source is None or fields.get("gaa") not in {"pause", "igang"}:
        raise Unknown
    on = fields["gaa"] == "igang"
    await registry.switch(visitor.ask(Purpose.OPERATIONS), source, on=on)
    await visitor.say("sourcelist.resumed" if on else "sourcelist.paused")
    return visitor.redirect(PATH)


def _registry(visitor: Visit) -> SourceRegistry:
    visitor.operator()
    if visitor.ports.sources is None:
        raise Unknown
    return visitor.ports.sources


ROUTES = [
    Route(PATH, sources, methods=["GET"]),
    Route(PATH, switch, methods=["POST"]),
]
