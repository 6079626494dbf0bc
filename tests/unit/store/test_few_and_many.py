"""However many are written at once, a row is the same: a few go in one statement, many by COPY."""

from typing import Any

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store.encoding import DATE_COLUMNS, RESOURCE_COLUMNS, STRING_COLUMNS
from helhed.foundation.ids import bucket_of, new_id
from tests.unit.store.scene import Scene

#: says which row it is, or when and by what bytes it came: all else must agree
_OWN = frozenset({"id", "digest", "body", "updated"})
_MANY = 8


def some(scene: Scene) -> list[dict[str, Any]]:
    """What fills the columns: dates and none, numbers, texts, what names others, what an organisation owns."""
    subject = {"reference": f"Patient/{scene.patient}"}
    return [
        scene.result(valueQuantity={"value": 7.25, "unit": "mmol/L"}, note=[{"text": "æøå"}]),
        {"resourceType": "Task", "status": "requested", "intent": "order", "for": subject, "authoredOn": "2025-03-01T10:00:00Z",
         "executionPeriod": {"start": "2025-03-02", "end": "2025-03-04"}},
        {"resourceType": "Encounter", "status": "finished", "class": {"code": "IMP"}, "subject": subject,
         "period": {"start": "2025-01-01", "end": "2025-01-03"}},
        {"resourceType": "Practitioner", "name": [{"family": "Åkjær", "given": ["Ida"]}]},
        {"resourceType": "Basic", "code": {"text": "x"}, "subject": subject},
    ]  # fmt: skip


async def stored(scene: Scene, resource: dict[str, Any], count: int) -> list[Any]:
    """The rows of the first of ``count`` that are written at once."""
    world = scene.world
    home = bucket_of(scene.patient)  # beside the citizen, so that the bucket is the same too
    changes = []
    for _ in range(count):
        changes.append(Change("POST", resource["resourceType"], resource, orjson.dumps(resource), new_id(home)))
    written = await world.store.commit(scene.custodian, changes)
    found = []
    for table, columns in (
        ("resource", RESOURCE_COLUMNS),
        ("resource_string", STRING_COLUMNS),
        ("resource_date", DATE_COLUMNS),
    ):
        names = ", ".join(one for one in columns if one not in _OWN)
        found += await world.owner.fetch(
            f"select {names} from fhir.{table} where id = $1 order by {names}", written[0].id
        )
    return [tuple(row) for row in found]


async def test_a_row_is_the_same_however_many_are_written_at_once(scene: Scene) -> None:
    for one in some(scene):
        alone, beside, among = [await stored(scene, one, count) for count in (1, 3, _MANY)]
        assert alone == among, one["resourceType"]
        assert beside == among, one["resourceType"]
        assert len(alone) > 0
