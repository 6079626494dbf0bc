"""The micro-batcher: waiting requests form the next statement."""

import asyncio
from collections.abc import Sequence

import pytest

from helhed.foundation.batcher import Batcher
from helhed.foundation.errors import Overloaded, Unknown


class Statement:
    """Answers double; holds each batch until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def run(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        await self.gate.wait()
        return [Unknown() if item < 0 else item * 2 for item in items]


async def test_what_arrives_while_a_batch_is_in_flight_forms_the_next_one() -> None:
    statement = Statement()
    batcher: Batcher[int, int] = Batcher(statement.run)
    first = batcher.submit(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [batcher.submit(number) for number in (2, 3, 4)]
    statement.gate.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert statement.batches == [[1], [2, 3, 4]]


async def test_one_refused_item_does_not_touch_its_neighbours() -> None:
    statement = Statement()
    statement.gate.set()
    batcher: Batcher[int, int] = Batcher(statement.run)
    answers = await asyncio.gather(*(batcher.submit(number) for number in (1, -1, 3)), return_exceptions=True)
    assert (answers[0], answers[2]) == (2, 6)
    assert isinstance(answers[1], Unknown)


async def test_a_failed_statement_fails_everybody_in_it_and_nobody_after() -> None:
    calls = 0

    async def run(items: Sequence[int]) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("the database went away")
        return list(items)

    batcher: Batcher[int, int] = Batcher(run)
    broken = await asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)
    assert [type(one) for one in broken] == [RuntimeError, RuntimeError]
    assert await batcher.submit(3) == 3


async def test_a_full_queue_is_refused_at_once() -> None:
    statement = Statement()
    batcher: Batcher[int, int] = Batcher(statement.run, batch_size=1, queue_limit=2)
    futures = [batcher.submit(1)]
    await asyncio.sleep(0)
    futures += [batcher.submit(2), batcher.submit(3)]
    with pytest.raises(Overloaded):
        batcher.submit(4)
    statement.gate.set()
    await batcher.drain()
    assert [future.result() for future in futures] == [2, 4, 6]
