"""From a block of people to what each source wrote about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import orjson

from helhed.population.acute import minor_illness
from helhed.population.body import draw_body
from helhed.population.chart import Chart, Written
from helhed.population.children import childhood
from helhed.population.chronic import chronic, contraception
from helhed.population.controls import controls
from helhed.population.country import Country, Neighbourhood, Unit
from helhed.population.followup import followups
from helhed.population.hospital import admitted, hospital
from helhed.population.last import last_days
from helhed.population.life import Life
from helhed.population.medicine import cave
from helhed.population.municipal import municipal
from helhed.population.numbers import check_block
from helhed.population.people import BLOCK, Block, Person, draw_block, home_of
from helhed.population.pregnancy import pregnancies, write_pregnancies
from helhed.population.prevention import prevention
from helhed.population.register import register


@dataclass(frozen=True, slots=True)
class Population:
    """Which people: the same for the same seed and country, whoever generates how many of them."""

    seed: int
    citizens: int
    country: Country

    def __post_init__(self) -> None:
        """Raises BadRequest when there are too many."""
        check_block(self.blocks[-1])

    @property
    def homes(self) -> Iterator[Neighbourhood]:
        """The surroundings of all blocks."""
        return (home_of(self.seed, number, self.country) for number in self.blocks)

    @property
    def blocks(self) -> range:
        """The numbers of all blocks; the last may be cut."""
        return range(-(-self.citizens // BLOCK))

    def block(self, number: int) -> tuple[Block, list[Chart]]:
        """The people of a block and their records, in order."""
        block = draw_block(self.seed, number, self.country)
        people = block.people[: max(0, self.citizens - number * BLOCK)]
        return block, [self._record(one, block) for one in people]

    def _record(self, person: Person, block: Block) -> Chart:
        """One whole record. Each life has dice of its own."""
        rng = Random(f"{self.seed}/{block.number}/{person.number}")
        chart = Chart(f"p{self.seed}.{person.number}")
        life = Life(person, block.home, chart, rng, draw_body(rng, person.sex, person.age_at(person.end)))
        register(person, chart, block.home)
        _live(life)
        return chart


def _live(life: Life) -> None:
    """In this order: what is known of the citizen decides what can happen later."""
    cave(life)
    expecting = pregnancies(life)
    chronic(life)
    contraception(life)
    childhood(life)
    prevention(life)
    write_pregnancies(life, expecting)
    hospital(life)
    admitted(life)
    last_days(life)
    controls(life)
    minor_illness(life)
    followups(life)
    municipal(life)


def by_source(charts: list[Chart]) -> dict[str, tuple[Unit, list[Written]]]:
    """What each source wrote in a block, the register first."""
    found: dict[str, tuple[Unit, list[Written]]] = {}
    for chart in charts:
        for written in chart.written:
            found.setdefault(written.source.handle, (written.source, []))[1].append(written)
    return found


def ndjson(written: list[Written]) -> bytes:
    """One resource a line."""
    return b"\n".join([orjson.dumps(one.resource) for one in written])


def resources(population: Population) -> Iterator[Written]:
    """Everything, one after the other: for small populations."""
    for number in population.blocks:
        for chart in population.block(number)[1]:
            yield from chart.written
