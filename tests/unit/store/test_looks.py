"""Looks at one record: who sees it, what a block takes away, and what a deleted row is to whom."""

import pytest

from helhed.foundation.errors import Gone, Unknown
from tests.unit.store.scene import Scene


async def test_the_ward_the_clinic_and_the_citizen_read_and_strangers_do_not(scene: Scene) -> None:
    assert [await scene.reads(ask) for ask in (scene.doctor, scene.gp, scene.citizen)] == [True, True, True]
    assert not await scene.reads(scene.stranger)
    assert not await scene.reads(scene.custodian), "a custodian maintains, and does not read"


async def test_another_citizen_reads_nothing(scene: Scene) -> None:
    other = scene.world.citizen(await scene.world.patient(scene.hospital))
    assert not await scene.reads(other)
    assert await scene.world.found(other, "Observation?code=8867-4") == []


async def test_a_block_takes_reads_searches_totals_and_history_at_the_next_request(scene: Scene) -> None:
    everything = "Observation?_total=accurate"
    assert (await scene.world.search(scene.doctor, everything)).total == 1
    await scene.world.block(scene.patient, who=scene.hospital)
    assert not await scene.reads(scene.doctor)
    assert (await scene.world.search(scene.doctor, everything)).total == 0
    with pytest.raises(Unknown):
        await scene.world.store.history(scene.doctor, "Observation", scene.observation, count=5, cursor=None)
    assert await scene.reads(scene.gp), "the block names the hospital only"
    assert await scene.reads(scene.citizen), "a block never applies to oneself"


async def test_a_block_takes_chains_and_includes_too(scene: Scene) -> None:
    world, doctor = scene.world, scene.doctor
    chain = "Observation?patient.family=ånæs"
    around = f"Organization?_id={scene.ward}&_revinclude=Encounter:service-provider"
    assert await world.found(doctor, chain) == [scene.observation]
    assert [one.id for one in (await world.search(doctor, around)).included] == [scene.contact]
    await world.block(scene.patient)
    assert await world.found(doctor, chain) == []
    assert (await world.search(doctor, around)).included == []


async def test_a_block_on_what_one_place_wrote_leaves_the_rest(scene: Scene) -> None:
    own = await scene.world.observation(scene.patient, scene.clinic)
    await scene.world.block(scene.patient, what=scene.hospital)
    assert await scene.world.found(scene.doctor, f"Observation?patient=Patient/{scene.patient}") == [own]


async def test_a_chain_does_not_go_through_a_blocked_row(scene: Scene) -> None:
    """The result is the clinic's, the contact it names is the hospital's: what the contact says finds nothing."""
    at_contact = {"reference": f"Encounter/{scene.contact}"}
    own = await scene.world.observation(scene.patient, scene.clinic, "chained", encounter=at_contact)
    chain = "Observation?code=chained&encounter:Encounter.status=in-progress"
    assert await scene.world.found(scene.doctor, chain) == [own]
    await scene.world.block(scene.patient, what=scene.hospital)
    assert await scene.world.found(scene.doctor, "Observation?code=chained") == [own]
    assert await scene.world.found(scene.doctor, chain) == []


async def test_a_deleted_row_is_gone_for_those_who_may_know_and_unknown_to_others(scene: Scene) -> None:
    await scene.world.delete(scene.custodian, "Observation", scene.observation)
    with pytest.raises(Gone):
        await scene.world.store.read(scene.citizen, "Observation", scene.observation)
    assert not await scene.reads(scene.stranger)
    await scene.world.block(scene.patient)
    assert not await scene.reads(scene.doctor)
