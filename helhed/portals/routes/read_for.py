"""What somebody for whom the visitor acts has decided, and is told of: as far as the basis lets the visitor read it, and never to change."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.portals.context import InPersonOnly, Visit, visit
from helhed.portals.ports import Subject
from helhed.portals.ports.consents import Decided
from helhed.portals.presenters.acting import opens
from helhed.portals.presenters.blocks import Teller
from helhed.portals.presenters.names import Names
from helhed.portals.presenters.notices import shown
from helhed.portals.routes.notices import moment_of

CONSENTS, NOTICES = "/borger/samtykker-for", "/borger/beskeder-for"
_MOST = 100


async def _for_whom(visitor: Visit, type_name: str) -> Subject | None:
    """The one acted for, by a basis that opens this type; None on one's own behalf."""
    who = await visitor.subject()
    if who.own:
        return None
    if not opens(who.acts, type_name):
        raise InPersonOnly
    return who


async def consents(request: Request) -> Response:
    """Blocks and consents: those that hold, are planned, and have ended. Only the citizen changes them."""
    visitor = await visit(request)
    who = await _for_whom(visitor, "Consent")
    if who is None:
        return visitor.redirect("/borger/spaerringer")
    found = await visitor.ports.blocks.of_another(visitor.ask(Purpose.OWN), who.citizen)
    teller, by_id = await _teller(visitor, found), {one.id: one for one in found.blocks}
    holding = [one for one in found.blocks if one.state(visitor.now) != "ended"]
    return visitor.page(
        "consents_for.html",
        name=who.name,
        blocks=[teller.view(one) for one in holding],
        past=[teller.view(one) for one in found.blocks if one not in holding],
        consents=[teller.consent(one, by_id) for one in found.consents if one.until > visitor.now],
        past_consents=[teller.consent(one, by_id) for one in found.consents if one.until <= visitor.now],
    )


async def _teller(visitor: Visit, found: Decided) -> Teller:
    tree = await visitor.ports.registries.organisation_tree()
    shapes = [one.shape for one in found.blocks]
    keys = {key for one in shapes for key in (one.who_professional, one.what_author)}
    keys |= {one.professional for one in found.consents}
    people = await visitor.ports.registries.professional_names(sorted(key for key in keys if key is not None))
    # of a document that a block names the page says that it is one: its title is read in the record, where the basis opens it
    return Teller(visitor.words, Names({one.key: one for one in tree}, people), {}, visitor.now)


async def notices(request: Request) -> Response:
    """What the other is told of, newest first."""
    visitor = await visit(request)
    who = await _for_whom(visitor, "AuditEvent")
    if who is None:
        return visitor.redirect("/borger/beskeder")
    before = moment_of(request.query_params.get("fra", ""), visitor.now)
    found = await visitor.ports.log_desk.notices.page_of(visitor.ask(Purpose.OWN), who.citizen, before, _MOST)
    return visitor.page(
        "notices_for.html",
        name=who.name,
        notices=[shown(one, visitor.words) for one in found],
        earlier=found[-1].at.isoformat() if len(found) == _MOST else "",
    )


ROUTES = [Route(CONSENTS, consents, methods=["GET"]), Route(NOTICES, notices, methods=["GET"])]
