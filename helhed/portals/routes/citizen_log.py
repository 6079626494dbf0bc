"""My log and my blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Ask, Purpose
from helhed.portals.context import Visit, visit
from helhed.portals.ports import Block, LogEntry, Organisation
from helhed.portals.presenters import blocks as told
from helhed.portals.presenters.log import KINDS, bursts, log_days, wanted
from helhed.portals.presenters.names import Names
from helhed.portals.reading import organisation_key
from helhed.record.hiding import Rule
from helhed.record.reading import RecordReader

PERIODS: Mapping[str, int] = {"7": 7, "30": 30, "365": 365, "1825": 1825}
DEFAULT_PERIOD = "30"
PAGE_ROWS = 300
SELF = 1  #: the basis of looking at one's own
PATH = "/borger/log"


@dataclass(frozen=True, slots=True)
class Trying:
    """What the block form holds and what is wrong with it, by field."""

    who: str = ""
    what: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    rule: Rule | None = None


async def my_log(request: Request) -> Response:
    """Who has seen my data, my blocks, and what one more would hide."""
    visitor = await visit(request)
    visitor.citizen()
    asked = request.query_params
    trying = Trying()
    if "hvem" in asked or "hvad" in asked:
        tree = await visitor.ports.registries.organisation_tree()
        held = await visitor.ports.blocks.list(visitor.ask(Purpose.OWN))
        trying = checked(asked.get("hvem", ""), asked.get("hvad", ""), tree, held)
    return await _page(visitor, trying, status=422 if trying.problems else 200)


def checked(who: str, what: str, tree: Sequence[Organisation], held: Sequence[Block]) -> Trying:
    """The form read: a rule, or what is wrong by field."""
    known = {str(organisation.key) for organisation in tree}
    problems = {}
    if who != told.EVERYBODY and who not in known:
        problems["hvem"] = "block.choose_who"
    if what != told.EVERYTHING and what not in known:
        problems["hvad"] = "block.choose_what"
    if problems:
        return Trying(who, what, problems)
    rule = Rule(organisation_key(who), organisation_key(what))
    if any((block.who, block.what) == (rule.who, rule.what) for block in held):
        return Trying(who, what, {"hvem": "block.already"})
    return Trying(who, what, {}, rule)


async def set_block(request: Request) -> Response:
    """Saves a block that was tried first."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    ask = visitor.ask(Purpose.OWN)
    tree, held = await visitor.ports.registries.organisation_tree(), await visitor.ports.blocks.list(ask)
    trying = checked(fields.get("hvem", ""), fields.get("hvad", ""), tree, held)
    if trying.rule is None:
        return await _page(visitor, trying, status=422)
    await visitor.ports.blocks.add(ask, trying.rule.who, trying.rule.what)
    await visitor.say("block.saved")
    return visitor.redirect(f"{PATH}#spaer")


async def end_block(request: Request) -> Response:
    """Ends a block."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    try:
        ended = await visitor.ports.blocks.remove(visitor.ask(Purpose.OWN), UUID(fields.get("spaer", "")))
    except ValueError:
        ended = False
    await visitor.say("block.ended" if ended else "block.already_ended")
    return visitor.redirect(f"{PATH}#spaer")


async def _page(visitor: Visit, trying: Trying, status: int) -> Response:
    ask = visitor.ask(Purpose.OWN)
    return visitor.page(
        "log.html",
        status=status,
        trying=trying,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
        **(log := await _log_part(visitor, ask)),
        **await _block_part(visitor, ask, trying, frozenset(key for key, _ in log["places"])),
    )


async def _log_part(visitor: Visit, ask: Ask) -> dict[str, Any]:
    """The log, filtered as the address says: ``periode``, ``sted``, ``vis``, ``fra``."""
    asked, now = visitor.request.query_params, visitor.now
    period = asked["periode"] if asked.get("periode") in PERIODS else DEFAULT_PERIOD
    since = now - timedelta(days=PERIODS[period])
    cursor = asked.get("fra") or None
    page = await visitor.ports.log.entries(ask, since, now + timedelta(minutes=1), cursor, PAGE_ROWS)
    place = organisation_key(asked.get("sted", ""))
    kind = asked["vis"] if asked.get("vis") in KINDS else "alt"
    own = sum(1 for burst in bursts(page.entries) if burst[0].basis == SELF)
    return {
        "days": log_days(wanted(page.entries, kind, place), visitor.words),
        "period": period,
        "periods": tuple(PERIODS),
        "kind": kind,
        "kinds": tuple(KINDS),
        "place": place,
        "places": _places(page.entries),
        "since": visitor.words.day(since),
        "earlier": page.next_cursor,
        "first_page": cursor is None,
        "own_hidden": own if kind == "andre" else 0,
        "denied": sum(1 for entry in page.entries if not entry.permitted),
    }


def _places(entries: Sequence[LogEntry]) -> list[tuple[int, str]]:
    found = {e.organisation: e.organisation_name or "" for e in entries if e.organisation is not None}
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


async def _block_part(visitor: Visit, ask: Ask, trying: Trying, met: frozenset[int]) -> dict[str, Any]:
    """The blocks in force, the form, and what the block tried in it would hide."""
    held = await visitor.ports.blocks.list(ask)
    tree = await visitor.ports.registries.organisation_tree()
    names = Names({organisation.key: organisation for organisation in tree})
    record = await RecordReader(visitor.ports.rows).whole_record(ask, visitor.principal.actor)
    trial = None
    if trying.rule is not None:
        situation = told.Situation(record, held, tree, await emergency_unit(visitor), visitor.now)
        trial = told.trial(trying.rule, situation, visitor.words, names)
    return {
        "blocks": told.block_views(held, visitor.words, names),
        "trial": trial,
        "who_groups": told.grouped(tree, trying.who, met | record.origins()),
        "what_options": told.options(tree, trying.what, record.origins()),
    }


async def emergency_unit(visitor: Visit) -> int | None:
    """Where an acute patient is likely to land: as configured, else where the demo's first hospital doctor works."""
    if visitor.ports.emergency_organisation is not None:
        return visitor.ports.emergency_organisation
    staff = (one.principal for one in await visitor.ports.personas.all() if one.door == "hospital" and one.principal)
    return next((principal.organisation for principal in staff), None)


ROUTES = [
    Route(PATH, my_log, methods=["GET"]),
    Route("/borger/spaer", set_block, methods=["POST"]),
    Route("/borger/spaer/fjern", end_block, methods=["POST"]),
]
