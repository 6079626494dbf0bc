"""The register of organisations for everybody, logged in or not: units looked up, and told as of a day."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import ActorKind, Purpose
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of
from helhed.portals.context import Visit, visit
from helhed.portals.ports.units import Units
from helhed.portals.presenters.unit_listings import coming, listing_lines
from helhed.portals.presenters.units import unit_view
from helhed.registries.addressing import message_types
from helhed.registries.units import specialities
from helhed.registries.units.planning import danish_day
from helhed.trust.acting.policy import acting_policy

PATH = "/enheder"
MOST = 40
SHAK_DAYS = 90  #: that the report of who still sends SHAK looks back
#: roles whose duty it is to arrange the units of their organisation
KEEPERS = frozenset(role for role, duty in acting_policy().duties if duty == "arrange")


def register_of(visitor: Visit) -> Units:
    """The register. Unknown where there is none."""
    if visitor.ports.units is None:
        raise Unknown
    return visitor.ports.units


def day_in(text: str, otherwise: date) -> date:
    """The day in a field; another when it names none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise


def keeps(visitor: Visit) -> bool:
    """Whether the visitor is somebody whose duty it is to arrange units."""
    session = visitor.session
    if session is None or session.choosing or session.behalf is not None:
        return False
    return session.principal.kind is ActorKind.PROFESSIONAL and session.principal.role in KEEPERS


async def search(request: Request) -> Response:
    """Units by half a name, as of a day."""
    visitor = await visit(request)
    register, today = visitor.ports.units, danish_day(visitor.now)
    text = request.query_params.get("q", "").strip()[:200]
    day = day_in(request.query_params.get("dag", ""), today)
    found = await register.find(text, day, MOST) if text and register else []
    return visitor.page(
        "units.html", text=text, day=day, today=today, shown_day=visitor.words.day(day), found=found, most=MOST, keeps=keeps(visitor),
        wrong_day=bool(request.query_params.get("dag")) and day_in(request.query_params["dag"], date.min) == date.min,
    )  # fmt: skip


async def unit(request: Request) -> Response:
    """One of them."""
    return await unit_page(await visit(request), request.path_params["id"])


async def unit_page(
    visitor: Visit,
    identifier: UUID,
    fields: dict[str, str] | None = None,
    problem: str = "",
    near: tuple[str, ...] = (),
) -> Response:
    """Its page, as of the day in the address; with what was typed, and why it was refused."""
    register, today = register_of(visitor), danish_day(visitor.now)
    day = day_in(visitor.request.query_params.get("dag", ""), today)
    sheet = await register.sheet(identifier, day, visitor.now)
    arranges = keeps(visitor) and await register.arranges(visitor.ask(Purpose.OPERATIONS), identifier)
    here = sheet.line[0].said if sheet.line else {}
    own = listing_lines(sheet.listings, visitor.words, day)
    uses = None
    if arranges and visitor.principal.organisation == key_of(
        identifier
    ):  # one's own: the report is of one's whole part
        uses = [
            (one, visitor.words.near(one.last_at, visitor.now))
            for one in await register.shak_report(visitor.ask(Purpose.OPERATIONS), today - timedelta(days=SHAK_DAYS))
        ]
    return visitor.page(
        "unit.html", status=422 if problem else 200, shown=unit_view(sheet, visitor.words, visitor.now), day=day, today=today,
        arranges=arranges, keeps=keeps(visitor), fields=fields or {}, now_is=_typed(here), problem=problem, near=near, uses=uses, shak_days=SHAK_DAYS,
        own=own, to_come=coming(own), messages=sorted((words[visitor.words.language], code) for code, words in message_types().items()), specialities=specialities.names(visitor.words.language),
        csrf=visitor.session.csrf if visitor.session else "", notice=await visitor.heard(),
    )  # fmt: skip


def _typed(said: object) -> dict[str, str]:
    """What a form about the unit begins with."""
    own = said if isinstance(said, dict) else {}
    contacts = {one.get("system"): one.get("value", "") for one in own.get("telecom", ())}
    address: dict[str, Any] = next(iter(own.get("address", ())), {})
    return {
        "navn": own.get("name", ""),
        "telefon": contacts.get("phone", ""),
        "mail": contacts.get("email", ""),
        "vej": " ".join(address.get("line", ())),
        "postnr": address.get("postalCode", ""),
        "by": address.get("city", ""),
    }


ROUTES = [Route(PATH, search, methods=["GET"]), Route(PATH + "/{id:uuid}", unit, methods=["GET"])]
