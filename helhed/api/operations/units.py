"""Units in two times: ``Organization/$unit-find``, ``$unit-as-of``, ``$units-beneath``, ``$unit-plans``, and what arranges them:
``$unit-change``, ``$unit-move``, ``$unit-close``, ``$unit-merge``, ``$unit-withdraw``.

What was, is and will be known of organisations is public to whoever is logged in. A unit is arranged by the system of an organisation
above it. A local copy follows ``Organization/_history?_since=``; what lies ahead is in ``$unit-plans``.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.api.answers import Answer, outcome
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.fhir.validation import validate
from helhed.foundation.errors import BadRequest, InvalidResource, Issue, Unknown
from helhed.foundation.ids import key_of, parse_id
from helhed.registries.directory import Directory
from helhed.registries.identifiers import SOR
from helhed.registries.units.history import UnitHistory, UnitThen
from helhed.registries.units.inheriting import with_inherited
from helhed.registries.units.planning import Plan, UnitPlans, danish_day
from helhed.registries.units.stating import PERIOD, what_is_said

_USUAL, _MOST = 20, 100
_TYPES = frozenset({"Organization"})
_DEFINITION = "urn:helhed:operation:"
_Work = Callable[[Door, Request, Place], Awaitable[Answer]]


def unit_of(place: Place) -> UUID:
    """The id of the unit that is asked about. Raises Unknown."""
    found = parse_id(place.id or "")
    if found is None:
        raise Unknown
    return found


def _organisations(asked: Given, name: str) -> list[UUID]:
    found = [parse_id(value.removeprefix("Organization/")) for own, value in asked.pairs if own == name]
    if None in found:
        raise BadRequest(f"The parameter {name} is a reference to a unit here: Organization/ and its id.")
    return [one for one in found if one is not None]


def day_of(asked: Given, now: datetime, name: str = "date") -> date:
    """The day in a parameter; today in Denmark when it is not there. Raises BadRequest."""
    text = asked.one(name)
    try:
        return danish_day(now) if text is None else date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"The parameter {name} is a day, such as 2026-11-23.") from None


def moments_of(asked: Given, now: datetime) -> tuple[date, datetime]:
    """The day that is asked for, and the moment as known at. Raises BadRequest."""
    known = asked.moments("known")
    return day_of(asked, now), now + timedelta(days=1) if known is None else known[1]


async def _as_of(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-as-of", "date", "known", "inherited")
    day, known = moments_of(asked, request.ask.at)
    unit, wish = unit_of(place), asked.one("inherited") or "false"
    if wish not in {"true", "false"}:
        raise BadRequest("The parameter inherited is true or false.")
    line = await UnitHistory(door.store.pool).above(key_of(unit), day, known)
    if not line:
        raise Unknown("No such unit is known to have been there on that day.")
    then = line[0]
    if wish == "true":
        then = replace(then, said=with_inherited(line, await _ids(door, (one.unit for one in line))))
    return Answer(200, orjson.dumps(_organization(then, unit)))


async def _beneath(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("units-beneath", "date", "known")
    found = await UnitHistory(door.store.pool).beneath(key_of(unit_of(place)), *moments_of(asked, request.ask.at))
    if not found:
        raise Unknown("No such unit is known to have been there on that day.")
    ids = await _ids(door, (one.unit for one in found))
    return Answer(200, _bundle(door.base, [_organization(one, ids[one.unit]) for one in found]))


async def _find(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-find", "text", "identifier", "date", "count")
    limit, day = asked.count("count", _USUAL, _MOST), day_of(asked, request.ask.at)
    system, bar, number = (asked.one("identifier") or "").rpartition("|")
    history = UnitHistory(door.store.pool)
    if number:
        found = await history.with_number(number, day, limit, system if bar else None)
    else:
        found = await history.find(asked.one("text") or "", day, limit)
    told = [
        {
            "resourceType": "Organization",
            "id": str(one.id),
            **({"identifier": [{"system": SOR, "value": one.sor}]} if one.sor else {}),
            "name": one.name,
            "partOf": {"display": ", ".join(one.above)},
        }
        for one in found
    ]
    return Answer(200, _bundle(door.base, [{k: v for k, v in one.items() if v != {"display": ""}} for one in told]))


async def _plans(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-plans")
    plans = await UnitPlans(door.store).of_unit(unit_of(place))
    keys = {key for plan in plans for key in (plan.unit, plan.planned_by, *plan.successors)}
    ids = await _ids(door, keys)
    return Answer(200, orjson.dumps(_parameters([("plan", _told(plan, ids)) for plan in plans])))


async def _change(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-change", "date", "resource")
    wanted, unit, day = asked.resources.get("resource"), unit_of(place), day_of(asked, request.ask.at)
    if wanted is None or wanted.get("resourceType") != "Organization":
        raise BadRequest("Send the Organization as it will be, as the parameter resource.")
    if issues := validate(wanted):
        raise InvalidResource(issues=issues)
    then = await UnitHistory(door.store.pool).as_of([key_of(unit)], day, request.ask.at + timedelta(days=1))
    changes = _difference(then[key_of(unit)].said if then else {}, what_is_said(wanted))
    return _planned([await UnitPlans(door.store).change(request.ask, unit, day, changes)])


async def _move(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-move", "date", "part-of")
    above = _organisations(asked, "part-of")
    if len(above) != 1:
        raise BadRequest("The parameter part-of names the unit above it.")
    return _planned(
        [await UnitPlans(door.store).move(request.ask, unit_of(place), day_of(asked, request.ask.at), above[0])]
    )


async def _close(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-close", "date", "successor")
    day, successors = day_of(asked, request.ask.at), _organisations(asked, "successor")
    return _planned([await UnitPlans(door.store).close(request.ask, unit_of(place), day, successors)])


async def _merge(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-merge", "date", "unit")
    day, units = day_of(asked, request.ask.at), _organisations(asked, "unit")
    return _planned(await UnitPlans(door.store).merge(request.ask, units, day, unit_of(place)))


async def _withdraw(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unit-withdraw", "plan")
    plan = parse_id(asked.one("plan") or "")
    if plan is None:
        raise BadRequest("The parameter plan is the id that the plan was given.")
    await UnitPlans(door.store).withdraw(request.ask, plan)
    return Answer(200, _outcome("The plan is taken back."))


async def _ids(door: Door, keys: Iterable[int]) -> dict[int, UUID]:
    return {key: one.id for key, one in (await Directory(door.store.pool).organisations(keys)).items()}


def _difference(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Elements that become others, and None for those that go."""
    gone = dict.fromkeys(set(now) - set(wanted))
    return gone | {name: value for name, value in wanted.items() if now.get(name) != value}


def _organization(one: UnitThen, unit: UUID) -> dict[str, Any]:
    """The Organization of those days, which an extension of the standard tells."""
    days = {"start": one.begins.isoformat()}
    if one.ends is not None:
        days["end"] = (one.ends - timedelta(days=1)).isoformat()
    others = [extension for extension in one.said.get("extension", ()) if extension.get("url") != PERIOD]
    said = {**one.said, "extension": [*others, {"url": PERIOD, "valuePeriod": days}]}
    return {"resourceType": "Organization", "id": str(unit), **said}


def _told(plan: Plan, ids: Mapping[int, UUID]) -> list[tuple[str, Any]]:
    state = "withdrawn" if plan.withdrawn_at else "in-force" if plan.applied_at else "planned"
    parts = [("id", str(plan.id)), ("unit", ids[plan.unit]), ("date", plan.day), ("kind", plan.kind), ("state", state)]
    parts += [("planned-by", ids[plan.planned_by])] if plan.planned_by in ids else []
    parts += [("successor", ids[key]) for key in plan.successors]
    return parts + ([("problem", plan.problem)] if plan.problem else [])


def _parameters(parts: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    told = [_part(name, value) for name, value in parts]
    return {"resourceType": "Parameters", **({"parameter": told} if told else {})}


def _part(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"name": name, "part": [_part(*one) for one in value]}
    if isinstance(value, UUID):
        return {"name": name, "valueReference": {"reference": f"Organization/{value}"}}
    return {"name": name, "valueDate" if isinstance(value, date) else "valueString": str(value)}


def _planned(plans: list[UUID]) -> Answer:
    return Answer(200, orjson.dumps(_parameters(("plan", str(plan)) for plan in plans)))


def _outcome(text: str) -> bytes:
    return outcome((Issue("informational", text),), "information")


def _bundle(base: str, organizations: list[dict[str, Any]]) -> bytes:
    entries = [{"fullUrl": f"{base}/Organization/{one['id']}", "resource": one} for one in organizations]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "collection"}
    return orjson.dumps({**bundle, "entry": entries} if entries else bundle)


def _operation(name: str, work: _Work, *, of_type: bool = False, changes: bool = False) -> Operation:
    level = frozenset({"type" if of_type else "instance"})
    return Operation(name, level, _TYPES, _DEFINITION + name, work, changes=changes)


UNITS = (
    _operation("unit-find", _find, of_type=True),
    _operation("unit-as-of", _as_of),
    _operation("units-beneath", _beneath),
    _operation("unit-plans", _plans),
    _operation("unit-change", _change, changes=True),
    _operation("unit-move", _move, changes=True),
    _operation("unit-close", _close, changes=True),
    _operation("unit-merge", _merge, changes=True),
    _operation("unit-withdraw", _withdraw, of_type=True, changes=True),
)
