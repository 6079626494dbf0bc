"""The two forms of the decision agree, on every row of every generated world, at every door of the store."""

from collections.abc import Iterator
from itertools import product

import pytest

from helhed.foundation.ask import Ask
from helhed.trust.reference import may_read
from tests.generative.agreement import check_changes, check_creates, check_past, check_reads, check_records
from tests.generative.loading import Loaded, load
from tests.generative.resources import Drawer
from tests.generative.tally import Tally, counted
from tests.generative.worlds import a_world, some_asks

SEEDS = [*range(7), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(7, 150))]


@pytest.fixture(params=SEEDS)
async def loaded(world, request):
    """A generated world, loaded; the seed is in the name of the test."""
    return await load(world, a_world(Drawer.seeded(request.param)))


@pytest.fixture
def asks(loaded: Loaded, request: pytest.FixtureRequest) -> list[Ask]:
    """Asks of every kind."""
    seed = request.node.callspec.params["loaded"]
    return some_asks(Drawer.seeded(seed + 1_000_000), loaded.world, 12)


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """A case is a row that somebody asks for."""
    with counted() as found:
        yield found


async def test_reads_records_and_the_past_show_what_the_reference_permits(loaded, asks, tally):
    for ask, one in product(asks, loaded.world.kept):
        tally.met(hidden=not may_read(ask, one.row, loaded.world.facts))
    await check_reads(loaded, asks)
    await check_records(loaded, asks[:8])
    await check_past(loaded, asks[:8])


async def test_changes_and_creates_are_open_to_whom_the_reference_permits(loaded, asks):
    await check_changes(loaded, asks)
    await check_creates(loaded, asks)
