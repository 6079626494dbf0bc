"""``$everything``: all that the asker may see of a patient, or around an encounter, with what it refers to.

http://hl7.org/fhir/R4/patient-operation-everything.html, http://hl7.org/fhir/R4/encounter-operation-everything.html
"""

from helhed.api.answers import ALWAYS, Answer
from helhed.api.bundles import everything_bundle
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.api.sources import manifest_outcome, sources_header, with_answers
from helhed.fhir.changes import Page
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store import Whole
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, parse_id
from helhed.record.live.gathering import LiveSources
from helhed.record.manifest import NOTHING_ASKED, Manifest

_MOST = 1000  #: resources of a page, before what they refer to
_NAMES = ("start", "end", "_since", "_type", "_count", "_cursor")


async def _everything(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("everything", *_NAMES)
    type_name, name = place.type_name or "", place.id or ""
    types, count = _types(asked), asked.count("_count", _MOST, _MOST)
    since, start, end = (asked.moments(one) for one in ("_since", "start", "end"))
    identifier = parse_id(name)
    if identifier is None:
        await door.store.read(request.ask, type_name, None)
        raise Unknown
    whole = Whole(
        type_name,
        identifier,
        count,
        types,
        since and since[0],
        start and start[0],
        end and end[1],
        asked.one("_cursor"),
    )
    page = await door.store.everything(request.ask, whole)
    manifest = NOTHING_ASKED
    if (
        door.live is not None and type_name == "Patient" and whole.cursor is None
    ):  # who may not see the patient asks nobody
        page, manifest = await _with_answers(door.live, request.ask, whole, page)
    kept = [pair for pair in asked.pairs if pair[0] != "_cursor"]
    told = everything_bundle(
        door.base, f"{type_name}/{name}/$everything", kept, page, manifest_outcome(manifest) if manifest else b""
    )
    return Answer(200, told, (*ALWAYS, *sources_header(manifest)))


async def _with_answers(live: LiveSources, ask: Ask, whole: Whole, page: Page) -> tuple[Page, Manifest]:
    types = whole.types or live.held
    manifest = await live.ask_all(ask, key_of(whole.id), types)
    return with_answers(page, await live.answered(ask, key_of(whole.id), types, _MOST), whole), manifest


def _types(asked: Given) -> tuple[str, ...]:
    names = [name for own, value in asked.pairs if own == "_type" for name in value.split(",")]
    for name in names:
        if name not in TYPE_NUMBERS:
            raise BadRequest(f"The parameter _type names {name[:60]!r}, which is no type of resource.")
    return tuple(dict.fromkeys(names))


EVERYTHING = (
    Operation(
        "everything", frozenset({"instance"}), frozenset({"Patient"}),
        "http://hl7.org/fhir/OperationDefinition/Patient-everything", _everything, by_rows=True,
    ),
    Operation(
        "everything", frozenset({"instance"}), frozenset({"Encounter"}),
        "http://hl7.org/fhir/OperationDefinition/Encounter-everything", _everything, by_rows=True,
    ),
)  # fmt: skip
