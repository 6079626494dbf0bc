"""``$attachment``: an image of a row that a source answered, fetched through the network. Its address stands in the row itself."""

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.request import Request
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import parse_id
from helhed.record.live.pictures import Pictures

_LONGEST = 4  #: digits
_TYPES = frozenset({"DocumentReference", "Media", "DiagnosticReport", "ImagingStudy"})
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)


async def _attachment(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("attachment", "number")
    number = asked.one("number") or ""
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST):
        raise BadRequest("The parameter number says which attachment, from 0.")
    pictures = Pictures(door.store, door.live)
    found = await pictures.of(
        request.ask, place.type_name or "", parse_id(place.id or ""), int(number), by_address=True
    )
    return Answer(200, found.content, ((b"content-type", found.kind.encode()), *_HEADERS))


ATTACHMENT = Operation(
    "attachment", frozenset({"instance"}), _TYPES, "urn:helhed:operation:attachment", _attachment, by_rows=True
)
