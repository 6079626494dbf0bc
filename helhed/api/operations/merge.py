"""``Patient/$merge`` and ``Patient/$unmerge``: two registrations are one citizen, or they are not after all.

As http://hl7.org/fhir/R5/patient-operation-merge.html (R4 has none), with a reason and without moving anything: the source
says ``replaced-by`` in its link, the target ``replaces``. Only a keeper of the directory may.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from helhed.api.answers import Answer, outcome
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, Issue
from helhed.foundation.ids import parse_id
from helhed.registries.linking import Linking

_SOURCE, _TARGET, _REASON = _NAMES = ("source-patient", "target-patient", "reason")
_DEFINITION = "http://hl7.org/fhir/OperationDefinition/Patient-"
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


MERGING = (
    _operation("merge", Linking.link, "They are one citizen from now on."),
    _operation("unmerge", Linking.unlink, "They are two citizens from now on."),
)
