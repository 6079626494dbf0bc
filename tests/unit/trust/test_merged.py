"""Somebody who was registered twice: linked, felt everywhere by the next request, and taken back without a trace."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Conflict, Forbidden, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.registries import linking
from helhed.registries.directory import Directory
from helhed.registries.identifiers import CPR
from helhed.registries.linking import Linking
from helhed.trust.acting.rights import ActingForOthers
from helhed.trust.blocks.shapes import Blocks, Shape
from helhed.trust.glass.tickets import Tickets
from helhed.trust.log.citizen_log import CitizenLog
from tests.support.door import Door
from tests.support.world import NOW, World

NUMBER = "1403581234"
HOUR = timedelta(hours=1)


@dataclass
class Scene:
    """One person, registered at a clinic with a CPR number and at an emergency ward with a replacement number."""

    world: World
    clinic: UUID
    ward: UUID
    known: UUID  #: the Patient with the CPR number
    arrived: UUID  #: the Patient with the replacement number
    gp: Ask
    doctor: Ask
    keeper: Ask
    measured: UUID  #: at the clinic
    scanned: UUID  #: at the ward
    linking: Linking
    blocks: Blocks

    async def sees(self, ask: Ask, row: UUID, type_name: str = "Observation") -> bool:
        """Whether the row is there for somebody."""
        try:
            await self.world.store.read(ask, type_name, row)
        except Unknown:
            return False
        return True

    async def link(self) -> None:
        """They are one."""
        await self.linking.link(self.keeper, self.arrived, self.known, "same fingerprints")

    async def found(self, ask: Ask, url: str) -> set[str]:
        """Ids of what a request at the door finds."""
        status, bundle = await Door(self.world, ask).get(url)
        assert status == 200, bundle
        return {one["resource"]["id"] for one in bundle.get("entry", ())}


@pytest.fixture
async def scene(world: World) -> Scene:
    clinic, ward, national = [await world.organisation(name) for name in ("Clinic", "Ward", "Directory")]
    known = await world.patient(clinic, identifier=[{"system": CPR, "value": NUMBER}], birthDate="1958-03-14")
    arrived = await world.patient(ward, "Unknown")
    await world.contact(known, clinic)
    await world.contact(arrived, ward)
    await world.owner.execute("insert into registries.keeper values ($1)", key_of(national))
    return Scene(
        world, clinic, ward, known, arrived,
        world.professional(await world.employee(clinic), clinic),
        world.professional(await world.employee(ward), ward),
        world.system(national),
        await world.observation(known, clinic), await world.observation(arrived, ward),
        Linking(world.store.pool), Blocks(world.store.pool),
    )  # fmt: skip


async def test_a_relation_to_either_reaches_the_rows_of_both_until_they_are_two_again(scene):
    assert not await scene.sees(scene.gp, scene.scanned)
    await scene.link()
    assert await scene.sees(scene.gp, scene.scanned)
    assert await scene.sees(scene.doctor, scene.measured)
    await scene.linking.unlink(scene.keeper, scene.arrived, scene.known, "two brothers")
    assert not await scene.sees(scene.gp, scene.scanned)
    assert not await scene.sees(scene.doctor, scene.measured)
    assert await scene.sees(scene.gp, scene.measured)


async def test_a_block_of_either_holds_for_the_rows_of_both(scene):
    await scene.blocks.put(scene.world.citizen(scene.arrived), Shape(who_organisation=key_of(scene.clinic)))
    assert await scene.sees(scene.gp, scene.measured)
    await scene.link()
    assert not await scene.sees(scene.gp, scene.measured)
    assert not await scene.sees(scene.gp, scene.scanned)
    assert await scene.sees(scene.doctor, scene.measured)


SEARCHES = (
    "/fhir/Observation?patient={}",
    "/fhir/Observation?patient={}&_total=accurate",
    "/fhir/Observation?subject=Patient/{}&_sort=_id",
    "/fhir/Patient/{}/Observation",
    "/fhir/Observation?_filter=patient%20eq%20Patient/{}",
    "/fhir/Observation?patient={}&_content=final",
    "/fhir/Patient/{}/$everything",
)


async def test_a_search_for_either_finds_the_rows_of_both(scene):
    await scene.link()
    for url in SEARCHES:
        for named in (scene.known, scene.arrived):
            found = await scene.found(scene.gp, url.format(named))
            assert {str(scene.measured), str(scene.scanned)} <= found, url


async def test_the_citizen_logs_in_once_and_sees_both_and_the_log_of_both(scene):
    await scene.world.store.read(scene.gp, "Observation", scene.measured)
    await scene.world.store.read(scene.doctor, "Observation", scene.scanned)
    await scene.link()
    for patient in (scene.known, scene.arrived):
        citizen = scene.world.citizen(patient)
        rows = await scene.world.store.citizen_rows(citizen, key_of(patient), ["Observation", "Patient"], 10)
        assert {row.version.id for row in rows} == {scene.measured, scene.scanned, scene.known, scene.arrived}
        entries = await CitizenLog(scene.world.store.pool).entries(citizen, NOW - HOUR, NOW + HOUR)
        assert {(one.actor, one.action) for one in entries} >= {
            (scene.gp.actor, Action.READ), (scene.doctor.actor, Action.READ), (scene.keeper.actor, Action.LINK),
        }  # fmt: skip


async def test_after_they_are_parted_each_has_the_looks_at_their_own_rows(scene):
    await scene.link()
    await scene.found(scene.gp, f"/fhir/Observation?patient={scene.known}")
    await scene.found(scene.gp, f"/fhir/Patient/{scene.known}/$everything")
    await scene.world.store.citizen_rows(scene.gp, key_of(scene.known), ["Observation"], 10)
    await scene.linking.unlink(scene.keeper, scene.arrived, scene.known, "two brothers")
    log = CitizenLog(scene.world.store.pool)
    for patient, own in ((scene.known, scene.measured), (scene.arrived, scene.scanned)):
        entries = await log.entries(scene.world.citizen(patient), NOW - HOUR, NOW + HOUR)
        looks = [one for one in entries if one.actor == scene.gp.actor]
        assert sum(own in one.resources for one in looks) == 3


async def test_a_citizen_ends_and_lifts_what_was_set_under_the_other_key(scene):
    first, second = scene.world.citizen(scene.known), scene.world.citizen(scene.arrived)
    block = await scene.blocks.put(first, Shape())
    await scene.link()
    assert [one.id for one in await scene.blocks.of(second)] == [block]
    await scene.blocks.consent(second, NOW + HOUR, professional=scene.gp.actor, block=block)
    assert await scene.sees(scene.gp, scene.scanned)
    assert not await scene.sees(scene.doctor, scene.scanned)
    await scene.blocks.end(second, block)
    assert await scene.sees(scene.doctor, scene.measured)


async def test_mandates_and_tickets_count_for_both(scene):
    acting, tickets = ActingForOthers(scene.world.store.pool), Tickets(scene.world.store.pool)
    relative = await scene.world.patient(scene.clinic, "Relative")
    await acting.let_act(
        scene.world.citizen(scene.known), key_of(scene.known), key_of(relative), "mandate", NOW, NOW + HOUR
    )
    await scene.blocks.put(scene.world.citizen(scene.known), Shape())
    await scene.link()
    assert await scene.sees(scene.world.citizen(relative), scene.scanned)
    await tickets.break_glass(scene.doctor, key_of(scene.arrived), "unconscious")
    assert await scene.sees(scene.doctor, scene.measured)


async def test_whom_a_row_concerns_may_have_blocked_it_under_another_key(scene):
    relative = await scene.world.patient(scene.ward, "Relative")
    await scene.world.contact(relative, scene.ward)
    row = await scene.world.observation(relative, scene.ward, performer=[{"reference": f"Patient/{scene.known}"}])
    await scene.blocks.put(scene.world.citizen(scene.arrived), Shape())
    assert await scene.sees(scene.doctor, row)
    await scene.link()
    assert not await scene.sees(scene.doctor, row)


async def test_who_is_looked_up_by_either_number_is_found_once(scene):
    directory = Directory(scene.world.store.pool)
    replacement = await scene.world.owner.fetchval(
        "select cpr from registries.citizen where patient = $1", scene.arrived
    )
    await scene.link()
    for number in (NUMBER, replacement):
        found = await directory.find_by_number(scene.gp, number)
        assert found is not None
        assert found.patient == scene.known
    wanted = {
        "resourceType": "Patient",
        "identifier": [{"system": CPR, "value": NUMBER}],
        "name": [{"family": "Unknown"}],
    }
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": wanted}]}
    _, bundle = await Door(scene.world, scene.gp).post("/fhir/Patient/$match", body)
    assert [one["resource"]["id"] for one in bundle["entry"]] == [str(scene.known)]


# --- at the door --------------------------------------------------------------------------------------------------------


def parameters(scene: Scene, reason: str = "same fingerprints") -> dict[str, Any]:
    pair = (("source-patient", scene.arrived), ("target-patient", scene.known))
    named = [{"name": name, "valueReference": {"reference": f"Patient/{one}"}} for name, one in pair]
    return {"resourceType": "Parameters", "parameter": [*named, {"name": "reason", "valueString": reason}]}


async def links(scene: Scene, ask: Ask, patient: UUID) -> Any:
    return orjson.loads((await scene.world.store.read(ask, "Patient", patient)).body).get("link")


async def test_both_patients_say_so_whatever_is_written_over_them_and_no_longer_when_they_are_parted(scene):
    door = Door(scene.world, scene.keeper)
    status, _ = await door.post("/fhir/Patient/$merge", parameters(scene))
    assert status == 200
    forward = [{"other": {"reference": f"Patient/{scene.known}"}, "type": "replaced-by"}]
    back = [{"other": {"reference": f"Patient/{scene.arrived}"}, "type": "replaces"}]
    assert await links(scene, scene.gp, scene.arrived) == forward
    assert await links(scene, scene.doctor, scene.known) == back
    bare = {"resourceType": "Patient", "name": [{"family": "Test"}]}
    await scene.world.change(scene.world.system(scene.ward), scene.arrived, bare)
    assert await links(scene, scene.gp, scene.arrived) == forward
    status, _ = await door.post("/fhir/Patient/$unmerge", parameters(scene, "two brothers"))
    assert status == 200
    assert await links(scene, scene.doctor, scene.arrived) is None
    assert await links(scene, scene.gp, scene.known) is None


async def test_only_a_keeper_links_and_the_attempt_is_in_the_log_of_both(scene):
    for ask in (scene.doctor, scene.world.system(scene.ward), scene.world.citizen(scene.known)):
        status, _ = await Door(scene.world, ask).post("/fhir/Patient/$merge", parameters(scene))
        assert status == 403
    assert not await scene.sees(scene.gp, scene.scanned)
    for patient in (scene.known, scene.arrived):
        entries = await CitizenLog(scene.world.store.pool).entries(scene.world.citizen(patient), NOW - HOUR, NOW + HOUR)
        assert [one.permitted for one in entries if one.action == Action.LINK] == [False] * 3


async def test_a_link_that_makes_no_sense_changes_nothing(scene):
    third = await scene.world.patient(scene.ward, "Third")
    with pytest.raises(Unprocessable):
        await scene.linking.link(scene.keeper, scene.arrived, scene.known, "  ")
    with pytest.raises(Unprocessable):
        await scene.linking.link(scene.keeper, scene.arrived, scene.measured, "not a patient")
    with pytest.raises(Conflict):
        await scene.linking.unlink(scene.keeper, scene.arrived, scene.known, "never linked")
    await scene.link()
    with pytest.raises(Conflict):
        await scene.linking.link(scene.keeper, scene.known, scene.arrived, "the other way round")
    with pytest.raises(Conflict):
        await scene.linking.link(scene.keeper, scene.arrived, third, "replaced already")
    with pytest.raises(Forbidden):
        await scene.linking.link(scene.world.system(scene.ward), third, scene.known, "not a keeper")
    await scene.linking.link(scene.keeper, third, scene.arrived, "one more")
    (keys,) = {tuple(row[0]) for row in await scene.world.owner.fetch("select keys from fhir.key_set")}
    assert set(keys) == {key_of(one) for one in (scene.known, scene.arrived, third)}


@pytest.mark.parametrize("error", [asyncpg.SerializationError, asyncpg.DeadlockDetectedError])
async def test_a_link_that_meets_somebody_who_writes_the_patient_is_a_conflict_and_links_nothing(
    scene, monkeypatch, error
):
    async def moved(*_arguments):
        raise error("version moved")

    monkeypatch.setattr(linking, "put_version", moved)
    with pytest.raises(Conflict):
        await scene.link()
    monkeypatch.undo()
    assert not await scene.sees(scene.gp, scene.scanned)
    await scene.link()
    assert await scene.sees(scene.gp, scene.scanned)
