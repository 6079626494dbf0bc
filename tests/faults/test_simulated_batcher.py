"""The batcher under thousands of seeds: each request gets its own answer, worked out after it was asked, and none waits for ever."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from helhed.foundation import batcher
from helhed.foundation.batcher import Batcher
from helhed.foundation.errors import Overloaded, Unknown
from tests.faults.simulation import broken, caught, passes, simulate

SEEDS, MANY_SEEDS = 300, 10_000
PLANTED = {
    "a cancelled request shifts the answers of the others": (
        "for (_, future), answer in zip(batch, answers, strict=False):",
        "for (_, future), answer in zip([one for one in batch if not one[1].done()], answers, strict=False):",
    ),
    "who waits is not woken": (
        "if self._waiting:\n            self._flush(len(batch))",
        "if False:\n            self._flush(len(batch))",
    ),
    "a failed statement keeps its lane": (
        "answers = [error] * len(batch)",
        "answers = [error] * len(batch)\n            self._idle -= 1",
    ),
    "answers come in another order": ("[item for item, _ in batch]", "[item for item, _ in batch[::-1]]"),
    "more statements than lanes": ("self._idle -= 1", "self._idle -= 0"),
    "batches have no end": ("size = min(len(self._waiting), half, self._batch_size)", "size = len(self._waiting)"),
    "whoever waits is forgotten by an overload": (
        "            raise Overloaded",
        "            self._waiting.popleft()\n            raise Overloaded",
    ),
    "a cancelled statement ends its lane": ("except asyncio.CancelledError:", "except ZeroDivisionError:"),
}


@dataclass(frozen=True)
class Asked:
    """A request, and how many times something had been forbidden when it was made."""

    who: int
    forbidden: int


class Statements:
    """A database that takes its time, fails, is cancelled, and says what it knew when it began."""

    def __init__(self, dice: random.Random, lanes: int, size: int) -> None:
        self._dice = dice
        self._lanes = lanes
        self._size = size
        self.forbidden = 0
        self.running = 0
        self.calm = False

    async def run(self, items: Sequence[Asked]) -> Sequence[tuple[Asked, int] | Exception]:
        assert 0 < len(items) <= self._size
        self.running += 1
        assert self.running <= self._lanes
        try:
            knew, fate = self.forbidden, self._dice.random()
            if not self.calm and fate < 0.05:
                raise OSError("away before it began")
            await passes(self._dice.choice((0, 0.001, 0.01)))
            if not self.calm and fate < 0.10:
                raise OSError("away before it ended")
            if not self.calm and fate < 0.13:
                raise asyncio.CancelledError
            if not self.calm and fate < 0.15:
                return []
            refuses = 0.0 if self.calm else 0.1
            return [Unknown() if self._dice.random() < refuses else (item, knew) for item in items]
        finally:
            self.running -= 1


def _scenario(made: type[Batcher[Any, Any]]) -> Callable[[random.Random], Coroutine[Any, Any, None]]:
    async def scenario(dice: random.Random) -> None:
        lanes, size = dice.randint(1, 3), dice.randint(1, 4)
        statements = Statements(dice, lanes, size)
        batcher = made(statements.run, lanes=lanes, batch_size=size, queue_limit=dice.randint(2, 12))

        async def ask(who: int) -> None:
            await passes(dice.choice((0, 0.001, 0.005, 0.02)))
            if dice.random() < 0.2:
                statements.forbidden += 1
            asked = Asked(who, statements.forbidden)
            with suppress(Overloaded, Unknown, OSError, RuntimeError, asyncio.CancelledError, TimeoutError):
                patience = dice.choice((None, 0.001, 0.004))
                answer, knew = await asyncio.wait_for(batcher.submit(asked), patience)
                assert answer is asked, "an answer went to somebody else"
                assert knew >= asked.forbidden, "an answer is older than its question"

        await asyncio.gather(*(ask(who) for who in range(dice.randint(1, 24))))
        await batcher.drain()
        statements.calm = True
        again = [Asked(-n, statements.forbidden) for n in range(2)]
        assert [answer for answer, _ in await asyncio.gather(*map(batcher.submit, again))] == again
        assert batcher.waiting == 0
        assert statements.running == 0

    return scenario


def test_each_request_gets_its_own_answer() -> None:
    for seed in range(SEEDS):
        simulate(_scenario(Batcher), seed)


@pytest.mark.long
def test_each_request_gets_its_own_answer_in_many_more_runs() -> None:
    for seed in range(SEEDS, SEEDS + MANY_SEEDS):
        simulate(_scenario(Batcher), seed)


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found(planted: str) -> None:
    assert caught(_scenario(broken(batcher, *PLANTED[planted]).Batcher), SEEDS)
