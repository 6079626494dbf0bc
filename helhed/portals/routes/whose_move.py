"""Whose move is it: the citizen's pieces of work, who has each, since when, by when, what to do when one is late, and answers to those that are theirs."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import PreconditionFailed, Unknown, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.ports import Subject
from helhed.portals.presenters.work import own_of
from helhed.portals.routes.block_forms import Form
from helhed.portals.routes.work import work_of
from helhed.work.answering import LONGEST_WORDS, Answer, NotTaken, NotYours, Said

PATH = "/borger/hvis-tur"
_LONGEST_VERSION = 9


async def whose_move(request: Request) -> Response:
    """My pieces of work, or those of whom I act for."""
    visitor = await visit(request)
    return await _page(visitor, await visitor.subject(), Form())


async def _page(visitor: Visit, who: Subject, form: Form, status: int = 200) -> Response:
    found = await work_of(visitor).of_citizen(visitor.ask(Purpose.OWN), who.citizen)
    shown = [own_of(one, visitor.words, visitor.now, "" if who.own else who.name) for one in found]
    return visitor.page(
        "whose_move.html",
        status=status,
        name=who.name,
        yours=[one for one in shown if one.yours and not one.over],
        open=[one for one in shown if not one.yours and not one.over],
        over=[one for one in shown if one.over],
        kinds=[one.value for one in Said],
        longest=LONGEST_WORDS,
        form=form,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def answer(request: Request) -> Response:
    """Done, cannot, or help wanted; by oneself, or by who acts for the citizen."""
    visitor = await visit(request)
    who = await visitor.subject()
    fields = await visitor.form()
    task, words, version = id_in(fields, "opgave"), fields.get("besked", "").strip(), fields.get("version", "")
    if fields.get("svar") not in set(Said):
        return await _page(visitor, who, _wrong(fields, task, "svar", "work.own.say_which"), 422)
    answered = Answer(Said(fields["svar"]), words)
    if answered.said is Said.CANNOT and not words:
        return await _page(visitor, who, _wrong(fields, task, "besked", "work.own.say_why"), 422)
    seen = int(version) if version.isdecimal() and len(version) <= _LONGEST_VERSION else 0
    try:
        await work_of(visitor).answer(visitor.ask(Purpose.OWN), task, seen, answered)
    except (PreconditionFailed, NotYours, Unknown):
        return await _page(visitor, who, Form({}, {"aabne": "work.own.changed_meanwhile"}), 409)
    except NotTaken:
        return await _page(visitor, who, Form({}, {"aabne": "work.own.not_taken"}), 422)
    except Unprocessable:
        return await _page(visitor, who, _wrong(fields, task, "besked", "work.own.too_long"), 422)
    await visitor.say(f"work.own.said.{answered.said}")
    return visitor.redirect(PATH)


def _wrong(fields: dict[str, str], task: UUID, field: str, problem: str) -> Form:
    return Form({**fields, "opgave": str(task)}, {f"{field}-{task}": problem})


ROUTES = [Route(PATH, whose_move, methods=["GET"]), Route(f"{PATH}/svar", answer, methods=["POST"])]
