"""``$sources``: the sources of the network and how each has answered, for whoever is logged in. Nothing of a citizen, and no address."""

from datetime import datetime
from typing import Any

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.request import Request
from helhed.registries.sources import Source, Sources


async def _sources(door: Door, request: Request, _place: Place) -> Answer:
    (await given(door, request)).only("sources")
    known = await Sources(door.store.pool).all()
    said: dict[str, Any] = {"resourceType": "Parameters"}
    if known:
        said["parameter"] = [{"name": "source", "part": _told(one)} for one in known]
    return Answer(200, orjson.dumps(said))


def _told(one: Source) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"name": "id", "valueId": str(one.id)},
        {"name": "name", "valueString": one.name},
        {
            "name": "organization",
            "valueReference": {"reference": f"Organization/{one.organisation}", "display": one.organisation_name},
        },
        {"name": "kind", "valueCode": one.kind},
        {"name": "way", "valueCode": one.way},
        {"name": "active", "valueBoolean": one.active},
        {"name": "may-withhold", "valueBoolean": one.withholds},
        *({"name": "type", "valueCode": name} for name in one.types),
    ]
    moments: dict[str, datetime | None] = {
        "last-delivered": one.last_received,
        "last-answered": one.answered_at,
        "last-failed": one.failed_at,
    }
    return [*parts, *({"name": name, "valueInstant": at.isoformat()} for name, at in moments.items() if at is not None)]


SOURCES = Operation("sources", frozenset({"system"}), frozenset(), "urn:helhed:operation:sources", _sources)
