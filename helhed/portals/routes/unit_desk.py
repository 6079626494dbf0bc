"""Whoever keeps an organisation's units changes, moves, closes and registers them, from a day on; of their own part only."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.fhir.indexing import normalise
from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.errors import BadRequest, Unknown
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.http import id_in
from helhed.portals.ports.units import Units
from helhed.portals.routes.units import PATH, day_in, keeps, register_of, unit_page
from helhed.registries.units.planning import danish_day

_NEAR = 6
_CONTACTS = {"telefon": "phone", "mail": "email"}


class Unclear(BadRequest):
    """What was typed names no unit, or several."""

    def __init__(self, problem: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.problem, self.near = problem, near


async def mine(request: Request) -> Response:
    """The unit that the keeper works for."""
    visitor = await visit(request)
    _keeper(visitor)
    own = visitor.principal.organisation
    place = await register_of(visitor).place_of(own) if own is not None else None
    if place is None:
        raise Unknown
    return visitor.redirect(f"{PATH}/{place.id}")


def _keeper(visitor: Visit) -> Ask:
    visitor.professional()
    if not keeps(visitor):
        raise WrongDoor
    return visitor.ask(Purpose.OPERATIONS)


async def begun(request: Request) -> tuple[Visit, Ask, Units, UUID, dict[str, str]]:
    """Who arranges which unit, and what was typed. Raises WrongDoor for who keeps none."""
    visitor = await visit(request)
    ask = _keeper(visitor)
    return visitor, ask, register_of(visitor), request.path_params["id"], await visitor.form()


async def ended(
    visitor: Visit, unit: UUID, fields: dict[str, str], problem: str, done: str, near: tuple[str, ...] = ()
) -> Response:
    """The page again with what was typed and why not; or its page as it is now."""
    if problem:
        return await unit_page(visitor, unit, fields, f"units.problem.{problem}", near)
    await visitor.say(done)
    return visitor.redirect(f"{PATH}/{unit}")


async def change(request: Request) -> Response:
    """Name, address, telephone and mail."""
    visitor, ask, register, unit, fields = await begun(request)
    today = danish_day(visitor.now)
    day = day_in(fields.get("dag", ""), today)
    sheet = await register.sheet(unit, max(day, today), visitor.now)
    changes = _changes(sheet.line[0].said if sheet.line else {}, fields)
    problem = await register.change(ask, unit, day, changes) if changes else "same"
    return await ended(visitor, unit, fields, problem, "units.done.change")


def _changes(now: Any, fields: dict[str, str]) -> dict[str, Any]:
    """The elements that become others; nothing is taken out by leaving a field empty that was empty before."""
    found: dict[str, Any] = {}
    if fields.get("navn") and fields["navn"] != now.get("name"):
        found["name"] = fields["navn"]
    kept = [one for one in now.get("telecom", ()) if one.get("system") not in _CONTACTS.values()]
    typed = [
        {"system": system, "value": fields[name], "use": "work"}
        for name, system in _CONTACTS.items()
        if fields.get(name)
    ]
    before = {one.get("system"): one.get("value") for one in now.get("telecom", ())}
    if any(before.get(system, "") != fields.get(name, "") for name, system in _CONTACTS.items()):
        found["telecom"] = [*typed, *kept] or None
    address = _address(fields)
    old: dict[str, Any] = next(iter(now.get("address", ())), {})
    if {name: old.get(name) for name in ("line", "postalCode", "city") if old.get(name)} != address:
        found["address"] = [{"use": "work", **address}] if address else None
    return found


def _address(fields: dict[str, str]) -> dict[str, Any]:
    told = {
        "line": [fields["vej"]] if fields.get("vej") else None,
        "postalCode": fields.get("postnr"),
        "city": fields.get("by"),
    }
    return {name: value for name, value in told.items() if value}


async def move(request: Request) -> Response:
    """Beneath another unit."""
    visitor, ask, register, unit, fields = await begun(request)
    day = day_in(fields.get("dag", ""), danish_day(visitor.now))
    try:
        (above,) = await _units_in(visitor, register, fields, "under") or (None,)
        problem = await register.move(ask, unit, day, above) if above else "which"
    except Unclear as unclear:
        return await ended(visitor, unit, fields, unclear.problem, "", unclear.near)
    except ValueError:
        problem = "which"
    return await ended(visitor, unit, fields, problem, "units.done.move")


async def close(request: Request) -> Response:
    """Closed; into one (merged), or several (split)."""
    visitor, ask, register, unit, fields = await begun(request)
    day = day_in(fields.get("dag", ""), danish_day(visitor.now))
    try:
        successors = await _units_in(visitor, register, fields, "efter")
    except Unclear as unclear:
        return await ended(visitor, unit, fields, unclear.problem, "", unclear.near)
    return await ended(visitor, unit, fields, await register.close(ask, unit, day, successors), "units.done.close")


async def new(request: Request) -> Response:
    """A unit beneath this one."""
    visitor, ask, register, unit, fields = await begun(request)
    if not fields.get("nyt_navn"):
        return await ended(visitor, unit, fields, "name", "")
    resource: dict[str, Any] = {"active": True, "name": fields["nyt_navn"]}
    if fields.get("nyt_slags"):
        resource["type"] = [{"text": fields["nyt_slags"]}]
    made = await register.register(ask, unit, resource)
    if isinstance(made, str):
        return await ended(visitor, unit, fields, made, "")
    return await ended(visitor, made, fields, "", "units.done.new")


async def withdraw(request: Request) -> Response:
    """A plan is taken back."""
    visitor, ask, register, unit, fields = await begun(request)
    return await ended(visitor, unit, {}, await register.withdraw(ask, id_in(fields, "plan")), "units.done.withdraw")


async def _units_in(visitor: Visit, register: Units, fields: dict[str, str], name: str) -> list[UUID]:
    """The units that a field names, one a line: by SOR code, or by enough of the name. Unclear when a line names none, or several."""
    day = day_in(fields.get("dag", ""), danish_day(visitor.now))
    found = []
    for line in fields.get(name, "").splitlines():
        if not line.strip():
            continue
        near = await register.find(line.strip(), day, _NEAR)
        same = [one for one in near if normalise(one.name) == normalise(line)]
        chosen = near if len(near) == 1 else same
        if len(chosen) != 1:
            raise Unclear(
                "several" if near else "nobody",
                tuple(f"{one.name} ({one.sor or ', '.join(one.above)})" for one in near),
            )
        found.append(chosen[0].id)
    return found


ROUTES = [
    Route(f"{PATH}/mine", mine, methods=["GET"]),
    Route(PATH + "/{id:uuid}/aendr", change, methods=["POST"]),
    Route(PATH + "/{id:uuid}/flyt", move, methods=["POST"]),
    Route(PATH + "/{id:uuid}/luk", close, methods=["POST"]),
    Route(PATH + "/{id:uuid}/ny", new, methods=["POST"]),
    Route(PATH + "/{id:uuid}/fortryd", withdraw, methods=["POST"]),
]
