"""Is there a way to learn something without a row in the log, or to make the log say something else?"""

from uuid import UUID

import pytest

from helhed.fhir.query import parse_search
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.errors import MethodNotAllowed, Unknown
from helhed.foundation.ids import key_of
from helhed.registries.directory import Directory
from helhed.registries.identifiers import CPR
from tests.support.world import World


async def a_patient(world: World) -> tuple[UUID, Ask, UUID]:
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
    _hospital, _, patient = await a_patient(world)
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
    hospital, _, _patient = await a_patient(world)
    async with world.store.session(world.system(hospital)) as session:
        found = await session.matching(parse_search("Observation", [("code", "8867-4")], strict=True))
    assert [match.body for match in found.matches] == [None]


async def test_a_number_that_nobody_has_leaves_a_trace_of_the_attempt(world: World) -> None:
    hospital = await world.organisation("Hospital")
    doctor = world.professional(await world.employee(hospital), hospital)
    assert await Directory(world.store.pool).find_by_number(doctor, "0101010001") is None
    row = await world.owner.fetchrow("select * from foundation.access_log where trace = $1", doctor.trace)
    assert row is not None
    assert (row["permitted"], row["citizen"], row["resources"]) == (False, None, [])


async def test_who_has_no_job_finds_nobody_by_name_and_the_attempt_stands(world: World) -> None:
    hospital, _, _ = await a_patient(world)
    former = world.professional(await world.employee(hospital, active=False), hospital)
    statement = "select * from registries.find_by_name($1::fhir.ask, $2, 10)"
    async with world.store.pool.acquire() as connection:
        assert await connection.fetch(statement, ask_row(former), ["holm"]) == []
    attempts = "select permitted from foundation.access_log where trace = $1"
    assert [row["permitted"] for row in await world.owner.fetch(attempts, former.trace)] == [False]
