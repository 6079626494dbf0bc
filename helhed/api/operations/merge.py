"""``Patient/$merge`` and ``Patient/$unmerge``: two registrations are one citizen, or they are not after all.

As http://hl7.org/fhir/R5/patient-operation-merge.html (R4 has none), with a reason and without moving anything: the source
says ``replaced-by`` in its link, the target ``replaces``. Only a keeper of the directory may. ``Patient/$acted-while-merged`` tells it who
looked or wrote while a link stood, so that whoever acted on data of the wrong person can be told.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson

from helhed.api.answers import Answer, outcome
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import BadRequest, Issue
from helhed.foundation.ids import parse_id
from helhed.registries.linking import Linking
from helhed.registries.wrongly_linked import Acted, acted_while_linked

_SOURCE, _TARGET, _REASON = _NAMES = ("source-patient", "target-patient", "reason")
_DEFINITION = "http://hl7.org/fhir/OperationDefinition/Patient-"
_ACTED = "acted-while-merged"
_COUNTED = ("looks_at_replaced", "looks_at_kept", "writes_on_replaced", "writes_on_kept")
_Change = Callable[[Linking, Ask, UUID, UUID, str], Awaitable[None]]


def _operation(name: str, change: _Change, done: str) -> Operation:
    async def work(door: Door, request: Request, place: Place) -> Answer:
        asked = await given(door, request)
        asked.only(name, *_NAMES)
        pair = (_patient(asked, _SOURCE), _patient(asked, _TARGET))
        await change(Linking(door.store.pool), request.ask, *pair, asked.one(_REASON) or "")
        return Answer(200, outcome((Issue("informational", done),), "information"))

    return Operation(name, frozenset({"type"}), frozenset({"Patient"}), _DEFINITION + name, work, changes=True)


def _patient(asked: Given, name: str) -> UUID:
    kind, _, identifier = (asked.one(name) or "").partition("/")
    found = parse_id(identifier) if kind == "Patient" else None
    if found is None:
        raise BadRequest(f"The parameter {name} is a reference to a patient of this network: Patient/ and its id.")
    return found


async def _acted(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only(_ACTED, _SOURCE, _TARGET)
    found = await acted_while_linked(door.store.pool, request.ask, _patient(asked, _SOURCE), _patient(asked, _TARGET))
    parts: list[dict[str, Any]] = [{"name": "merged", "valueInstant": found.linked_at.isoformat()}]
    if found.unlinked_at is not None:
        parts.append({"name": "unmerged", "valueInstant": found.unlinked_at.isoformat()})
    parts += [{"name": "acted", "part": _told(one)} for one in found.acted]
    return Answer(200, orjson.dumps({"resourceType": "Parameters", "parameter": parts}))


def _told(one: Acted) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"name": "kind", "valueCode": ActorKind(one.kind).name.lower()}]
    for name, of_type, who, called in (
        ("who", "Practitioner", one.actor, one.actor_name),
        ("organization", "Organization", one.organisation, one.organisation_name),
    ):
        if who is not None:
            parts.append({"name": name, "valueReference": {"reference": f"{of_type}/{who}", "display": called or "–"}})
    if one.role:
        parts.append({"name": "role", "valueString": one.role})
    parts.append({"name": "saw-both", "valueBoolean": one.saw_both})
    parts += [{"name": name.replace("_", "-"), "valueInteger": getattr(one, name)} for name in _COUNTED]
    moments = (("first", one.first_at), ("last", one.last_at))
    return parts + [{"name": name, "valueInstant": moment.isoformat()} for name, moment in moments]


MERGING = (
    _operation("merge", Linking.link, "They are one citizen from now on."),
    _operation("unmerge", Linking.unlink, "They are two citizens from now on."),
    Operation(
        _ACTED, frozenset({"type"}), frozenset({"Patient"}), "urn:helhed:operation:" + _ACTED, _acted, post_only=True
    ),
)
