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


async def test_the_next_statement_leaves_before_the_answers_of_the_last_are_written() -> None:
    happened: list[str] = []
    gate = asyncio.Event()

    async def run(items: Sequence[int]) -> list[int | Exception]:
        happened.append(f"statement {list(items)}")
        await gate.wait()
        return list(items)

    batcher: Batcher[int, int] = Batcher(run)

    async def ask(number: int) -> None:
        happened.append(f"answer {await batcher.submit(number)}")

    first = asyncio.create_task(ask(1))
    while not happened:
        await asyncio.sleep(0)
    second = asyncio.create_task(ask(2))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, second)
    assert happened == ["statement [1]", "statement [2]", "answer 1", "answer 2"]


async def test_who_went_away_does_not_keep_the_others_from_their_answers() -> None:
    statement = Statement()
    batcher: Batcher[int, int] = Batcher(statement.run)
    futures = [batcher.submit(number) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    futures[1].cancel()
    statement.gate.set()
    assert [await futures[0], await futures[2]] == [2, 6]
    assert await batcher.submit(4) == 8
    assert statement.batches == [[1, 2, 3], [4]]


async def test_a_batch_that_is_not_answered_item_by_item_fails_whole() -> None:
    async def run(items: Sequence[int]) -> list[int | Exception]:
        return list(items[1:]) if len(items) > 1 else list(items)

    batcher: Batcher[int, int] = Batcher(run)
    broken = await asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)
    assert [type(one) for one in broken] == [RuntimeError, RuntimeError]
    assert await batcher.submit(3) == 3


async def _sizes(batcher: Batcher[int, int], statement: Statement, count: int) -> list[int]:
    """How many go together when ``count`` arrive while one is in flight."""
    futures = [batcher.submit(0)]
    await asyncio.sleep(0)
    futures += [batcher.submit(number) for number in range(count)]
    statement.gate.set()
    await asyncio.gather(*futures)
    return [len(batch) for batch in statement.batches[1:]]


async def test_of_many_that_wait_half_go_so_that_the_others_are_next_while_these_are_answered() -> None:
    statement = Statement()
    assert await _sizes(Batcher(statement.run), statement, 63) == [32, 31]


async def test_a_few_go_together() -> None:
    statement = Statement()
    assert await _sizes(Batcher(statement.run), statement, 16) == [16]


async def test_no_statement_is_larger_than_the_operator_allows() -> None:
    statement = Statement()
    assert await _sizes(Batcher(statement.run, batch_size=10), statement, 25) == [10, 10, 5]
