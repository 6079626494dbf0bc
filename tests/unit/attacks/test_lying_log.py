"""Is there a way to learn something without a row in the log, or to make the log say something else?"""

from helhed.foundation.errors import MethodNotAllowed, Unknown
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR
from tests.support.world import World

import pytest

CREATE, UPDATE, DELETE = 5, 6, 7


async def a_patient(world: World):
    hospital = await world.organisation("Hospital")
    doctor = await world.employee(hospital)
    patient = await world.patient(hospital, "Holm", identifier=[{"system": CPR, "value": "1403581235"}])
    await world.contact(patient, hospital)
    await world.observation(patient, hospital)
    return hospital, world.professional(doctor, hospital), patient


async def test_a_total_alone_is_a_look(world: World) -> None:
    _, doctor, patient = await a_patient(world)
    before = len(await world.log(patient))
    page = await world.search(doctor, "Observation?subject:Patient.family=Holm&_count=0&_total=accurate")
    assert (page.total, page.matches) == (1, [])
    looks = (await world.log(patient))[before:]
    assert [(row["permitted"], row["actor"]) for row in looks] == [(True, doctor.actor)]


async def test_a_total_is_a_look_at_those_on_later_pages_too(world: World) -> None:
    hospital, doctor, patient = await a_patient(world)
    other = await world.patient(hospital, "Ager")
    await world.contact(other, hospital)
    await world.search(doctor, "Patient?_sort=family&_count=1&_total=accurate")
    for citizen in (patient, other):
        assert [row["actor"] for row in await world.log(citizen)].count(doctor.actor) == 1


async def test_a_system_without_a_number_names_nobody(world: World) -> None:
    hospital, _, patient = await a_patient(world)
    stranger = await world.organisation("Stranger")
    outsider = world.professional(await world.employee(stranger), stranger)
    before = len(await world.log(patient))
    for name in (f"Patient?identifier={CPR}|", f"Observation?subject:Patient.identifier={CPR}|"):
        assert await world.found(outsider, name) == []
    assert len(await world.log(patient)) == before


async def test_a_number_beside_a_bare_system_still_names_its_citizen(world: World) -> None:
    _, _, patient = await a_patient(world)
    stranger = await world.organisation("Stranger")
    outsider = world.professional(await world.employee(stranger), stranger)
    assert await world.found(outsider, f"Patient?identifier={CPR}|,{CPR}|1403581235") == []
    assert (await world.log(patient))[-1]["permitted"] is False


async def test_a_refused_write_stands_in_the_log_of_the_citizen_it_aimed_at(world: World) -> None:
    hospital, _, patient = await a_patient(world)
    measured = await world.observation(patient, hospital)
    stranger = await world.organisation("Stranger")
    body = {
        "resourceType": "Observation",
        "id": str(measured),
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    before = len(await world.log(patient))
    with pytest.raises(MethodNotAllowed):
        await world.change(world.system(stranger), measured, body)
    with pytest.raises(Unknown):
        await world.delete(world.system(stranger), "Observation", measured)
    told = (await world.log(patient))[before:]
    assert [(row["permitted"], row["organisation"], row["resources"]) for row in told] == [
        (False, key_of(stranger), [measured])
    ] * 2


async def test_a_condition_gives_a_custodian_no_content(world: World) -> None:
    hospital, _, patient = await a_patient(world)
    from helhed.fhir.query import parse_search

    async with world.store.session(world.system(hospital)) as session:
        found = await session.matching(parse_search("Observation", [("code", "8867-4")], strict=True))
    assert [match.body for match in found.matches] == [None]
