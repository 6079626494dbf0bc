"""Is my log whole? The citizen takes it out, and checks it in the browser, without the network."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.portals.context import Visit, visit
from helhed.portals.ports.proofs import NotYet

PATH = "/borger/log/bevis"
#: what a verifier may find, in the order of docs/reference/log-format.md
FAULTS = (
    "format", "log", "key", "head", "order", "witness", "stale", "event", "opening", "inclusion", "missing", "chain", "map", "citizen",
    "rollback",
)  # fmt: skip


async def proof_page(request: Request) -> Response:
    """What can be proved, by whose word, and the button."""
    return await _page(await visit(request))


async def export(request: Request) -> Response:
    """The file, for the page and for keeping; the page again, with 202, while the log has not come so far."""
    visitor = await visit(request)
    visitor.citizen()
    try:
        content = await visitor.ports.proofs.export(visitor.ask(Purpose.OWN))
    except NotYet:
        return await _page(visitor, late=True)
    kept = f'attachment; filename="min-log-{visitor.now:%Y-%m-%d}.json"'
    return Response(content, media_type="application/json", headers={"Content-Disposition": kept})


async def _page(visitor: Visit, *, late: bool = False) -> Response:
    who = visitor.citizen()
    return visitor.page(
        "log_proof.html",
        status=202 if late else 200,
        late=late,
        anchors=await visitor.ports.proofs.anchors(),
        own_key=str(who.actor),
        export=f"{PATH}/udtraek",
        faults=FAULTS,
    )


ROUTES = [Route(PATH, proof_page, methods=["GET"]), Route(f"{PATH}/udtraek", export, methods=["GET"])]
