"""A whole record in one look: many rows of one type push out none of another."""

import asyncio

import asyncpg
import pytest

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.database import connect
from helhed.foundation.ids import key_of, new_id
from tests.unit.store.scene import Scene

LIMIT = 3  #: a type; the scene has a measurement of its own
TYPES = ("Observation", "AllergyIntolerance")


async def test_an_undated_allergy_stays_however_many_measurements_there_are(scene: Scene) -> None:
    world = scene.world
    days = {
        await world.observation(scene.patient, scene.hospital, effectiveDateTime=day): day
        for day in ("2021-01-01", "2024-01-01", "2023-01-01", "2022-01-01")
    }
    undated = await world.observation(scene.patient, scene.hospital, effectiveDateTime=None)
    allergy = {
        "resourceType": "AllergyIntolerance",
        "code": {"text": "penicillin"},
        "patient": {"reference": f"Patient/{scene.patient}"},
    }
    allergic = await world.put(scene.custodian, allergy)
    rows = await world.store.citizen_rows(scene.doctor, key_of(scene.patient), TYPES, LIMIT)
    ids = [one.version.id for one in rows]
    assert allergic in ids
    assert undated in ids
    assert [days[one] for one in ids if one in days] == ["2024-01-01", "2023-01-01"]
    (look,) = [row for row in await world.log(scene.patient) if row["action"] == 9]
    assert set(look["resources"]) == set(ids)


async def test_who_may_not_change_a_row_makes_nobody_wait(scene: Scene) -> None:
    world = scene.world
    stranger = await connect(world.target.owner)
    try:
        async with stranger.transaction():
            claim = "select outcome from fhir.claim($1::fhir.ask, $2::smallint, $3)"
            outcome = await stranger.fetchval(claim, ask_row(scene.gp), TYPE_NUMBERS["Observation"], scene.observation)
            assert outcome == 2
            changed = world.change(scene.custodian, scene.observation, scene.result(scene.observation))
            assert (await asyncio.wait_for(changed, 20)).version == 2
    finally:
        await stranger.close()


@pytest.mark.parametrize(
    ("number", "professional", "until"),
    [(4, None, "2026-12-01"), (4, 1, "infinity"), (1, 1, "2026-12-01"), (6, 1, "2026-12-01")],
    ids=["D for nobody in particular", "D for ever", "not a relation", "public"],
)
async def test_a_relation_is_one_of_its_classes_and_a_declared_one_is_personal_and_ends(
    scene: Scene, number: int, professional: int | None, until: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await scene.world.owner.execute(
            "insert into trust.relation (source, citizen, organisation, professional, class, valid_from, valid_to)"
            f" values ($1, $2, $3, $4, $5, now(), '{until}')",
            new_id(), key_of(scene.patient), key_of(scene.ward), professional, number,
        )  # fmt: skip


@pytest.mark.parametrize(("named", "included"), [("Organization", 1), ("Practitioner", 0)])
async def test_include_brings_only_what_the_reference_names_by_type(scene: Scene, named: str, included: int) -> None:
    performer = [{"reference": f"{named}/{scene.hospital}"}]
    await scene.world.observation(scene.patient, scene.hospital, "2339-0", performer=performer)
    page = await scene.world.search(scene.doctor, "Observation?code=2339-0&_include=Observation:performer")
    assert (len(page.matches), len(page.included)) == (1, included)
