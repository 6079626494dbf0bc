"""The desk of whoever keeps an organisation's log: questions of citizens, names that are withheld, and how whole the log is."""

from datetime import datetime, time, timedelta
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.ids import parse_id
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.log_office import look_view, opened_view, shield_view, source_view
from helhed.portals.presenters.questions import asked
from helhed.trust.log.follow_up import CHOICES
from helhed.trust.log.shielding import shield_policy
from helhed.trust.log.why import why_policy
from helhed.trust.roles import roles

PATH = "/hospital/log"
_KEEPERS = frozenset(one["role"] for one in roles() if one.get("keeps_log"))


def _keeper(visitor: Visit) -> Ask:
    """The ask of whoever keeps the log. WrongDoor for everybody else."""
    if visitor.professional().role not in _KEEPERS:
        raise WrongDoor
    return visitor.ask(Purpose.OPERATIONS)


async def desk(request: Request) -> Response:
    """Everything on one page: what is overdue comes first."""
    visitor = await visit(request)
    return await _desk(visitor, {})


async def _desk(visitor: Visit, problems: dict[str, str], status: int = 200, **tried: str) -> Response:
    ask, desk = _keeper(visitor), visitor.ports.log_desk
    words, now = visitor.words, visitor.now
    queue = [asked(one, words, now) for one in await desk.questions.queue(ask)]
    place = visitor.principal.organisation
    tree = await visitor.ports.registries.organisation_tree()
    beneath = _beneath(tree, place)
    return visitor.page(
        "log_office.html", status=status, questions=queue, waiting=sum(not one.answered for one in queue),
        overdue=sum(one.overdue for one in queue),
        shields=[shield_view(one, words) for one in await desk.withholding.list(ask)],
        sources=[source_view(one, words) for one in await desk.own.sources(ask)],
        reasons=[(name, told[words.language]) for name, told in shield_policy().reasons.items()], places=beneath,
        longest=shield_policy().longest.days, problems=problems, tried=tried, csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )  # fmt: skip


def _beneath(tree: object, place: int | None) -> list[tuple[int, str]]:
    """The own organisation and what is beneath it; parents stand before children."""
    found: dict[int, str] = {}
    for one in tree:  # type: ignore[attr-defined]
        if one.key == place or one.parent in found:
            found[one.key] = one.name
    return list(found.items())


async def question(request: Request) -> Response:
    """One question: opening it stands in the citizen's log."""
    visitor = await visit(request)
    return await _question(visitor, request.path_params["question"], {}, "")


async def _question(
    visitor: Visit, identifier: UUID, problems: dict[str, str], words: str, status: int = 200
) -> Response:
    one = await visitor.ports.log_desk.questions.opened(_keeper(visitor), identifier)
    return visitor.page(
        "log_question.html", status=status, opened=opened_view(one, visitor.words, visitor.now), words=words, problems=problems,
        most=why_policy().most_words, csrf=visitor.session.csrf if visitor.session else "", notice=await visitor.heard(),
    )  # fmt: skip


async def answer(request: Request) -> Response:
    """Answers it."""
    visitor = await visit(request)
    _keeper(visitor)
    fields = await visitor.form()
    identifier, words = request.path_params["question"], fields.get("svar", "")
    try:
        await visitor.ports.log_desk.questions.answer(_keeper(visitor), identifier, words)
    except Unprocessable:
        return await _question(visitor, identifier, {"svar": "why.answer_length"}, words, status=422)
    await visitor.say("office.answered")
    return visitor.redirect(PATH)


async def name(request: Request) -> Response:
    """The name behind a row, for a case: the citizen sees in the log that it was told."""
    visitor = await visit(request)
    _keeper(visitor)
    fields = await visitor.form()
    identifier, look = request.path_params["question"], fields.get("opslag", "")
    try:
        number = int(look) if look.isascii() and look.isdecimal() and len(look) < 20 else -1
        told = await visitor.ports.log_desk.withholding.name(
            _keeper(visitor), number, fields.get("sag", ""), fields.get("grund", ""), uuid4()
        )
    except Unknown:
        return await _question(visitor, identifier, {"sag": "office.name_needs_case"}, "", status=422)
    one = await visitor.ports.log_desk.questions.opened(_keeper(visitor), identifier)
    return visitor.page(
        "log_question.html", opened=opened_view(one, visitor.words, visitor.now, named=told), words="", problems={},
        most=why_policy().most_words, csrf=visitor.session.csrf if visitor.session else "", notice="",
    )  # fmt: skip


async def withhold(request: Request) -> Response:
    """Names are withheld from now on."""
    visitor = await visit(request)
    _keeper(visitor)
    fields = await visitor.form()
    problems: dict[str, str] = {}
    until = _end(fields.get("til", ""))
    place = fields.get("sted", "")
    patient = fields.get("borger", "").strip().removeprefix("Patient/")
    if until is None:
        problems["til"] = "office.choose_end"
    if not place.lstrip("-").isdecimal() or len(place) > 20:
        problems["sted"] = "office.choose_place"
    if patient and parse_id(patient) is None:
        problems["borger"] = "office.no_such_citizen"
    if not problems and until is not None:
        try:
            await visitor.ports.log_desk.withholding.withhold(
                _keeper(visitor), int(place), parse_id(patient) if patient else None, fields.get("grund", ""),
                fields.get("sag", ""), until,
            )  # fmt: skip
        except Unprocessable:
            problems["sag"] = "office.choose_reason"
        except Forbidden:
            problems["borger"] = "office.no_such_citizen"
    if problems:
        return await _desk(visitor, problems, status=422, **fields)
    await visitor.say("office.withheld")
    return visitor.redirect(f"{PATH}#navne")


async def end(request: Request) -> Response:
    """Names are told again."""
    visitor = await visit(request)
    _keeper(visitor)
    fields = await visitor.form()
    await visitor.ports.log_desk.withholding.end(_keeper(visitor), id_in(fields, "regel"))
    await visitor.say("office.told_again")
    return visitor.redirect(f"{PATH}#navne")


async def follow_up(request: Request) -> Response:
    """Looks of the own staff in a day: a sample, or those that are looked at more closely. Citizens are letters."""
    visitor = await visit(request)
    ask, asked_for = _keeper(visitor), request.query_params
    end = _end(asked_for.get("dag", "")) or _end(visitor.now.astimezone(DANISH_TIME).date().isoformat())
    assert end is not None
    which = asked_for["vis"] if asked_for.get("vis") in CHOICES else CHOICES[0]
    staff = asked_for.get("hvem", "")
    one = int(staff) if staff.lstrip("-").isdecimal() and len(staff) <= 20 else None
    looks = await visitor.ports.log_desk.follow_up.looks(ask, end - timedelta(days=1), end, which, one)
    shown = [look_view(look, visitor.words) for look in looks]
    return visitor.page(
        "log_follow_up.html", looks=shown, day=(end - timedelta(hours=12)).date().isoformat(), which=which, choices=CHOICES,
        person=shown[0].who if shown and one is not None else "",
    )  # fmt: skip


def _end(text: str) -> datetime | None:
    """The end of a day, as a date field sends it."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        return None
    return datetime.combine(day, time(), DANISH_TIME) + timedelta(days=1)


ROUTES = [
    Route(PATH, desk, methods=["GET"]),
    Route(PATH + "/spoergsmaal/{question:uuid}", question, methods=["GET"]),
    Route(PATH + "/spoergsmaal/{question:uuid}", answer, methods=["POST"]),
    Route(PATH + "/spoergsmaal/{question:uuid}/navn", name, methods=["POST"]),
    Route(PATH + "/opfoelgning", follow_up, methods=["GET"]),
    Route(PATH + "/navne", withhold, methods=["POST"]),
    Route(PATH + "/navne/slut", end, methods=["POST"]),
]
