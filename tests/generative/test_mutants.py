"""A guard that is taken away is missed: every mutant of the functions that decide is caught by the law."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from tests.generative.agreement import check_changes, check_creates, check_past, check_reads, check_records
from tests.generative.law import check, some_cases
from tests.generative.loading import Loaded, load
from tests.generative.mutants import (
    ALWAYS,
    AT_THE_DOOR,
    BY_THEMSELVES,
    CHECKS,
    EMERGENCY,
    MUTANTS,
    TOLD,
    Mutant,
    lost,
    mutate,
    table,
)
from tests.generative.resources import Drawer
from tests.generative.shapes import SHAPES
from tests.generative.worlds import World, a_world, some_asks
from tests.support.databases import copy_of
from tests.support.world import World as Opened

SEEDS = range(96)


def _as_drawn(world: World) -> World:
    return world


@pytest.mark.parametrize("shape", dict.fromkeys(SHAPES.values()), ids=lambda shape: shape.__name__)
async def test_where_chance_seldom_goes_both_forms_of_the_decision_agree_too(
    server_target: Target, tmp_path: Path, shape: Callable[[World], World]
) -> None:
    async with a_loaded_world(server_target, tmp_path, 0, shape) as loaded:
        assert not await breaks_the_law(loaded, 0, ("reads", "past", "changes"))


def _tried(mutant: Mutant) -> Any:
    marks = () if mutant.sin in ALWAYS else (pytest.mark.long,)
    return pytest.param(mutant, id=mutant.sin, marks=marks)


@pytest.mark.parametrize("mutant", [_tried(one) for one in MUTANTS])
async def test_a_guard_that_is_taken_away_is_missed(server_target: Target, tmp_path: Path, mutant: Mutant) -> None:
    for seed in SEEDS:
        async with a_loaded_world(server_target, tmp_path, seed, SHAPES.get(mutant.sin)) as loaded:
            await mutate(loaded.opened.owner, mutant)
            if await breaks_the_law(loaded, seed, CHECKS[mutant.function]):
                return
    pytest.fail("nobody missed it")


#: of the invariants that a function of the database holds: the others have a test of their own (docs/explanation/invariants.md)
_HELD_BY_FUNCTIONS = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21, 23, 24, 25, 26}


def test_every_invariant_that_a_function_holds_has_a_mutant_and_every_mutant_an_invariant() -> None:
    everyone = [*MUTANTS, *AT_THE_DOOR, *BY_THEMSELVES, *TOLD, *EMERGENCY]
    assert [one.sin for one in everyone if not one.invariants] == []
    assert {number for one in everyone for number in one.invariants} == _HELD_BY_FUNCTIONS
    assert len({one.sin for one in everyone}) == len(everyone)


async def test_every_guard_that_is_taken_away_stands_where_it_is_looked_for(world: Opened) -> None:
    assert await lost(world.owner) == []


def test_the_list_of_mutants_says_what_each_takes_away_and_who_misses_it() -> None:
    lines = table().splitlines()
    assert all(any(one.sin in line and one.function in line for line in lines) for one in MUTANTS)
    assert all("test_" in line for line in lines[2:])


@pytest.mark.parametrize("seed", [SEEDS[0], *(pytest.param(seed, marks=pytest.mark.long) for seed in SEEDS[1:4])])
async def test_with_every_guard_in_place_nothing_is_missed(server_target: Target, tmp_path: Path, seed: int) -> None:
    async with a_loaded_world(server_target, tmp_path, seed) as loaded:
        assert not await breaks_the_law(loaded, seed, ("reads", "records", "past", "searches", "changes"))


@asynccontextmanager
async def a_loaded_world(
    server_target: Target, folder: Path, seed: int, shape: Callable[[World], World] | None = None
) -> AsyncIterator[Loaded]:
    async with copy_of(server_target) as target:
        opened = await Opened.open(target, Settings(data_dir=folder, demo=True))
        try:
            yield await load(opened, (shape or _as_drawn)(a_world(Drawer.seeded(seed))))
        finally:
            await opened.close()


async def breaks_the_law(loaded: Loaded, seed: int, checks: Sequence[str]) -> bool:
    """Whether one of these checks fails. What is deleted has no body, so that a search for it may break outright."""
    asks = some_asks(Drawer.seeded(seed + 1_000_000), loaded.world, 16)
    try:
        for name in checks:
            await _check(name, loaded, asks, seed)
    except (AssertionError, asyncpg.DataError):
        return True
    return False


async def _check(name: str, loaded: Loaded, asks: Sequence[Ask], seed: int) -> None:
    if name == "searches":
        for case in some_cases(loaded, seed, asks=12, searches=8):
            await check(loaded, case)
    elif name == "changes":
        await check_changes(loaded, asks)
        await check_creates(loaded, asks)
    else:
        await {"reads": check_reads, "records": check_records, "past": check_past}[name](loaded, asks)
