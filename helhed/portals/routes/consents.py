"""Consents: letting somebody named read what is not blocked, or what one block hides, until a day."""

from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.presenters import blocks as told
from helhed.portals.routes.block_desk import Desk, desk
from helhed.portals.routes.block_forms import ConsentForm, Form, consent_form, identifier
from helhed.portals.routes.blocks import PATH as BLOCKS

PATH = "/borger/samtykker"


async def new_consent(request: Request) -> Response:
    """The form."""
    visitor = await visit(request)
    visitor.citizen()
    asked = dict(request.query_params)
    return await _page(visitor, await desk(visitor, asked), Form(asked))


async def give_consent(request: Request) -> Response:
    """Gives one, or says what is missing."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    at = await desk(visitor, fields)
    form = consent_form(fields, at.known, visitor.now)
    if "find" in fields:
        return await _page(visitor, at, Form(fields))
    if form.problems or form.until is None:
        return await _page(visitor, at, form, status=422)
    await visitor.require_fresh("consent")
    try:
        await _give(visitor, at, form)
    except Unprocessable:
        return await _page(visitor, at, Form(fields, {"hvem": "consent.not_given"}), status=422)
    await visitor.say("consent.given")
    return visitor.redirect(f"{BLOCKS}#samtykker")


async def _give(visitor: Visit, at: Desk, form: ConsentForm) -> None:
    if form.until is None:
        raise Unprocessable
    key = identifier(form.key) or uuid4()
    await visitor.ports.blocks.give(at.ask, key, form.until, form.professional, form.organisation, form.block)


async def withdraw_consent(request: Request) -> Response:
    """Withdraws one: it takes access away, so nobody is asked to prove anything first."""
    visitor = await visit(request)
    visitor.citizen()
    which = identifier((await visitor.form()).get("samtykke", ""))
    ended = which is not None and await visitor.ports.blocks.withdraw(visitor.ask(Purpose.OWN), which)
    await visitor.say("consent.withdrawn" if ended else "consent.already_ended")
    return visitor.redirect(f"{BLOCKS}#samtykker")


async def _page(visitor: Visit, at: Desk, form: Form, status: int = 200) -> Response:
    blocks = [one for one in at.history if one.state(visitor.now) != "ended"]
    return visitor.page(
        "consent_new.html",
        status=status,
        form=form,
        key=form.key,
        csrf=visitor.session.csrf if visitor.session else "",
        places=told.grouped(at.tree, form("sted"), at.met),
        people=told.people(at.teller.names.professionals, form("person")),
        blocks=[
            told.Option(str(one.id), at.teller.sentence(one.shape), str(one.id) == form("spaerring")) for one in blocks
        ],
    )


ROUTES = [
    Route(f"{PATH}/ny", new_consent, methods=["GET"]),
    Route(PATH, give_consent, methods=["POST"]),
    Route(f"{PATH}/slut", withdraw_consent, methods=["POST"]),
]
