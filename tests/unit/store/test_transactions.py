"""Transactions are whole or absent; conditions find one thing; two who want the same thing get the same one."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest

from helhed.foundation.errors import Forbidden, HelhedError, InvalidResource, PreconditionFailed, Unknown, Unprocessable
from helhed.foundation.ids import new_id
from helhed.registries.identifiers import CPR
from tests.unit.store.scene import Scene, entry, transaction

NUMBER = {"system": "urn:lab", "value": "42"}


def urn() -> str:
    return f"urn:uuid:{uuid4()}"


async def rows(scene: Scene) -> int:
    return int(await scene.world.owner.fetchval("select count(*) from fhir.resource"))


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (lambda scene: entry("GET", f"Observation/{new_id()}"), Unknown),
        (lambda scene: entry("DELETE", f"Observation/{new_id()}"), Unknown),
        (lambda scene: entry("PUT", f"Observation/{scene.observation}", scene.result(scene.observation), ifMatch='W/"7"'), PreconditionFailed),
        (lambda scene: entry("POST", "Observation", scene.result(subject={"reference": f"Patient/{new_id()}"})), Unprocessable),
        (lambda scene: entry("POST", "Observation", scene.result(status="nonsense")), InvalidResource),
        (lambda scene: entry("POST", "Observation", scene.result(encounter={"reference": urn()})), InvalidResource),
        (lambda scene: entry("POST", "Observation", scene.result(encounter={"reference": "Encounter?identifier=none"})), PreconditionFailed),
        (lambda scene: entry("POST", "Patient", {"resourceType": "Patient", "identifier": [NUMBER]}, ifNoneExist="gender=female,male,unknown"), PreconditionFailed),
    ],
    ids=["read", "delete", "version", "patient", "invalid", "urn", "conditional reference", "conditional create"],
)  # fmt: skip
async def test_one_bad_entry_leaves_nothing_of_the_others(scene: Scene, last: Any, error: type[HelhedError]) -> None:
    await scene.world.patient(scene.hospital)
    before = await rows(scene)
    with pytest.raises(error):
        await transaction(
            scene.world,
            scene.custodian,
            entry("POST", "Observation", scene.result()),
            entry("POST", "Organization", {"resourceType": "Organization", "name": "Ny"}),
            last(scene),
        )
    assert await rows(scene) == before
    assert await scene.world.owner.fetchval("select count(*) from registries.organisation where name = 'Ny'") == 0
    assert (await scene.world.store.read(scene.citizen, "Observation", scene.observation)).version == 1


async def test_an_entry_that_is_named_must_be_of_a_type_that_may_stand_there(scene: Scene) -> None:
    place = urn()
    with pytest.raises(InvalidResource) as refused:
        await transaction(
            scene.world,
            scene.custodian,
            entry("POST", "Observation", {**scene.result(), "encounter": {"reference": place}}),
            entry("POST", "Organization", {"resourceType": "Organization", "name": "Ny"}, fullUrl=place),
        )
    assert [issue.expression for issue in refused.value.issues] == ["Bundle.entry[0].resource.encounter.reference"]


async def test_entries_may_name_each_other_in_any_order(scene: Scene) -> None:
    person, visit = urn(), urn()
    result = {**scene.result(), "subject": {"reference": person}, "encounter": {"reference": visit}}
    contact = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": person},
    }
    outcomes = await transaction(
        scene.world,
        scene.custodian,
        entry("POST", "Observation", result, fullUrl=urn()),
        entry("POST", "Encounter", contact, fullUrl=visit),
        entry("POST", "Patient", {"resourceType": "Patient", "name": [{"family": "Ny"}]}, fullUrl=person),
    )
    written = [one.written for one in outcomes]
    assert all(written)
    observation, encounter, patient = (one.id for one in written if one is not None)
    stored = orjson.loads((await scene.world.store.read(scene.world.citizen(patient), "Observation", observation)).body)
    assert stored["subject"]["reference"] == f"Patient/{patient}"
    assert stored["encounter"]["reference"] == f"Encounter/{encounter}"


async def test_a_conditional_reference_finds_the_one_resource_that_meets_it(scene: Scene) -> None:
    world = scene.world
    known = await world.patient(scene.hospital, identifier=[{"system": CPR, "value": "1403581235"}])
    named = scene.result(subject={"reference": f"Patient?identifier={CPR}|1403581235"})
    outcomes = await transaction(world, scene.custodian, entry("POST", "Observation", named))
    assert outcomes[0].written is not None
    assert await world.found(world.citizen(known), "Observation?_sort=_id") == [outcomes[0].written.id]


async def test_a_conditional_reference_to_several_or_to_hidden_ones_is_refused(scene: Scene) -> None:
    world = scene.world
    await world.patient(scene.hospital, "Dobbel")
    await world.patient(scene.hospital, "Dobbel")
    hidden = await world.patient(scene.elsewhere, "Skjult")
    answers = []
    for name in ("dobbel", "skjult", "ingen"):
        with pytest.raises(PreconditionFailed) as refused:
            await transaction(
                world,
                scene.custodian,
                entry("POST", "Observation", scene.result(subject={"reference": f"Patient?family={name}"})),
            )
        answers.append(str(refused.value))
    assert answers[1] == answers[2], "hidden is like missing"
    assert await world.found(world.citizen(hidden), "Observation") == []


async def test_a_conditional_create_takes_what_is_there(scene: Scene) -> None:
    condition = f"identifier={NUMBER['system']}|{NUMBER['value']}"
    create = entry("POST", "Observation", scene.result(identifier=[NUMBER]), ifNoneExist=condition)
    first, second = [(await transaction(scene.world, scene.custodian, create))[0].written for _ in range(2)]
    assert first is not None
    assert second is not None
    assert (first.created, second.created) == (True, False)
    assert first.id == second.id


async def test_two_conditional_creates_at_once_make_one_row(scene: Scene) -> None:
    condition = f"identifier={NUMBER['system']}|{NUMBER['value']}"
    create = entry("POST", "Observation", scene.result(identifier=[NUMBER]), ifNoneExist=condition)
    outcomes = await asyncio.gather(*(transaction(scene.world, scene.custodian, create) for _ in range(4)))
    written = [one[0].written for one in outcomes]
    assert len({one.id for one in written if one is not None}) == 1
    assert [one.created for one in written if one is not None].count(True) == 1


async def test_two_transactions_that_lock_in_opposite_order_both_end(scene: Scene) -> None:
    def create(value: str) -> dict[str, Any]:
        resource = scene.result(identifier=[{"system": "urn:lab", "value": value}])
        return entry("POST", "Observation", resource, ifNoneExist=f"identifier=urn:lab|{value}")

    await asyncio.gather(
        *(
            transaction(scene.world, scene.custodian, *(create(value) for value in order))
            for order in ("abc", "cba", "bca", "acb")
        )
    )
    found = await scene.world.found(scene.citizen, "Observation?identifier=urn:lab|&_sort=_id")
    assert len(found) == 3


async def test_a_condition_of_a_professional_finds_only_what_they_may_read(scene: Scene) -> None:
    """What another organisation calls by the same number stays unknown: a second row is made, nothing is told."""
    group = {"resourceType": "Group", "type": "person", "actual": True, "identifier": [NUMBER]}
    create = entry("POST", "Group", group, ifNoneExist="identifier=urn:lab|42")
    first, other, again = [
        (await transaction(scene.world, ask, create))[0].written for ask in (scene.doctor, scene.gp, scene.doctor)
    ]
    assert first is not None
    assert other is not None
    assert again is not None
    assert (other.created, again.created, again.id) == (True, False, first.id)
    assert other.id != first.id


async def test_what_a_transaction_wrote_is_read_by_its_own_last_entries(scene: Scene) -> None:
    outcomes = await transaction(
        scene.world,
        scene.doctor,
        entry("GET", "Observation?code=new&_total=accurate"),
        entry("POST", "Observation", scene.result(code={"coding": [{"code": "new"}]})),
        entry("GET", f"Observation/{scene.observation}"),
    )
    assert outcomes[0].page is not None
    assert outcomes[0].page.total == 1
    assert outcomes[2].version is not None


async def test_a_delete_and_a_create_in_one_transaction_stand_together(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        await transaction(
            scene.world,
            scene.doctor,
            entry("POST", "Observation", scene.result()),
            entry("DELETE", f"Observation/{scene.observation}"),
        )
    assert await scene.world.found(scene.citizen, "Observation?_sort=_id") == [scene.observation]
    await transaction(
        scene.world,
        scene.custodian,
        entry("POST", "Observation", scene.result()),
        entry("DELETE", f"Observation/{scene.observation}"),
    )
    assert scene.observation not in await scene.world.found(scene.citizen, "Observation?_sort=_id")
