"""Mine spærringer: those that hold, what one more would do, and setting, changing and ending them."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.presenters import blocks as told
from helhed.portals.routes.block_desk import Desk, desk, trials
from helhed.portals.routes.block_forms import Form, block_form, fields_of, identifier
from helhed.trust.blocks.exceptions import exceptions

PATH = "/borger/spaerringer"
NEW = f"{PATH}/ny"
STATES = ("held", "planned", "ended")


async def my_blocks(request: Request) -> Response:
    """Blocks that hold, are planned, and have ended; and consents."""
    visitor = await visit(request)
    visitor.citizen()
    at = await desk(visitor, {})
    consents = await visitor.ports.blocks.consents(at.ask)
    by_id = {one.id: one for one in at.history}
    told_consents = [(one.until > visitor.now, at.teller.consent(one, by_id)) for one in consents]
    return visitor.page(
        "blocks.html",
        blocks={
            state: [at.teller.view(one) for one in at.history if one.state(visitor.now) == state] for state in STATES
        },
        consents=[view for holds, view in told_consents if holds],
        past_consents=[view for holds, view in told_consents if not holds],
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def tonight(request: Request) -> Response:
    """What somebody would see tonight, with the blocks as they are."""
    visitor = await visit(request)
    visitor.citizen()
    asked = dict(request.query_params)
    at = await desk(visitor, asked)
    person = identifier_key(asked.get("person", ""), at)
    return visitor.page(
        "blocks_tonight.html",
        form=Form(asked),
        people=told.people(at.teller.names.professionals, asked.get("person", "")),
        trials=await trials(visitor, at, None, None, person),
    )


def identifier_key(written: str, at: Desk) -> tuple[int, ...]:
    """The professional that a field names, when it is one of those who may be named."""
    return tuple(key for key in at.teller.names.professionals if str(key) == written)


async def new_block(request: Request) -> Response:
    """The form; and once it says something, what that would do. ``ret`` names a block that is to be changed."""
    visitor = await visit(request)
    visitor.citizen()
    asked = dict(request.query_params)
    at = await desk(visitor, asked)
    sent = "noegle" in asked or "hvem" in asked
    changed = at.block(identifier(asked.get("ret", "")))
    if changed is None:
        asked.pop("ret", None)
    elif not sent:
        return await _form_page(visitor, at, Form(fields_of(changed) | {"ret": str(changed.id)}))
    if not sent or "find" in asked:
        return await _form_page(visitor, at, Form(asked))
    form = block_form(asked, at.known, visitor.now)
    return await _form_page(visitor, at, form, status=422 if form.problems else 200)


async def save_block(request: Request) -> Response:
    """Saves a block that was tried first; in place of another, both in one."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    at = await desk(visitor, fields)
    form = block_form(fields, at.known, visitor.now)
    if form.shape is None:
        return await _form_page(visitor, at, form, status=422)
    changed = identifier(form("ret"))
    if changed is not None:  # a block that is changed may open what it hid
        await visitor.require_fresh("consent")
    try:
        await visitor.ports.blocks.put(at.ask, form.shape, identifier(form.key) or uuid4(), changed)
    except Unprocessable:
        return await _form_page(visitor, at, Form(fields, {"hvem": "block.not_saved"}), status=422)
    await visitor.say("block.changed" if changed else "block.saved")
    return visitor.redirect(PATH)


async def end_block(request: Request) -> Response:
    """Ends a block."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    await visitor.require_fresh("consent")
    which = identifier(fields.get("spaer", ""))
    ended = which is not None and await visitor.ports.blocks.end(visitor.ask(Purpose.OWN), which)
    await visitor.say("block.ended" if ended else "block.already_ended")
    return visitor.redirect(PATH)


async def _form_page(visitor: Visit, at: Desk, form: Form, status: int = 200) -> Response:
    return visitor.page(
        "block_new.html",
        status=status,
        form=form,
        key=form.key,
        csrf=visitor.session.csrf if visitor.session else "",
        exceptions=exceptions().told(visitor.words.language),
        **_choices(at, form.fields),
        **await _trial_part(visitor, at, form),
    )


async def _trial_part(visitor: Visit, at: Desk, form: Form) -> dict[str, Any]:
    """What the block would do, for each reader; nothing while something is missing."""
    if form.shape is None:
        return {"trials": [], "sentence": ""}
    changed = at.block(identifier(form("ret")))
    person = identifier_key(form("person") if form("hvem") == "person" else form("laeser"), at)
    place = () if form.shape.who_organisation is None else (form.shape.who_organisation,)
    return {
        "sentence": at.teller.sentence(form.shape),
        "trials": await trials(visitor, at, form.shape, changed.id if changed else None, person, place),
    }


def _choices(at: Desk, written: Mapping[str, str]) -> dict[str, Any]:
    """What may be chosen in each field."""
    origins = at.record.origins()
    rows = [
        told.Option(str(row), title, str(row) == written.get("dokument")) for row, title in at.teller.documents.items()
    ]
    return {
        "places": told.grouped(at.tree, written.get("sted", ""), at.met),
        "people": told.people(at.teller.names.professionals, written.get("person", "")),
        "readers": told.people(at.teller.names.professionals, written.get("laeser", "")),
        "sources": told.options(at.tree, written.get("kilde", ""), origins),
        "authors": told.people(at.teller.names.professionals, written.get("forfatter", "")),
        "rows": rows,
    }


ROUTES = [
    Route(PATH, my_blocks, methods=["GET"]),
    Route(PATH, save_block, methods=["POST"]),
    Route(NEW, new_block, methods=["GET"]),
    Route(f"{PATH}/slut", end_block, methods=["POST"]),
    Route(f"{PATH}/i-nat", tonight, methods=["GET"]),
]
