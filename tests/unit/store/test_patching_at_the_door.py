"""PATCH: part of a resource changed by somebody who may read it and change it, over the version that was read."""

import asyncio
from base64 import b64encode
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from tests.support.door import Door
from tests.unit.store.scene import Scene, entry

OK, BAD_REQUEST, FORBIDDEN, NOT_FOUND, GONE, FAILED, TOO_LARGE, MEDIA, UNPROCESSABLE = (
    200, 400, 403, 404, 410, 412, 413, 415, 422,
)  # fmt: skip
JSON_PATCH = "application/json-patch+json"
AMEND = [{"op": "replace", "path": "/status", "value": "amended"}]


async def own(scene: Scene, **more: Any) -> UUID:
    """A result that the doctor wrote at the ward."""
    value = {"value": 1, "unit": "mmol/L"}
    return await scene.world.put(scene.doctor, scene.result(valueQuantity=value, **more))


async def patch(scene: Scene, asker: Any, one: object, operations: Any, **headers: str) -> tuple[int, Any, Any]:
    headers = {"content_type": JSON_PATCH, "if_match": 'W/"1"', **headers}
    door = Door(scene.world, asker)
    return await door.do("PATCH", f"/fhir/Observation/{one}", operations, **{k: v for k, v in headers.items() if v})


async def test_a_patch_changes_what_it_names_and_keeps_the_rest_to_the_character(scene: Scene) -> None:
    raw = b'{"resourceType":"Observation","status":"final","code":{"text":"K"},"subject":{"reference":"Patient/%b"},"valueQuantity":{"value":4.60,"unit":"mmol/L"},"referenceRange":[{"low":{"value":3.50e0}}]}'
    door = Door(scene.world, scene.doctor)
    _, stored = await door.post("/fhir/Observation", raw % str(scene.patient).encode())
    operations = b'[{"op":"replace","path":"/status","value":"amended"},{"op":"add","path":"/referenceRange/0/high","value":{"value":5.10}}]'
    status, headers, told = await patch(scene, scene.doctor, stored["id"], operations)
    assert (status, headers["etag"], told["status"]) == (OK, 'W/"2"', "amended")
    assert headers["location"].endswith(f"/Observation/{stored['id']}/_history/2")
    body = await scene.world.owner.fetchval("select body from fhir.resource where id = $1", UUID(stored["id"]))
    assert b'"valueQuantity":{"value":4.60,"unit":"mmol/L"}' in body
    assert b'"referenceRange":[{"low":{"value":3.50e0},"high":{"value":5.10}}]' in body
    assert await scene.world.found(scene.doctor, f"Observation?status=amended&_id={stored['id']}") == [
        UUID(stored["id"])
    ]


@pytest.mark.parametrize(("if_match", "status"), [('W/"1"', OK), ('W/"2"', FAILED), ("", FAILED), ("x", FAILED)])
async def test_a_person_says_which_version_was_read(scene: Scene, if_match: str, status: int) -> None:
    assert (await patch(scene, scene.doctor, await own(scene), AMEND, if_match=if_match))[0] == status


async def test_who_may_read_and_not_change_may_not_patch(scene: Scene) -> None:
    assert (await patch(scene, scene.gp, await own(scene), AMEND))[0] == FORBIDDEN
    assert (await patch(scene, scene.citizen, await own(scene), AMEND))[0] == FORBIDDEN


HOLDS = [{"op": "test", "path": "/status", "value": "final"}]
FAILS = [{"op": "test", "path": "/status", "value": "amended"}]


@pytest.mark.parametrize("operations", [HOLDS, FAILS, AMEND])
async def test_nothing_is_tried_on_what_the_asker_may_not_read(scene: Scene, operations: Any) -> None:
    """Hidden, missing and of another type are one answer, whatever the patch says; so are they for a custodian."""
    one = await own(scene)
    answers = [await patch(scene, scene.stranger, place, operations) for place in (one, uuid4(), "x", scene.contact)]
    assert {(status, orjson.dumps(told)) for status, _, told in answers} == {(NOT_FOUND, orjson.dumps(answers[0][2]))}
    kept = await scene.world.put(scene.custodian, scene.result())
    answers = [await patch(scene, scene.custodian, place, operations) for place in (kept, uuid4(), "x")]
    assert {(status, orjson.dumps(told)) for status, _, told in answers} == {(FORBIDDEN, orjson.dumps(answers[0][2]))}
    await scene.world.block(scene.patient)
    assert (await patch(scene, scene.doctor, one, operations))[0] == NOT_FOUND


async def test_a_system_patches_what_everybody_may_read(scene: Scene) -> None:
    place = f"/fhir/Organization/{scene.ward}"
    door = Door(scene.world, scene.custodian)
    rename = [{"op": "replace", "path": "/name", "value": "Nyt navn"}]
    status, _, told = await door.do("PATCH", place, rename, content_type=JSON_PATCH)
    assert (status, told["name"]) == (OK, "Nyt navn")


async def test_what_was_deleted_is_gone(scene: Scene) -> None:
    one = await own(scene)
    await scene.world.delete(scene.doctor, "Observation", one)
    assert (await patch(scene, scene.doctor, one, AMEND))[0] == GONE


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        (FAILS, UNPROCESSABLE),
        ([{"op": "remove", "path": "/nosuch"}], UNPROCESSABLE),
        ([{"op": "replace", "path": "/id", "value": "x"}], BAD_REQUEST),
        ([{"op": "replace", "path": "/resourceType", "value": "Condition"}], BAD_REQUEST),
        ([{"op": "remove", "path": "/status"}], BAD_REQUEST),
        ([{"op": "add", "path": "/nosuch", "value": 1}], BAD_REQUEST),
        ([{"op": "replace", "path": "/status", "value": "nonsense"}], BAD_REQUEST),
        ([{"op": "replace", "path": "/subject/reference", "value": "Patient/x"}], UNPROCESSABLE),
        ([{"op": "replace", "path": "", "value": []}], UNPROCESSABLE),
        ([{"op": "dance", "path": "/status"}], BAD_REQUEST),
        ({"op": "remove", "path": "/status"}, BAD_REQUEST),
        (b"[{", BAD_REQUEST),
        (b"[" * 500, BAD_REQUEST),
        (b'[{"op":"add","op":"remove","path":"/note"}]', BAD_REQUEST),
        ([{"op": "copy", "from": "/code", "path": "/code/coding"}] * 501, TOO_LARGE),
    ],
)  # fmt: skip
async def test_a_patch_that_cannot_be_done_changes_nothing(scene: Scene, operations: Any, status: int) -> None:
    one = await own(scene)
    got, _, told = await patch(scene, scene.doctor, one, operations)
    assert (got, told["resourceType"]) == (status, "OperationOutcome")
    assert (await scene.world.store.read(scene.doctor, "Observation", one)).version == 1


async def test_a_patch_in_another_form_is_not_taken(scene: Scene) -> None:
    one = await own(scene)
    for media in ("application/merge-patch+json", "text/plain"):
        assert (await patch(scene, scene.doctor, one, AMEND, content_type=media))[0] == MEDIA


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_a_bundle_carries_a_patch_in_a_binary(scene: Scene, kind: str) -> None:
    one = await own(scene)
    binary = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": b64encode(orjson.dumps(AMEND)).decode()}
    body = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [entry("PATCH", f"Observation/{one}", binary, ifMatch='W/"1"')],
    }
    _, _, told = await Door(scene.world, scene.doctor).do("POST", "/fhir", body)
    assert told["entry"][0]["response"]["status"] == "200"
    assert orjson.loads((await scene.world.store.read(scene.doctor, "Observation", one)).body)["status"] == "amended"


async def test_patches_at_once_lose_none(scene: Scene) -> None:
    place = f"/fhir/Organization/{scene.ward}"
    door = Door(scene.world, scene.custodian)
    first = [{"op": "add", "path": "/alias", "value": ["0"]}]
    await door.do("PATCH", place, first, content_type=JSON_PATCH)
    more = [[{"op": "add", "path": "/alias/-", "value": str(n)}] for n in range(1, 6)]
    await asyncio.gather(*(door.do("PATCH", place, one, content_type=JSON_PATCH) for one in more))
    _, told = await door.get(place)
    assert sorted(told["alias"]) == ["0", "1", "2", "3", "4", "5"]


async def test_a_patch_is_a_look_and_a_change_and_a_refused_one_stands_in_the_log_too(scene: Scene) -> None:
    one = await own(scene)
    before = len(await scene.world.log(scene.patient))
    await patch(scene, scene.doctor, one, AMEND)
    await patch(scene, scene.stranger, one, AMEND)
    rows = (await scene.world.log(scene.patient))[before:]
    assert [(row["action"], row["permitted"]) for row in rows if row["actor"] == scene.doctor.actor] == [
        (1, True),
        (6, True),
    ]
    assert [row["permitted"] for row in rows if row["actor"] == scene.stranger.actor] == [False]


# --- FHIRPath Patch ---------------------------------------------------------------------------------------------------


def parameters(kind: str, **parts: Any) -> dict[str, Any]:
    """A FHIRPath Patch of one operation."""
    made = [{"name": "type", "valueCode": kind}, *({"name": name, **value} for name, value in parts.items())]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": made}]}


AMENDED = parameters("replace", path={"valueString": "Observation.status"}, value={"valueCode": "amended"})
AMENDED_XML = (
    b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="replace"/></part>'
    b'<part><name value="path"/><valueString value="Observation.status"/></part><part><name value="value"/><valueCode value="amended"/></part>'
    b"</parameter></Parameters>"
)


@pytest.mark.parametrize(
    ("body", "media"), [(AMENDED, "application/fhir+json"), (AMENDED_XML, "application/fhir+xml")], ids=["json", "xml"]
)
async def test_a_fhirpath_patch_changes_what_its_path_finds(scene: Scene, body: Any, media: str) -> None:
    one = await own(scene)
    status, _, told = await patch(scene, scene.doctor, one, body, content_type=media)
    assert (status, told["status"]) == (OK, "amended")
    assert await scene.world.found(scene.doctor, f"Observation?status=amended&_id={one}") == [one]


async def test_a_fhirpath_patch_keeps_decimals_to_the_character(scene: Scene) -> None:
    one = await own(scene)
    raw = orjson.dumps(
        parameters("replace", path={"valueString": "Observation.value"}, value={"valueQuantity": {"value": 0, "unit": "mmol/L"}})
    ).replace(b'"value":0', b'"value":4.600')  # fmt: skip
    status, _, _ = await patch(scene, scene.doctor, one, raw, content_type="application/fhir+json")
    assert status == OK
    assert b'"value":4.600' in await scene.world.owner.fetchval("select body from fhir.resource where id = $1", one)


async def test_a_fhirpath_patch_goes_by_a_condition_and_in_a_bundle(scene: Scene) -> None:
    one = await own(scene)
    door = Door(scene.world, scene.doctor)
    headers = {"content_type": "application/fhir+json", "if_match": 'W/"1"'}
    status, _, told = await door.do("PATCH", f"/fhir/Observation?_id={one}", AMENDED, **headers)
    assert (status, told["status"]) == (OK, "amended")
    back = parameters("replace", path={"valueString": "Observation.status"}, value={"valueCode": "final"})
    request = {"method": "PATCH", "url": f"Observation/{one}", "ifMatch": 'W/"2"'}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": back, "request": request}]}
    status, told = await door.post("/fhir", bundle)
    assert (status, told["entry"][0]["response"]["etag"]) == (OK, 'W/"3"')


async def test_a_fhirpath_patch_tells_nothing_of_what_is_hidden_and_moves_nothing_to_another(scene: Scene) -> None:
    one = await own(scene)
    answers = [
        await patch(scene, scene.stranger, place, AMENDED, content_type="application/fhir+json")
        for place in (one, uuid4())
    ]
    assert {(status, orjson.dumps(told)) for status, _, told in answers} == {(NOT_FOUND, orjson.dumps(answers[0][2]))}
    other = await scene.world.patient(scene.ward)
    for path, value in (
        ("Observation.subject", {"valueReference": {"reference": f"Patient/{other}"}}),
        ("Observation.id", {"valueId": str(uuid4())}),
    ):
        moving = parameters("replace", path={"valueString": path}, value=value)
        status, _, _ = await patch(scene, scene.doctor, one, moving, content_type="application/fhir+json")
        assert status in {BAD_REQUEST, UNPROCESSABLE}
    assert (await scene.world.store.read(scene.doctor, "Observation", one)).version == 1
