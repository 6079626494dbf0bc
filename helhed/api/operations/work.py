"""``$receipts`` of a Task: what became of a piece of work, when and by which unit. A receipt that counts is *acted on*, not *delivered*."""

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.request import Request
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import parse_id
from helhed.work.answering import CITIZEN
from helhed.work.queues import Queues, Receipt, Receipts


async def _receipts(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("receipts")
    task = parse_id(place.id or "")
    if task is None:
        await door.store.read(request.ask, "Task", None)
        raise Unknown
    found = await Queues(door.store.pool).receipts(request.ask, task)
    return Answer(200, orjson.dumps({"resourceType": "Parameters", "parameter": _parts(found)}))


def _parts(found: Receipts) -> list[dict[str, object]]:
    parts: list[dict[str, object]] = [{"name": "status", "valueCode": found.status}]
    if found.reaches is not None:
        parts.append({"name": "receiver-can-see", "valueBoolean": found.reaches})
    return parts + [{"name": "receipt", "part": _part(one)} for one in found.moves]


def _part(one: Receipt) -> list[dict[str, object]]:
    what = one.what.removeprefix(CITIZEN)
    part: list[dict[str, object]] = [
        {"name": "what", "valueCode": what},
        {"name": "at", "valueInstant": one.at.isoformat(timespec="milliseconds")},
    ]
    if what != one.what:
        part.append({"name": "by", "valueCode": "citizen"})
    named = (("unit", one.unit), ("to", one.to_unit))
    return part + [{"name": name, "valueString": value} for name, value in named if value]


RECEIPTS = Operation(
    "receipts", frozenset({"instance"}), frozenset({"Task"}), "urn:helhed:operation:receipts", _receipts
)
