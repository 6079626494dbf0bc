"""Synthetic citizens in the style of the demo people, at any number, the same for the same seed."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from random import Random

from demo.bundles import SourceBundle
from demo.chart import Chart, Citizen
from demo.population.courses import chronic
from demo.population.events import events
from demo.population.life import Life, body_of
from demo.population.people import TODAY, citizens

_PENICILLIN_ALLERGY = 0.06
_YEAR = 365.25


def synthetic_charts(n: int, seed: int) -> Iterator[Chart]:
    """The records of ``n`` citizens. The first of them are the same whatever ``n`` is."""
    rng = Random(seed)
    for citizen in islice(citizens(rng, seed), n):
        yield _write(citizen, Random(rng.getrandbits(64)))


def synthetic_citizens(n: int, seed: int) -> Iterator[SourceBundle]:
    """Their transactions, one for each source of each citizen: the citizen's register first, then clinic, laboratory, ..."""
    for chart in synthetic_charts(n, seed):
        yield from chart.bundles()


def _write(citizen: Citizen, rng: Random) -> Chart:
    born = date.fromisoformat(citizen.born)
    age = (TODAY - born).days / _YEAR
    allergic = rng.random() < _PENICILLIN_ALLERGY
    life = Life(Chart(citizen), rng, born, citizen.gender, body_of(rng, citizen.gender, age), allergic)
    chronic(life)
    events(life)
    return life.chart
