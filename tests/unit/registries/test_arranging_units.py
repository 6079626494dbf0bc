"""Who arranges units, and that each of several plans holds and goes by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.commands.keepers import add_keeper
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Conflict, Forbidden, Unprocessable
from helhed.foundation.ids import key_of, new_id
from tests.unit.registries.region import LATER_DAYS, Region


async def with_system(region: Region, place: UUID) -> None:
    """The place has a system of its own."""
    await region.world.owner.execute("select trust.register_system($1)", key_of(place))


async def keeper_of(region: Region, place: UUID, role: str = "unit-keeper") -> Ask:
    """Somebody whom a place employs for its units."""
    await with_system(region, place)
    who = await region.world.employee(place, role)
    return replace(region.world.professional(who, place, role), at=region.now)


async def foreign_ward(region: Region) -> UUID:
    """A unit beneath the northern hospital that the hospital's own system registered."""
    await with_system(region, region.north)
    resource = {
        "resourceType": "Organization",
        "name": "Hospitalets",
        "partOf": {"reference": f"Organization/{region.north}"},
    }
    return await region.world.put(replace(region.world.system(region.north), at=region.now), resource, new_id())


async def test_whoever_is_employed_to_arrange_units_does_so_in_their_own_part_only(region: Region) -> None:
    keeper = await keeper_of(region, region.north)
    await region.plans.change(keeper, region.ward, region.today, {"name": "Nyt navn"})
    assert (await region.stored(region.ward))["name"] == "Nyt navn"
    (plan,) = await region.plans.of_unit(region.ward)
    assert (plan.actor, plan.applied_at is not None, plan.problem) == (keeper.actor, True, None)
    for refused in (
        region.plans.change(keeper, region.south, region.later, {"name": "Andres"}),
        region.plans.close(keeper, region.region, region.later),
        region.plans.move(keeper, region.ward, region.later, region.south),
        region.plans.change(await keeper_of(region, region.north, "nurse"), region.ward, region.later, {"name": "X"}),
    ):
        with pytest.raises(Forbidden):
            await refused
    rows = await region.world.owner.fetch(
        "select actor, permitted from foundation.access_log where action = $1", int(Action.ARRANGE_UNIT)
    )
    assert [(row["actor"], row["permitted"]) for row in rows] == [(keeper.actor, True)]


async def test_who_no_longer_works_there_arranges_nothing(region: Region) -> None:
    keeper = await keeper_of(region, region.north)
    await region.world.owner.execute(
        "update trust.employment set valid_to = $1 where role = 'unit-keeper'", region.now - timedelta(1)
    )
    with pytest.raises(Forbidden):
        await region.plans.change(keeper, region.ward, region.later, {"name": "X"})


async def test_a_region_arranges_what_a_hospital_beneath_it_registered(region: Region) -> None:
    unit = await foreign_ward(region)
    await region.plans.change(region.ask, unit, region.today, {"name": "Regionens navn"})
    assert (await region.stored(unit))["name"] == "Regionens navn"
    await region.plans.close(region.ask, unit, region.later)
    assert (
        await region.plans.apply_due(
            region.now + timedelta(LATER_DAYS), lambda storer: replace(region.world.system(region.north), at=region.now)
        )
        == 1
    )
    assert (await region.stored(unit))["active"] is False


async def test_what_could_never_be_stored_is_refused_at_once(region: Region) -> None:
    unit = await foreign_ward(region)
    with pytest.raises(Unprocessable, match="may not place it there"):
        await region.plans.move(region.ask, unit, region.later, region.south)
    await region.world.owner.execute("delete from trust.system_client where organisation = $1", key_of(region.north))
    with pytest.raises(Unprocessable, match="no system here"):
        await region.plans.change(region.ask, unit, region.later, {"name": "X"})
    assert await region.plans.of_unit(unit) == []


async def test_a_plan_whose_planner_no_longer_stands_above_is_not_stored(region: Region) -> None:
    register = await region.world.organisation("Registret")
    await add_keeper(region.world.owner, f"Organization/{register}")
    await region.plans.change(await keeper_of(region, region.north), region.ward, region.later, {"name": "For sent"})
    await region.plans.move(
        replace(region.world.system(register), at=region.now), region.ward, region.today, region.south
    )
    assert await region.apply(region.now + timedelta(LATER_DAYS)) == 0
    (plan,) = [plan for plan in await region.plans.of_unit(region.ward) if plan.kind == "change"]
    assert "organisation above it" in (plan.problem or "")


async def test_of_two_plans_on_one_day_each_is_taken_back_by_itself(region: Region) -> None:
    renamed = await region.plans.change(region.ask, region.ward, region.later, {"name": "Nyt navn"})
    moved = await region.plans.move(region.ask, region.ward, region.later, region.south)
    await region.plans.withdraw(region.ask, renamed)
    then = await region.as_of(region.ward, region.later) or {}
    assert (then["name"], then["partOf"]["reference"]) == ("Afsnit", f"Organization/{region.south}")
    await region.plans.withdraw(region.ask, moved)
    assert (await region.as_of(region.ward, region.later) or {})["partOf"][
        "reference"
    ] == f"Organization/{region.north}"


async def test_a_unit_takes_so_many_plans_and_no_more(region: Region) -> None:
    for day in range(50):
        last = await region.plans.change(region.ask, region.ward, region.later + timedelta(day), {"alias": [str(day)]})
    with pytest.raises(Conflict, match="planned"):
        await region.plans.change(region.ask, region.ward, region.later, {"name": "Et for meget"})
    await region.plans.withdraw(region.ask, last)
    await region.plans.change(region.ask, region.ward, region.later, {"name": "Nu"})


_PLANS = st.lists(
    st.tuples(st.sampled_from(["name", "alias", "move", "write"]), st.integers(1, 6), st.integers(0, 9)),
    min_size=1,
    max_size=7,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_PLANS, back=st.sets(st.integers(0, 6), max_size=4))
async def test_each_day_to_come_is_what_is_stored_and_then_each_plan_in_its_turn(
    region: Region, said: Sequence[Any], back: set[int]
) -> None:
    unit = await region.unit("Nyt afsnit", region.north)
    made: list[tuple[date, dict[str, Any], UUID]] = []
    for what, day, value in said:
        on = region.today + timedelta(day)
        if what == "write":
            await region.world.change(
                region.ask,
                unit,
                {**await region.stored(unit), "language": "da", "telecom": [{"system": "phone", "value": str(value)}]},
            )
            continue
        above = {"reference": f"Organization/{region.south if value % 2 else region.north}"}
        changes: dict[str, Any] = (
            {"partOf": above} if what == "move" else {what: str(value) if what == "name" else [str(value)]}
        )
        made.append((on, changes, await region.plans.change(region.ask, unit, on, changes)))
    for index in sorted(back):
        if index < len(made):
            await region.plans.withdraw(region.ask, made[index][2])
    stored = {name: value for name, value in (await region.stored(unit)).items() if name not in {"id", "meta"}}
    for day in range(8):
        on = region.today + timedelta(day)
        expected = dict(stored)
        for _, (begins, changes, _plan) in sorted(enumerate(made), key=lambda one: (one[1][0], one[0])):
            if begins <= on and _ not in back:
                expected |= changes
        assert await region.as_of(unit, on) == expected
