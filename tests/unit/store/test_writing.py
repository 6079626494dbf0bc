"""Create, update, delete: who may, over which version, and what is kept."""

import asyncio
from dataclasses import replace
from uuid import UUID

import orjson
import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.errors import (
    Conflict,
    Forbidden,
    Gone,
    HelhedError,
    MethodNotAllowed,
    PreconditionFailed,
    Unknown,
    Unprocessable,
)
from helhed.foundation.ids import new_id
from tests.unit.store.scene import Scene


async def refusal(scene: Scene, ask: Ask, resource: dict[str, object]) -> tuple[type, str]:
    """What a create is answered with."""
    with pytest.raises(HelhedError) as refused:
        await scene.world.put(ask, resource)
    return type(refused.value), str(refused.value)


async def versions(scene: Scene, identifier: UUID) -> list[tuple[int, bool]]:
    page = await scene.world.store.history(scene.citizen, "Observation", identifier, count=50, cursor=None)
    return [(version.version, version.deleted) for version in page.matches]


# --- what is kept ---------------------------------------------------------------------------------------------------------


async def test_each_version_stays_readable_as_it_was_written(scene: Scene) -> None:
    world, own = scene.world, await scene.world.put(scene.custodian, scene.result(note=[{"text": "første"}]))
    await world.change(scene.custodian, own, scene.result(own, note=[{"text": "anden"}]))
    await world.delete(scene.custodian, "Observation", own)
    first = await world.store.vread(scene.citizen, "Observation", own, 1)
    second = await world.store.vread(scene.citizen, "Observation", own, 2)
    bodies = [orjson.loads(one.body) for one in (first, second)]
    assert [body["note"][0]["text"] for body in bodies] == ["første", "anden"]
    assert [(body["id"], body["meta"]["versionId"]) for body in bodies] == [(str(own), "1"), (str(own), "2")]
    with pytest.raises(Gone):
        await world.store.vread(scene.citizen, "Observation", own, 3)
    assert await versions(scene, own) == [(3, True), (2, False), (1, False)]


async def test_a_version_that_never_was_is_unknown(scene: Scene) -> None:
    for version in (0, 2, 2**31, 2**70):
        with pytest.raises(Unknown):
            await scene.world.store.vread(scene.citizen, "Observation", scene.observation, version)
    with pytest.raises(Unknown):
        await scene.world.store.vread(scene.citizen, "Observation", None, 1)


async def test_an_id_is_of_its_own_type_only(scene: Scene) -> None:
    with pytest.raises(Unknown):
        await scene.world.store.read(scene.citizen, "Condition", scene.observation)
    with pytest.raises(Unknown):
        await scene.world.store.history(scene.citizen, "Condition", scene.observation, count=5, cursor=None)


async def test_searches_follow_an_update_and_forget_a_deleted_row(scene: Scene) -> None:
    world = scene.world
    own = await world.put(scene.custodian, scene.result(code={"coding": [{"code": "before"}]}))
    await world.change(scene.custodian, own, scene.result(own, code={"coding": [{"code": "after"}]}))
    assert await world.found(scene.doctor, "Observation?code=before") == []
    assert await world.found(scene.doctor, "Observation?code=after") == [own]
    await world.delete(scene.custodian, "Observation", own)
    assert await world.found(scene.doctor, "Observation?code=after") == []


async def test_a_changed_name_is_found_and_the_old_one_is_not(scene: Scene) -> None:
    world = scene.world
    married = {"resourceType": "Patient", "id": str(scene.patient), "name": [{"family": "Østergaard"}]}
    await world.change(scene.custodian, scene.patient, married)
    citizen = scene.citizen
    assert await world.found(citizen, "Patient?family=østergaard") == [scene.patient]
    assert await world.found(citizen, "Patient?family=ånæs") == []
    assert await world.found(citizen, "Patient?birthdate=1958-03-14") == []


async def test_a_deleted_resource_stays_deleted_and_may_be_deleted_again(scene: Scene) -> None:
    world = scene.world
    await world.delete(scene.custodian, "Observation", scene.observation)
    assert (await world.delete(scene.custodian, "Observation", scene.observation)).deleted
    with pytest.raises(Gone):
        await world.change(scene.custodian, scene.observation, scene.result(scene.observation))
    assert await versions(scene, scene.observation) == [(2, True), (1, False)]


# --- over which version ---------------------------------------------------------------------------------------------------


async def test_a_condition_on_the_version_holds_for_updates_and_deletes(scene: Scene) -> None:
    world, own = scene.world, scene.observation
    await world.change(scene.custodian, own, scene.result(own), if_match=1)
    with pytest.raises(PreconditionFailed):
        await world.change(scene.custodian, own, scene.result(own), if_match=1)
    await world.change(scene.custodian, own, scene.result(own))  # its custodian may overwrite what it keeps
    assert (await versions(scene, own))[0] == (3, False)


async def test_of_two_who_read_the_same_version_one_writes(scene: Scene) -> None:
    own = await scene.world.put(scene.doctor, scene.result())
    outcomes = await asyncio.gather(
        *(scene.world.change(scene.doctor, own, scene.result(own), if_match=1) for _ in range(5)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes).count("Written") == 1
    assert {type(one) for one in outcomes if isinstance(one, Exception)} <= {PreconditionFailed, Conflict}
    assert len(await versions(scene, own)) == 2


# --- who may --------------------------------------------------------------------------------------------------------------


async def test_a_create_for_an_unknown_patient_is_refused_like_one_for_a_hidden_patient(scene: Scene) -> None:
    hidden = scene.result()
    unknown = scene.result(subject={"reference": f"Patient/{new_id()}"})
    answers = {await refusal(scene, scene.stranger, resource) for resource in (hidden, unknown)}
    assert len(answers) == 1
    assert answers.pop()[0] is Unprocessable


async def test_a_create_for_a_citizen_who_blocks_the_writer_is_refused_like_one_for_nobody(scene: Scene) -> None:
    await scene.world.put(scene.doctor, scene.result())
    await scene.world.block(scene.patient, who=scene.hospital)
    blocked = await refusal(scene, scene.doctor, scene.result())
    assert blocked == await refusal(scene, scene.doctor, scene.result(subject={"reference": f"Patient/{new_id()}"}))


async def test_a_custodian_writes_on_whatever_the_citizen_blocks_but_for_nobody_unknown(scene: Scene) -> None:
    await scene.world.block(scene.patient)
    await scene.world.put(scene.custodian, scene.result())
    with pytest.raises(Unprocessable):
        await scene.world.put(scene.custodian, scene.result(subject={"reference": f"Patient/{new_id()}"}))


async def test_a_clinical_resource_says_which_patient_it_is_about(scene: Scene) -> None:
    for subject in (None, {"display": "somebody"}, {"reference": "Patient/7"}, {"reference": "Group/7"}):
        resource = scene.result()
        resource.pop("subject")
        more = {} if subject is None else {"subject": subject}
        with pytest.raises(Unprocessable):
            await scene.world.put(scene.custodian, {**resource, **more})


async def test_a_citizen_writes_nothing(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        await scene.world.put(scene.citizen, scene.result())
    with pytest.raises((Forbidden, MethodNotAllowed)):
        await scene.world.change(scene.citizen, scene.observation, scene.result(scene.observation), if_match=1)


async def test_who_sees_a_row_of_another_organisation_may_not_change_it(scene: Scene) -> None:
    for ask in (scene.gp, scene.doctor):  # the doctor's ward is beneath the hospital that wrote it: not its own either
        with pytest.raises(Forbidden):
            await scene.world.change(ask, scene.observation, scene.result(scene.observation), if_match=1)
        with pytest.raises(Forbidden):
            await scene.world.delete(ask, "Observation", scene.observation)
    assert await versions(scene, scene.observation) == [(1, False)]


async def test_the_custodian_above_may_change_what_a_unit_wrote_and_not_the_other_way(scene: Scene) -> None:
    own = await scene.world.put(scene.doctor, scene.result())
    await scene.world.change(scene.custodian, own, scene.result(own))
    with pytest.raises(MethodNotAllowed):
        await scene.world.change(scene.world.system(scene.ward), scene.observation, scene.result(scene.observation))


async def test_a_hidden_row_is_answered_like_one_that_never_was(scene: Scene) -> None:
    world, answers = scene.world, set()
    for identifier in (scene.observation, new_id()):
        with pytest.raises(HelhedError) as unchanged:
            await world.change(scene.stranger, identifier, scene.result(identifier), if_match=1)
        with pytest.raises(HelhedError) as undeleted:
            await world.delete(scene.stranger, "Observation", identifier)
        answers.add((type(unchanged.value), str(unchanged.value), type(undeleted.value), str(undeleted.value)))
    assert len(answers) == 1
    assert {MethodNotAllowed, Unknown} <= set(answers.pop())


async def test_an_origin_never_changes_hands(scene: Scene) -> None:
    own = await scene.world.put(scene.doctor, scene.result())
    await scene.world.change(scene.custodian, own, scene.result(own))
    await scene.world.change(scene.doctor, own, scene.result(own), if_match=2)
    with pytest.raises((Forbidden, MethodNotAllowed)):
        await scene.world.change(scene.gp, own, scene.result(own), if_match=3)


async def test_who_writes_and_may_not_read_cannot_tell_a_deleted_row_from_one_that_never_was(scene: Scene) -> None:
    world = scene.world
    own = await world.observation(scene.patient, scene.ward)
    await world.delete(world.system(scene.ward), "Observation", own)
    writer = replace(scene.doctor, read_types=frozenset({"Patient"}), write_types=frozenset({"Observation"}))
    with pytest.raises(MethodNotAllowed):
        await world.change(writer, own, scene.result(own), if_match=2)
    with pytest.raises(Unknown):
        await world.delete(writer, "Observation", own)
    assert (await world.delete(scene.doctor, "Observation", own)).deleted, "who may read it is told"
