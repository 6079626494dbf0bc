"""A generated town through the real SQL and the real job: snoopers are found, and those who work are mostly left alone.

Seeds below 100 were looked at; the long run takes seeds that were not. Bounds are lower than what was seen.
"""

import asyncio
from pathlib import Path

import pytest

from helhed.foundation.database import Target
from tests.support.databases import copy_of
from tools.watch.running import Result
from tools.watch.snoopers import HELD_OUT, HIDDEN, TRIED, plant
from tools.watch.town import Town
from tools.watch.traffic import Ordinary
from tools.watch_report import run


async def _played(server: Target, seed: int, weeks: int, each: int, runs: int) -> Result:
    async with copy_of(server) as fresh:
        return await run(fresh, seed, weeks, 1, each, runs_a_day=runs)


def test_the_same_seed_tells_the_same_story():
    stories = []
    for _ in range(2):
        town = Town.built(3, 2)
        ordinary = Ordinary(town)
        first = [(look.at, look.staff.key, look.action) for look in ordinary.day(town.days[0])]
        stories.append((first, [one.staff.key for one in plant(town, ordinary, {**TRIED, **HELD_OUT}, 1, 7)]))
    assert stories[0] == stories[1]


def test_in_a_small_town_the_loud_ones_are_found_within_days(server_target: Target):
    result = asyncio.run(_played(server_target, 3, 3, 1, 1))
    loud = ["tries numbers", "stolen token"]
    assert result.recall(loud) == 1.0
    assert max(delay.days for kind in loud for delay in result.found[kind] if delay is not None) < 2
    assert result.alarms_a_thousand < 40


@pytest.mark.long
@pytest.mark.parametrize("seed", [201, 202])
def test_ten_weeks_of_a_town_that_nobody_looked_at(server_target: Target, seed: int, tmp_path: Path):
    result = asyncio.run(_played(server_target, seed, 10, 2, 4))
    assert result.recall(list(TRIED)) >= 0.75
    assert result.recall(list(HELD_OUT)) >= 0.4
    assert result.precision >= 0.6
    assert result.alarms_a_thousand < 20
    assert result.recall(list(HIDDEN)) <= 0.5
