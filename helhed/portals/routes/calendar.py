"""The citizen's calendar over all sectors: looked at, answered, and taken into one's own calendar."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import PreconditionFailed, Unknown, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.language import LANGUAGES, Words
from helhed.portals.ports import Subject
from helhed.portals.ports.calendar import Answer
from helhed.portals.presenters.acting import opens
from helhed.portals.presenters.calendar import Teller, calendar_view, feed_words
from helhed.record.calendar.answering import STATUS, NotTaken
from helhed.record.calendar.conflicts import conflicts
from helhed.record.calendar.events import Detail, events
from helhed.record.calendar.ics import calendar as written

PATH = "/borger/kalender"
FEED = "/kalender"
PAST = timedelta(days=365)
SELF = 1
_KIND = "text/calendar; charset=utf-8"
_NOT_HERE = 404


async def my_calendar(request: Request) -> Response:
    """Mine, or that of whom I act for."""
    visitor = await visit(request)
    return await _page(visitor, await visitor.subject())


async def _page(
    visitor: Visit,
    who: Subject,
    *,
    problem: str = "",
    status: int = 200,
    link: str = "",
    kept: dict[str, str] | None = None,
) -> Response:
    ask, rooms = visitor.ask(Purpose.OWN), visitor.ports.calendars
    open_to = who.own or opens(who.acts, "Appointment")
    found = await rooms.calendar(ask, who.citizen) if open_to else []
    teller = Teller(visitor.words, await rooms.units([one.origin for one in found], visitor.now), visitor.now)
    hits = conflicts(found, lambda one: teller.where(one).spot, visitor.now)
    feeds = [one for one in await rooms.feeds(ask) if who.own or (one.mine and one.subject == who.citizen)]
    return visitor.page(
        "calendar.html",
        status=status,
        name=who.name,
        open=open_to,
        shown=calendar_view(found, hits, teller, visitor.now, visitor.now - PAST),
        feeds=feeds,
        details=[one.value for one in Detail],
        link=link,
        problem=problem,
        kept=kept or {},
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def answer(request: Request) -> Response:
    """Confirmed, called off, or asked to be moved."""
    visitor = await visit(request)
    who = await visitor.subject()
    fields = await visitor.form()
    kind, wanted = fields.get("svar", ""), id_in(fields, "aftale")
    ask = visitor.ask(Purpose.OWN)
    found = await visitor.ports.calendars.calendar(ask, who.citizen)
    one = next((one for one in found if one.id == wanted), None)
    if one is None:
        raise Unknown
    words = fields.get("besked", "")
    if kind not in STATUS or (kind == "move" and not words):
        return await _page(visitor, who, problem="calendar.say_wish", status=422, kept=fields)
    if fields.get("version") != str(one.version):
        return await _page(visitor, who, problem="calendar.changed_meanwhile", status=409)
    basis = who.acts[0].basis if who.acts else SELF
    try:
        await visitor.ports.calendars.answer(ask, who.citizen, one, Answer(kind, words, basis))
    except PreconditionFailed:
        return await _page(visitor, who, problem="calendar.changed_meanwhile", status=409)
    except NotTaken:
        return await _page(visitor, who, problem="calendar.not_taken", status=422)
    await visitor.say(f"calendar.said.{kind}")
    return visitor.redirect(f"{PATH}#a-{one.id}")


async def download(request: Request) -> Response:
    """The calendar as a file, with as much in it as was asked for."""
    visitor = await visit(request)
    who = await visitor.subject()
    ask, rooms = visitor.ask(Purpose.OWN), visitor.ports.calendars
    found = await rooms.calendar(ask, who.citizen)
    units = await rooms.units([one.origin for one in found], visitor.now)
    detail = _detail(request.query_params.get("indhold", ""))
    told = events(found, units, detail, feed_words(visitor.words), visitor.now)
    body = written(visitor.words("calendar.feed.name"), told)
    return Response(body, media_type=_KIND, headers={"Content-Disposition": 'attachment; filename="aftaler.ics"'})


def _detail(name: str) -> Detail:
    """As little as is useful, unless more was asked for."""
    return Detail(name) if name in set(Detail) else Detail.ADDRESS


async def make_link(request: Request) -> Response:
    """A link for a calendar program. Its address is shown this once."""
    visitor = await visit(request)
    who = await visitor.subject()
    fields = await visitor.form()
    await visitor.require_fresh("app")
    ask = visitor.ask(Purpose.OWN)
    try:
        secret = await visitor.ports.calendars.make_feed(
            ask, who.citizen, _detail(fields.get("indhold", "")), visitor.words.language
        )
    except Unprocessable:
        return await _page(visitor, who, problem="calendar.feed.many", status=422)
    return await _page(visitor, who, link=f"{visitor.ports.base_url.rstrip('/')}{FEED}/{secret}.ics")


async def end_link(request: Request) -> Response:
    """A link opens nothing any more."""
    visitor = await visit(request)
    visitor.some_citizen()
    fields = await visitor.form()
    await visitor.ports.calendars.end_feed(visitor.ask(Purpose.OWN), id_in(fields, "link"))
    await visitor.say("calendar.feed.ended")
    return visitor.redirect(f"{PATH}#egen")


async def feed(request: Request) -> Response:
    """What a calendar program fetches. Nobody is logged in: the secret says whose ask it is, and that ask is decided now.

    Whatever is wrong with the secret is the same answer. Who tries many is held up, by address.
    """
    visitor = await visit(request)
    secret = request.path_params["secret"]
    rooms = visitor.ports.calendars
    try:
        opened = await rooms.open_feed(secret, visitor.now)
    except Unknown:
        many = not await visitor.count_lookup(f"calendar {secret[:80]}", by_address=True)
        return Response(status_code=429 if many else _NOT_HERE, headers={"Retry-After": "600"} if many else {})
    found = await rooms.fetched(opened)
    words = Words(opened.language if opened.language in LANGUAGES else LANGUAGES[0])
    units = await rooms.units([one.origin for one in found], visitor.now)
    told = events(found, units, _detail(opened.detail), feed_words(words), visitor.now)
    return Response(written(words("calendar.feed.name"), told), media_type=_KIND, headers={"X-Robots-Tag": "noindex"})


ROUTES = [
    Route(PATH, my_calendar, methods=["GET"]),
    Route(f"{PATH}/svar", answer, methods=["POST"]),
    Route(f"{PATH}/aftaler.ics", download, methods=["GET"]),
    Route(f"{PATH}/link", make_link, methods=["POST"]),
    Route(f"{PATH}/link/slut", end_link, methods=["POST"]),
    Route(FEED + "/{secret}.ics", feed, methods=["GET"]),
]
