"""Whoever has died is found as dead, and logs in no more; nobody acts for them; all of it until a wrong death is corrected."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR
from helhed.trust.acting.mandates import Mandates
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


async def _says(doors: Doors, place: UUID, patient: UUID, name: str, **more: Any) -> None:
    """What the register says of somebody from now on."""
    given, _, family = name.rpartition(" ")
    body = {
        "resourceType": "Patient", "name": [{"family": family, "given": given.split()}], "birthDate": "1950-01-01",
        "identifier": [{"system": CPR, "value": doors.numbers[patient]}], **more,
    }  # fmt: skip
    await doors.world.change(doors.world.system(place), patient, body)


async def _act(doors: Doors, citizen: UUID, actor: UUID) -> None:
    await doors.world.owner.execute(
        "insert into trust.acting (id, citizen, actor, basis, scopes, obeys_blocks, valid_from, valid_to, given_at, given_kind, given_by) "
        "values (gen_random_uuid(), $1, $2, 12, '{}', false, $3, 'infinity', $3, 1, $1)",
        key_of(citizen), key_of(actor), doors.now - timedelta(days=3),
    )  # fmt: skip


async def _sees(doors: Doors, who: UUID, whose: UUID) -> bool:
    status, _, _ = await Door(doors.world, doors.world.citizen(who)).do("GET", f"/fhir/Patient/{whose}")
    return status == 200


async def test_a_death_ends_what_the_dead_had_open_until_it_turns_out_to_be_wrong(doors: Doors) -> None:
    ward = await doors.world.organisation("Afdelingen")
    dead = await doors.person(ward, "Grete Test", "1950-01-01")
    browser = await doors.citizen(dead)
    assert "Grete" in (await browser.get("/borger")).text
    assert await _sees(doors, dead, dead)
    await _says(doors, ward, dead, "Grete Test", deceasedDateTime="2026-11-20")
    assert "Grete" not in (await browser.get("/borger")).text
    assert not await _sees(doors, dead, dead)
    await _says(doors, ward, dead, "Grete Test")
    assert "Grete" in (await browser.get("/borger")).text
    assert await _sees(doors, dead, dead)


@pytest.mark.parametrize("who", ["giver", "actor"])
async def test_nobody_acts_for_the_dead_nor_the_dead_for_anybody(doors: Doors, who: str) -> None:
    ward = await doors.world.organisation("Afdelingen")
    giver, actor = [await doors.person(ward, name, "1950-01-01") for name in ("Grete Giver", "Viggo Ven")]
    died, name = (giver, "Grete Giver") if who == "giver" else (actor, "Viggo Ven")
    await _act(doors, giver, actor)

    async def acts() -> int:
        return len(await Mandates(doors.world.store.pool).acts_for(doors.world.citizen(actor)))

    assert await _sees(doors, actor, giver)
    assert await acts() == 1
    await _says(doors, ward, died, name, deceasedBoolean=True)
    assert not await _sees(doors, actor, giver)
    assert await acts() == 0
    await _says(doors, ward, died, name)
    assert await _sees(doors, actor, giver)
