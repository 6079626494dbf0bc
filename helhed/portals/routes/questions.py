"""I ask why somebody looked: what I asked, whose move it is, and where I can complain."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.ports.log_desk import LogWish
from helhed.portals.presenters.log import Visit as LogVisit, log_days
from helhed.portals.presenters.questions import asked
from helhed.trust.log.why import why_policy

PATH = "/borger/spoergsmaal"
_NEWEST = 2**63
_KEPT = timedelta(days=366 * 6)  #: longer than any row of the log


async def my_questions(request: Request) -> Response:
    """What I have asked."""
    visitor = await visit(request)
    visitor.citizen()
    questions = await visitor.ports.log_desk.questions.own(visitor.ask(Purpose.OWN))
    return visitor.page(
        "questions.html",
        questions=[asked(one, visitor.words, visitor.now) for one in questions],
        complaints=why_policy().complaints,
        notice=await visitor.heard(),
    )


async def ask_form(request: Request) -> Response:
    """The form, for one row of the log."""
    visitor = await visit(request)
    visitor.citizen()
    look = _look(request.query_params.get("opslag", ""))
    return visitor.page(
        "question_new.html", look=look, told=await _told(visitor, look), words="", problems={},
        csrf=visitor.session.csrf if visitor.session else "", most=why_policy().most_words, days=why_policy().answer_within.days,
    )  # fmt: skip


async def ask(request: Request) -> Response:
    """Asks."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    look, words = _look(fields.get("opslag", "")), fields.get("ord", "")
    try:
        await visitor.ports.log_desk.questions.ask(visitor.ask(Purpose.OWN), look, words)
    except Unprocessable:
        return visitor.page(
            "question_new.html", status=422, look=look, told=await _told(visitor, look), words=words, problems={"ord": "why.too_long"},
            csrf=visitor.session.csrf if visitor.session else "", most=why_policy().most_words, days=why_policy().answer_within.days,
        )  # fmt: skip
    await visitor.say("why.sent")
    return visitor.redirect(PATH)


async def _told(visitor: Visit, look: int) -> LogVisit:
    """The look in words. Unknown for what is no row of the own log."""
    wish = LogWish(visitor.now - _KEPT, visitor.now + timedelta(minutes=1), row=look)
    page = await visitor.ports.log_desk.own.page(visitor.ask(Purpose.OWN), wish)
    if not page.entries:
        raise Unknown
    return log_days(page.entries, visitor.words)[0].visits[0]


def _look(text: str) -> int:
    """The number of a row. Unknown for what is none."""
    if not (text.isascii() and text.isdecimal() and int(text[:20]) < _NEWEST):
        raise Unknown
    return int(text[:20])


ROUTES = [
    Route(PATH, my_questions, methods=["GET"]),
    Route(PATH, ask, methods=["POST"]),
    Route("/borger/spoerg", ask_form, methods=["GET"]),
]
