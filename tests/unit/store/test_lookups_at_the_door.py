"""Citizens named by number at the FHIR door: a person who names too many is refused, and each attempt is in the log."""

from itertools import product

from helhed.portals.rooms import PortalRegistries
from helhed.registries.directory import Directory
from helhed.registries.identifiers import CPR
from helhed.trust.lookups import Lookups, limits
from tests.support.door import Door
from tests.unit.store.scene import Scene, entry

MOST = limits()[0]["professional"][0].refuse_after
NUMBER = "1403581235"
OK, TOO_MANY = 200, 429


async def no_pause(seconds: float) -> None:
    """Nobody waits in a test."""


async def hurried(scene: Scene) -> Door:
    """The door of a doctor who has named as many citizens as may be."""
    door = Door(scene.world, scene.doctor, lookups=Lookups(), pause=no_pause)
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
    door = Door(scene.world, scene.custodian, lookups=Lookups(), pause=no_pause)
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
