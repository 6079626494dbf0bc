"""A population small enough to read whole in every test."""

import pytest

from helhed.population.blocks import Population
from helhed.population.country import Denmark
from tests.unit.population.plausibility import Record


@pytest.fixture(scope="session")
def population() -> Population:
    return Population(seed=7, citizens=1200, country=Denmark())


@pytest.fixture(scope="session")
def records(population) -> list[Record]:
    charts = [chart for number in population.blocks for chart in population.block(number)[1]]
    return [Record([one.resource for one in chart.written]) for chart in charts]
