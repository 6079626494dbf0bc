"""One queue for each unit: whose move each piece of work is, and the moves themselves."""

from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import HelhedError, PreconditionFailed, Unknown, Unprocessable
from helhed.foundation.ids import key_of, parse_id
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.desks import desk_of
from helhed.portals.ports.work import Work
from helhed.portals.presenters.work import kind_words, line_of, next_address, sheet_of, told_lines
from helhed.portals.routes.block_forms import Form
from helhed.portals.sessions import Principal
from helhed.work import moving
from helhed.work.kinds import kinds
from helhed.work.moving import Act
from helhed.work.queues import NOBODY, VIEWS, Wish

PATH = "/opgaver"
_PAGE = 50
_LONGEST = 1000
#: what the address calls the parts of a queue
_VIEWS = {"vores": "ours", "andres": "others", "eskaleret": "told", "slut": "over"}
_STATES = ("requested", "accepted", "in-progress", "on-hold", "rejected")
#: acts that take a reason: whoever asked, or has it afterwards, reads it
_WITH_REASON = frozenset({moving.DECLINE, moving.FAILED})


def work_of(visitor: Visit) -> Work:
    """The room. Unknown where it is not open."""
    if visitor.ports.work is None:
        raise Unknown
    return visitor.ports.work


def at_work(visitor: Visit) -> Principal:
    """Who works with patients. WrongDoor for citizens and for those whose desk has none."""
    who = visitor.professional()
    if desk_of(who):
        raise WrongDoor
    return who


async def queue(request: Request) -> Response:
    """The queue of one's unit; its filters stand in the address."""
    visitor = await visit(request)
    who = at_work(visitor)
    asked = {name: request.query_params.get(name, "") for name in ("vis", "slags", "hvem", "tilstand")}
    asked["vis"] = asked["vis"] if asked["vis"] in _VIEWS else "vores"
    work, ask, unit = work_of(visitor), visitor.ask(Purpose.TREATMENT), who.organisation or 0
    people = await work.colleagues(ask, unit)
    wish = _wish(asked, {person: key for key, person, _ in people}, who.actor, request.query_params.get("efter", ""))
    found = await work.page(ask, unit, wish)
    return visitor.page(
        "work_queue.html",
        place=who.organisation_name,
        lines=[line_of(one, visitor.words, visitor.now) for one in found],
        told=told_lines(await work.told(ask, unit), visitor.words, visitor.now),
        views=list(_VIEWS),
        kinds=[(name, kind_words(name, visitor.words)) for name in kinds()],
        states=_STATES,
        people=people,
        asked=asked,
        next_page=next_address(PATH, wish, found, asked),
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


def _wish(asked: dict[str, str], people: dict[UUID, int], me: int, after: str) -> Wish:
    """What the address asks for; what it cannot mean is left out."""
    person = parse_id(asked["hvem"])
    assignee = {"mig": me, "ingen": NOBODY}.get(asked["hvem"], people.get(person) if person else None)
    view = _VIEWS[asked["vis"]]
    assert view in VIEWS
    kind = asked["slags"] if asked["slags"] in kinds() else None
    return Wish(view, kind, asked["tilstand"] if asked["tilstand"] in _STATES else None, assignee, _after(after), _PAGE)


def _after(text: str) -> tuple[datetime, UUID] | None:
    moment, _, task = text.partition("~")
    found = parse_id(task)
    try:
        when = datetime.fromisoformat(moment.replace(" ", "+"))
    except ValueError:
        return None
    return None if found is None or when.tzinfo is None else (when, found)


async def piece(request: Request) -> Response:
    """One piece: what it is, what was done with it, and what may be done."""
    visitor = await visit(request)
    at_work(visitor)
    return await _piece(visitor, _task(request), Form())


def _task(request: Request) -> UUID:
    found = parse_id(request.path_params["task"])
    if found is None:
        raise Unknown
    return found


async def _piece(visitor: Visit, task: UUID, form: Form, status: int = 200, units: list[tuple[UUID, str]] | None = None) -> Response:  # fmt: skip
    who = at_work(visitor)
    work, ask = work_of(visitor), visitor.ask(Purpose.TREATMENT)
    whole = await work.one(ask, task)
    people = await work.colleagues(ask, who.organisation or 0) if whole.ours else ()
    return visitor.page(
        "work_piece.html",
        status=status,
        shown=sheet_of(whole, visitor.words, visitor.now, people),
        form=form,
        units=units or [],
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def move(request: Request) -> Response:
    """Accept, decline, give, hand on, begin, end or call off."""
    visitor = await visit(request)
    at_work(visitor)
    task, fields = _task(request), await visitor.form()
    what, reason = fields.get("hvad", ""), fields.get("grund", "").strip()[:_LONGEST]
    version = fields.get("version", "")
    if what in _WITH_REASON and not reason:
        return await _piece(visitor, task, Form(fields, {f"grund-{what}": "work.say_why"}), 422)
    act = Act(what, reason, parse_id(fields.get("person", "")))
    if what == moving.HAND_ON:
        unit, units = await _unit(visitor, fields)
        if unit is None:
            problem = "work.which_unit" if units else "work.no_unit"
            return await _piece(visitor, task, Form(fields, {"enhed": problem}), 422, units)
        act = Act(what, reason, None, unit)
    try:
        seen = int(version) if version.isdecimal() and len(version) < 10 else 0
        await work_of(visitor).make(visitor.ask(Purpose.TREATMENT), task, seen, act)
    except PreconditionFailed:
        return await _piece(visitor, task, Form(fields, {"hvad": "work.changed_meanwhile"}), 409)
    except Unprocessable as error:
        return await _piece(visitor, task, Form(fields, {"hvad": _said(visitor, error)}), 422)
    await visitor.say("work.moved")
    return visitor.redirect(fields.get("til", "") if fields.get("til", "") == PATH else f"{PATH}/{task}")


def _said(visitor: Visit, error: HelhedError) -> str:
    """The rule that was broken, as a message."""
    where = error.issues[0].expression.removeprefix("Task.").partition(".")[0]
    key = f"work.refused.{where}"
    return key if visitor.words.has(key) else "work.refused.other"


async def _unit(visitor: Visit, fields: dict[str, str]) -> tuple[UUID | None, list[tuple[UUID, str]]]:
    """The unit that was chosen, or named in full; else those that what was written may mean."""
    written, chosen = fields.get("enhed", "").strip(), parse_id(fields.get("valgt", ""))
    found = await work_of(visitor).units(visitor.ask(Purpose.TREATMENT), written)
    if chosen is not None and await visitor.ports.registries.organisations([key_of(chosen)]):
        return chosen, []
    exactly = [one.id for one in found if one.name.casefold() == written.casefold()]
    several = [(one.id, ", ".join((one.name, *one.above[:1]))) for one in found]
    return (exactly[0] if len(exactly) == 1 else None), several


ROUTES = [
    Route(PATH, queue, methods=["GET"]),
    Route(f"{PATH}/{{task}}", piece, methods=["GET"]),
    Route(f"{PATH}/{{task}}", move, methods=["POST"]),
]
