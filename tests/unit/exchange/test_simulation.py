"""Nothing that was acknowledged is lost, nothing is done twice, and each message ends acted on or with somebody who knows that it did not."""

import os
from random import Random

import pytest

from tests.unit.exchange.letters import Post
from tests.unit.exchange.simulator import Simulation

pytestmark = pytest.mark.asyncio
_MANY = int(os.environ.get("HELHED_TEST_MESSAGES", "100000"))


async def played(world, seed: int, count: int) -> None:
    """One course of events, and what must be so at its end."""
    simulation = Simulation(await Post.opened(world), Random(seed), count)
    receiver = await simulation.run()
    owner = world.owner
    kept = {row["header"] for row in await owner.fetch("select header from exchange.message where code = 'ok'")}
    assert simulation.acknowledged <= kept, f"seed {seed}: acknowledged and lost"
    assert len(kept | simulation.handed_over) == count
    rows = await owner.fetchval("select count(*) from exchange.message_row")
    assert rows == 2 * len(kept), f"seed {seed}: a Communication and a Task for each, once"
    assert receiver.taken <= kept
    open_ones = await owner.fetch(
        "select state, escalated_at from exchange.delivery where state <> 'acknowledged' and escalated_at is null"
    )
    assert open_ones == [], f"seed {seed}: nobody's move"
    ended = await owner.fetchval(
        "select count(distinct message) from exchange.trace where step in ('acted-on', 'escalated')"
    )
    assert ended == len(kept), f"seed {seed}: neither acted on nor escalated"
    assert await owner.fetchval("select count(*) from exchange.message where messaged <> shared") == 0


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_bad_day_loses_nothing_and_does_nothing_twice(world, seed):
    await played(world, seed, 24)


@pytest.mark.long
async def test_a_hundred_thousand_messages_on_bad_days_lose_nothing_and_do_nothing_twice(world):
    await played(world, 7, _MANY)
