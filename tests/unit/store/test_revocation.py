"""A base that ends, and a "no" that is said, hold at the next request."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.ids import key_of, new_id
from helhed.trust.blocks.shapes import Blocks
from helhed.trust.projections import ROLE_SYSTEM
from helhed.trust.relation.declared import TreatmentRelations
from tests.support.world import NOW, at
from tests.unit.store.scene import Scene

A_DAY = timedelta(days=1)


def contact(scene: Scene, status: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": str(scene.contact),
        "status": status,
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{scene.patient}"},
        "serviceProvider": {"reference": f"Organization/{scene.ward}"},
        **more,
    }


async def finish(scene: Scene) -> None:
    await scene.world.change(scene.custodian, scene.contact, contact(scene, "finished"))


async def call_off(scene: Scene) -> None:
    await scene.world.delete(scene.custodian, "Encounter", scene.contact)


async def let_the_period_end(scene: Scene) -> None:
    over = {"start": "2026-11-01", "end": "2026-11-22"}
    await scene.world.change(scene.custodian, scene.contact, contact(scene, "in-progress", period=over))


async def move_elsewhere(scene: Scene) -> None:
    sister = {
        "resourceType": "Organization",
        "name": "Naboen",
        "partOf": {"reference": f"Organization/{scene.hospital}"},
    }
    there = {"reference": f"Organization/{await scene.world.put(scene.custodian, sister)}"}
    await scene.world.change(scene.custodian, scene.contact, contact(scene, "in-progress", serviceProvider=there))


async def take_over_the_role(scene: Scene) -> None:
    await scene.world.owner.execute("delete from trust.role where role = 'doctor'")


async def block_everybody(scene: Scene) -> None:
    await Blocks(scene.world.store.pool).set(scene.citizen, None, None)


async def block_the_hospital(scene: Scene) -> None:
    await Blocks(scene.world.store.pool).set(scene.citizen, key_of(scene.hospital), None)


async def block_what_the_hospital_wrote(scene: Scene) -> None:
    await Blocks(scene.world.store.pool).set(scene.citizen, None, key_of(scene.hospital))


@pytest.mark.parametrize(
    "end",
    [
        finish, call_off, let_the_period_end, move_elsewhere, take_over_the_role, block_everybody, block_the_hospital,
        block_what_the_hospital_wrote,
    ],
)  # fmt: skip
async def test_what_ends_a_look_ends_it_at_the_next_request(
    scene: Scene, end: Callable[[Scene], Awaitable[None]]
) -> None:
    everything = "Observation?_total=accurate"
    assert await scene.reads(scene.doctor)
    await end(scene)
    assert not await scene.reads(scene.doctor)
    assert (await scene.world.search(scene.doctor, everything)).total == 0
    assert await scene.world.found(scene.doctor, f"Observation?patient=Patient/{scene.patient}") == []
    with pytest.raises(Unknown):
        await scene.world.store.vread(scene.doctor, "Observation", scene.observation, 1)


async def test_a_clinic_is_left_when_the_citizen_chooses_another(scene: Scene) -> None:
    assert await scene.reads(scene.gp)
    chosen = [{"reference": f"Organization/{scene.elsewhere}"}]
    moved = {"resourceType": "Patient", "id": str(scene.patient), "generalPractitioner": chosen}
    await scene.world.change(scene.custodian, scene.patient, moved)
    assert (await scene.reads(scene.gp), await scene.reads(scene.stranger)) == (False, True)


async def test_a_referral_opens_while_it_stands(scene: Scene) -> None:
    referral = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{scene.patient}"},
        "performer": [{"reference": f"Organization/{scene.elsewhere}"}],
    }
    own = await scene.world.put(scene.custodian, {**referral, "status": "draft"})
    assert not await scene.reads(scene.stranger)
    await scene.world.change(scene.custodian, own, {**referral, "id": str(own)})
    assert await scene.reads(scene.stranger)
    await scene.world.change(scene.custodian, own, {**referral, "id": str(own), "status": "completed"})
    assert not await scene.reads(scene.stranger)


# --- jobs -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"period": {"end": "2026-11-22"}},
        {"period": {"start": "2026-11-24"}},
        {"code": [{"coding": [{"system": ROLE_SYSTEM, "code": "secretary"}]}]},
        None,
    ],
    ids=["dismissed", "ended", "not begun", "another role", "deleted"],
)
async def test_a_job_ends_at_the_next_request(scene: Scene, change: dict[str, Any] | None) -> None:
    nurse, job, own = await scene.employed(scene.ward, "nurse")
    assert await scene.reads(nurse)
    if change is None:
        await scene.world.delete(scene.custodian, "PractitionerRole", own)
    else:
        await scene.world.change(scene.custodian, own, {**job, "id": str(own), **change})
    assert not await scene.reads(nurse)


async def test_the_last_day_of_a_job_counts_whole_in_danish_time(scene: Scene) -> None:
    practitioner = await scene.world.employee(scene.ward, period={"end": "2026-11-23"})
    doctor = scene.world.professional(practitioner, scene.ward)
    last = NOW.replace(hour=22, minute=59, second=59, microsecond=999999)  # a microsecond before midnight in Denmark
    assert await scene.reads(at(doctor, last))
    assert not await scene.reads(at(doctor, last + timedelta(microseconds=1)))


async def test_a_custodian_whose_registration_ended_writes_nothing(scene: Scene) -> None:
    await scene.world.owner.execute("update trust.system_client set ended_at = $1", NOW)
    with pytest.raises((Forbidden, Unprocessable)):
        await scene.world.put(scene.custodian, scene.result())


# --- blocks ---------------------------------------------------------------------------------------------------------------


async def test_a_block_that_is_taken_back_opens_again(scene: Scene) -> None:
    blocks = Blocks(scene.world.store.pool)
    block = await blocks.set(scene.citizen, None, None)
    assert [one.id for one in await blocks.of(scene.citizen)] == [block]
    await blocks.end(scene.citizen, block)
    assert (await blocks.of(scene.citizen), await scene.reads(scene.doctor)) == ([], True)


async def test_two_blocks_hold_until_both_are_taken_back(scene: Scene) -> None:
    blocks = Blocks(scene.world.store.pool)
    everybody = await blocks.set(scene.citizen, None, None)
    hospital = await blocks.set(scene.citizen, key_of(scene.hospital), None)
    await blocks.end(scene.citizen, everybody)
    assert (await scene.reads(scene.doctor), await scene.reads(scene.gp)) == (False, True)
    await blocks.end(scene.citizen, hospital)
    assert await scene.reads(scene.doctor)


async def test_nobody_else_reads_sets_or_ends_a_citizens_blocks(scene: Scene) -> None:
    blocks = Blocks(scene.world.store.pool)
    block = await blocks.set(scene.citizen, None, None)
    other = scene.world.citizen(await scene.world.patient(scene.hospital))
    for ask in (scene.doctor, scene.custodian, other):
        assert await blocks.of(ask) == []
        with pytest.raises(Unknown):
            await blocks.end(ask, block)
    for ask in (scene.doctor, scene.custodian):
        with pytest.raises(Unprocessable):
            await blocks.set(ask, None, None)
    assert not await scene.reads(scene.doctor)


async def test_a_block_names_an_organisation_that_exists(scene: Scene) -> None:
    for who, what in ((1, None), (None, 1)):
        with pytest.raises(Unprocessable):
            await Blocks(scene.world.store.pool).set(scene.citizen, who, what)


# --- self-declared relations ------------------------------------------------------------------------------------------------


def relations(scene: Scene) -> TreatmentRelations:
    return TreatmentRelations(scene.world.store.pool)


async def test_a_declared_relation_holds_for_its_person_until_its_deadline(scene: Scene) -> None:
    until = await relations(scene).declare(scene.stranger, key_of(scene.patient), "akut modtaget")
    assert until == NOW + A_DAY
    assert await scene.reads(scene.stranger)
    assert await scene.reads(at(scene.stranger, until - timedelta(microseconds=1)))
    assert not await scene.reads(at(scene.stranger, until))
    colleague = scene.world.professional(await scene.world.employee(scene.elsewhere), scene.elsewhere)
    assert not await scene.reads(colleague)


async def test_a_declaration_opens_no_other_citizen(scene: Scene) -> None:
    other = await scene.world.patient(scene.hospital)
    await relations(scene).declare(scene.stranger, key_of(other), "akut")
    assert not await scene.reads(scene.stranger)


async def test_a_declaration_does_not_beat_a_block(scene: Scene) -> None:
    await scene.world.block(scene.patient)
    await relations(scene).declare(scene.stranger, key_of(scene.patient), "akut")
    assert not await scene.reads(scene.stranger)


async def test_only_those_who_may_declare_do(scene: Scene) -> None:
    secretary = scene.world.professional(await scene.world.employee(scene.ward, "secretary"), scene.ward, "secretary")
    former = scene.world.professional(await scene.world.employee(scene.elsewhere, active=False), scene.elsewhere)
    unknown = key_of(new_id())
    for ask, citizen in (
        (secretary, key_of(scene.patient)),
        (former, key_of(scene.patient)),
        (scene.custodian, key_of(scene.patient)),
        (scene.citizen, key_of(scene.patient)),
        (scene.stranger, unknown),
    ):
        with pytest.raises(Forbidden):
            await relations(scene).declare(ask, citizen, "akut")
    assert await scene.world.owner.fetchval("select count(*) from trust.relation where class = 4") == 0
    refused = [row for row in await scene.world.log(scene.patient) if row["action"] == 10]
    assert [row["permitted"] for row in refused] == [False] * 4


async def test_a_declaration_stands_in_the_citizens_log(scene: Scene) -> None:
    await relations(scene).declare(scene.stranger, key_of(scene.patient), str(uuid4()))
    row = (await scene.world.log(scene.patient))[-1]
    assert (row["action"], row["permitted"], row["actor"]) == (10, True, scene.stranger.actor)
