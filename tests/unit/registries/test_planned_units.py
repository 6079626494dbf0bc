"""Units are moved, closed and merged from a day on: told at once to who asks for that day, in force when it has come."""

from dataclasses import replace
from datetime import timedelta

import pytest

from helhed.fhir.indexing import normalise
from helhed.foundation.errors import BadRequest, Conflict, Forbidden, Unprocessable
from helhed.foundation.ids import key_of
from helhed.registries.units import planning
from tests.support.world import World
from tests.unit.registries.region import LATER_DAYS, Region


async def test_a_move_is_told_for_its_day_at_once_and_felt_on_it(region: Region) -> None:
    await region.plans.move(region.ask, region.ward, region.later, region.south)
    assert await region.beneath(region.north, region.today) == {region.ward}
    assert await region.beneath(region.south, region.later) == {region.ward}
    assert (await region.stored(region.ward))["partOf"]["reference"] == f"Organization/{region.north}"
    assert await region.apply(region.now) == 0
    assert await region.apply(region.now + timedelta(LATER_DAYS)) == 1
    assert (await region.stored(region.ward))["partOf"]["reference"] == f"Organization/{region.south}"
    assert await region.apply(region.now + timedelta(LATER_DAYS)) == 0


async def test_what_is_written_meanwhile_holds_beside_what_was_planned(region: Region) -> None:
    await region.plans.change(region.ask, region.ward, region.later, {"name": "Nyt navn"})
    now = await region.stored(region.ward)
    await region.world.change(region.ask, region.ward, {**now, "alias": ["Afsnittet"]})
    assert (await region.as_of(region.ward, region.today) or {})["alias"] == ["Afsnittet"]
    assert (await region.as_of(region.ward, region.later) or {})["name"] == "Nyt navn"
    await region.apply(region.now + timedelta(LATER_DAYS))
    stored = await region.stored(region.ward)
    assert (stored["name"], stored["alias"]) == ("Nyt navn", ["Afsnittet"])


async def test_what_was_known_yesterday_of_tomorrow_can_still_be_told(region: Region) -> None:
    before = await region.world.owner.fetchval("select clock_timestamp()")
    await region.plans.change(region.ask, region.ward, region.later, {"name": "Nyt navn"})
    assert (await region.as_of(region.ward, region.later, before) or {})["name"] == "Afsnit"


async def test_a_plan_that_is_taken_back_never_was_to_be(region: Region) -> None:
    plan = await region.plans.move(region.ask, region.ward, region.later, region.south)
    await region.plans.withdraw(region.ask, plan)
    assert await region.beneath(region.north, region.later) == {region.ward}
    assert await region.apply(region.now + timedelta(LATER_DAYS)) == 0
    with pytest.raises(Conflict):
        await region.plans.withdraw(region.ask, plan)


async def test_who_is_split_says_who_carry_on(region: Region) -> None:
    one, other = [await region.unit(name, region.north) for name in ("Afsnit A", "Afsnit B")]
    await region.plans.close(region.ask, region.ward, region.later, [one, other])
    (plan,) = await region.plans.of_unit(other)
    assert (plan.unit, set(plan.successors)) == (key_of(region.ward), {key_of(one), key_of(other)})


async def test_who_is_merged_is_closed_and_says_who_carries_on(region: Region) -> None:
    other = await region.unit("Andet afsnit", region.north)
    await region.plans.merge(region.ask, [region.ward, other], region.today, region.south)
    assert not (await region.stored(region.ward))["active"]
    assert {plan.unit for plan in await region.plans.of_unit(region.south)} == {key_of(region.ward), key_of(other)}


async def test_of_units_merged_together_all_are_closed_or_none(region: Region) -> None:
    other = await region.unit("Andet afsnit", region.south)
    with pytest.raises(Unprocessable, match="stand beneath"):
        await region.plans.merge(region.ask, [other, region.north], region.later, region.south)
    assert await region.plans.of_unit(other) == []
    assert (await region.as_of(other, region.later) or {}).get("active") is not False


async def test_what_cannot_be_is_refused_and_changes_nothing(region: Region) -> None:
    plans, ask, later = region.plans, region.ask, region.later
    before = await region.world.owner.fetchval("select count(*) from registries.unit_fact")
    for refused, plan in (
        (Unprocessable, plans.close(ask, region.north, later)),
        (Unprocessable, plans.move(ask, region.north, later, region.ward)),
        (Unprocessable, plans.change(ask, region.ward, region.today - timedelta(1), {"name": "X"})),
        (Unprocessable, plans.close(ask, region.ward, later, [region.ward])),
        (BadRequest, plans.change(ask, region.ward, later, {"active": False})),
        (BadRequest, plans.merge(ask, [region.ward, region.ward], later, region.south)),
    ):
        with pytest.raises(refused):
            await plan
    assert await region.world.owner.fetchval("select count(*) from registries.unit_fact") == before


async def test_nobody_arranges_the_units_of_others(region: Region) -> None:
    stranger = await region.world.organisation("En anden")
    ask = replace(region.world.system(stranger), at=region.now)
    for plan in (
        region.plans.close(ask, region.ward, region.later),
        region.plans.move(ask, region.ward, region.later, stranger),
        region.plans.move(region.ask, region.ward, region.later, stranger),
    ):
        with pytest.raises(Forbidden):
            await plan


async def test_no_unit_is_planned_out_from_under_who_stands_above_it(region: Region) -> None:
    elsewhere = f"http://helhed.example/fhir/Organization/{region.south}"
    for above in (None, {"reference": elsewhere}, {"identifier": {"value": "1"}}):
        with pytest.raises(Forbidden, match="moved only to where"):
            await region.plans.change(region.ask, region.ward, region.later, {"partOf": above})
    assert await region.beneath(region.north, region.later) == {region.ward}


async def test_plans_that_can_never_be_applied_keep_nobody_elses_waiting(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_AT_A_TIME", 3)
    for _ in range(3):
        await region.plans.change(region.ask, region.ward, region.later, {"name": "Aldrig"})
    beneath_itself = f'{{"partOf": {{"reference": "Organization/{region.ward}"}}}}'
    await region.world.owner.execute("update registries.unit_plan set changes = $1", beneath_itself)
    await region.plans.change(region.ask, region.south, region.later + timedelta(1), {"name": "Nyt navn"})
    later = region.now + timedelta(LATER_DAYS + 1)
    assert [await region.apply(later) for _ in range(3)] == [0, 1, 0]
    assert (await region.stored(region.south))["name"] == "Nyt navn"


async def test_a_unit_that_is_closed_is_not_closed_again(region: Region) -> None:
    await region.plans.close(region.ask, region.ward, region.later)
    with pytest.raises(Unprocessable, match="closed"):
        await region.plans.move(region.ask, region.ward, region.later + timedelta(1), region.south)


async def test_a_ward_is_found_by_parts_of_its_name_and_of_those_above(region: Region) -> None:
    lungs = await region.unit("Lungemedicinsk Ambulatorium", region.south)
    await region.unit("Lungemedicinsk Sengeafsnit", region.north)
    closed = await region.unit("Lungemedicinsk Klinik", region.south)
    await region.plans.close(region.ask, closed, region.later)
    found = await region.history.find("syd medicinsk", region.later, 10)
    assert [(one.id, one.above) for one in found] == [(lungs, ("Syd", "Region"))]
    assert len(await region.history.find("lungem", region.today, 10)) == 3
    for nothing in ("", "   ", "lungem vest", "%", "x" * 3000):
        assert await region.history.find(nothing, region.today, 10) == []


@pytest.mark.parametrize(
    "name", ["Bispebjerg Hospital", "ÆRØ  Lægehus", "Café Århus", "Öresund Klinik", "Læge Müller & Søn ", "Genève"]
)
async def test_the_database_folds_names_as_searches_do(world: World, name: str) -> None:
    assert await world.owner.fetchval("select registries.folded($1)", name) == normalise(name)
