"""Old replacement numbers of regions are aliases: whoever has one is shown, and nobody is known by one."""

from uuid import UUID

import pytest

from helhed.registries.identifiers import CPR
from helhed.registries.regional_systems import regional_systems
from tests.support.door import Door
from tests.unit.acting.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")
ZEALAND, CAPITAL = "urn:oid:1.2.208.176.1.6.1.3.177", "urn:oid:1.2.208.176.1.6.1.3.187"
OLD = "1206550VK9"


async def two_with_one_number(doors: Doors, old: str) -> tuple[UUID, str, str]:
    ward = await doors.world.organisation("Akut")
    for system, family, cpr in (
        (ZEALAND, "Ravn", f"{old[:6]}9{old[7:9] and '01'}1"),
        (CAPITAL, "Dahl", f"{old[:6]}9021"),
    ):
        own = [
            {"system": CPR, "value": cpr},
            {"use": "temp", "system": system, "value": f"{old[:6]}-{old[6:].lower()}"},
        ]
        await doors.world.patient(ward, family, identifier=own, birthDate="1955-06-12")
    return ward, "Ravn", "Dahl"


async def test_searching_by_one_shows_everybody_who_has_it_and_opens_nobody(doors: Doors) -> None:
    ward, *names = await two_with_one_number(doors, OLD)
    doctor = await doors.professional(await doors.world.employee(ward), ward)
    await doctor.get("/hospital")
    await doctor.post("/hospital/find", patient="120655-0vk9")
    assert doctor.address == "/hospital/find"
    assert all(name in doctor.text for name in names)
    assert "gammelt regionalt nummer" in doctor.text


async def test_one_who_alone_has_it_is_still_only_shown(doors: Doors) -> None:
    ward = await doors.world.organisation("Akut")
    own = [{"system": CPR, "value": "0101559111"}, {"system": ZEALAND, "value": "0101555AB1"}]
    patient = await doors.world.patient(ward, "Ene", identifier=own)
    doctor = await doors.professional(await doors.world.employee(ward), ward)
    await doctor.get("/hospital")
    await doctor.post("/hospital/find", patient="0101555AB1")
    assert doctor.address == "/hospital/find"
    assert "Ene" in doctor.text
    assert [row["action"] for row in await doors.log_of(patient)][-1] == 8


async def test_a_match_by_it_finds_all_and_is_never_more_than_possible(doors: Doors) -> None:
    ward, *_ = await two_with_one_number(doors, "1307550VK9")
    ask = doors.world.professional(await doors.world.employee(ward), ward)
    wanted = {
        "resourceType": "Patient",
        "identifier": [{"system": system, "value": "1307550VK9"} for system in (ZEALAND, CAPITAL)],
    }
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": wanted}]}
    status, _, answer = await Door(doors.world, ask).do("POST", "/fhir/Patient/$match", body)
    assert status == 200
    assert {one["search"]["extension"][0]["valueCode"] for one in answer["entry"]} == {"possible"}
    assert len(answer["entry"]) == 2


async def test_nobody_logs_in_by_one(doors: Doors) -> None:
    ward = await doors.world.organisation("Akut")
    own = [{"system": CPR, "value": "0202559111"}, {"system": ZEALAND, "value": "0202555AB1"}]
    await doors.world.patient(ward, "Ene", identifier=own)
    known = "select registries.citizen_known_as($1, $2)"
    assert await doors.world.owner.fetchval(known, CPR, "0202559111") is not None
    for system in regional_systems():
        assert await doors.world.owner.fetchval(known, system, "0202555AB1") is None


async def test_a_new_cpr_number_is_the_one_that_is_told_and_the_old_one_still_finds_them(doors: Doors) -> None:
    ward = await doors.world.organisation("Akut")
    patient = await doors.world.patient(
        ward, "Ny", identifier=[{"system": CPR, "value": "0303559111"}], birthDate="1955-03-03"
    )
    both = [
        {"use": "old", "system": CPR, "value": "0303559111", "period": {"end": "2026-01-01"}},
        {"use": "official", "system": CPR, "value": "0303559222"},
    ]
    body = {"resourceType": "Patient", "name": [{"family": "Ny", "given": ["Ane"]}], "birthDate": "1955-03-03"}
    for numbers in (both, both[::-1]):
        await doors.world.change(doors.world.system(ward), patient, body | {"identifier": numbers})
        for asked in ("0303559111", "0303559222"):
            ask = doors.world.professional(await doors.world.employee(ward), ward)
            found = await doors.ports.registries.find_citizen(ask, asked)
            assert found is not None
            assert found.number == "0303559222"
    wanted = {"resourceType": "Patient", "identifier": [{"system": CPR, "value": "0303559111"}]}
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": wanted}]}
    _, _, answer = await Door(doors.world, ask).do("POST", "/fhir/Patient/$match", parameters)
    assert [one["search"]["extension"][0]["valueCode"] for one in answer["entry"]] == ["certain"]
    assert answer["entry"][0]["resource"]["identifier"][0]["value"] == "0303559222"


SHARED = f"identifier={ZEALAND}|{OLD}"
BY_ALIAS = {
    "alone": SHARED,
    "with a name": f"{SHARED}&family=Ravn&birthdate=1955-06-12",
    "by its form": f"identifier={OLD}",
    "as people write it": "identifier=120655-0vk9",
    "or a number": f"{SHARED},{CPR}|1206559011",
    "and not another": f"{SHARED}&identifier:not={CPR}|1206559021",
    "and any number": f"{SHARED}&identifier:missing=false",
    "and any CPR number": f"{SHARED}&identifier={CPR}|",
    "and the number of a place": f"{SHARED}&organization.identifier=urn:oid:1.2.208.176.1.1|1000016000001",
    "by its type": f"identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|{OLD}",
}


@pytest.mark.parametrize("condition", BY_ALIAS.values(), ids=BY_ALIAS)
@pytest.mark.parametrize("known", [True, False], ids=["somebody has it", "nobody has it"])
async def test_no_condition_is_met_by_one(doors: Doors, condition: str, known: bool) -> None:
    if not known:
        condition = condition.replace("12065", "13065")
    ward = await doors.world.organisation("Akut")
    await doors.world.patient(ward, "Ravn", identifier=[{"system": ZEALAND, "value": OLD}], birthDate="1955-06-12")
    door = Door(doors.world, doors.world.system(ward))
    somebody = {"resourceType": "Patient", "name": [{"family": "Ravn"}], "birthDate": "1955-06-12"}
    before = await doors.world.owner.fetchval("select count(*) from fhir.resource")
    told = [(await door.do("POST", "/fhir/Patient", somebody, if_none_exist=condition))[::2]]
    told += [(await door.do(method, f"/fhir/Patient?{condition}", somebody))[::2] for method in ("PUT", "DELETE")]
    of_them = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient?{condition}"},
    }
    entry = {"resource": of_them, "request": {"method": "POST", "url": "Observation"}}
    told.append(
        (await door.do("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))[::2]
    )
    theirs = "&".join(
        f"subject:Patient.{one}" if one.startswith("identifier") else "status=final" for one in condition.split("&")
    )
    told.append(
        (await door.do("PUT", f"/fhir/Observation?{theirs}", of_them | {"subject": {"reference": "Patient/1"}}))[::2]
    )
    assert [status for status, _ in told] == [412] * 5
    assert "names nobody" in str(told)
    assert await doors.world.owner.fetchval("select count(*) from fhir.resource") == before


async def test_one_beside_a_number_of_their_own_is_a_condition_like_any_other(doors: Doors) -> None:
    ward = await doors.world.organisation("Akut")
    own = [{"system": CPR, "value": "1206559031"}, {"system": ZEALAND, "value": OLD}]
    patient = await doors.world.patient(ward, "Ravn", identifier=own)
    door = Door(doors.world, doors.world.system(ward))
    condition = f"{SHARED}&identifier={CPR}|1206559031"
    status, headers, _ = await door.do("POST", "/fhir/Patient", {"resourceType": "Patient"}, if_none_exist=condition)
    assert (status, str(patient) in headers["location"]) == (200, True)
