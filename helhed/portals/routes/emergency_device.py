"""What a device with an emergency copy meets: a page that works without a network and knows nobody, its worker, and where it tells.

None of the three asks who is logged in. The page holds no data until the device opens its own copy with the code; and what was opened is
to come into the log whoever is at the screen when the network is back: the seal says who opened it.
"""

from pathlib import Path
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.errors import BadRequest, Forbidden, Unknown
from helhed.portals.context import visit
from helhed.portals.http import form_of, same_origin
from helhed.portals.ports.emergency import Entry
from helhed.portals.routes.emergency import OPEN, PATH
from helhed.trust.emergency.entries import MOST_ENTRIES, claim_of, entry_of
from helhed.trust.emergency.rules import emergency_rules

_WORKER = Path(__file__).parents[1] / "static" / "emergency-worker.js"
_TOKEN = 32


async def open_page(request: Request) -> Response:
    """The page that opens a copy: the same for everybody, so that it can be kept."""
    visitor = await visit(request)
    rules = emergency_rules()
    html = visitor.portal.templates.get_template("emergency_open.html").render(
        t=visitor.words, lang=visitor.words.language, asset=visitor.portal.assets, open_path=OPEN, tell_path=f"{PATH}/meld",
        worker=f"{PATH}/arbejder.js", shown_ms=round(rules.shown.total_seconds() * 1000),
        demo=any(one.demo for one in visitor.ports.log_ins.providers()),
    )  # fmt: skip
    return Response(html, media_type="text/html")


async def worker(request: Request) -> Response:
    """The worker that keeps the page. It stands here, because a worker serves what is beneath its own address."""
    return Response(_WORKER.read_bytes(), media_type="text/javascript")


async def tell(request: Request) -> Response:
    """What was opened, and what is to become of the copy."""
    if not same_origin(request):
        raise Forbidden
    visitor = await visit(request)
    fields = await form_of(request)
    try:
        copy, token = UUID(fields.get("kopi", "")), bytes.fromhex(fields.get("tegn", ""))
    except ValueError:
        raise Unknown from None
    if len(token) != _TOKEN:
        raise Unknown
    told = _json(fields.get("melding", ""))
    entries, unread = _entries(told.get("openings"))
    found = await visitor.ports.emergency.tell(
        copy, token, entries, claim_of(told.get("claim")), visitor.now, unread=unread
    )
    answer = {"state": found.state, "takeOut": found.take_out, "told": found.told}
    return Response(orjson.dumps(answer), media_type="application/json")


def _json(written: str) -> dict[str, object]:
    try:
        told = orjson.loads(written)
    except ValueError:
        raise BadRequest("That is not what our page sends.") from None
    if not isinstance(told, dict):
        raise BadRequest("That is not what our page sends.")
    return told


def _entries(told: object) -> tuple[list[Entry], int]:
    """The openings that can be read, and how many cannot."""
    if not isinstance(told, list) or len(told) > MOST_ENTRIES:
        raise BadRequest("That is not what our page sends.")
    found: list[Entry] = []
    for one in told:
        try:
            found.append(entry_of(one))
        except BadRequest:
            continue
    return found, len(told) - len(found)


ROUTES = [
    Route(OPEN, open_page, methods=["GET"]),
    Route(f"{PATH}/arbejder.js", worker, methods=["GET"]),
    Route(f"{PATH}/meld", tell, methods=["POST"]),
]
