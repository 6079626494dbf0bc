"""``AuditEvent/{id}/$name-staff``: the name behind an event of which it is withheld, for a case.

Whoever may not be told is answered as if there were no such event, and the attempt stands in the citizen's log.
"""

from uuid import uuid4

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.request import Request
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import parse_id
from helhed.trust.audit_events.shape import row_of
from helhed.trust.log.shielding import Shields


async def _name(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("name-staff", "case-number", "reason")
    identifier = parse_id(place.id or "")
    row = row_of(identifier) if identifier is not None else None
    if row is None:
        await door.store.read(request.ask, "AuditEvent", None)
        raise Unknown
    name = await Shields(door.store.pool).name(
        request.ask, row, asked.one("case-number") or "", asked.one("reason") or "", uuid4()
    )
    told = {"resourceType": "Parameters", "parameter": [{"name": "name", "valueString": name}]}
    return Answer(200, orjson.dumps(told))


NAME_STAFF = Operation(
    "name-staff",
    frozenset({"instance"}),
    frozenset({"AuditEvent"}),
    "urn:helhed:operation:name-staff",
    _name,
    changes=True,
)
