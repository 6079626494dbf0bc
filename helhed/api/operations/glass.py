"""``$break-glass``: a professional opens one citizen's record for at most an hour, for a reason that is kept (værdispring).

FHIR has no such operation; this is the network's own. The citizen is told at once, and it is reviewed. Over FHIR nothing else
tells that anything is withheld: this is asked for whom one means to treat, not because something was missing.
"""

from uuid import UUID

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import key_of, new_id, parse_id
from helhed.trust.glass.rules import glass_policy
from helhed.trust.glass.tickets import Tickets

_NAMES = ("patient", "reason", "note", "ticket")


async def _break(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("break-glass", *_NAMES)
    reason = asked.one("reason") or ""
    if reason not in glass_policy().reasons:
        raise BadRequest(f"The parameter reason is one of {', '.join(glass_policy().reasons)}.")
    ticket = _ticket(asked)
    tickets = Tickets(door.store.pool)
    until = await tickets.break_glass(
        request.ask, key_of(_patient(asked)), reason, asked.one("note") or "", ticket=ticket
    )
    told = [{"name": "ticket", "valueId": str(ticket)}, {"name": "expires", "valueInstant": until.isoformat()}]
    return Answer(200, orjson.dumps({"resourceType": "Parameters", "parameter": told}))


def _patient(asked: Given) -> UUID:
    kind, _, identifier = (asked.one("patient") or "").partition("/")
    found = parse_id(identifier) if kind == "Patient" else None
    if found is None:
        raise BadRequest("The parameter patient is a reference to a patient of this network: Patient/ and its id.")
    return found


def _ticket(asked: Given) -> UUID:
    """The caller's own id makes a repeated request the same ticket."""
    said = asked.one("ticket")
    found = new_id() if said is None else parse_id(said)
    if found is None:
        raise BadRequest("The parameter ticket is an id of the caller's own: a UUID.")
    return found


BREAK_GLASS = Operation(
    "break-glass", frozenset({"system"}), None, "urn:helhed:operation:break-glass", _break, changes=True
)
