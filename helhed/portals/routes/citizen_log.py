"""My log: who has seen my data, on a page, on paper and as a file."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Action, Ask, Purpose
from helhed.foundation.errors import BadRequest
from helhed.foundation.logging import scrub
from helhed.portals.context import Visit, visit
from helhed.portals.ports import LogPage
from helhed.portals.ports.log_desk import LogWish
from helhed.portals.presenters import log_export
from helhed.portals.presenters.log import KINDS, log_days
from helhed.portals.presenters.log_office import source_view
from helhed.portals.presenters.people_met import people_met, places_met
from helhed.portals.reading import organisation_key
from helhed.trust.roles import roles

PERIODS: Mapping[str, int] = {"7": 7, "30": 30, "365": 365, "1825": 1825}
DEFAULT_PERIOD = "30"
PAGE_ROWS, PAPER_ROWS, FILE_ROWS = 300, 3000, 4000
_LONGEST_TEXT, _MOST_PAGES = 80, 100
PATH = "/borger/log"


async def my_log(request: Request) -> Response:
    """Who has seen my data."""
    visitor = await visit(request)
    visitor.citizen()
    ask, wish = visitor.ask(Purpose.OWN), _wish(visitor, PAGE_ROWS)
    desk = visitor.ports.log_desk
    met = await desk.own.met(ask, wish.since)
    page = await desk.own.page(ask, wish)
    return visitor.page(
        "log.html",
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
        people=people_met(met, visitor.words),
        places=places_met(met),
        sources=[source_view(one, visitor.words) for one in await desk.own.sources(ask)],
        waiting=sum(one.answered_at is None for one in await desk.questions.own(ask)),
        unread=await desk.notices.unread(ask),
        **_shown(visitor, wish, page),
    )


async def paper(request: Request) -> Response:
    """The same for print: everything of the period on one page, nothing folded away."""
    visitor = await visit(request)
    visitor.citizen()
    wish = _wish(visitor, PAPER_ROWS)
    page = await visitor.ports.log_desk.own.page(visitor.ask(Purpose.OWN), wish)
    return visitor.page(
        "log_paper.html",
        name=visitor.principal.name,
        printed=visitor.words.instant(visitor.now),
        **_shown(visitor, wish, page),
    )


async def file(request: Request) -> Response:
    """The log as a file, with the filters of the page: csv, json or fhir."""
    visitor = await visit(request)
    visitor.citizen()
    form = request.query_params.get("form", "csv")
    ask, wish = visitor.ask(Purpose.OWN), _wish(visitor, FILE_ROWS)
    if form == "fhir":
        content, media, name = (
            await visitor.ports.log_desk.own.bundle(ask, wish),
            "application/fhir+json",
            "log.fhir.json",
        )
    elif form in {"csv", "json"}:
        entries = [entry for page in await _all(visitor, ask, wish) for entry in page.entries]
        written = log_export.as_csv if form == "csv" else log_export.as_json
        media = "text/csv; charset=utf-8" if form == "csv" else "application/json"
        content, name = written(entries, visitor.words), f"log.{form}"
    else:
        raise BadRequest("The file is csv, json or fhir.")
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})


async def _all(visitor: Visit, ask: Ask, wish: LogWish) -> list[LogPage]:
    """Every page; what is logged meanwhile is not among it."""
    pages: list[LogPage] = []
    for _ in range(_MOST_PAGES):
        page = await visitor.ports.log_desk.own.page(ask, wish)
        pages.append(page)
        if page.next_cursor is None:
            break
        wish = LogWish(
            wish.since, wish.until, page.next_cursor, wish.place, wish.person, wish.kind, wish.text, wish.limit
        )
    return pages


def _wish(visitor: Visit, limit: int) -> LogWish:
    """What the address asks for: ``periode``, ``sted``, ``person``, ``vis``, ``ord``, ``fra``; what is none of ours counts for nothing."""
    asked = visitor.request.query_params
    since, until = _period(asked.get("periode", ""), visitor.now)
    return LogWish(
        since, until, asked.get("fra") or None, organisation_key(asked.get("sted", "")), asked.get("person", "")[:40],
        asked["vis"] if asked.get("vis") in KINDS else "alt", _text(visitor, asked.get("ord", "")), limit,
    )  # fmt: skip


def _period(asked: str, now: datetime) -> tuple[datetime, datetime]:
    days = PERIODS[asked if asked in PERIODS else DEFAULT_PERIOD]
    return now - timedelta(days=days), now + timedelta(minutes=1)


def _text(visitor: Visit, asked: str) -> dict[str, Any]:
    """What words mean in a log: part of a name or a place, a role, a kind of data, or what was done."""
    sought = asked.strip()[:_LONGEST_TEXT].casefold().replace("\x00", "")
    if not sought:
        return {}
    words = visitor.words
    like = sought.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "like": f"%{like}%",
        "roles": [one["role"] for one in roles() if sought in words.role(one["role"]).casefold()],
        "types": [number for name, number in TYPE_NUMBERS.items() if words.has(f"data.{name}") and sought in words.kind_of_data(name).casefold()],
        "actions": [int(one) for one in Action if sought in words.either(f"log.did.{int(one)}", "").casefold()],
    }  # fmt: skip


def _shown(visitor: Visit, wish: LogWish, page: LogPage) -> dict[str, Any]:
    asked = visitor.request.query_params
    period = asked["periode"] if asked.get("periode") in PERIODS else DEFAULT_PERIOD
    kept = {
        "periode": period,
        "vis": wish.kind,
        "sted": "" if wish.place is None else str(wish.place),
        "person": wish.person,
        "ord": asked.get("ord", "")[:_LONGEST_TEXT],
    }
    return {
        "days": log_days(page.entries, visitor.words),
        "total": page.total,
        "period": period,
        "periods": tuple(PERIODS),
        "kind": wish.kind,
        "kinds": tuple(KINDS),
        "place": wish.place,
        "person": wish.person,
        "sought": kept["ord"],
        "kept": {name: value for name, value in kept.items() if value and scrub(value) == value},  # links hold no number
        "since": visitor.words.day(wish.since),
        "earlier": page.next_cursor,
        "first_page": wish.cursor is None,
        "denied": sum(1 for entry in page.entries if not entry.permitted),
    }  # fmt: skip


ROUTES: Sequence[Route] = [
    Route(PATH, my_log, methods=["GET"]),
    Route(f"{PATH}/papir", paper, methods=["GET"]),
    Route(f"{PATH}/hent", file, methods=["GET"]),
]
