"""A population goes into files and into the store whole, once, each source's part under its own organisation."""

import asyncio
from io import StringIO
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from helhed.commands.importing import owner_pool
from helhed.commands.populating import PopulationLoader, progress, write_files
from helhed.exchange.foreign.source import register_source
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.clock import system_clock
from helhed.foundation.errors import BadRequest, Unprocessable
from helhed.hooks import HOOKS
from helhed.population.blocks import Population, resources
from helhed.population.country import Denmark
from helhed.population.files import write_block
from helhed.population.people import draw_block
from tests.support.world import SECRET, World

FEW = Population(seed=5, citizens=30, country=Denmark())


async def load(world: World, population: Population, blocks: list[int] | None = None) -> int:
    pool = await owner_pool(world.target, 2)
    try:
        source = await register_source(
            Sessions(pool, HOOKS, CursorSigner(SECRET)), f"People {population.seed}", SECRET, system_clock
        )
        loader = PopulationLoader(pool, SECRET, source.namespace)
        homes = [draw_block(population.seed, number, population.country).home for number in population.blocks]
        await loader.directory(homes, source)
        wanted = list(population.blocks) if blocks is None else blocks
        return sum([(await loader.block(population, number))[0] for number in wanted])
    finally:
        await pool.close()


async def count(world: World) -> int:
    return int(await world.owner.fetchval("select count(*) from fhir.resource"))


async def test_every_resource_is_stored_and_none_twice(world: World) -> None:
    before = await count(world)
    made = await load(world, FEW)
    assert made == len(list(resources(FEW)))
    stored = await count(world)
    assert stored - before > made  # and the directory
    assert await load(world, FEW) == made
    assert await count(world) == stored


async def test_an_interrupted_run_is_finished_by_the_next(world: World) -> None:
    people = Population(seed=5, citizens=130, country=Denmark())
    await load(world, people, blocks=[1])
    await load(world, people)
    finished = await count(world)
    await load(world, people)
    assert await count(world) == finished


async def test_a_record_comes_from_many_sources_and_the_clinic_has_its_relation(world: World) -> None:
    await load(world, FEW)
    origins = "select count(distinct origin) from fhir.resource where citizen is not null group by citizen"
    assert max(row["count"] for row in await world.owner.fetch(origins)) >= 5
    chosen = "select count(*) from trust.relation where class = 3"
    assert await world.owner.fetchval(chosen) >= FEW.citizens
    assert await world.owner.fetchval("select count(*) from registries.citizen where deceased or not deceased") == 30


async def test_another_population_with_the_same_numbers_is_refused_and_changes_nothing(world: World) -> None:
    await load(world, FEW)
    before = await world.owner.fetchval("select count(*) from registries.citizen")
    pool = await owner_pool(world.target, 2)
    try:
        other = PopulationLoader(pool, SECRET, "urn:helhed:source:somebody-else")
        with pytest.raises(Unprocessable, match="one synthetic population"):
            await other.block(FEW, 0)
    finally:
        await pool.close()
    assert await world.owner.fetchval("select count(*) from registries.citizen") == before


def test_files_hold_the_same_resources_citizen_by_citizen(tmp_path: Path) -> None:
    people = Population(seed=5, citizens=120, country=Denmark())
    totals = asyncio.run(write_files(people, tmp_path))
    lines = [
        orjson.loads(line)
        for path in sorted(tmp_path.glob("citizens-*.ndjson"))
        for line in path.read_bytes().splitlines()
    ]
    assert [one["id"] for one in lines] == [one.resource["id"] for one in resources(people)]
    assert all(one["meta"]["source"].startswith("urn:helhed:population:") for one in lines)
    directory = (tmp_path / "directory.ndjson").read_bytes().splitlines()
    assert totals.resources == len(lines) + len(directory)


def test_a_finished_file_is_kept_and_another_population_is_refused(tmp_path: Path) -> None:
    asyncio.run(write_files(FEW, tmp_path))
    path = tmp_path / "citizens-000000.ndjson"
    written = path.stat().st_mtime_ns
    assert write_block(FEW, tmp_path, 0) == (path.read_bytes().count(b"\n"), path.stat().st_size)
    assert path.stat().st_mtime_ns == written
    with pytest.raises(BadRequest, match="another population"):
        asyncio.run(write_files(Population(seed=6, citizens=30, country=Denmark()), tmp_path))


@pytest.mark.parametrize("steps", [1, 7, 20, 2000])
def test_where_there_is_no_terminal_progress_is_told_in_few_lines_that_end_with_all(steps: int) -> None:
    page = StringIO()
    with progress(steps, Console(file=page)) as tell:
        for step in range(steps):
            tell(f"{step + 1} resources")
    lines = page.getvalue().splitlines()
    assert lines[-1] == f"100 %  {steps} resources"
    assert len(lines) == min(steps, 20)
