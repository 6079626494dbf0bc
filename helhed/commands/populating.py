"""The population command: generating in all processes, into files or straight into the store."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from helhed.commands.importing import owner_pool
from helhed.exchange.foreign.documents import Document
from helhed.exchange.foreign.identity import ForeignIds
from helhed.exchange.foreign.load import Importer, Report, Source
from helhed.exchange.foreign.source import register_source
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Pool, Target, connected, read_secret
from helhed.foundation.errors import BadRequest, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.processes import collect_seldom, processes, spread
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.population.blocks import Population, by_source, ndjson
from helhed.population.country import Neighbourhood
from helhed.population.directory import directory
from helhed.population.files import write_block, write_directory
from helhed.population.people import BLOCK
from helhed.population.printing import leaf_through
from helhed.registries.identifiers import CPR

_LINES = 20  #: of progress, where there is no terminal
_KEEPER = "insert into registries.keeper values ($1) on conflict do nothing"
_CUSTODIANS = "select trust.register_system(one) from unnest($1::bigint[]) one"
_SOMEBODY_ELSE = """
select count(*) from registries.citizen_identifier i join registries.citizen c on c.key = i.citizen
where i.system = $1 and i.value = any($2) and c.patient <> all($3)
"""


@dataclass(slots=True)
class Totals:
    """What a run made."""

    resources: int = 0
    bytes: int = 0
    begun: float = field(default_factory=monotonic)


def print_totals(population: Population, totals: Totals) -> None:
    """How much it was, and how fast."""
    seconds, resources = monotonic() - totals.begun, max(1, totals.resources)
    Console().print(
        f"{population.citizens:,} citizens, {resources:,} resources: {resources / population.citizens:.1f} each, "
        f"{totals.bytes / resources:.0f} bytes each, {resources / seconds:,.0f} a second. All people are synthetic.",
        highlight=False,
        soft_wrap=True,
    )


def show(population: Population, how_many: int) -> None:
    """Records to leaf through, drawn at random, but the same ones for the same seed."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    drawn = Random(population.seed).sample(range(population.citizens), min(how_many, population.citizens))
    for number in sorted(drawn):
        chart = population.block(number // BLOCK)[1][number % BLOCK]
        for line in leaf_through(chart.written):
            console.print(line)
        console.print()


async def write_files(population: Population, folder: Path) -> Totals:
    """The whole population as NDJSON; files that an earlier run finished stay. Raises BadRequest for an unfit folder."""
    mark = {"seed": population.seed, "citizens": population.citizens}
    _same_population(folder, mark)
    totals = Totals()
    totals.resources += write_directory(population, folder)
    with progress(len(population.blocks)) as tell, processes(__name__, _start_files, population, folder) as pool:
        async for resources, size in spread(pool, _write_one, population.blocks):
            _count(totals, resources, size)
            tell(f"{totals.resources:,} resources")
    return totals


def _same_population(folder: Path, mark: dict[str, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "population.json"
    if path.exists() and orjson.loads(path.read_bytes()) != mark:
        raise BadRequest(
            f"{folder.name} holds another population, {path.read_text('utf-8').strip()}: name an empty folder."
        )
    path.write_bytes(orjson.dumps(mark) + b"\n")


class PopulationLoader:
    """Stores blocks under their source organisations, each document once. Ids follow from the seed and this store's secret."""

    def __init__(self, pool: Pool, secret: bytes, namespace: str, places: Mapping[str, str] | None = None) -> None:
        self._pool = pool
        self._sessions = Sessions(pool, HOOKS, CursorSigner(secret))
        self._secret = secret
        self._namespace = namespace
        self._ids = ForeignIds(secret, namespace)
        self._places = places  #: address of every unit and member of staff, when they are here already

    async def directory(self, homes: Iterable[Neighbourhood], source: Source) -> int:
        """Organisations, staff and jobs, by the keeper of the directory; then everybody may deliver."""
        resources = list(directory(homes))
        await self._pool.execute(_KEEPER, source.key)
        raw = b"\n".join(orjson.dumps(one) for one in resources)
        await self._store(source, Document("directory", raw, ndjson=True), {})
        units = [self._id("Organization", one["id"]) for one in resources if one["resourceType"] == "Organization"]
        await self.let_deliver(units)
        return len(resources)

    async def let_deliver(self, units: Iterable[UUID]) -> None:
        """Register the custodians of these organisations."""
        await self._pool.execute(_CUSTODIANS, [key_of(unit) for unit in units])

    async def block(self, population: Population, number: int) -> tuple[int, int]:
        """Everything about one block; returns how many resources and bytes. Raises Unprocessable."""
        block, charts = population.block(number)
        patients = {chart.subject["reference"]: self._id("Patient", chart.prefix) for chart in charts}
        numbers = [one.cpr for one in block.people[: len(charts)]]
        await self._nobody_else(numbers, list(patients.values()))
        places = self._places or self._addresses(block.home)
        known = {**places, **{name: f"Patient/{found}" for name, found in patients.items()}}
        resources = size = 0
        for handle, (unit, written) in by_source(charts).items():
            raw = ndjson(written)
            custodian = UUID(places[unit.reference["reference"]].partition("/")[2])
            source = Source(key_of(custodian), self._namespace)
            await self._store(source, Document(f"block {number}, {handle}", raw, ndjson=True), known)
            resources, size = resources + len(written), size + len(raw)
        return resources, size

    async def _nobody_else(self, numbers: list[str], patients: list[UUID]) -> None:
        if await self._pool.fetchval(_SOMEBODY_ELSE, CPR, numbers, patients):
            raise Unprocessable(
                "Somebody here has a CPR number of this population: a store holds one synthetic population, of one seed."
            )

    async def _store(self, source: Source, document: Document, known: dict[str, str]) -> None:
        importer = Importer(self._pool, self._sessions, source, self._secret, system_clock, earlier=known)
        _check(document.name, await importer.document(document))

    def _addresses(self, home: Neighbourhood) -> dict[str, str]:
        units = (*home.units.values(), *home.clinics)
        references = [one.reference for one in units] + [one.reference for unit in units for one in unit.staff]
        return {one["reference"]: self._address(one["reference"]) for one in references}

    def _address(self, reference: str) -> str:
        type_name, _, name = reference.partition("/")
        return f"{type_name}/{self._id(type_name, name)}"

    def _id(self, type_name: str, name: str) -> UUID:
        return self._ids.id_of(type_name, name, None)


def _check(name: str, report: Report) -> None:
    wrong = [*report.reasons, *report.unread]
    if wrong:
        raise Unprocessable(f"{name}: {wrong[0]}")


async def load(settings: Settings, target: Target, population: Population) -> Totals:
    """The whole population into the store. Run it again to go on after an interruption."""
    secret, totals = read_secret(settings.data_dir), Totals()
    pool = await owner_pool(target, 2)
    try:
        sessions = Sessions(pool, HOOKS, CursorSigner(secret))
        name = f"Syntetisk befolkning {population.seed}"
        source = await register_source(sessions, name, secret, system_clock)
        totals.resources += await PopulationLoader(pool, secret, source.namespace).directory(population.homes, source)
    finally:
        await pool.close()
    await load_blocks(target, secret, source.namespace, population, totals)
    async with connected(target.owner) as owner:
        await owner.execute("analyze")
    return totals


async def load_blocks(
    target: Target,
    secret: bytes,
    namespace: str,
    population: Population,
    totals: Totals,
    places: Mapping[str, str] | None = None,
) -> None:
    """All blocks, spread over processes. ``places`` says where units and staff are, when they came otherwise."""
    start = (target.owner, secret, namespace, population, places)
    with progress(len(population.blocks)) as tell, processes(__name__, _start_loading, *start) as workers:
        async for resources, size in spread(workers, _load_one, population.blocks):
            _count(totals, resources, size)
            tell(f"{totals.resources:,} resources")


def _count(totals: Totals, resources: int, size: int) -> None:
    totals.resources += resources
    totals.bytes += size


@contextmanager
def progress(steps: int, console: Console | None = None) -> Iterator[Callable[[str], None]]:
    """What is called after each step with what has been done: a bar in a terminal, and elsewhere a line every 5 %."""
    console = console or Console()
    if console.is_terminal:
        text = TextColumn("{task.fields[done]}")
        with Progress(text, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=console) as bar:
            task = bar.add_task("", total=steps, done="starting")
            yield lambda done: bar.update(task, advance=1, done=done)
        return
    counted = count(1)

    def line(done: str) -> None:
        step = next(counted)
        if step * _LINES // steps > (step - 1) * _LINES // steps:
            console.print(f"{100 * step // steps:3} %  {done}", highlight=False)

    yield line


_STATE: list[Any] = []  #: what one process keeps between blocks


def _start_files(population: Population, folder: Path) -> None:
    collect_seldom()
    _STATE[:] = [population, folder]


def _write_one(number: int) -> tuple[int, int]:
    population, folder = _STATE
    return write_block(population, folder, number)


def _start_loading(
    owner: dict[str, Any], secret: bytes, namespace: str, population: Population, places: Mapping[str, str] | None
) -> None:
    collect_seldom()
    loop = uvloop.new_event_loop()
    pool = loop.run_until_complete(owner_pool(Target(owner, owner), 1))
    _STATE[:] = [loop, PopulationLoader(pool, secret, namespace, places), population]


def _load_one(number: int) -> tuple[int, int]:
    loop, loader, population = _STATE
    found: tuple[int, int] = loop.run_until_complete(loader.block(population, number))
    return found
