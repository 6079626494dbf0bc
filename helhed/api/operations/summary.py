"""``Patient/$summary``: the International Patient Summary, http://hl7.org/fhir/uv/ips/OperationDefinition/summary."""

from helhed.api.answers import ALWAYS, Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.request import Request
from helhed.api.sources import sources_header, versions
from helhed.foundation.aside import aside
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import key_of, parse_id
from helhed.record.manifest import NOTHING_ASKED
from helhed.record.summary import Document, document, shown_in_summary, summary_types

_MOST_ROWS = 300  #: of a type, dated and undated each: the newest come first, and a section takes fewer


async def _summary(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("summary")
    identifier = parse_id(place.id or "")
    if identifier is None:
        await door.store.read(request.ask, "Patient", None)
        raise Unknown
    rows = [
        one.version
        for one in await door.store.citizen_rows(request.ask, key_of(identifier), summary_types(), _MOST_ROWS)
    ]
    patient = next((one for one in rows if one.type_name == "Patient" and one.id == identifier), None)
    if patient is None:
        raise Unknown
    manifest = NOTHING_ASKED
    if door.live is not None:  # who may not see the patient asks nobody
        manifest = await door.live.ask_all(request.ask, key_of(identifier), summary_types())
        rows += versions(await door.live.answered(request.ask, key_of(identifier), summary_types(), _MOST_ROWS))
    shown = shown_in_summary(rows)
    referred = await door.store.referred_to(request.ask, [patient, *shown])
    about = Document(door.base, patient, rows, referred, request.ask.at, request.ask.trace)
    told = await aside(sum(len(one.body) for one in rows), lambda: document(about))
    return Answer(200, told, (*ALWAYS, *sources_header(manifest)))


SUMMARY = Operation(
    "summary", frozenset({"instance"}), frozenset({"Patient"}), "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
    _summary, by_rows=True,
)  # fmt: skip
