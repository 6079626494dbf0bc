"""Blocks that somebody sets for whom they act for, where the law lets them: a parent for a child."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Forbidden, Unknown
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.ports import Subject
from helhed.portals.presenters.help import block_items
from helhed.portals.reading import organisation_key
from helhed.trust.acting.policy import acting_policy

PATH = "/borger/spaer-for"
EVERYBODY = "alle"


async def _for_whom(visitor: Visit) -> Subject:
    """The one acted for, by a basis that lets somebody set blocks. Forbidden for every other."""
    who = await visitor.subject()
    if not any(one.basis in acting_policy().may_block for one in who.acts):
        raise Forbidden
    return who


async def blocks(request: Request) -> Response:
    """The blocks in force, and one more."""
    visitor = await visit(request)
    who = await _for_whom(visitor)
    found = await visitor.ports.acting.blocks_for(visitor.ask(Purpose.OWN), who.citizen)
    tree = await visitor.ports.registries.organisation_tree()
    return visitor.page(
        "blocks_for.html",
        name=who.name,
        blocks=block_items(found, visitor.words),
        places=[(one.key, one.name) for one in tree],
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def set_block(request: Request) -> Response:
    """On the whole record, for an organisation or for everybody."""
    visitor = await visit(request)
    who, fields = await _for_whom(visitor), await visitor.form()
    place = organisation_key(fields.get("hvem", ""))
    if place is None and fields.get("hvem") != EVERYBODY:
        raise Unknown
    await visitor.ports.acting.set_block_for(visitor.ask(Purpose.OWN), who.citizen, place)
    await visitor.say("acting.block_set")
    return visitor.redirect(PATH)


async def end_block(request: Request) -> Response:
    """A block ends; like every act that opens a record, by somebody who lately proved who they are."""
    visitor = await visit(request)
    who, fields = await _for_whom(visitor), await visitor.form()
    await visitor.require_fresh("consent")
    await visitor.ports.acting.end_block_for(visitor.ask(Purpose.OWN), who.citizen, id_in(fields, "spaer"))
    await visitor.say("acting.block_ended")
    return visitor.redirect(PATH)


ROUTES = [
    Route(PATH, blocks, methods=["GET"]),
    Route(PATH, set_block, methods=["POST"]),
    Route(f"{PATH}/fjern", end_block, methods=["POST"]),
]
