"""The desk of security officers: cases of suspected misuse, and the list of citizens at whom others are curious."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.errors import Conflict, HelhedError, Unknown, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.ports.watch import Watch
from helhed.portals.presenters.watch import case_line, following, looks, moves
from helhed.trust.watch.cases import OPEN_STATES, NoteMissing, SameHand
from helhed.trust.watch.policy import watch_policy

LIST = "/drift/overvaagning"
_SHOW = ("aabne", "mine", "frist", "lukkede")
_OFFICE = 2


async def desk(request: Request) -> tuple[Visit, Watch, Ask]:
    """The visit of a security officer. WrongDoor for everybody else."""
    visitor = await visit(request)
    visitor.security()
    if visitor.ports.watch is None:
        raise Unknown
    return visitor, visitor.ports.watch, visitor.ask(Purpose.OPERATIONS)


def csrf(visitor: Visit) -> str:
    """The token of the session's forms."""
    return visitor.session.csrf if visitor.session else ""


async def in_office(watch: Watch, ask: Ask) -> bool:
    """Whether the officer watches over the whole network."""
    return await watch.cases.standing(ask) == _OFFICE


async def cases(request: Request) -> Response:
    """The list, the heaviest first."""
    visitor, watch, ask = await desk(request)
    show = request.query_params.get("vis", "")
    show = show if show in _SHOW else _SHOW[0]
    found = await watch.cases.those_in(ask, ["closed"] if show == "lukkede" else OPEN_STATES)
    if show == "mine":
        found = [one for one in found if one.owner == visitor.principal.actor]
    elif show == "frist":
        found = [one for one in found if visitor.now > one.due_at]
    return visitor.page(
        "watch_cases.html", lines=[case_line(visitor.words, one, visitor.now) for one in found], show=show, choices=_SHOW,
        office=await in_office(watch, ask), notice=await visitor.heard(),
    )  # fmt: skip


async def case(request: Request) -> Response:
    """One case."""
    visitor, watch, ask = await desk(request)
    return await _case(visitor, watch, ask, _id(request))


async def _case(visitor: Visit, watch: Watch, ask: Ask, case_id: UUID, problem: str = "") -> Response:
    found, opened = await watch.cases.open(ask, case_id)
    return visitor.page(
        "watch_case.html", status=422 if problem else 200, problem=problem, csrf=csrf(visitor),
        office=await in_office(watch, ask),
        case=case_line(visitor.words, found, visitor.now), moves=moves(visitor.words, opened),
        looks=looks(visitor.words, opened), following=following(visitor.words, found.state),
        mine=found.owner == visitor.principal.actor, may_take="assigned" in watch_policy().states[found.state].following,
        person=found.kind == "person", notice=await visitor.heard(),
    )  # fmt: skip


async def take(request: Request) -> Response:
    """Become the owner."""
    visitor, watch, ask = await desk(request)
    await visitor.form()
    try:
        await watch.cases.take(ask, _id(request))
    except Conflict:
        return await _case(visitor, watch, ask, _id(request), "watch.problem.changed")
    await visitor.say("watch.said.taken")
    return visitor.redirect(f"{LIST}/{_id(request)}")


async def move(request: Request) -> Response:
    """Another state, with a note."""
    visitor, watch, ask = await desk(request)
    fields = await visitor.form()
    try:
        await watch.cases.move(ask, _id(request), fields.get("tilstand", ""), fields.get("note", ""))
    except (NoteMissing, SameHand, Conflict) as error:
        return await _case(visitor, watch, ask, _id(request), _problem(error))
    await visitor.say("watch.said.moved")
    return visitor.redirect(f"{LIST}/{_id(request)}")


async def unshield(request: Request) -> Response:
    """Show who a citizen in the case is."""
    visitor, watch, ask = await desk(request)
    fields = await visitor.form()
    try:
        await watch.cases.unshield(ask, _id(request), fields.get("borger", ""), fields.get("grund", ""))
    except NoteMissing as error:
        return await _case(visitor, watch, ask, _id(request), _problem(error))
    await visitor.say("watch.said.shown")
    return visitor.redirect(f"{LIST}/{_id(request)}")


def _problem(error: HelhedError) -> str:
    kinds = {NoteMissing: "watch.problem.note", SameHand: "watch.problem.hand", Conflict: "watch.problem.changed"}
    return kinds[type(error)]


async def register(request: Request) -> Response:
    """Citizens at whom others are known to be curious."""
    visitor, watch, ask = await desk(request)
    return await _register(visitor, watch, ask)


async def _register(visitor: Visit, watch: Watch, ask: Ask, problem: str = "") -> Response:
    if not await in_office(watch, ask):
        raise Unknown
    known = await watch.cases.registered(ask)
    people = [
        {"key": one.citizen, "name": one.name, "reason": one.reason, "by": one.put_by or "", "when": visitor.words.day(one.put_at)}
        for one in known
    ]  # fmt: skip
    return visitor.page(
        "watch_register.html", status=422 if problem else 200, people=people, problem=problem, csrf=csrf(visitor),
        office=True, notice=await visitor.heard(),
    )  # fmt: skip


async def put(request: Request) -> Response:
    """Put somebody on the list, or take them off."""
    visitor, watch, ask = await desk(request)
    fields = await visitor.form()
    try:
        if fields.get("fjern"):
            await watch.cases.register(ask, _key(fields["fjern"]), "")
        else:
            await watch.cases.register_number(ask, fields.get("cpr", "")[:20], fields.get("grund", ""))
    except (NoteMissing, Unknown, Unprocessable) as error:
        missing = isinstance(error, NoteMissing)
        return await _register(visitor, watch, ask, "watch.problem.note" if missing else "watch.problem.nobody")
    await visitor.say("watch.said.list")
    return visitor.redirect(f"{LIST}/borgere")


def _key(text: str) -> int:
    if not text.lstrip("-").isdecimal() or len(text) > 20:
        raise Unprocessable
    key = int(text)
    if not -(2**63) <= key < 2**63:
        raise Unprocessable
    return key


def _id(request: Request) -> UUID:
    found: UUID = request.path_params["id"]
    return found


ROUTES = [
    Route(LIST, cases, methods=["GET"]),
    Route(f"{LIST}/borgere", register, methods=["GET"]),
    Route(f"{LIST}/borgere", put, methods=["POST"]),
    Route(f"{LIST}/{{id:uuid}}", case, methods=["GET"]),
    Route(f"{LIST}/{{id:uuid}}/tag", take, methods=["POST"]),
    Route(f"{LIST}/{{id:uuid}}/flyt", move, methods=["POST"]),
    Route(f"{LIST}/{{id:uuid}}/navn", unshield, methods=["POST"]),
]
