"""The content of a Binary is a look like any other: decided by whose it is, logged, and hidden the same."""

from base64 import b64encode
from typing import Any
from uuid import uuid4

import orjson

from tests.support.door import Door
from tests.unit.store.scene import Scene

CONTENT = "Et brev, æøå".encode()


async def letter(scene: Scene) -> str:
    """A letter that the doctor sent as it is."""
    status, _, told = await Door(scene.world, scene.doctor).do(
        "POST", "/fhir/Binary", CONTENT, content_type="text/plain", x_security_context=f"Patient/{scene.patient}"
    )
    assert status == 201, told
    return f"/fhir/Binary/{told['id']}"


async def test_content_that_is_sent_is_the_citizens_and_comes_back_as_it_was(scene: Scene) -> None:
    place = await letter(scene)
    for asker in (scene.doctor, scene.gp, scene.citizen):
        headers, body = await Door(scene.world, asker).whole(place)
        assert (headers["content-type"], body) == ("text/plain", CONTENT)
        assert headers["x-security-context"] == f"Patient/{scene.patient}"
    _, told = await Door(scene.world, scene.doctor).get(place, accept="application/fhir+json")
    assert told["data"] == b64encode(CONTENT).decode()
    headers, body = await Door(scene.world, scene.doctor).whole(f"{place}/_history/1")
    assert (headers["content-type"], body) == ("text/plain", CONTENT)


async def test_a_look_at_the_content_stands_in_the_citizens_log(scene: Scene) -> None:
    place = await letter(scene)
    before = len(await scene.world.log(scene.patient))
    await Door(scene.world, scene.gp).whole(place)
    rows = await scene.world.log(scene.patient)
    assert len(rows) == before + 1


async def test_hidden_content_is_as_missing_as_missing_content(scene: Scene) -> None:
    place = await letter(scene)

    async def answer(asker: Any, where: str) -> tuple[dict[str, str], bytes]:
        headers, body = await Door(scene.world, asker).whole(where)
        headers.pop("x-request-id")
        return headers, body

    missing = await answer(scene.stranger, f"/fhir/Binary/{uuid4()}")
    assert await answer(scene.stranger, place) == missing
    assert orjson.loads(missing[1])["resourceType"] == "OperationOutcome"
    await scene.world.block(scene.patient)
    assert await answer(scene.doctor, place) == missing


async def test_content_of_nobody_is_refused(scene: Scene) -> None:
    door = Door(scene.world, scene.doctor)
    for more in (
        {},
        {"x_security_context": f"Patient/{uuid4()}"},
        {"x_security_context": f"Organization/{scene.ward}"},
    ):
        status, _, told = await door.do("POST", "/fhir/Binary", CONTENT, content_type="text/plain", **more)
        assert status >= 400, told
    assert await scene.world.owner.fetchval("select count(*) from fhir.resource where type = 9") == 0


async def test_content_is_replaced_over_the_version_that_was_seen(scene: Scene) -> None:
    place = await letter(scene)
    door = Door(scene.world, scene.doctor)
    sent = {"content_type": "text/plain", "x_security_context": f"Patient/{scene.patient}", "if_match": 'W/"1"'}
    status, headers, _ = await door.do("PUT", place, b"new", **sent)
    assert (status, headers["etag"]) == (200, 'W/"2"')
    assert (await door.do("PUT", place, b"newer", **sent))[0] == 412
    assert (await door.whole(place))[1] == b"new"
    assert (await door.whole(f"{place}/_history/1"))[1] == CONTENT
