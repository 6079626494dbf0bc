"""The broken glass afterwards: who reviews it, and what the citizen reads of it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import ActorKind, Purpose
from helhed.foundation.errors import Forbidden, Unprocessable
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.presenters.glass import complaints, own_view, review_view
from helhed.portals.routes.block_forms import Form, identifier

REVIEWS = "/hospital/gennemsyn"
VERDICTS = ("ja", "nej")


async def waiting(request: Request) -> Response:
    """What waits for a review, the most urgent first."""
    return await _page(await _reviewer(request), Form())


async def _reviewer(request: Request) -> Visit:
    """Who reviews for their organisation, or runs the network. WrongDoor for citizens, Forbidden for others."""
    visitor = await visit(request)
    if visitor.principal.kind is not ActorKind.PROFESSIONAL:
        raise WrongDoor
    if not await visitor.ports.glass.may_review(visitor.ask(Purpose.OPERATIONS)):
        raise Forbidden
    return visitor


async def _page(visitor: Visit, form: Form, status: int = 200) -> Response:
    found = await visitor.ports.glass.waiting(visitor.ask(Purpose.OPERATIONS))
    return visitor.page(
        "hospital_reviews.html",
        status=status,
        reviews=[review_view(one, visitor.words, visitor.now) for one in found],
        form=form,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def review(request: Request) -> Response:
    """Justified or not, in a word; the citizen is told."""
    visitor = await _reviewer(request)
    fields = await visitor.form()
    verdict, words, ticket = fields.get("dom", ""), fields.get("tekst", ""), identifier(fields.get("billet", ""))
    if verdict not in VERDICTS or ticket is None:
        return await _page(visitor, Form(fields, {"dom": "glass.choose_verdict"}), status=422)
    if verdict == "nej" and not words:
        return await _page(visitor, Form(fields, {"tekst": "glass.say_why"}), status=422)
    try:
        await visitor.ports.glass.review(
            visitor.ask(Purpose.OPERATIONS), ticket, justified=verdict == "ja", words=words
        )
    except Unprocessable:
        return await _page(visitor, Form(fields, {"dom": "glass.not_yours"}), status=422)
    await visitor.say("glass.reviewed")
    return visitor.redirect(REVIEWS)


async def mine(request: Request) -> Response:
    """Every time the glass was broken: who, why, what was seen, what the review said, and where to complain."""
    visitor = await visit(request)
    visitor.citizen()
    found = await visitor.ports.glass.own(visitor.ask(Purpose.OWN))
    return visitor.page(
        "own_glass.html",
        tickets=[own_view(one, visitor.words, visitor.now) for one in found],
        complaints=complaints(visitor.words),
    )


ROUTES = [
    Route(REVIEWS, waiting, methods=["GET"]),
    Route(REVIEWS, review, methods=["POST"]),
    Route("/borger/vaerdispring", mine, methods=["GET"]),
]
