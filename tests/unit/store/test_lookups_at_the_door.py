"""Citizens named by number at the FHIR door: a person who names too many is refused, and each attempt is in the log."""

from base64 import b64encode
from itertools import product
from typing import Any

import orjson

from helhed.portals.rooms.registries import PortalRegistries
from helhed.registries.directory import Directory
from helhed.registries.identifiers import CPR
from helhed.trust.lookups.counting import limits
from helhed.trust.lookups.in_memory import LookupsInMemory
from tests.support.door import Door
from tests.unit.store.scene import Scene, entry

MOST = limits()[0]["professional"][0].refuse_after
NUMBER = "1403581235"
OK, TOO_MANY = 200, 429


async def no_pause(seconds: float) -> None:
    """Nobody waits in a test."""


async def hurried(scene: Scene) -> Door:
    """The door of a doctor who has named as many citizens as may be."""
    door = Door(scene.world, scene.doctor, lookups=LookupsInMemory(), pause=no_pause)
    for n in range(MOST):
        status, _ = await door.search("Patient", {"identifier": f"{CPR}|0101{n:06}"})
        assert status == OK
    return door


async def attempts(scene: Scene, patient: object) -> int:
    """How often the doctor stands in the citizen's log."""
    return sum(row["actor"] == scene.doctor.actor for row in await scene.world.log(patient))  # type: ignore[arg-type]


async def test_one_number_too_many_is_refused_and_logged_by_search_chain_and_bundle(scene: Scene) -> None:
    patient = await scene.world.patient(scene.hospital, "Holm", identifier=[{"system": CPR, "value": NUMBER}])
    door = await hurried(scene)
    status, told = await door.search("Patient", {"identifier": f"{CPR}|{NUMBER}"})
    assert (status, told["issue"][0]["code"]) == (TOO_MANY, "throttled")
    assert await attempts(scene, patient) == 1
    status, _ = await door.search("Observation", {"subject:Patient.identifier": f"{CPR}|{NUMBER}"})
    assert status == TOO_MANY
    assert await attempts(scene, patient) == 2
    by_number = f"identifier={CPR}|{NUMBER}"
    urls = [f"Patient?{by_number}", f"%50atient?%69{by_number[1:]}", f"/Patient?{by_number}#x"]
    for done, (kind, url) in enumerate(product(("batch", "transaction"), urls), 3):
        bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry("GET", url)]}
        status, _ = await door.post("/fhir", bundle)
        assert status == TOO_MANY
        assert await attempts(scene, patient) == done


async def test_searches_that_name_nobody_by_number_go_on(scene: Scene) -> None:
    door = await hurried(scene)
    status, _ = await door.get(f"/fhir/Observation?patient=Patient/{scene.patient}")
    assert status == OK


async def test_a_system_client_keeps_its_own_in_order_whatever_the_number(scene: Scene) -> None:
    door = Door(scene.world, scene.custodian, lookups=LookupsInMemory(), pause=no_pause)
    for n in range(MOST + 2):
        status, _ = await door.search("Patient", {"identifier": f"{CPR}|0101{n:06}"})
        assert status == OK


async def test_a_name_that_nobody_has_leaves_the_row_of_an_attempt(scene: Scene) -> None:
    registries = PortalRegistries(Directory(scene.world.store.pool), scene.world.store.pool)
    statement = "select permitted, citizen from foundation.access_log where actor = $1"
    assert await scene.world.owner.fetch(statement, scene.doctor.actor) == []
    await registries.attempted(scene.doctor)
    rows = await scene.world.owner.fetch(statement, scene.doctor.actor)
    assert [tuple(row) for row in rows] == [(False, None)]


def _numbered(scene: Scene, number: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": str(scene.patient),
        "identifier": [{"system": CPR, "value": number}],
        "name": [{"family": "Test"}],
    }


def _writes(scene: Scene, number: str) -> list[tuple[str, str, Any, dict[str, str]]]:
    """Every way to write a number over a Patient."""
    patient, path = _numbered(scene, number), f"/fhir/Patient/{scene.patient}"
    patch = [{"op": "add", "path": "/identifier/-", "value": {"system": CPR, "value": number}}]
    packed = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": b64encode(orjson.dumps(patch)).decode(),
    }
    put, patched = entry("PUT", path[6:], patient), entry("PATCH", path[6:], packed)
    return [
        ("PUT", path, patient, {"if_match": 'W/"1"'}),
        ("PUT", f"/fhir/Patient?_id={scene.patient}", patient, {"if_match": 'W/"1"'}),
        ("PATCH", path, patch, {"content_type": "application/json-patch+json"}),
        ("POST", "/fhir/Patient", {name: value for name, value in patient.items() if name != "id"}, {}),
        ("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [put]}, {}),
        ("POST", "/fhir", {"resourceType": "Bundle", "type": "batch", "entry": [patched]}, {}),
    ]


async def test_a_number_that_is_written_over_a_patient_is_a_look_up_of_whoever_has_it(scene: Scene) -> None:
    """That a number is taken is told by a 409, so it is counted and logged like one that is searched for."""
    holder = await scene.world.patient(scene.hospital, "Holm", identifier=[{"system": CPR, "value": NUMBER}])
    await scene.world.contact(scene.patient, scene.hospital)
    door = await hurried(scene)
    for done, (method, url, body, headers) in enumerate(_writes(scene, NUMBER), 1):
        status, _, told = await door.do(method, url, body, **headers)
        assert (status, told["issue"][0]["code"]) == (TOO_MANY, "throttled"), (method, url)
        assert await attempts(scene, holder) == done


async def test_a_number_is_counted_however_it_is_written(scene: Scene) -> None:
    door = await hurried(scene)
    for number in ("140358-1235", "140358 1235", "1403581AB5"):
        status, _, _ = await door.do(
            "PUT", f"/fhir/Patient/{scene.patient}", _numbered(scene, number), if_match='W/"1"'
        )
        assert status == TOO_MANY
    escaped = orjson.dumps(_numbered(scene, NUMBER)).replace(b'"1403', b'"\\u0031403')
    status, _, _ = await door.do("PUT", f"/fhir/Patient/{scene.patient}", escaped, if_match='W/"1"')
    assert status == TOO_MANY
