"""Is there a way to learn something without a row in the log, or to make the log say something else?"""

from dataclasses import replace
from uuid import UUID

import pytest

from helhed.fhir.query import parse_search
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.errors import MethodNotAllowed, Unknown
from helhed.foundation.ids import key_of
from helhed.registries.directory import Directory
from helhed.registries.identifiers import CPR
from helhed.registries.matching import Described
from tests.support.door import Door
from tests.support.world import World

FORBIDDEN = 403


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


#: searches that name a citizen otherwise than as the home citizen of what is searched
NAMING = [
    "Appointment?patient=Patient/{0}",
    "Appointment?actor=Patient/{0}",
    "Appointment?actor=https://here.example/fhir/Patient/{0}",
    "Appointment?patient={0}",
    "Provenance?target=Patient/{0}",
    "Observation?performer=Patient/{0}",
    "Observation?focus:Patient={0}",
    "Task?owner=Patient/{0}",
    "Group?member=Patient/{0}",
    "List?subject=Patient/{0}",
    "Patient?link=Patient/{0}",
    "Appointment?_filter=patient re Patient/{0}",
    "Observation?has-member.performer=Patient/{0}",
    "Observation?_has:Provenance:target:patient=Patient/{0}",
    "Observation?subject:identifier={1}|1403581235",
    "Appointment?actor:identifier={1}|1403581235",
]


@pytest.mark.parametrize("search", NAMING)
async def test_whoever_a_search_names_by_a_reference_is_told(world: World, search: str) -> None:
    _, _, patient = await a_patient(world)
    stranger = await world.organisation("Stranger")
    outsider = world.professional(await world.employee(stranger), stranger)
    place, _, text = search.format(patient, CPR).partition("?")
    pairs = [tuple(text.split("=", 1))]
    query = parse_search(place, pairs, base_url="https://here.example")  # type: ignore[arg-type]
    assert (await world.store.search(outsider, query)).matches == []
    looks = [row for row in await world.log(patient) if row["trace"] == outsider.trace]
    assert [row["permitted"] for row in looks] == [False]


@pytest.mark.parametrize("more", ["performer=Patient/{0}", "focus=Patient/{0}", "subject:identifier={1}|1403581235"])
async def test_whoever_is_named_beside_the_citizen_of_a_record_is_told(world: World, more: str) -> None:
    hospital, _, patient = await a_patient(world)
    own = await world.patient(hospital, "Ager")
    asker = world.citizen(own)
    assert await world.found(asker, f"Observation?patient=Patient/{own}&" + more.format(patient, CPR)) == []
    for citizen in (own, patient):
        looks = [row for row in await world.log(citizen) if row["trace"] == asker.trace]
        assert [row["permitted"] for row in looks] == [citizen == own]


async def test_whoever_is_described_by_a_number_and_not_found_is_told(world: World) -> None:
    hospital, _, patient = await a_patient(world)
    described = Described(identifiers=((CPR, "1403581235"),))
    stranger = await world.organisation("Stranger")
    for asker in (
        world.citizen(await world.patient(hospital, "Ager")),
        world.system(hospital),
        world.professional(await world.employee(stranger, "operator"), stranger, "operator"),
        replace(world.professional(await world.employee(stranger), stranger), read_types=frozenset({"Observation"})),
    ):
        assert await Directory(world.store.pool).match_citizens(asker, described, 20) == []
        looks = [row for row in await world.log(patient) if row["trace"] == asker.trace]
        assert [row["permitted"] for row in looks] == [False]


async def test_a_system_that_is_refused_a_match_has_left_its_attempt(world: World) -> None:
    hospital, _, patient = await a_patient(world)
    asker = world.system(hospital)
    wanted = {"resourceType": "Patient", "identifier": [{"system": CPR, "value": "1403581235"}]}
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": wanted}]}
    status, _ = await Door(world, asker).post("/fhir/Patient/$match", body)
    assert status == FORBIDDEN
    assert [row["permitted"] for row in await world.log(patient) if row["trace"] == asker.trace] == [False]


async def test_who_keeps_the_network_running_looks_nobody_up(world: World) -> None:
    hospital, _, patient = await a_patient(world)
    operator = world.professional(await world.employee(hospital, "operator"), hospital, "operator")
    assert await Directory(world.store.pool).find_citizen(operator, CPR, "1403581235") is None
    assert (await world.log(patient))[-1]["permitted"] is False
    statement = "select * from registries.find_by_name($1::fhir.ask, array['holm'], 10)"
    assert await world.store.pool.fetch(statement, ask_row(operator)) == []
