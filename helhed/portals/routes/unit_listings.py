"""Whoever keeps an organisation's units says where their messages go and what they offer, from a day on."""

import re
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.portals.http import id_in
from helhed.portals.routes.unit_desk import begun, ended
from helhed.portals.routes.units import PATH, day_in
from helhed.registries.addressing import EVENTS, message_types
from helhed.registries.identifiers import GLN
from helhed.registries.units.planning import danish_day
from helhed.registries.units.specialities import by_name

_CONNECTION = {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "hl7-fhir-msg"}
_GLN = re.compile(r"[0-9]{13}")
_MOST = 200  #: characters of a name, a speciality or a description


async def takes(request: Request) -> Response:
    """A place where the unit takes messages."""
    visitor, ask, register, unit, fields = await begun(request)
    day = _day(fields, danish_day(visitor.now))
    problem = _wrong_endpoint(fields) or await register.list_for(ask, unit, day, _endpoint(fields))
    return await ended(visitor, unit, fields, problem, "units.done.takes")


async def offers(request: Request) -> Response:
    """A service that the unit offers, and its speciality."""
    visitor, ask, register, unit, fields = await begun(request)
    day = _day(fields, danish_day(visitor.now))
    if not fields.get("ydelse"):
        return await ended(visitor, unit, fields, "service", "")
    problem = await register.list_for(ask, unit, day, _service(fields))
    return await ended(visitor, unit, fields, problem, "units.done.offers")


async def stop(request: Request) -> Response:
    """From a day on it is no longer so."""
    visitor, ask, register, unit, fields = await begun(request)
    day = _day(fields, danish_day(visitor.now))
    problem = await register.end_listing(ask, unit, id_in(fields, "hvad"), day)
    return await ended(visitor, unit, {}, problem, "units.done.stop")


async def keep(request: Request) -> Response:
    """What lies ahead is taken back."""
    visitor, ask, register, unit, fields = await begun(request)
    problem = await register.withdraw_listing(ask, unit, id_in(fields, "hvad"))
    return await ended(visitor, unit, {}, problem, "units.done.withdraw")


def _day(fields: dict[str, str], today: date) -> date:
    """The day in the form; a day that is none is one gone by, which is refused in plain words."""
    return day_in(fields["dag"], date.min) if fields.get("dag") else today


def _wrong_endpoint(fields: dict[str, str]) -> str:
    if fields.get("slags_meddelelse") not in message_types():
        return "message"
    return "" if not fields.get("gln") or right_gln(fields["gln"]) else "gln"


def right_gln(text: str) -> bool:
    """Whether it is a location number: thirteen digits, of which the last checks the others (GS1 General Specifications, 7.9)."""
    if not _GLN.fullmatch(text):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(text)) % 10 == 0


def _endpoint(fields: dict[str, str]) -> dict[str, Any]:
    code = fields["slags_meddelelse"]
    own = {"system": EVENTS, "code": code} if code.endswith("-message") else {"code": code.upper()}
    return {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": _CONNECTION,
        "payloadType": [{"coding": [own], "text": message_types()[code]["da"]}],
        "address": fields.get("modtages_paa", "").strip(),
        **({"identifier": [{"system": GLN, "value": fields["gln"]}]} if fields.get("gln") else {}),
    }


def _service(fields: dict[str, str]) -> dict[str, Any]:
    told = {"name": fields["ydelse"][:_MOST], "comment": fields.get("beskrivelse", "")[:_MOST]}
    speciality = fields.get("speciale", "")[:_MOST]
    return {
        "resourceType": "HealthcareService",
        "active": True,
        **{name: text for name, text in told.items() if text},
        **({"specialty": [by_name(speciality)]} if speciality else {}),
    }


ROUTES = [
    Route(PATH + "/{id:uuid}/modtag", takes, methods=["POST"]),
    Route(PATH + "/{id:uuid}/tilbyd", offers, methods=["POST"]),
    Route(PATH + "/{id:uuid}/stop", stop, methods=["POST"]),
    Route(PATH + "/{id:uuid}/behold", keep, methods=["POST"]),
]
