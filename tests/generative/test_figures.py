"""Invariant 25: from everything that is released of everybody together nobody works out a cell of one or two people, nor what one
person has by comparing two releases.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from helhed.foundation.database import Connection
from tests.generative.figures import (
    CROWD,
    LEAST,
    Crowd,
    Seen,
    differences,
    everybody_else_known,
    far_from_the_truth,
    release,
    releases,
    shown_for_few,
    sizes_of_groups,
    small_scheme,
)
from tests.generative.mutants import BY_THEMSELVES, Mutant, mutate

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EMPTY = "truncate insight.figure, insight.release, insight.refusal, insight.scheme, insight.cell"
SEEDS = [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 40))]
_MUTANTS = [one for one in BY_THEMSELVES if 25 in one.invariants]


@pytest.fixture
async def owner(world):
    await world.owner.execute(CROWD)
    return world.owner


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_attack_on_what_was_released_finds_one_or_two_people(owner, seed: int):
    await figures_keep_the_law(owner, seed, NOW)


async def test_with_every_guard_in_place_nothing_is_missed(owner):
    assert await broken_law(owner, range(1)) is None


@pytest.mark.parametrize("mutant", _MUTANTS, ids=[one.sin for one in _MUTANTS])
async def test_a_guard_of_figures_that_is_taken_away_is_missed(owner, mutant: Mutant):
    await mutate(owner, mutant)
    assert await broken_law(owner, range(8))


async def broken_law(owner: Connection, seeds: range) -> str | None:
    """The first attack that succeeds, each on an installation that has released nothing."""
    try:
        for seed in seeds:
            for attack in (figures_keep_the_law, one_more_person_is_not_seen):
                await owner.execute(EMPTY)
                await attack(owner, seed, NOW)
            await few_people_between_two_definitions_are_refused(owner, NOW)
    except AssertionError as error:
        return str(error) or "missed"
    return None


async def test_one_person_more_is_seen_in_no_number(owner):
    await one_more_person_is_not_seen(owner, 1, NOW)


async def test_a_definition_whose_difference_is_about_few_people_is_refused_and_the_refusal_kept(owner):
    await few_people_between_two_definitions_are_refused(owner, NOW)
    reasons = [row["reason"] for row in await owner.fetch("select reason from insight.refusal")]
    assert reasons == ["overlaps"]


async def test_figures_are_not_released_twice_within_the_time_of_the_scheme(owner):
    crowd, definition = Crowd.drawn(0), small_scheme() | {"days_between": 28}
    assert isinstance(await release(owner, crowd, definition, NOW), Seen)
    assert await release(owner, crowd, definition, NOW + timedelta(days=27)) == "too-soon"
    assert isinstance(await release(owner, crowd, definition, NOW + timedelta(days=28)), Seen)


async def test_the_same_people_are_the_same_numbers_however_often_they_are_released(owner):
    crowd = Crowd.drawn(2)
    first = await release(owner, crowd, small_scheme(), NOW)
    assert isinstance(first, Seen)
    assert first.told
    for number in range(1, 4):
        again = await release(owner, crowd, small_scheme(), NOW + timedelta(days=2 * number))
        assert isinstance(again, Seen)
        assert again.told == first.told


async def test_where_a_cell_starts_follows_from_a_secret_and_from_everything_that_names_it(owner):
    """Spread evenly, so that sums err as often up as down; another installation starts elsewhere."""
    starts = "select insight.start('g', 'a' || i, 's', 'b', 'p', 3) as s from generate_series(1, 600) i"
    first = [row["s"] for row in await owner.fetch(starts)]
    assert all(150 < Counter(first)[start] < 250 for start in range(3))
    assert len({tuple(row[0]) for row in await owner.fetch(
        "select array_agg(insight.start('g', 'a' || i, s, b, p, 3)) from generate_series(1, 40) i, (values ('s', 'b', 'p'), ('t', 'b', 'p'), ('s', 'c', 'p'), "
        "('s', 'b', 'q')) v (s, b, p) group by s, b, p")}) == 4  # fmt: skip
    await owner.execute("update insight.secret set key = sha256('another')")
    assert [row["s"] for row in await owner.fetch(starts)] != first


async def test_the_keyed_hash_is_that_of_rfc_4231(owner):
    digest = await owner.fetchval("select encode(insight.hmac('Jefe', 'what do ya want for nothing?'), 'hex')")
    assert digest == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


async def figures_keep_the_law(owner: Connection, seed: int, begin: datetime) -> None:
    """Raises AssertionError when an attack succeeds."""
    history = await releases(owner, seed, begin, 5)
    await shown_for_few(owner, history[0])
    await shown_for_few(owner, history[-1])
    for seen in history:
        if seen is history[0]:
            sizes_of_groups(seen)
    everybody_else_known(history)
    differences(history)
    far_from_the_truth(history)


async def one_more_person_is_not_seen(owner: Connection, seed: int, begin: datetime) -> None:
    crowd = Crowd.drawn(seed)
    before = await release(owner, crowd, small_scheme(), begin)
    assert isinstance(before, Seen)
    for number in range(1, LEAST):
        healthy = next(one for one in crowd.people.values() if "conditions" not in one and one["sex"] == "female")
        healthy["conditions"] = "copd"
        after = await release(owner, crowd, small_scheme(), begin + timedelta(days=2 * number))
        assert isinstance(after, Seen)
        changed = {
            cell for cell in before.told.keys() | after.told.keys() if before.told.get(cell) != after.told.get(cell)
        }
        assert not changed


async def few_people_between_two_definitions_are_refused(owner: Connection, begin: datetime) -> None:
    crowd = Crowd.drawn(5)
    crowd.people = {
        n: one
        for n, one in crowd.people.items()
        if (one["area"], one["sex"], one["band"]) != ("Stor Kommune", "female", "80-")
    }
    for _ in range(2):
        crowd.born("Stor Kommune", "female", "80-", 0)
    await owner.execute(EMPTY)
    assert isinstance(await release(owner, crowd, small_scheme(), begin), Seen)
    wider = small_scheme() | {"bands": [0], "one_band": True}
    assert await release(owner, crowd, wider, begin + timedelta(days=2)) == "overlaps"
