"""Rows that an earlier release wrote are indexed again, without a stop, and found as all others."""

from uuid import UUID

import pytest

from helhed.fhir.query import parse_search
from helhed.fhir.store.reindexing import reindex
from helhed.foundation.errors import Overloaded
from tests.support.world import World


async def _as_an_earlier_release(world: World) -> None:
    """Rows as code wrote them that knew no numbers."""
    await world.owner.execute("update fhir.resource set numbers = null, tokens = '{}'")
    await world.owner.execute("delete from fhir.resource_string")
    await world.owner.execute("update fhir.index_work set done_at = null, bucket = -1")


async def _some(world: World) -> tuple[UUID, UUID]:
    hospital = await world.organisation("Sygehus")
    patient = await world.put(world.system(hospital), {"resourceType": "Patient", "name": [{"family": "Holm"}]})
    for value in range(5):
        await world.put(
            world.system(hospital),
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"code": "x"}]},
                "subject": {"reference": f"Patient/{patient}"},
                "valueQuantity": {"value": value},
            },
        )
    return hospital, patient


async def test_what_an_earlier_release_wrote_is_found_after_indexing(world: World) -> None:
    _, patient = await _some(world)
    await _as_an_earlier_release(world)
    told: list[int] = []
    assert await reindex(world.owner, told.append) == 7
    assert told == [7]
    found = await world.search(world.citizen(patient), "Observation?value-quantity=gt2")
    assert len(found.matches) == 2
    assert len((await world.search(world.citizen(patient), "Patient?family=holm")).matches) == 1


async def test_indexing_goes_on_where_it_was_left_and_is_done_once(world: World) -> None:
    await _some(world)
    await _as_an_earlier_release(world)
    await world.owner.execute(
        "update fhir.index_work w set (bucket, id) = (select bucket, id from fhir.resource order by bucket, id offset 2 limit 1)"
    )
    assert await reindex(world.owner, lambda _: None) == 4
    assert await reindex(world.owner, lambda _: None) == 0


async def test_an_old_program_that_writes_meanwhile_leaves_work_behind(world: World) -> None:
    _, patient = await _some(world)
    row = await world.owner.fetchrow("select * from fhir.resource where citizen is not null and type <> 95 limit 1")
    assert row is not None
    await world.owner.execute(
        "select fhir.replace($1, $2, $3, $4, 0, '-infinity', '-infinity', '{}', $5, $6)",
        row["type"], row["id"], row["version"], row["updated"], row["digest"], row["body"],
    )  # fmt: skip
    assert await world.owner.fetchval("select done_at is null from fhir.index_work where name = 'numbers'")
    await reindex(world.owner, lambda _: None)
    assert await world.owner.fetchval("select done_at is not null from fhir.index_work where name = 'numbers'")
    assert len((await world.search(world.citizen(patient), "Observation?value-quantity=ge0")).matches) == 5


async def test_until_it_is_done_the_new_parameters_are_refused_rather_than_wrong(world: World) -> None:
    _, patient = await _some(world)
    await _as_an_earlier_release(world)
    await world.store.note_index_work()
    with pytest.raises(Overloaded, match="indexed"):
        await world.search(world.citizen(patient), "Observation?value-quantity=gt2")
    async with world.store.session(world.citizen(patient)) as session:
        with pytest.raises(Overloaded):
            await session.search(parse_search("Observation", [("value-quantity", "gt2")]))
    await reindex(world.owner, lambda _: None)
    await world.store.note_index_work()
    assert len((await world.search(world.citizen(patient), "Observation?value-quantity=gt2")).matches) == 2
