"""Masks of parts of rows: whoever one is for reads, finds, counts and sorts what is left, as if nothing else had ever been there."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helhed.foundation import ids
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from helhed.registries import identifiers
from helhed.trust.reference import Permit, decide
from tests.generative import memory_search
from tests.generative.agreement import check_past, check_reads, check_records, name_of
from tests.generative.law import check, resource_in
from tests.generative.loading import Loaded, load
from tests.generative.masking import ELEMENTS
from tests.generative.mutants import PARTS, Mutant, mutate
from tests.generative.queries import a_search_for
from tests.generative.resources import Drawer
from tests.generative.tally import LEAST_WITH_SOMETHING_HIDDEN, Tally
from tests.generative.test_twins import about, calls, same
from tests.generative.twins import Chance, is_shown_in_part, twins
from tests.generative.worlds import Case, World, a_world, an_ask, left_of
from tests.support.databases import copy_of
from tests.support.world import World as Opened

#: the quickest of those in which a mask is for several; the others in long runs
SEEDS = [3, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(80) if seed != 3)]
#: tried in every run, all of them in long ones
ALWAYS = frozenset({"masks of a part hide nothing", "parts undecided"})
DRAWN, SEARCHES = 90, 10
_MOST_ASKS = 4


def audience(world: World, seed: int) -> list[Ask]:
    """Citizens, for themselves or for others, who see rows in part; who sees the most first."""
    drawer = Drawer.seeded(seed + 5_000_000)
    ask = next(
        one
        for one in (an_ask(drawer, world) for _ in range(1000))
        if one.organisation is None and one.read_types is None
    )
    actors = {one.citizen for one in world.facts.masks} | {one.actor for one in world.facts.acting}
    asks = [replace(ask, actor=actor) for actor in sorted(actors)]
    shown = {one.actor: sum(bool(_without(world, one, kept)) for kept in world.kept) for one in asks}
    return sorted((one for one in asks if shown[one.actor]), key=lambda one: -shown[one.actor])[:_MOST_ASKS]


def _without(world: World, ask: Ask, kept) -> frozenset[str]:
    decision = decide(ask, Action.READ, kept.row, world.facts)
    return decision.without if isinstance(decision, Permit) else frozenset()


@pytest.fixture(scope="module")
def matters() -> Iterator[Counter[bool]]:
    """How many searches find something else in what is left than they would in the whole."""
    found = Counter[bool]()
    yield found
    assert found[True] >= LEAST_WITH_SOMETHING_HIDDEN * found.total(), found


async def _holds(loaded: Loaded, asks: list[Ask], seed: int, matters: Counter[bool]) -> None:
    """Raises AssertionError when somebody reads or finds anything but what is left."""
    drawer = Drawer.seeded(seed + 6_000_000)
    for ask in asks:
        for one in loaded.world.kept:
            if (without := _without(loaded.world, ask, one)) and not one.row.deleted:
                shown = resource_in(await loaded.opened.store.read(ask, *name_of(one)))
                assert shown == left_of(one, without).resource, (ask, one, without)
        for case in _searches(drawer, loaded.world, ask):
            matters[_matters(case)] += 1
            await check(loaded, case)


def _searches(drawer: Drawer, world: World, ask: Ask) -> list[Case]:
    """For what is masked, by what it says whole: those that find something else in what is left come first."""
    masked = [one for one in world.kept if not one.row.deleted and _without(world, ask, one)]
    drawn = [a_search_for(drawer, world, ask, drawer.pick(masked)) for _ in range(DRAWN if masked else 0)]
    return sorted(drawn, key=lambda case: not _matters(case))[:SEARCHES]


def _matters(case: Case) -> bool:
    whole = [
        one.resource
        for one in case.world.kept
        if not one.row.deleted and isinstance(decide(case.ask, Action.READ, one.row, case.world.facts), Permit)
    ]
    with memory_search.known_as(case.world.names):
        found = {one["id"] for one in memory_search.search(case.url, whole)}
    return found != {one["id"] for one in case.matches()}


def test_worlds_draw_masks_of_parts_of_every_type_for_the_citizen_and_for_others() -> None:
    """Else the tests below would hold of nothing."""
    types, for_whom, with_audience = set[str](), Counter[bool](), 0
    worlds = [a_world(Drawer.seeded(seed)) for seed in range(40)]
    for seed, world in enumerate(worlds):
        rows = {one.row.id: one.row.type_name for one in world.kept}
        parts = [mask for mask in world.facts.masks if mask.elements]
        types |= {rows[mask.resource] for mask in parts}
        for_whom.update(mask.from_citizen for mask in parts)
        with_audience += bool(audience(world, seed))
    assert types == set(ELEMENTS)
    assert min(for_whom[True], for_whom[False]) > len(worlds)
    assert with_audience > 0.75 * len(worlds)


@pytest.mark.parametrize("seed", SEEDS)
async def test_whoever_a_mask_is_for_finds_what_is_left_and_nothing_by_what_is_masked(world, seed, matters):
    loaded = await load(world, a_world(Drawer.seeded(seed)))
    asks = audience(loaded.world, seed)
    await _holds(loaded, asks, seed, matters)
    await check_reads(loaded, asks)
    await check_records(loaded, asks)
    await check_past(loaded, asks)


def _tried(mutant: Mutant) -> Any:
    marks = () if mutant.sin in ALWAYS else (pytest.mark.long,)
    return pytest.param(mutant, id=mutant.sin, marks=marks)


@pytest.mark.parametrize("mutant", [_tried(one) for one in PARTS])
async def test_a_guard_of_parts_that_is_taken_away_is_missed(server_target: Target, tmp_path: Path, mutant: Mutant):
    for seed in range(96):
        async with copy_of(server_target) as target:
            opened = await Opened.open(target, Settings(data_dir=tmp_path, demo=True))
            try:
                loaded = await load(opened, a_world(Drawer.seeded(seed)))
                await mutate(opened.owner, mutant)
                asks = audience(loaded.world, seed)
                await _holds(loaded, asks, seed, Counter())
                await check_past(loaded, asks)
            except AssertionError:
                return
            finally:
                await opened.close()
    pytest.fail("nobody missed it")


@pytest.fixture
def _same_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both networks give out the same ids for the same request."""
    monkeypatch.setattr(ids, "os", Chance)
    monkeypatch.setattr(ids, "time", Chance)
    monkeypatch.setattr(identifiers, "secrets", Chance)


@pytest.mark.usefixtures("_same_chance")
@pytest.mark.parametrize("seed", [5, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(600, 640))])
async def test_two_networks_that_differ_only_in_what_is_masked_answer_with_the_same_bytes(target, tmp_path, seed):
    await _compare(target, tmp_path, seed)


@pytest.mark.usefixtures("_same_chance")
@pytest.mark.parametrize(
    "sin", ["masks of a part hide nothing", pytest.param("the whole beside the part", marks=pytest.mark.long)]
)
async def test_a_leak_of_what_is_masked_tells_the_two_apart(target, tmp_path, sin):
    mutant = next(one for one in PARTS if one.sin == sin)
    with pytest.raises(AssertionError, match="Reply"):
        await _compare(target, tmp_path, 5, mutant)


async def _compare(target: Target, folder: Path, seed: int, mutant: Mutant | None = None) -> None:
    """Whole answers: status, every header (ETag, Last-Modified), bodies with their version ids and totals, and pages that follow."""
    opened = await Opened.open(target, Settings(data_dir=folder, demo=True))
    try:
        loaded = await load(opened, a_world(Drawer.seeded(seed)))
        if mutant is not None:
            await mutate(opened.owner, mutant)
    finally:
        await opened.close()
    for ask in audience(loaded.world, seed)[:1]:
        assert any(is_shown_in_part(loaded, ask, one) for one in loaded.world.kept)
        drawer = Drawer.seeded(seed + 7_000_000)
        async with twins(loaded, target, ask, folder) as pair:
            for one in loaded.world.kept:
                if is_shown_in_part(loaded, ask, one):
                    for call in about(one.row.type_name, one.resource["id"]):
                        await same(pair, call)
            for call in calls(drawer, loaded, ask, Tally()):
                await same(pair, call)
