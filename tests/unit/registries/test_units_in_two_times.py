"""What was said of units, in any order and about any days, is told as of every day and every moment."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.registries.units.history import Statement, UnitHistory, assert_unit
from tests.support.world import World

FIRST, LONG_AGO = date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)
_KEYS = count(1_000_000)


class Said(NamedTuple):
    """One generated statement: from which day, for how many days (None: for good), and what (None: it does not exist)."""

    begins: int
    days: int | None
    what: str | None


_STATEMENTS = st.lists(
    st.builds(Said, st.integers(0, 30), st.none() | st.integers(1, 20), st.none() | st.sampled_from("ABC")),
    min_size=1,
    max_size=8,
)


def _expected(said: Sequence[Said], day: int) -> str | None:
    """Whoever spoke last about the day is believed: the reference, which knows no periods."""
    about = [one.what for one in said if one.begins <= day and (one.days is None or day < one.begins + one.days)]
    return about[-1] if about else None


async def _say(world: World, unit: int, said: Sequence[Said]) -> list[datetime]:
    known = []
    for one in said:
        begins = FIRST + timedelta(one.begins)
        ends = None if one.days is None else begins + timedelta(one.days)
        what = None if one.what is None else {"resourceType": "Organization", "name": one.what}
        statement = Statement(unit, begins, ends, what, None, one.what or "", None)
        known.append(await assert_unit(world.owner, statement))
    return known


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_STATEMENTS, day=st.integers(-1, 55), heard=st.integers(0, 8))
async def test_a_unit_is_as_who_spoke_last_about_the_day_said_by_then(
    world: World, said: list[Said], day: int, heard: int
) -> None:
    unit = next(_KEYS)
    known = await _say(world, unit, said)
    heard = min(heard, len(said))
    moment = known[heard - 1] if heard else LONG_AGO
    found = await UnitHistory(world.store.pool).as_of([unit], FIRST + timedelta(day), moment)
    expected = _expected(said[:heard], day)
    assert (found[unit].said["name"] if found else None) == expected


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_STATEMENTS)
async def test_at_no_moment_are_two_things_true_of_one_day(world: World, said: list[Said]) -> None:
    unit = next(_KEYS)
    await _say(world, unit, said)
    overlapping = await world.owner.fetchval(
        """select count(*) from registries.unit_fact a join registries.unit_fact b on a.unit = b.unit and a.id < b.id
           where a.unit = $1 and a.valid_from < b.valid_to and b.valid_from < a.valid_to
             and a.known_from < b.known_to and b.known_from < a.known_to""",
        unit,
    )
    assert overlapping == 0


async def test_a_period_without_days_is_refused_and_changes_nothing(world: World) -> None:
    unit = next(_KEYS)
    with pytest.raises(ValueError, match="a period has days"):
        await assert_unit(world.owner, Statement(unit, FIRST, FIRST, {}, None, "", None))
    assert await UnitHistory(world.store.pool).as_of([unit], FIRST, LONG_AGO) == {}


async def test_statements_of_one_moment_are_known_one_after_the_other(world: World) -> None:
    unit = next(_KEYS)
    known = [
        await assert_unit(world.owner, Statement(unit, FIRST, None, {"name": name}, None, name, None)) for name in "AB"
    ]
    assert known[0] < known[1]
    history = UnitHistory(world.store.pool)
    for name, moment in zip("AB", known, strict=True):
        assert (await history.as_of([unit], FIRST, moment))[unit].said == {"name": name}


async def test_a_unit_that_moves_takes_along_what_is_beneath_from_that_day_on(world: World) -> None:
    north, south, ward, bed = (next(_KEYS) for _ in range(4))
    moves = FIRST + timedelta(10)
    for unit, above, begins in (
        (north, None, FIRST),
        (south, None, FIRST),
        (ward, north, FIRST),
        (bed, ward, FIRST),
        (ward, south, moves),
    ):
        known = await assert_unit(world.owner, Statement(unit, begins, None, {"name": str(unit)}, above, "", None))
    history = UnitHistory(world.store.pool)
    beneath = [
        [then.unit for then in await history.beneath(top, day, known)]
        for top in (north, south)
        for day in (FIRST, moves)
    ]
    assert beneath == [[north, ward, bed], [north], [south], [south, ward, bed]]
