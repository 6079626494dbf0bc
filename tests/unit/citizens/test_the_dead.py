"""Whoever has died is found as dead, and logs in no more."""

import pytest

from helhed.registries.identifiers import CPR
from tests.support.door import Door
from tests.unit.acting.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_death_is_told_at_every_look_up_and_ends_log_ins(doors: Doors) -> None:
    ward = await doors.world.organisation("Afdelingen")
    own = [{"system": CPR, "value": "0404309111"}]
    body = {
        "resourceType": "Patient",
        "name": [{"family": "Død", "given": ["Ane"]}],
        "identifier": own,
        "birthDate": "1930-04-04",
    }
    patient = await doors.world.put(doors.world.system(ward), body)
    known = "select registries.citizen_known_as($1, $2)"
    assert await doors.world.owner.fetchval(known, CPR, "0404309111") is not None
    await doors.world.change(doors.world.system(ward), patient, body | {"deceasedDateTime": "2026-11-01"})
    assert await doors.world.owner.fetchval(known, CPR, "0404309111") is None
    who = await doors.world.employee(ward)
    doctor = await doors.professional(who, ward)
    await doctor.get("/hospital")
    await doctor.post("/hospital/find", patient="0404309111")
    assert "død" in doctor.text.lower()
    wanted = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": {"resourceType": "Patient", "identifier": own}}],
    }
    _, _, answer = await Door(doors.world, doors.world.professional(who, ward)).do(
        "POST", "/fhir/Patient/$match", wanted
    )
    assert answer["entry"][0]["resource"]["deceasedBoolean"] is True
