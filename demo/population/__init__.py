"""Synthetic citizens in the style of the demo people, at any number, the same for the same seed."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from random import Random

from demo.bundles import SourceBundle, transaction
from demo.chart import REGISTER, Chart, Citizen
from demo.datatypes import Json
from demo.places import PLACES
from demo.population.courses import chronic
from demo.population.events import events
from demo.population.life import Life, body_of
from demo.population.people import TODAY, citizens

CROWD = 40  #: citizens whose records share transactions
_PENICILLIN_ALLERGY = 0.06
_YEAR = 365.25


def synthetic_charts(n: int, seed: int) -> Iterator[Chart]:
    """The whole records of ``n`` citizens. The first of them are the same whatever ``n`` is."""
    return (_write(citizen, dice) for citizen, dice in _drawn(n, seed))


def synthetic_citizens(n: int, seed: int) -> Iterator[SourceBundle]:
    """Their transactions, streamed: first all citizens as the register knows them, then what each source wrote.

    A transaction holds what one source wrote about up to ``CROWD`` citizens. It refers to the directory and to citizens
    only, so those after the register's may be loaded in any order.
    """
    everybody = (Chart(citizen) for citizen, _ in _drawn(n, seed))
    for crowd in _crowds(everybody):
        yield from _by_source(crowd)
    for crowd in _crowds(synthetic_charts(n, seed)):
        yield from (source for source in _by_source(crowd) if source.organisation != REGISTER)


def _drawn(n: int, seed: int) -> Iterator[tuple[Citizen, Random]]:
    """Each citizen, and the dice of that life alone."""
    rng = Random(seed)
    for citizen in islice(citizens(rng, seed), n):
        yield citizen, Random(rng.getrandbits(64))


def _crowds(charts: Iterator[Chart]) -> Iterator[list[Chart]]:
    while crowd := list(islice(charts, CROWD)):
        yield crowd


def _by_source(crowd: list[Chart]) -> Iterator[SourceBundle]:
    entries: dict[str, list[Json]] = {}
    for chart in crowd:
        for source in chart.bundles():
            entries.setdefault(source.organisation, []).extend(source.bundle["entry"])
    for place, written in entries.items():
        yield SourceBundle(place, PLACES[place].url, "", transaction(written))


def _write(citizen: Citizen, rng: Random) -> Chart:
    born = date.fromisoformat(citizen.born)
    age = (TODAY - born).days / _YEAR
    allergic = rng.random() < _PENICILLIN_ALLERGY
    life = Life(Chart(citizen), rng, born, citizen.gender, body_of(rng, citizen.gender, age), allergic)
    chronic(life)
    events(life)
    return life.chart
