"""Beside units themselves: the address book (``Organization/$unit-routes``), SHAK and SOR (``$shak-translate``, ``$shak-report``), and local
copies (``$unit-copy``).

All is public to whoever is logged in but the report, which tells of one's own part of the hierarchy.
"""

from datetime import timedelta
from typing import Any

import orjson

from helhed.api.answers import ALWAYS, Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.operations.units import day_of, moments_of, unit_of
from helhed.api.request import Request
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.registries.addressing import Route, routes_of
from helhed.registries.directory import Directory
from helhed.registries.identifiers import SHAK, SOR
from helhed.registries.shak import ShakCodes, Translated
from helhed.registries.units.copying import UnitCopies

_TYPES = frozenset({"Organization"})
_DEFINITION = "urn:helhed:operation:"
_NDJSON = (b"content-type", b"application/x-ndjson; charset=utf-8")
_USUAL_DAYS = 90


async def _routes(door: Door, request: Request, place: Place) -> Answer:
    """By which endpoint the unit takes messages, nearest first: its own, or those of the units above it."""
    asked = await given(door, request)
    asked.only("unit-routes", "message-type", "at", "known")
    at, known = asked.moments("at"), asked.moments("known")
    async with lend(door.store.pool) as connection:
        found = await routes_of(
            connection,
            key_of(unit_of(place)),
            asked.one("message-type"),
            at[0] if at else request.ask.at,
            known[1] if known else None,
        )
    ids = {
        key: one.id
        for key, one in (await Directory(door.store.pool).organisations({one.unit for one in found})).items()
    }
    return _parameters([{"name": "route", "part": list(_told(one, ids))} for one in found])


def _told(one: Route, ids: dict[int, Any]) -> Any:
    yield {"name": "endpoint", "valueReference": {"reference": f"Endpoint/{one.endpoint}"}}
    yield {"name": "organization", "valueReference": {"reference": f"Organization/{ids[one.unit]}"}}
    yield {"name": "inherited", "valueBoolean": one.depth > 0}
    yield {"name": "address", "valueUrl": one.address}
    yield from ({"name": "message-type", "valueCode": code} for code in sorted(one.message_types))
    if one.gln is not None:
        yield {"name": "gln", "valueString": one.gln}
    if one.until is not None:
        yield {"name": "until", "valueInstant": one.until.isoformat()}
    if one.delivered_at is not None:
        yield {"name": "last-delivered", "valueInstant": one.delivered_at.isoformat()}


async def _translate(door: Door, request: Request, place: Place) -> Answer:
    """A code of SHAK or of SOR as those of the other (shaped as http://hl7.org/fhir/R4/conceptmap-operation-translate.html)."""
    asked = await given(door, request)
    asked.only("shak-translate", "system", "code", "date", "known")
    system, code = asked.one("system"), asked.one("code")
    if system not in {SHAK, SOR} or not code:
        raise BadRequest(f"Say the code, and its system: {SHAK} or {SOR}.")
    day, known = moments_of(asked, request.ask.at)
    shak, sor = (code, None) if system == SHAK else (None, code)
    found = await ShakCodes(door.store.pool).translate(shak, sor, day, known)
    matches = [_match(one, system == SHAK, len(found)) for one in found]
    told = [{"name": "match", "part": one} for one in matches]
    return _parameters([{"name": "result", "valueBoolean": bool(found)}, *told])


def _match(one: Translated, from_shak: bool, ways: int) -> list[dict[str, Any]]:
    """The equivalence says of which of the two there are several."""
    equivalence = (
        "relatedto"
        if ways > 1 and one.back > 1
        else "narrower"
        if ways > 1
        else "wider"
        if one.back > 1
        else "equivalent"
    )
    system, code = (SOR, one.sor) if from_shak else (SHAK, one.shak)
    coding = {"system": system, "code": code, **({"display": one.name} if from_shak and one.name else {})}
    told: list[dict[str, Any]] = [
        {"name": "equivalence", "valueCode": equivalence},
        {"name": "concept", "valueCoding": coding},
    ]
    if one.unit is not None:
        told.append({"name": "unit", "valueReference": {"reference": f"Organization/{one.unit}"}})
    return [*told, {"name": "source", "valueCode": "map" if one.by_map else "unit"}]


async def _report(door: Door, request: Request, place: Place) -> Answer:
    """Who of one's own part of the hierarchy still writes or searches with SHAK codes, and how often."""
    asked = await given(door, request)
    asked.only("shak-report", "since")
    since = (
        day_of(asked, request.ask.at, "since")
        if asked.one("since")
        else request.ask.at.date() - timedelta(days=_USUAL_DAYS)
    )
    found = await ShakCodes(door.store.pool).report(request.ask, since)
    ids = {
        key: one.id
        for key, one in (await Directory(door.store.pool).organisations({one.organisation for one in found})).items()
    }
    return _parameters([
        {"name": "use", "part": [
            {"name": "organization", "valueReference": {"reference": f"Organization/{ids[one.organisation]}", "display": one.name}},
            {"name": "client", "valueString": one.client}, {"name": "act", "valueCode": one.act},
            *([{"name": "type", "valueCode": one.type}] if one.type else []),
            {"name": "times", "valueInteger": min(one.times, 2**31 - 1)}, {"name": "first-day", "valueDate": one.first_day},
            {"name": "last", "valueInstant": one.last_at.isoformat()},
        ]} for one in found
    ])  # fmt: skip


async def _copy(door: Door, request: Request, place: Place) -> Answer:
    """The whole register, or what changed since, one statement a line; the last line says what to ask for next."""
    asked = await given(door, request)
    asked.only("unit-copy", "since")
    part = await UnitCopies(door.store.pool).part(asked.one("since"))
    lines = [*part.lines, {"kind": "end", "next": part.next, "more": part.more}]
    return Answer(
        200,
        b"".join(orjson.dumps(line) + b"\n" for line in lines),
        (_NDJSON, *(one for one in ALWAYS if one[0] != b"content-type")),
    )


def _parameters(parts: list[dict[str, Any]]) -> Answer:
    return Answer(200, orjson.dumps({"resourceType": "Parameters", **({"parameter": parts} if parts else {})}))


def _operation(name: str, work: Any, *, of_type: bool = True, lines: bool = False) -> Operation:
    level = frozenset({"type" if of_type else "instance"})
    return Operation(name, level, _TYPES, _DEFINITION + name, work, lines=lines)


UNIT_REGISTERS = (
    _operation("unit-routes", _routes, of_type=False),
    _operation("shak-translate", _translate),
    _operation("shak-report", _report),
    _operation("unit-copy", _copy, lines=True),
)
