"""Who knocks at the doors, and every address they knock at: read from the portals' routes and the FHIR door's own lists."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from helhed.api.described import OF_A_TYPE, OF_THE_SYSTEM, Interaction
from helhed.api.operations import OPERATIONS, Operation
from helhed.foundation.ask import Ask
from tests.support.world import World

#: one role of each kind: authorised, care staff, under instruction, under responsibility, and everybody who treats nobody
ROLES = (
    "doctor", "social-care-assistant", "secretary", "assistant", "records-custodian", "log-keeper", "citizen-service",
    "directory-keeper", "unit-keeper", "reviewer", "security-officer", "operator",
)  # fmt: skip


@dataclass
class Town:
    """A ward with somebody of every kind of role, a stranger's ward, two citizens, and what one of them has in the record."""

    world: World
    ward: UUID
    patient: UUID
    contact: UUID
    result: UUID
    other: UUID
    people: dict[str, Ask | None]

    @classmethod
    async def built(cls, world: World) -> "Town":
        """Everybody in place."""
        ward, elsewhere = await world.organisation("Afdeling"), await world.organisation("Andet sted")
        patient, other = await world.patient(ward, "Et"), await world.patient(elsewhere, "To")
        contact = await world.contact(patient, ward)
        result = await world.observation(patient, ward)
        people: dict[str, Ask | None] = {
            "nobody": None,
            "the citizen": world.citizen(patient),
            "another citizen": world.citizen(other),
        }
        for role in ROLES:
            people[role] = world.professional(await world.employee(ward, role), ward, role)
        people["a doctor elsewhere"] = world.professional(await world.employee(elsewhere), elsewhere)
        people["the ward's system"] = world.system(ward)
        people["another system"] = world.system(elsewhere)
        return cls(world, ward, patient, contact, result, other, people)


# --- the pages ----------------------------------------------------------------------------------------------------------------


def pages(app: Starlette) -> Iterator[tuple[str, str]]:
    """Method and path of everything the portals answer."""
    yield from sorted(set(_routes(app.routes, "")), key=lambda one: (one[1], one[0]))


def _routes(routes: list[BaseRoute], above: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Route):
            yield from ((method, above + route.path) for method in (route.methods or {"GET"}) - {"HEAD"})
        elif isinstance(route, Mount) and route.routes:
            yield from _routes(route.routes, above + route.path)
        elif isinstance(route, Mount):
            yield "GET", above + route.path + "/{file}"


def address(path: str) -> str:
    """A path with something that is not there in its places."""

    def filled(found: re.Match[str]) -> str:
        return {"uuid": str(UUID(int=1)), "int": "1"}.get(found.group(1) or "", "not-there")

    return re.sub(r"\{\w+(?::(\w+))?\}", filled, path)


# --- the FHIR door ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Knock:
    """One request at the FHIR door: how it is printed, and how it is made for a row that is there."""

    told: str
    method: str
    made: Callable[[Town, UUID], tuple[str, Any, str]]  #: path, body and content type


def _resource(town: Town) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{town.patient}"}, "effectiveDateTime": "2026-11-20T08:00:00Z",
    }  # fmt: skip


def _interaction(one: Interaction, above: str) -> Knock:
    def made(town: Town, row: UUID) -> tuple[str, Any, str]:
        path = above + one.path.replace("{id}", str(row)).replace("{vid}", "1")
        resource = _resource(town) | ({"id": str(row)} if "{id}" in one.path else {})
        entry = {"resource": resource, "request": {"method": "POST", "url": "Observation"}}
        bodies = {
            "resource": resource,
            "patch": [{"op": "replace", "path": "/status", "value": "amended"}],
            "bundle": {"resourceType": "Bundle", "type": one.code, "entry": [entry]},
            "form": f"patient={town.patient}" if above else f"_type=Observation&patient={town.patient}",
        }
        kinds = {"patch": "application/json-patch+json", "form": "application/x-www-form-urlencoded"}
        if one.searches:
            about = f"patient={town.patient}&_id={row}"
            path += f"?{about}" if above else f"?_type=Observation&{about}"
        return path, bodies.get(one.takes, b""), kinds.get(one.takes, "application/fhir+json")

    return Knock(
        f"{one.method} {above + one.path or '/'}{' (' + one.code + ')' if one.path == '' else ''}", one.method, made
    )


def _parameters(*parts: tuple[str, str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": name, kind: value} for name, kind, value in parts]}


def _patient_pair(town: Town, row: UUID) -> dict[str, Any]:
    pair = (("source-patient", town.other), ("target-patient", town.patient))
    return _parameters(*((name, "valueReference", {"reference": f"Patient/{who}"}) for name, who in pair))


_CONCEPT = (("system", "valueUri", "http://hl7.org/fhir/administrative-gender"), ("code", "valueCode", "male"))
_PROPOSAL = ("proposal", "valueId", str(UUID(int=1)))
Body = Callable[[Town, UUID], Any]


def _nothing(town: Town, row: UUID) -> bytes:
    """Asked for by GET."""
    return b""


#: what each operation is given, so that its answer says who may; where an operation is asked for an instance, which
EXAMPLES: dict[str, Body] = {
    "break-glass": lambda town, row: _parameters(("patient", "valueReference", {"reference": f"Patient/{town.other}"}), ("reason", "valueCode", "danger")),
    "everything": _nothing,
    "mask": lambda town, row: _parameters(("element", "valueString", "effective"), ("reason", "valueString", "x")),
    "unmask": lambda town, row: _parameters(("mask", "valueId", str(UUID(int=1)))),
    "match": lambda town, row: _parameters(("resource", "resource", {"resourceType": "Patient", "name": [{"family": "Et", "given": ["Ane"]}], "gender": "female"})),
    "process-message": lambda town, row: {"resourceType": "Bundle", "id": str(uuid4()), "type": "message", "timestamp": "2026-11-23T08:00:00Z"},
    "message-poll": lambda town, row: _parameters(("count", "valueInteger", 1)),
    "message-answer": lambda town, row: _parameters(("message", "valueString", "x")),
    "message-trace": _nothing,
    "message-mode": lambda town, row: _parameters(("mode", "valueCode", "shared")),
    "merge": _patient_pair,
    "unmerge": _patient_pair,
    "acted-while-merged": _patient_pair,
    "purge-propose": lambda town, row: _parameters(("row", "valueUri", f"Observation/{row}"), ("ground", "valueCode", "wrong-patient"), ("case-number", "valueString", "2026-1")),
    "purge-proposals": _nothing,
    "purge-approve": lambda town, row: _parameters(_PROPOSAL, ("seal", "valueString", "00")),
    "purge-withdraw": lambda town, row: _parameters(_PROPOSAL),
    "summary": _nothing,
    "receipts": _nothing,
    "validate": lambda town, row: _resource(town),
    "lookup": lambda town, row: _parameters(*_CONCEPT),
    "validate-code": lambda town, row: _parameters(*_CONCEPT, ("url", "valueUri", "http://hl7.org/fhir/administrative-gender")),
    "subsumes": lambda town, row: _parameters(("system", "valueUri", "http://hl7.org/fhir/administrative-gender"), ("codeA", "valueCode", "male"), ("codeB", "valueCode", "female")),
    "expand": lambda town, row: _parameters(("url", "valueUri", "http://hl7.org/fhir/ValueSet/administrative-gender")),
    "translate": lambda town, row: _parameters(*_CONCEPT),
    "log-sources": _nothing,
    "status": _nothing,
    "events": _nothing,
    "name-staff": lambda town, row: _parameters(("case-number", "valueString", "2026-1"), ("reason", "valueString", "x")),
    "sources": _nothing,
    "attachment": _nothing,
    "unit-find": _nothing,
    "unit-as-of": _nothing,
    "units-beneath": _nothing,
    "unit-plans": _nothing,
    "unit-routes": _nothing,
    "shak-translate": lambda town, row: _parameters(("system", "valueUri", "urn:helhed:shak"), ("code", "valueCode", "990101")),
    "shak-report": _nothing,
    "unit-copy": _nothing,
    "unit-change": lambda town, row: {"resourceType": "Organization", "name": "Et andet navn"},
    "unit-move": lambda town, row: _parameters(("part-of", "valueReference", {"reference": f"Organization/{town.ward}"})),
    "unit-close": lambda town, row: _parameters(("date", "valueDate", "2199-01-01")),
    "unit-merge": lambda town, row: _parameters(("unit", "valueReference", {"reference": f"Organization/{town.ward}"})),
    "unit-withdraw": lambda town, row: _parameters(("plan", "valueId", str(UUID(int=1)))),
    "replacement-cpr-reserve": lambda town, row: _parameters(("block", "valueId", str(uuid4())), ("count", "valueInteger", 1)),
    "replacement-cpr-return": lambda town, row: _parameters(("block", "valueId", str(UUID(int=1)))),
    "replacement-cpr-blocks": _nothing,
    "log-manifest": lambda town, row: _parameters(
        ("since", "valueInstant", "2026-11-20T00:00:00Z"), ("until", "valueInstant", "2026-11-21T00:00:00Z"), ("events", "valueInteger", 0),
        ("digest", "valueString", sha256(b"").hexdigest()),
    ),
}  # fmt: skip


def _operation(one: Operation, level: str, type_name: str) -> Knock:
    above = "" if level == "system" else f"/{type_name}"
    where = above + ("/{id}" if level == "instance" else "")
    method = "GET" if EXAMPLES[one.name] is _nothing else "POST"

    def made(town: Town, row: UUID) -> tuple[str, Any, str]:
        ids = {"Patient": town.patient, "Encounter": town.contact, "Organization": town.ward}
        path = where.replace("{id}", str(ids.get(type_name, row)))
        return f"{path}/${one.name}", EXAMPLES[one.name](town, row), "application/fhir+json"

    return Knock(f"{method} {where}/${one.name}", method, made)


def without_example() -> list[str]:
    """Operations that nobody has said how to ask for."""
    return sorted({one.name for one in OPERATIONS} - set(EXAMPLES))


def knocks() -> list[Knock]:
    """Every interaction of a type that citizens own, of the system, and every operation, each once."""
    found = [_interaction(one, "/Observation") for one in OF_A_TYPE] + [_interaction(one, "") for one in OF_THE_SYSTEM]
    for one in (known for known in OPERATIONS if known.name in EXAMPLES):
        for level in sorted(one.levels):
            type_name = sorted(one.types or {"Observation"})[0]
            found.append(_operation(one, level, type_name))
    return found


async def new_row(town: Town) -> UUID:
    """A measurement that a request may change or delete."""
    return await town.world.observation(town.patient, town.ward, identifier=[{"value": uuid4().hex}])
