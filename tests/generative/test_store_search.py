"""The search law on the real store: what is found is what a search in memory finds among what the reference permits."""

from collections import Counter
from collections.abc import Iterator

import pytest

from helhed.foundation.ask import ActorKind
from tests.generative.law import answer_of, check, some_cases
from tests.generative.loading import FORMER_CODE, load
from tests.generative.mutants import Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.tally import LEAST_WITH_SOMETHING_HIDDEN
from tests.generative.worlds import a_world, an_ask
from tests.support.world import World

SEEDS = range(12)
MANY_SEEDS = range(100, 250)


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[str]]:
    """What all searches of this file met: a law that had nothing to hide was not tested."""
    met: Counter[str] = Counter()
    yield met
    assert met["hidden match"] >= LEAST_WITH_SOMETHING_HIDDEN * met["search"], met


async def search_a_world(world: World, seed: int, tally: Counter[str], *, asks: int, searches: int) -> None:
    """Every search keeps the law."""
    loaded = await load(world, a_world(Drawer.seeded(seed)))
    for case in some_cases(loaded, seed, asks=asks, searches=searches):
        await check(loaded, case)
        tally["search"] += 1
        tally["hidden match"] += bool(case.hidden_matches())
        tally["visible match"] += bool(case.matches())


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_search_finds_what_is_there_among_what_may_be_seen(world, seed, tally):
    await search_a_world(world, seed, tally, asks=14, searches=10)


@pytest.mark.long
@pytest.mark.parametrize("seed", MANY_SEEDS)
async def test_a_search_finds_what_is_there_among_what_may_be_seen_in_many_worlds(world, seed, tally):
    await search_a_world(world, seed, tally, asks=20, searches=20)


@pytest.mark.parametrize("beginning", ["seek", "walk", "range", "open", "reach"])
@pytest.mark.parametrize("seed", [20, 21, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(300, 330))])
async def test_the_answer_is_the_same_wherever_a_search_begins(world, seed, beginning, tally):
    where = "open" if beginning == "reach" else beginning
    forced = Mutant("", "fhir.beginning", "current_setting('helhed.search_begins', true)", f"'{where}'")
    await mutate(world.owner, forced)
    if beginning != "reach":
        await mutate(world.owner, Mutant("", "fhir.plan_begun", "begun.strategy <> 'seek'", "false"))
    await search_a_world(world, seed, tally, asks=8, searches=8)


@pytest.mark.parametrize("type_name", ["Observation", "Condition"])
async def test_nobody_finds_what_a_resource_no_longer_says(world, type_name):
    drawer = Drawer.seeded(1)
    loaded = await load(world, a_world(drawer))
    assert max(loaded.versions.values()) > 1
    for ask in [an_ask(drawer, loaded.world, kind) for kind in ActorKind for _ in range(4)]:
        answer = await answer_of(loaded, ask, f"{type_name}?code={FORMER_CODE}&_total=accurate")
        assert (answer.matches, answer.pages[0].total) == ([], 0)
