"""Updates, deletes and patches of what a condition finds: one, none, several; hidden is none; two at once make one."""

import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from tests.support.door import Door
from tests.unit.store.scene import Scene, entry

OK, CREATED, NO_CONTENT = 200, 201, 204
BAD_REQUEST, FORBIDDEN, NOT_FOUND, NOT_ALLOWED, FAILED = 400, 403, 404, 405, 412
NUMBER = {"system": "urn:lab", "value": "42"}
BY_NUMBER = "identifier=" + quote("urn:lab|42")
PATCH_TYPE = "application/json-patch+json"


def result(scene: Scene, **more: Any) -> dict[str, Any]:
    return scene.result(identifier=[NUMBER], **more)


async def kept(scene: Scene) -> list[tuple[str, int]]:
    """Status and version of what has the number, deleted or not."""
    rows = await scene.world.owner.fetch(
        "select body, version, deleted from fhir.resource where type = (select type from fhir.resource where id = $1) and id <> $1 "
        "order by id", scene.observation,
    )  # fmt: skip
    return [("gone" if row["deleted"] else orjson.loads(row["body"])["status"], row["version"]) for row in rows]


def in_bundle(kind: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [one]}


async def ask(scene: Scene, how: str, door: Door, method: str, url: str, body: Any = None, **conditions: str) -> int:
    """The status of a request by itself, or as the only entry of a Bundle."""
    if how == "alone":
        headers = {{"ifMatch": "if_match"}[name]: value for name, value in conditions.items()}
        if method == "PATCH":
            headers["content_type"] = PATCH_TYPE
        return (await door.do(method, f"/fhir/{url}", b"" if body is None else body, **headers))[0]
    if method == "PATCH":
        data = b64encode(orjson.dumps(body)).decode()
        body = {"resourceType": "Binary", "contentType": PATCH_TYPE, "data": data}
    status, _, told = await door.do("POST", "/fhir", in_bundle(how, entry(method, url, body, **conditions)))
    return status if status != OK else int(told["entry"][0]["response"]["status"])


HOW = pytest.mark.parametrize("how", ["alone", "batch", "transaction"])


@HOW
async def test_an_update_creates_what_nothing_meets_and_changes_the_one_that_does(scene: Scene, how: str) -> None:
    door = Door(scene.world, scene.custodian)
    url = f"Observation?{BY_NUMBER}"
    assert await ask(scene, how, door, "PUT", url, result(scene)) == CREATED
    assert await ask(scene, how, door, "PUT", url, result(scene, status="amended")) == OK
    assert await kept(scene) == [("amended", 2)]


@HOW
async def test_several_are_a_refusal_for_every_change(scene: Scene, how: str) -> None:
    for _ in range(2):
        await scene.world.put(scene.custodian, result(scene))
    door = Door(scene.world, scene.custodian)
    url = f"Observation?{BY_NUMBER}"
    assert await ask(scene, how, door, "PUT", url, result(scene, status="amended")) == FAILED
    assert await ask(scene, how, door, "DELETE", url) == FAILED
    assert await ask(scene, how, door, "PATCH", url, []) == FAILED
    assert await kept(scene) == [("final", 1), ("final", 1)]


@HOW
async def test_what_nothing_meets_is_not_there_to_delete_or_patch(scene: Scene, how: str) -> None:
    door = Door(scene.world, scene.custodian)
    url = f"Observation?{BY_NUMBER}"
    assert await ask(scene, how, door, "DELETE", url) == NO_CONTENT
    assert await ask(scene, how, door, "PATCH", url, []) == NOT_FOUND
    assert await ask(scene, how, door, "PUT", url, result(scene), ifMatch='W/"1"') == FAILED
    assert await kept(scene) == []


@HOW
async def test_a_delete_takes_the_one_that_is_meant(scene: Scene, how: str) -> None:
    await scene.world.put(scene.custodian, result(scene))
    door = Door(scene.world, scene.custodian)
    assert await ask(scene, how, door, "DELETE", f"Observation?{BY_NUMBER}", ifMatch='W/"7"') == FAILED
    assert await ask(scene, how, door, "DELETE", f"Observation?{BY_NUMBER}", ifMatch='W/"1"') == NO_CONTENT
    assert await kept(scene) == [("gone", 2)]
    assert await ask(scene, how, door, "DELETE", f"Observation?{BY_NUMBER}") == NO_CONTENT


@HOW
async def test_nothing_is_created_under_an_id_of_the_clients(scene: Scene, how: str) -> None:
    door = Door(scene.world, scene.custodian)
    url = f"Observation?{BY_NUMBER}"
    own = {**result(scene), "id": str(scene.observation)}
    assert await ask(scene, how, door, "PUT", url, own) == NOT_ALLOWED
    await scene.world.put(scene.custodian, result(scene))
    assert await ask(scene, how, door, "PUT", url, own) == BAD_REQUEST
    assert await kept(scene) == [("final", 1)]


@HOW
async def test_what_is_hidden_meets_no_condition(scene: Scene, how: str) -> None:
    """A stranger's condition on a citizen's result answers as it does when there is none."""
    answers = []
    for _ in range(2):
        door = Door(scene.world, scene.stranger)
        url = f"Observation?{BY_NUMBER}"
        answers.append(
            [
                await ask(scene, how, door, "PUT", url, result(scene), ifMatch='W/"1"'),
                await ask(scene, how, door, "DELETE", url),
                await ask(scene, how, door, "PATCH", url, [{"op": "test", "path": "/status", "value": "final"}]),
            ]
        )
        await scene.world.put(scene.custodian, result(scene))
    assert answers[0] == answers[1] == [FAILED, NO_CONTENT, NOT_FOUND]
    assert await kept(scene) == [("final", 1), ("final", 1)]


async def test_two_at_once_make_one(scene: Scene) -> None:
    door = Door(scene.world, scene.custodian)
    spellings = [f"{BY_NUMBER}&status=final", f"status=final&{BY_NUMBER}"] * 4
    done = await asyncio.gather(
        *(ask(scene, "alone", door, "PUT", f"Observation?{one}", result(scene)) for one in spellings)
    )
    assert sorted(done) == [OK] * 7 + [CREATED]
    assert await kept(scene) == [("final", 8)]


async def test_entries_that_mean_the_same_resource_are_refused_together(scene: Scene) -> None:
    one = await scene.world.put(scene.custodian, result(scene))
    both = [
        entry("PUT", f"Observation?{BY_NUMBER}", result(scene, status="amended")),
        entry("DELETE", f"Observation/{one}"),
    ]
    door = Door(scene.world, scene.custodian)
    status, _, _ = await door.do("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": both})
    assert status == BAD_REQUEST
    assert await kept(scene) == [("final", 1)]


async def test_an_entry_may_refer_to_what_another_one_updates_or_creates_by_a_condition(scene: Scene) -> None:
    contact = {
        "resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "identifier": [NUMBER],
        "subject": {"reference": f"Patient/{scene.patient}"},
    }  # fmt: skip
    name = "urn:uuid:018bcfe5-6812-7762-a694-3f9d5f036e21"
    entries = [
        entry("PUT", f"Encounter?{BY_NUMBER}", contact, fullUrl=name),
        entry("POST", "Observation", scene.result(encounter={"reference": name})),
    ]
    door = Door(scene.world, scene.custodian)
    places = []
    for _ in range(2):
        _, _, told = await door.do("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        places.append([one["response"]["location"] for one in told["entry"]])
    (contact_place, first), (again, _) = places
    assert contact_place.partition("/_history")[0] == again.partition("/_history")[0]
    _, stored = await Door(scene.world, scene.citizen).get("/fhir/" + first.partition("/_history")[0])
    assert contact_place.startswith(stored["encounter"]["reference"] + "/")


@pytest.mark.parametrize(
    "condition", ["", "?", "?_sort=date", "?nosuch=1", "?identifier=", "?_count=1", "?_format=json", "?" + "a" * 9000]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_a_condition_is_a_search_and_nothing_else(scene: Scene, method: str, condition: str) -> None:
    door = Door(scene.world, scene.custodian)
    body = [] if method == "PATCH" else result(scene)
    assert await ask(scene, "alone", door, method, f"Observation{condition}", body) == BAD_REQUEST
    assert await kept(scene) == []


@pytest.mark.parametrize("how", ["batch", "transaction"])
@pytest.mark.parametrize(
    ("prefer", "shown"),
    [("", (False, False)), ("return=minimal", (False, False)), ("return=representation", (True, False)),
     ("return=OperationOutcome", (False, True))],
)  # fmt: skip
async def test_prefer_says_what_an_entry_that_writes_is_answered_with(
    scene: Scene, how: str, prefer: str, shown: Any
) -> None:
    door = Door(scene.world, scene.custodian)
    entries = [
        entry("POST", "Observation", result(scene)),
        entry("PUT", f"Observation?status=final&{BY_NUMBER}&_id=none", result(scene)),
    ]
    body = {"resourceType": "Bundle", "type": how, "entry": entries}
    _, _, told = await door.do("POST", "/fhir", body, prefer=prefer)
    for one in told["entry"]:
        assert one["response"]["status"] == "201"
        assert ("resource" in one, "outcome" in one["response"]) == shown


async def test_a_condition_that_finds_shows_only_what_may_be_read(scene: Scene) -> None:
    await scene.world.put(scene.custodian, result(scene))
    one = entry("POST", "Observation", result(scene), ifNoneExist=BY_NUMBER)
    for asker, shown in ((scene.custodian, False), (scene.doctor, True)):
        door = Door(scene.world, asker)
        _, _, told = await door.do("POST", "/fhir", in_bundle("transaction", one), prefer="return=representation")
        assert told["entry"][0]["response"]["status"] == "200"
        assert ("resource" in told["entry"][0]) is shown


@HOW
async def test_a_read_may_be_conditional(scene: Scene, how: str) -> None:
    door = Door(scene.world, scene.citizen)
    url = f"Observation/{scene.observation}"
    cases = [
        ({"if_none_match": 'W/"1"'}, {"ifNoneMatch": 'W/"1"'}, 304),
        ({"if_none_match": '"7", W/"1"'}, {"ifNoneMatch": '"7", W/"1"'}, 304),
        ({"if_none_match": 'W/"2"'}, {"ifNoneMatch": 'W/"2"'}, OK),
        ({"if_modified_since": "Mon, 23 Nov 2026 08:00:00 GMT"}, {"ifModifiedSince": "2026-11-23T08:00:00Z"}, 304),
        ({"if_modified_since": "Mon, 23 Nov 2026 07:59:59 GMT"}, {"ifModifiedSince": "2026-11-23T07:59:59Z"}, OK),
    ]
    for path in (url, f"{url}/_history/1"):
        for headers, request, status in cases:
            if how == "alone":
                got, told, body = await door.do("GET", f"/fhir/{path}", **headers)
                assert (got, told["etag"], body is None) == (status, 'W/"1"', status != OK)
            else:
                _, _, bundle = await door.do("POST", "/fhir", in_bundle(how, entry("GET", path, None, **request)))
                (one,) = bundle["entry"]
                assert (one["response"]["status"], "resource" in one) == (str(status), status == OK)


@pytest.mark.parametrize("how", ["batch", "transaction"])
async def test_a_bundle_may_ask_for_histories(scene: Scene, how: str) -> None:
    door = Door(scene.world, scene.citizen)
    for url in (f"Observation/{scene.observation}/_history", "Observation/_history?_count=1", "_history?_count=1"):
        _, _, bundle = await door.do("POST", "/fhir", in_bundle(how, entry("GET", url)))
        (one,) = bundle["entry"]
        assert one["resource"]["type"] == "history"
        _, alone = await door.get(f"/fhir/{url}")
        assert one["resource"]["entry"] == alone["entry"]
