"""``$mask`` and ``$unmask``: a treating clinician hides a row, or elements of one, from those who act for the citizen, or from the
citizen too; and shows it again.

FHIR has no such operations; they are the network's own. What is left of a row without its masked elements is what those people read,
find and are told of (``helhed.fhir.masking``).
"""

from datetime import UTC, datetime
from uuid import UUID

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import parse_id
from helhed.trust.acting.parts import MasksOfParts
from helhed.trust.acting.rights import ActingForOthers, Masking

_EVER = datetime.max.replace(tzinfo=UTC)


async def _mask(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("mask", "element", "reason", "until", "from-citizen")
    why = (asked.one("reason") or "").strip()
    too, until = asked.flag("from-citizen"), _until(asked)
    if not why:
        raise BadRequest("The parameter reason says why: those who treat the citizen read it.")
    if too and until == _EVER:
        raise BadRequest("What is hidden from the citizen too has an end: say until.")
    row, elements = parse_id(place.id or ""), [value for name, value in asked.pairs if name == "element"]
    if row is None or place.type_name is None:
        await door.store.read(request.ask, place.type_name or "Patient", None)
        raise Unknown
    masking = Masking(place.type_name, row, why, until, too)
    if elements:
        mask = await MasksOfParts(door.store).hide(request.ask, masking, elements)
    else:
        mask = await ActingForOthers(door.store.pool).hide(request.ask, masking)
    return _told("mask", mask)


def _until(asked: Given) -> datetime:
    """The end of what was said; the end of time when nothing was."""
    moments = asked.moments("until")
    return _EVER if moments is None else moments[1]


async def _unmask(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("unmask", "mask")
    mask = parse_id(asked.one("mask") or "")
    if mask is None:
        raise BadRequest("The parameter mask is the id that $mask answered with.")
    await ActingForOthers(door.store.pool).unmask(request.ask, mask)
    return _told("mask", mask)


def _told(name: str, value: UUID) -> Answer:
    told = {"resourceType": "Parameters", "parameter": [{"name": name, "valueId": str(value)}]}
    return Answer(200, orjson.dumps(told))


MASKS = (
    Operation("mask", frozenset({"instance"}), None, "urn:helhed:operation:mask", _mask, changes=True),
    Operation("unmask", frozenset({"system"}), None, "urn:helhed:operation:unmask", _unmask, changes=True),
)
