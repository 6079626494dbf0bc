"""A replacement number for who has none, or whom nobody knows: searched for first, explained, and with a reason."""

from datetime import date
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Conflict, NotSupported, TooMany, Unknown, Unprocessable
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.matches import match_lines
from helhed.portals.routes.hospital import open_found
from helhed.registries.issuing import Newcomer, Searched, issuing_policy

PATH = "/hospital/nyt-nummer"
SEXES = ("female", "male", "unknown")
KINDS = ("kendt", "ukendt")
_FIELDS = ("hvem", "fornavn", "efternavn", "foedt", "koen", "alder")


def _giver(visitor: Visit) -> None:
    if visitor.professional().role not in issuing_policy().roles:
        raise WrongDoor


async def form(request: Request) -> Response:
    """Who is it?"""
    visitor = await visit(request)
    _giver(visitor)
    return _page(visitor, {})


def _page(
    visitor: Visit, fields: dict[str, str], problem: str = "", searched: Searched | None = None, status: int = 200
) -> Response:
    return visitor.page(
        "issuing.html",
        status=status,
        fields={name: fields.get(name, "") for name in (*_FIELDS, "grund", "ikke")},
        carried=[(name, fields.get(name, "")) for name in _FIELDS],
        kinds=KINDS,
        sexes=SEXES,
        reasons=[(reason, words[visitor.words.language]) for reason, words in issuing_policy().reasons.items()],
        minutes=round(issuing_policy().search_holds.total_seconds() / 60),
        search=str(searched.id) if searched else "",
        found=match_lines(searched.found, visitor.words, visitor.now) if searched else (),
        certain=searched.certain if searched else False,
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
    )


def newcomer_in(fields: dict[str, str], today: date) -> Newcomer:
    """Who the form is about. Raises Unprocessable."""
    try:
        if fields.get("hvem") == "ukendt":
            who = Newcomer(sex=fields.get("koen", ""), age=int(fields.get("alder", "")))
        else:
            given, family = (" ".join(fields.get(name, "").split()) for name in ("fornavn", "efternavn"))
            who = Newcomer(given, family, date.fromisoformat(fields.get("foedt", "")), fields.get("koen", ""))
    except ValueError:
        raise Unprocessable from None
    return who.checked(today)


async def search(request: Request) -> Response:
    """Who may be meant, and why each."""
    visitor = await visit(request)
    _giver(visitor)
    fields = await visitor.form()
    try:
        who = newcomer_in(fields, visitor.now.astimezone(DANISH_TIME).date())
    except Unprocessable:
        return _page(visitor, fields, "issuing.unsound", status=422)
    return await _searched(visitor, fields, who)


async def _searched(
    visitor: Visit, fields: dict[str, str], who: Newcomer, problem: str = "", status: int = 200
) -> Response:
    if not await visitor.count_lookup("match " + who.digest().hex()):
        await visitor.ports.registries.attempted(visitor.ask(Purpose.DIRECTORY))
        raise TooMany
    found = await visitor.ports.keeping.search(visitor.ask(Purpose.DIRECTORY), who)
    return _page(visitor, fields, problem, found, status)


async def issue(request: Request) -> Response:
    """A number, after the search."""
    visitor = await visit(request)
    _giver(visitor)
    fields = await visitor.form()
    try:
        who = newcomer_in(fields, visitor.now.astimezone(DANISH_TIME).date())
        search_id = id_in(fields, "soegning")
    except (Unprocessable, Unknown):
        return _page(visitor, fields, "issuing.search_first", status=422)
    return await _issued(visitor, fields, who, search_id)


async def _issued(visitor: Visit, fields: dict[str, str], who: Newcomer, search_id: UUID) -> Response:
    if fields.get("grund") not in issuing_policy().reasons:
        return await _searched(visitor, fields, who, "issuing.say_why", status=422)
    try:
        given = await visitor.ports.keeping.issue(
            visitor.ask(Purpose.DIRECTORY), who, search_id, fields["grund"], fields.get("ikke", "")
        )
    except Unprocessable:
        return await _searched(visitor, fields, who, "issuing.say_unlike", status=422)
    except Conflict:
        return await _searched(visitor, fields, who, "issuing.search_again", status=409)
    except NotSupported:
        return _page(visitor, fields, "issuing.no_keeper", status=409)
    found = await visitor.ports.registries.find_citizen(visitor.ask(Purpose.DIRECTORY), given.number)
    if found is None:
        raise Unknown
    await visitor.say("issuing.given")
    return await open_found(visitor, found)


ROUTES = [
    Route(PATH, form, methods=["GET"]),
    Route(f"{PATH}/soeg", search, methods=["POST"]),
    Route(PATH, issue, methods=["POST"]),
]
