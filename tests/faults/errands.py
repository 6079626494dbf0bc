"""Requests at every door about one citizen: at every page and every interaction of the FHIR door that there is, with what is there.

The routes are the application's own, so a new one is walked by itself. What stands in its address has to be told once, in ``PLACES``.
"""

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID, uuid4

import orjson

from helhed.foundation.ask import ActorKind, Ask
from helhed.registries.identifiers import CPR
from tests.policy.doors import Town, knocks, pages
from tests.support.door import Door
from tests.support.pages import Clicker, Pages
from tests.support.world import World

#: what changes or removes a row
CHANGING = frozenset({"PUT", "PATCH", "DELETE"})
BROKEN = 500
NOBODY = str(UUID(int=1))  #: of what is about no citizen, or what there is none of


@dataclass
class Errand:
    """One citizen, as a visitor asks about them, and what stands in addresses about them."""

    world: World
    ward: UUID
    about: UUID
    rows: dict[str, UUID] = field(default_factory=dict)  #: a row of theirs, by its type
    number: str = ""  #: typed where a number is asked for; "" where the visitor has none
    handle: str = "-"
    told: dict[str, str] = field(default_factory=dict)  #: other things that stand in addresses, by name

    def row(self, type_name: str) -> str:
        """A row of theirs."""
        return str(self.rows.get(type_name, UUID(int=1)))


#: what stands in a place of an address, by the address up to it; a route whose place is not told here fails the walk
PLACES = {
    "/borger/billeder/{type}": lambda one: "DocumentReference",
    "/borger/billeder/{type}/{id}": lambda one: one.row("DocumentReference"),
    "/borger/billeder/{type}/{id}/{place:int}": lambda one: "0",
    "/hospital/patient/{handle}": lambda one: one.handle,
    "/hospital/patient/{handle}/billeder/{type}": lambda one: "DocumentReference",
    "/hospital/patient/{handle}/billeder/{type}/{id}": lambda one: one.row("DocumentReference"),
    "/hospital/patient/{handle}/billeder/{type}/{id}/{place:int}": lambda one: "0",
    "/hospital/log/spoergsmaal/{question:uuid}": lambda one: one.told.get("question", NOBODY),
    "/hjaelp/breve/{letter:uuid}": lambda one: one.told.get("letter", NOBODY),
    "/hjaelp/{help:uuid}": lambda one: one.told.get("help", NOBODY),
    "/hjaelp/venter/{act:uuid}": lambda one: one.told.get("act", NOBODY),
    "/kalender/{secret}": lambda one: one.told.get("feed", "-"),
    "/opgaver/{task}": lambda one: one.row("Task"),
    "/register/samme/{link:uuid}": lambda one: one.told.get("link", NOBODY),
    "/enheder/{id:uuid}": lambda one: str(one.ward),
    # about staff and works, and letters and files of nobody
    "/drift/haendelser/{id:uuid}": lambda one: NOBODY,
    "/drift/overvaagning/{id:uuid}": lambda one: NOBODY,
    "/drift/varsler/{id:uuid}": lambda one: NOBODY,
    "/log-ind/{provider}": lambda one: "demo",
    "/static/{file}": lambda one: "not-there",
}  # fmt: skip
#: these end the session or change for whom it acts: they come last
LAST = ("/borger/hvem", "/log-ud", "/mine-log-ind/slut", "/log-ind", "/mine-log-ind")
#: ways to open a record that are allowed, told of and followed up: what they open has tests of its own
OPENING = ("/hospital/patient/{handle}/vaerdispring", "/hospital/patient/{handle}/relation", "/hospital/erklaeringer")
#: pages that turn whoever is (not) staff away before anything is read: who comes through which door stands in tests/policy/routes.txt
ELSEWHERE = {
    False: ("/hospital", "/drift", "/register", "/hjaelp", "/praksis", "/opgaver", "/enheder/"),
    True: ("/borger", "/drift", "/static", "/oauth", "/log-ind", "/mine-noegler", "/noegler"),
}
_PLACE = re.compile(r"\{\w+(?::\w+)?\}")


def without_a_place(portal: Pages) -> list[str]:
    """Routes in whose address something stands that nobody has told."""
    return sorted({up_to for _, path in pages(portal.app) for up_to in _places(path) if up_to not in PLACES})


def _places(path: str) -> Iterator[str]:
    for found in _PLACE.finditer(path):
        yield path[: found.end()]


def _filled(path: str, one: Errand) -> str:
    filled = path
    for up_to in reversed(list(_places(path))):
        found = _PLACE.search(up_to.rpartition("/")[2])
        assert found is not None
        filled = up_to.removesuffix(found.group()) + PLACES[up_to](one) + filled[len(up_to) :]
    return filled


def fields_of(one: Errand) -> dict[str, str]:
    """A form with the citizen in every field in which one may stand."""
    named = dict.fromkeys(("hvem", "borger", "patient_id", "modtager", "person", "paaroerende"), str(one.about))
    typed = dict.fromkeys(("patient", "cpr", "soeg", "sag", "navn"), one.number or "Ukendt")
    rows = {"raekke": one.row("Observation"), "aftale": one.row("Appointment"), "id": one.row("Appointment")}
    return {**named, **typed, **rows, "version": "1", "grund": "x", "hvorfor": "x", "tekst": "x", "dag": "2026-11-23"}


async def at_the_pages(portal: Pages, visitor: Clicker, one: Errand, *, staff: bool) -> AsyncIterator[tuple[str, str]]:
    routes = sorted(pages(portal.app), key=lambda route: (route[1] in LAST, route[1].startswith("/log-ind/"), route[1]))
    for method, path in routes:
        if path.startswith(ELSEWHERE[staff]) or (method == "POST" and (path in LAST or path in OPENING)):
            continue
        await visitor.ask(method, _filled(path, one), None if method == "GET" else fields_of(one))
        assert visitor.status != BROKEN, (method, path)
        yield f"{method} {path}", f"{visitor.headers}\n{visitor.page}"


async def at_the_fhir_door(door: Door, one: Errand) -> AsyncIterator[tuple[str, str]]:
    """What every interaction and operation answers, and every search of what citizens own."""
    rows = one.rows
    town = Town(
        one.world, one.ward, one.about, rows.get("Encounter", uuid4()), rows.get("Observation", uuid4()), uuid4(), {}
    )
    for knock in knocks():
        if knock.method in CHANGING:
            continue  # what is changed is walked by the tests of routes; what it answers is the row that a read answers
        path, body, kind = knock.made(town, town.result)
        raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else orjson.dumps(body)
        status, text = await door.told(knock.method, f"/fhir{path}", raw, kind)
        assert status != BROKEN, knock.told
        yield knock.told, text
    for path in searches(one):
        status, text = await door.told("GET", path)
        assert status != BROKEN, path
        yield f"GET {path.replace(str(one.about), '…')}", text


def searches(one: Errand) -> Iterator[str]:
    """Everything of a citizen's, of all types; each row known, read and with its past; and what leads from one row to others."""
    yield f"/fhir/Patient/{one.about}/*"
    for name, row in one.rows.items():
        yield f"/fhir/{name}/{row}"
        yield f"/fhir/{name}/{row}/_history"
        yield f"/fhir/{name}/{row}/_history/1"
    yield f"/fhir/Patient/{one.about}"
    yield f"/fhir/Patient/{one.about}/_history"
    yield f"/fhir/Patient?_id={one.about}&_revinclude=*"
    yield f"/fhir/Observation?patient=Patient/{one.about}&_include=*&_include:iterate=*"
    yield f"/fhir/Encounter?patient=Patient/{one.about}&_include=*"
    yield f"/fhir/AuditEvent?patient=Patient/{one.about}"
    yield f"/fhir/Consent?patient=Patient/{one.about}"
    yield f"/fhir/Patient/{one.about}?_format=xml"
    if one.number:
        yield f"/fhir/Patient?identifier={CPR}|{one.number}"
        yield f"/fhir/Observation?patient.identifier={CPR}|{one.number}"
        yield f"/fhir/Patient?_has:Observation:patient:status=final&identifier={CPR}|{one.number}"


def found_in(text: str, marker: str) -> bool:
    """Whether a marker stands in a text: as it is, as a number is written, quoted, in hexadecimal or in base 64."""
    lowered = text.lower()
    return any(form.lower() in lowered for form in _forms(marker))


def _forms(marker: str) -> Iterator[str]:
    yield marker
    if marker.isdigit():
        yield f"{marker[:6]}-{marker[6:]}"
    yield quote(marker)
    yield binascii.hexlify(marker.encode()).decode()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + marker.encode()).decode()
        yield encoded[(0, 2, 3)[before] + (before > 0) : -4]


def kind_of(ask: Ask) -> str:
    """Which pages somebody has a session for."""
    return "none" if ask.kind is ActorKind.SYSTEM else "pages"
