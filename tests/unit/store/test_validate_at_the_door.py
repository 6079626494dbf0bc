"""$validate: what is wrong with a resource; nothing is stored, and nobody is looked at unless an instance is named."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.door import Door
from tests.unit.store.scene import Scene

OK, BAD_REQUEST, NOT_FOUND = 200, 400, 404


def severities(outcome: Any) -> set[str]:
    assert outcome["resourceType"] == "OperationOutcome"
    return {one["severity"] for one in outcome["issue"]}


def parameters(resource: Any, **more: str) -> dict[str, Any]:
    names = {"mode": "valueCode", "profile": "valueUri"}
    values = [{"name": name, names[name]: value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}, *values]}


async def test_a_good_resource_is_fine_and_a_bad_one_is_told_where(scene: Scene) -> None:
    door = Door(scene.world, scene.doctor)
    before = await scene.world.owner.fetchval("select count(*) from foundation.access_log")
    for body in (scene.result(), parameters(scene.result()), parameters(scene.result(), mode="create")):
        status, told = await door.post("/fhir/Observation/$validate", body)
        assert (status, "error" in severities(told)) == (OK, False)
    wrong = scene.result(status="nonsense")
    for body in (wrong, parameters(wrong)):
        status, told = await door.post("/fhir/Observation/$validate", body)
        assert (status, "error" in severities(told)) == (OK, True)
        assert told["issue"][0]["expression"] == ["Observation.status"]
    assert await scene.world.owner.fetchval("select count(*) from foundation.access_log") == before
    assert (
        await scene.world.owner.fetchval("select count(*) from fhir.resource where body like '%nonsense%'::bytea") == 0
    )


async def test_a_profile_that_is_not_here_is_said_to_be_unknown(scene: Scene) -> None:
    body = parameters(scene.result(), profile="http://example.org/nosuch")
    status, told = await Door(scene.world, scene.doctor).post("/fhir/Observation/$validate", body)
    assert status == OK
    assert severities(told) & {"error", "warning"}
    assert "http://example.org/nosuch" in str(told)


async def test_a_stored_resource_is_validated_by_who_may_read_it(scene: Scene) -> None:
    place = f"/fhir/Observation/{scene.observation}/$validate"
    before = len(await scene.world.log(scene.patient))
    status, told = await Door(scene.world, scene.doctor).get(place)
    assert (status, "error" in severities(told)) == (OK, False)
    assert len(await scene.world.log(scene.patient)) == before + 1
    door = Door(scene.world, scene.stranger)
    hidden, missing = await door.get(place), await door.get(f"/fhir/Observation/{uuid4()}/$validate")
    assert hidden == missing
    assert hidden[0] == NOT_FOUND


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Observation/$validate", {"resourceType": "Patient"}),
        ("Observation/$validate", {"resourceType": "Parameters"}),
        ("Observation/$validate", b"{"),
        ("Observation/$validate?mode=dance", {"resourceType": "Observation"}),
        ("Observation/$validate?nosuch=1", {"resourceType": "Observation"}),
        ("Observation/$validate?mode=create&mode=update", {"resourceType": "Observation"}),
    ],
)
async def test_what_cannot_be_understood_is_refused(scene: Scene, path: str, body: Any) -> None:
    status, _, told = await Door(scene.world, scene.doctor).do("POST", f"/fhir/{path}", body)
    assert (status, told["resourceType"]) == (BAD_REQUEST, "OperationOutcome")
