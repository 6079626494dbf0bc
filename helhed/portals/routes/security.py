"""An organisation's own look at its security, the board's view of all, and exercises for everybody at work."""

from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import ActorKind, Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.presenters.watch import chosen, percent
from helhed.portals.routes.drift import csrf, desk, in_office
from helhed.trust.watch.assessments import ANSWERS, Control, Standing, controls, exercises, how_far, weakest

OWN, BOARD, EXERCISES = "/drift/egenkontrol", "/drift/overblik", "/oevelser"
_MONTHS_BACK = (0, 30, 90, 180)
_MOST_WEAK = 5


async def assessment(request: Request) -> Response:
    """The questions, with one's own answers."""
    visitor, _, _ = await desk(request)
    return await _assessment(visitor)


async def _assessment(visitor: Visit, wrong: str = "") -> Response:
    _, watch, ask = await desk(visitor.request)
    known = await watch.assessments.own(ask)
    today = visitor.now.astimezone(DANISH_TIME).date()
    lines = [_question(visitor, one, known.get(one.number), today) for one in controls()]
    return visitor.page(
        "assessment.html", status=422 if wrong else 200, wrong=wrong, lines=lines, answers=tuple(ANSWERS), csrf=csrf(visitor),
        far=percent(visitor.words, how_far({name: one.answer for name, one in known.items()})), answered=len(known),
        late=[line for line in lines if line["late"]], place=visitor.principal.organisation_name,
        office=await in_office(watch, ask), notice=await visitor.heard(), address=visitor.request.url.path,
    )  # fmt: skip


def _question(visitor: Visit, one: Control, known: Any, today: date) -> dict[str, Any]:
    words, language = visitor.words, visitor.words.language
    return {
        "number": one.number, "field": one.number.replace(".", "-").lower(), "question": one.question[language],
        "risk": one.risk[language], "do": one.do[language], "answer": known.answer if known else "",
        "owner": known.owner if known else "", "due": known.due.isoformat() if known and known.due else "",
        "due_words": words.day(known.due) if known and known.due else "", "note": known.note if known else "",
        "said": words("security.said_by", who=known.author_name or "", when=words.day(known.at)) if known else "",
        "late": bool(known and known.late(today)),
    }  # fmt: skip


async def answer(request: Request) -> Response:
    """One answer."""
    visitor, watch, ask = await desk(request)
    fields = await visitor.form()
    control = fields.get("spoergsmaal", "")
    try:
        due = date.fromisoformat(fields["frist"]) if fields.get("frist") else None
        await watch.assessments.answer(
            ask, control, fields.get("svar", ""), fields.get("ansvarlig", ""), due, fields.get("note", "")
        )
    except (ValueError, Unprocessable):
        return await _assessment(visitor, control)
    await visitor.say("security.saved")
    return visitor.redirect(f"{request.url.path}#{control.replace('.', '-').lower()}")


async def board(request: Request) -> Response:
    """How far all have come, the trend, and which questions are weak."""
    visitor, watch, ask = await desk(request)
    if not await in_office(watch, ask):
        raise Unknown
    words = visitor.words
    standings = await watch.assessments.posture(ask, visitor.now)
    trend = []
    for days in _MONTHS_BACK:
        then = visitor.now - timedelta(days=days)
        known = standings if not days else await watch.assessments.posture(ask, then)
        trend.append((words.day(then), percent(words, _middle(known)), sum(one.far is not None for one in known)))
    language = words.language
    weak = [
        (one.number, one.question[language], words.number(lacking), words.number(answered))
        for one, lacking, answered in weakest(standings)[:_MOST_WEAK]
    ]  # fmt: skip
    lines = [
        {
            "name": one.name, "far": percent(words, one.far), "overdue": one.overdue,
            "part": words("security.took_part", n=one.taking_part, of=words.number(one.people)),
        }
        for one in sorted(standings, key=lambda one: (one.far is not None, one.far or 0, one.name))
    ]  # fmt: skip
    return visitor.page("posture.html", lines=lines, trend=trend, weak=weak, office=True)


def _middle(standings: list[Standing]) -> float | None:
    known = sorted(one.far for one in standings if one.far is not None)
    return known[len(known) // 2] if known else None


async def exercise(request: Request) -> Response:
    """Short cases with an answer."""
    return await _exercises(await _at_work(request), {})


async def _at_work(request: Request) -> Visit:
    visitor = await visit(request)
    if visitor.principal.kind is not ActorKind.PROFESSIONAL:
        raise WrongDoor
    if visitor.ports.watch is None:
        raise Unknown
    return visitor


async def _exercises(visitor: Visit, picked: dict[str, str]) -> Response:
    watch = visitor.ports.watch
    if watch is None:
        raise Unknown
    done = await watch.assessments.took_part(visitor.ask(Purpose.OPERATIONS), picked.get("oevelse", ""))
    words = visitor.words
    lines = [
        {
            "name": one.name, "kind": words(f"exercise.kind.{one.kind}"), "case": one.case[words.language],
            "choices": chosen(words, one.choices), "done": one.name in done, "right": one.right,
            "picked": int(picked["svar"]) if picked.get("oevelse") == one.name else None, "why": one.why[words.language],
        }
        for one in exercises()
    ]  # fmt: skip
    return visitor.page("exercises.html", lines=lines, done=len(done), csrf=csrf(visitor), office=False)


async def try_it(request: Request) -> Response:
    """An answer, and why it is right or not."""
    visitor = await _at_work(request)
    fields = await visitor.form()
    known = {one.name: one for one in exercises()}.get(fields.get("oevelse", ""))
    if known is None or fields.get("svar") not in {str(n) for n in range(len(known.choices))}:
        return visitor.redirect(EXERCISES)
    return await _exercises(visitor, fields)


ROUTES = [
    *(Route(address, assessment, methods=["GET"]) for address in (OWN, "/praksis/sikkerhed", "/hospital/sikkerhed")),
    *(Route(address, answer, methods=["POST"]) for address in (OWN, "/praksis/sikkerhed", "/hospital/sikkerhed")),
    Route(BOARD, board, methods=["GET"]),
    Route(EXERCISES, exercise, methods=["GET"]),
    Route(EXERCISES, try_it, methods=["POST"]),
]
