"""``$process-message`` (http://hl7.org/fhir/R4/messageheader-operation-process-message.html): a message in, its acknowledgement out.

A message that can be told whose it is and what it is called is answered with its acknowledgement, also where that says no: the code of
the acknowledgement is the outcome, the status of HTTP says that there is one. What is no message is an error, and is kept as well.
"""

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.request import FHIR_TYPES, XML_TYPES, Request
from helhed.exchange.messages.intake import Intake
from helhed.fhir.xml import json_of
from helhed.foundation.aside import aside
from helhed.foundation.ask import ActorKind
from helhed.foundation.errors import Forbidden, HelhedError

_SYSTEM = frozenset({"system"})
_XML_WEIGHT = 4


async def _process(door: Door, request: Request, place: Place) -> Answer:
    if request.ask.kind is not ActorKind.SYSTEM:
        raise Forbidden("Messages are sent by the system of an organisation; people write them on the pages.")
    media = request.check_type(FHIR_TYPES | XML_TYPES)
    raw = await request.body()
    intake = Intake(door.store, limits=door.limits, most_elements=door.most_elements)
    came = raw
    if media in XML_TYPES:
        try:
            raw = await aside(_XML_WEIGHT * len(came), lambda: json_of(came, limits=door.limits, most_elements=door.most_elements))  # fmt: skip
        except HelhedError as error:
            await intake.unreadable(request.ask, came, "rest", error)
            raise
    taken = await intake.take(request.ask, raw, verbatim=came)
    return Answer(200, taken.answer)


PROCESS_MESSAGE = Operation(
    "process-message", _SYSTEM, None, "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message", _process,
    changes=True,
)  # fmt: skip
MESSAGES = (PROCESS_MESSAGE,)
