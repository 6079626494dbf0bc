"""Who could make themselves a job, a treatment relation or a place in somebody else's hierarchy, by writing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from helhed.foundation.errors import Conflict, Forbidden, MethodNotAllowed, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR
from helhed.trust.blocks.shapes import Blocks
from helhed.trust.glass.tickets import Tickets
from helhed.trust.projections import ROLE_SYSTEM
from tests.support.world import NOW, World, at


def job(practitioner: UUID, organisation: UUID) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "practitioner": {"reference": f"Practitioner/{practitioner}"},
        "organization": {"reference": f"Organization/{organisation}"},
        "code": [{"coding": [{"system": ROLE_SYSTEM, "code": "doctor"}]}],
    }


def contact(patient: UUID, provider: UUID) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/{provider}"},
    }


def place(name: str, part_of: UUID | None, identifier: UUID | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceType": "Organization", "name": name}
    if part_of is not None:
        found["partOf"] = {"reference": f"Organization/{part_of}"}
    if identifier is not None:
        found["id"] = str(identifier)
    return found


async def places(world: World, organisation: UUID) -> list[int]:
    found = await world.owner.fetchval(
        "select places from registries.organisation where key = $1", key_of(organisation)
    )
    return list(found)


async def test_a_custodian_gives_no_jobs_at_another_organisation(world: World) -> None:
    hospital, stranger = await world.organisation("Hospital"), await world.organisation("Stranger")
    patient = await world.patient(hospital)
    await world.contact(patient, hospital)
    spy = await world.employee(stranger)
    with pytest.raises(Unprocessable):
        await world.put(world.system(stranger), job(spy, hospital))
    with pytest.raises(Unknown):
        await world.store.read(world.professional(spy, hospital), "Patient", patient)


async def test_a_job_is_not_moved_to_another_organisation_by_an_update(world: World) -> None:
    hospital, stranger = await world.organisation("Hospital"), await world.organisation("Stranger")
    spy = await world.employee(stranger)
    role = await world.put(world.system(stranger), job(spy, stranger))
    with pytest.raises(Unprocessable):
        await world.change(world.system(stranger), role, {**job(spy, hospital), "id": str(role)})


async def test_a_custodian_gives_jobs_in_the_units_beneath_it(world: World) -> None:
    hospital = await world.organisation("Hospital")
    ward = await world.organisation("Ward", hospital)
    patient = await world.patient(hospital)
    await world.contact(patient, ward)
    doctor = await world.employee(hospital)
    with pytest.raises(Unknown):
        await world.store.read(world.professional(doctor, ward), "Patient", patient)
    await world.put(world.system(hospital), job(doctor, ward))
    await world.store.read(world.professional(doctor, ward), "Patient", patient)


async def test_a_keeper_of_the_directory_gives_jobs_anywhere(world: World) -> None:
    hospital, register = await world.organisation("Hospital"), await world.organisation("Register")
    doctor = await world.employee(register)
    await world.owner.execute("insert into registries.keeper values ($1)", key_of(register))
    await world.put(world.system(register), job(doctor, hospital))
    await world.contact(patient := await world.patient(hospital), hospital)
    await world.store.read(world.professional(doctor, hospital), "Patient", patient)


async def test_a_professional_gives_nobody_a_job(world: World) -> None:
    hospital = await world.organisation("Hospital")
    doctor = await world.employee(hospital)
    with pytest.raises(Forbidden):
        await world.put(world.professional(doctor, hospital), job(doctor, hospital))


async def test_a_contact_opens_no_record_for_an_organisation_that_did_not_write_it(world: World) -> None:
    hospital, friend = await world.organisation("Hospital"), await world.organisation("Friend")
    doctor = await world.employee(friend)
    patient = await world.patient(hospital)
    await world.put(world.system(hospital), contact(patient, friend))
    with pytest.raises(Unknown):
        await world.store.read(world.professional(doctor, friend), "Patient", patient)


async def test_an_update_does_not_turn_a_contact_over_to_somebody_else(world: World) -> None:
    hospital, friend = await world.organisation("Hospital"), await world.organisation("Friend")
    doctor = await world.employee(friend)
    patient = await world.patient(hospital)
    encounter = await world.contact(patient, hospital)
    await world.change(world.system(hospital), encounter, {**contact(patient, friend), "id": str(encounter)})
    with pytest.raises(Unknown):
        await world.store.read(world.professional(doctor, friend), "Patient", patient)


async def test_a_shell_organisation_does_not_get_around_a_block(world: World) -> None:
    hospital = await world.organisation("Hospital")
    patient = await world.patient(await world.organisation("Register"))
    await world.block(patient, hospital)
    custodian = world.system(hospital)
    shell = await world.put(custodian, place("Shell", None))
    doctor = await world.employee(hospital)
    with pytest.raises(Unprocessable):
        await world.put(custodian, job(doctor, shell))
    await world.put(custodian, contact(patient, shell))
    for where in (shell, hospital):
        with pytest.raises(Unknown):
            await world.store.read(world.professional(doctor, where), "Patient", patient)


async def test_nobody_climbs_into_another_hierarchy(world: World) -> None:
    hospital, stranger = await world.organisation("Hospital"), await world.organisation("Stranger")
    with pytest.raises(Unprocessable):
        await world.change(world.system(stranger), stranger, place("Stranger", hospital, stranger))
    with pytest.raises(Unprocessable):
        await world.put(world.system(stranger), place("Annex", hospital))
    assert await places(world, stranger) == [key_of(stranger)]


async def test_a_unit_does_not_leave_the_hierarchy_that_blocks_name(world: World) -> None:
    region = await world.organisation("Region")
    hospital = await world.organisation("Hospital", region)
    custodian = world.system(hospital)
    unit = await world.put(custodian, place("Unit", hospital))
    shell = await world.put(custodian, place("Shell", None))
    for target in (None, shell):
        with pytest.raises(Unprocessable):
            await world.change(custodian, unit, place("Unit", target, unit))
    assert await places(world, unit) == [key_of(one) for one in (unit, hospital, region)]


async def test_a_circle_of_organisations_is_refused(world: World) -> None:
    top = await world.organisation("Top")
    unit = await world.put(world.system(top), place("Unit", top))
    with pytest.raises(Unprocessable):
        await world.change(world.system(top), top, place("Top", unit, top))


async def test_a_parent_that_comes_later_does_not_adopt_strangers(world: World) -> None:
    stranger, hospital = await world.organisation("Stranger"), await world.organisation("Hospital")
    coming = UUID("0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa")
    waiting = await world.put(world.system(stranger), place("Waiting", coming))
    await world.put(world.system(hospital), place("Late", None), coming)
    assert await places(world, waiting) == [key_of(waiting)]


async def test_a_cpr_number_is_not_taken_over(world: World) -> None:
    hospital, stranger = await world.organisation("Hospital"), await world.organisation("Stranger")
    number = [{"system": CPR, "value": "140358-1235"}]
    patient = await world.patient(hospital, identifier=number)
    with pytest.raises(Conflict):
        await world.patient(stranger, identifier=[{"system": CPR, "value": "1403581235"}])
    other = await world.patient(stranger)
    taken = {"resourceType": "Patient", "id": str(other), "identifier": number, "name": [{"family": "Test"}]}
    with pytest.raises(Conflict):
        await world.change(world.system(stranger), other, taken)
    holders = await world.owner.fetch("select citizen from registries.citizen_identifier where value = '1403581235'")
    assert [row["citizen"] for row in holders] == [key_of(patient)]


async def test_the_chosen_clinic_is_changed_by_the_patients_own_source_only(world: World) -> None:
    register, stranger = await world.organisation("Register"), await world.organisation("Stranger")
    spy = await world.employee(stranger)
    patient = await world.patient(register)
    wish = {
        "resourceType": "Patient",
        "id": str(patient),
        "generalPractitioner": [{"reference": f"Organization/{stranger}"}],
    }
    for ask in (world.system(stranger), world.professional(spy, stranger), world.citizen(patient)):
        with pytest.raises((MethodNotAllowed, Forbidden)):
            await world.change(ask, patient, wish)
    with pytest.raises(Unknown):
        await world.store.read(world.professional(spy, stranger), "Patient", patient)


async def test_a_resource_does_not_move_to_another_citizen(world: World) -> None:
    hospital = await world.organisation("Hospital")
    one, other = await world.patient(hospital), await world.patient(hospital)
    measured = await world.observation(one, hospital)
    moved = {
        "resourceType": "Observation",
        "id": str(measured),
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{other}"},
    }
    with pytest.raises(Unprocessable):
        await world.change(world.system(hospital), measured, moved)


async def test_a_foreign_custodian_changes_and_deletes_nothing(world: World) -> None:
    hospital, stranger = await world.organisation("Hospital"), await world.organisation("Stranger")
    patient = await world.patient(hospital)
    measured = await world.observation(patient, hospital)
    body = {
        "resourceType": "Observation",
        "id": str(measured),
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    with pytest.raises(MethodNotAllowed):
        await world.change(world.system(stranger), measured, body)
    with pytest.raises(Unknown):
        await world.delete(world.system(stranger), "Observation", measured)
    assert (await world.store.read(world.citizen(patient), "Observation", measured)).version == 1


async def test_a_role_that_nobody_defined_allows_nothing(world: World) -> None:
    hospital = await world.organisation("Hospital")
    patient = await world.patient(hospital)
    await world.contact(patient, hospital)
    helper = world.professional(await world.employee(hospital, role="no-such-role"), hospital, "no-such-role")
    with pytest.raises(Unknown):
        await world.store.read(helper, "Patient", patient)
    assert await world.found(helper, f"Encounter?patient=Patient/{patient}") == []


async def test_a_professional_cannot_choose_a_citizens_clinic(world: World) -> None:
    hospital, clinic = await world.organisation("Sygehus"), await world.organisation("Lægehus")
    doctor, stranger = await world.employee(hospital), await world.employee(clinic)
    patient = await world.patient(hospital)
    await world.contact(patient, hospital)
    changed = {
        "resourceType": "Patient",
        "id": str(patient),
        "name": [{"family": "Test"}],
        "generalPractitioner": [{"reference": f"Organization/{clinic}"}],
    }
    await world.change(world.professional(doctor, hospital), patient, changed, if_match=1)
    with pytest.raises(Unknown):
        await world.store.read(world.professional(stranger, clinic), "Patient", patient)


def referral(patient: UUID, performer: UUID) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "performer": [{"reference": f"Organization/{performer}"}],
    }


@pytest.mark.parametrize("opened_by", ["a ticket", "a consent"])
async def test_what_opens_a_record_for_a_while_opens_it_for_nobody_else_and_no_longer(
    world: World, opened_by: str
) -> None:
    hospital, friend = await world.organisation("Hospital"), await world.organisation("Friend")
    register = await world.organisation("Register")
    patient = await world.patient(register)
    own, colleague, friendly = [await world.employee(place) for place in (hospital, hospital, friend)]
    doctor = world.professional(own, hospital)
    until = NOW + timedelta(hours=1)
    if opened_by == "a ticket":
        await Tickets(world.store.pool).break_glass(doctor, key_of(patient), "cannot be asked")
    else:
        await Blocks(world.store.pool).consent(world.citizen(patient), until, professional=doctor.actor)
    await world.store.read(doctor, "Patient", patient)
    visit = await world.put(doctor, contact(patient, hospital))
    await world.put(doctor, referral(patient, friend))
    await world.change(doctor, visit, {**contact(patient, hospital), "id": str(visit)}, if_match=1)
    for asker in (
        world.professional(colleague, hospital),
        world.professional(friendly, friend),
        at(doctor, until + timedelta(minutes=1)),
    ):
        with pytest.raises(Unknown):
            await world.store.read(asker, "Patient", patient)
    await world.put(world.system(hospital), contact(patient, hospital))
    await world.store.read(world.professional(colleague, hospital), "Patient", patient)


async def test_a_contact_that_is_ended_under_a_ticket_has_ended(world: World) -> None:
    hospital = await world.organisation("Hospital")
    patient = await world.patient(await world.organisation("Register"))
    doctor = world.professional(await world.employee(hospital), hospital)
    visit = await world.contact(patient, hospital)
    await world.block(patient, hospital)
    await Tickets(world.store.pool).break_glass(doctor, key_of(patient), "cannot be asked")
    amended = {**contact(patient, hospital), "id": str(visit)}
    count = "select count(*) from trust.relation where source = $1"
    await world.change(doctor, visit, amended, if_match=1)
    assert await world.owner.fetchval(count, visit) == 1
    await world.change(doctor, visit, {**amended, "status": "finished"}, if_match=2)
    assert await world.owner.fetchval(count, visit) == 0
