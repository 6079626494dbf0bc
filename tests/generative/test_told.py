"""Invariant 24, generated: facts change between what happens and its telling, and the telling goes by those of then."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from tests.generative.loading import Loaded, load, put_facts
from tests.generative.mutants import TOLD, Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.tally import Tally, counted
from tests.generative.telling import Follower, everything_happened, types_of
from tests.generative.test_store_narrowing import narrower
from tests.generative.worlds import a_world, some_asks
from tests.support.databases import copy_of
from tests.support.world import World as Opened

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(800, 840))]
_ASKS, _TYPES, _STEPS = 8, 2, 6


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """A case is somebody who follows a type."""
    with counted() as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
async def test_whoever_follows_is_told_what_they_may_see_when_it_is_told(
    world: Opened, seed: int, tally: Tally
) -> None:
    loaded = await load(world, a_world(Drawer.seeded(seed)))
    await followed(loaded, seed, tally)


async def followed(loaded: Loaded, seed: int, tally: Tally) -> None:
    """Somebody follows, everything happens, facts change, and then it is told."""
    drawer = Drawer.seeded(seed + 5_000_000)
    asks = some_asks(drawer, loaded.world, _ASKS)
    kinds = types_of(loaded)
    wanted = [Follower(loaded, ask, drawer.pick(kinds)) for ask in asks for _ in range(_TYPES)]
    followers = [one for one in wanted if await one.begin()]
    await everything_happened(loaded)
    facts = loaded.world.facts
    for _ in range(_STEPS):
        facts = narrower(drawer, loaded.world, facts)
    await put_facts(loaded.opened.owner, facts)
    for one in followers:
        tally.met(hidden=await one.check(facts) > 0)


_ALWAYS = {"told without a second decision", "told without a row in the log"}


def _tried(mutant: Mutant) -> Any:
    return pytest.param(mutant, id=mutant.sin, marks=() if mutant.sin in _ALWAYS else (pytest.mark.long,))


@pytest.mark.parametrize("mutant", [_tried(one) for one in TOLD])
async def test_without_a_second_decision_it_is_missed(server_target: Target, tmp_path: Path, mutant: Mutant) -> None:
    for seed in range(20):
        async with copy_of(server_target) as target:
            opened = await Opened.open(target, Settings(data_dir=tmp_path, demo=True))
            try:
                loaded = await load(opened, a_world(Drawer.seeded(seed)))
                await mutate(opened.owner, mutant)
                await followed(loaded, seed, Tally())
            except AssertionError:
                return
            finally:
                await opened.close()
    pytest.fail("nobody missed it")
