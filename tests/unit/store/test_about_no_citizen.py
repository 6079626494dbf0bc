"""What stands in a citizen's record and is about a device, a group or a place."""

from helhed.foundation.ids import key_of
from tests.support.door import Door, ids
from tests.support.world import World


async def test_what_is_about_a_device_is_found_by_the_device_in_the_record_that_it_stands_in(world: World) -> None:
    here = await world.organisation("Hjemme")
    patient = await world.patient(here)
    await world.owner.execute("select trust.register_system($1)", key_of(here))
    system, citizen = Door(world, world.system(here)), Door(world, world.citizen(patient))
    _, _, device = await system.do("POST", "/fhir/Device", {"resourceType": "Device", "serialNumber": "1"})
    about = {"reference": f"Device/{device['id']}"}
    measured = {"resourceType": "Observation", "status": "final", "code": {"text": "Ur"}, "subject": about}
    _, _, made = await system.do(
        "POST", "/fhir/Observation", measured | {"performer": [{"reference": f"Patient/{patient}"}]}
    )
    for named in (f"subject=Device/{device['id']}", f"subject:Device={device['id']}", f"subject={device['id']}"):
        _, found = await citizen.get(f"/fhir/Observation?{named}")
        assert ids(found) == [made["id"]], named
    _, found = await citizen.get(f"/fhir/Observation?subject=Device/{patient}")
    assert ids(found) == []
