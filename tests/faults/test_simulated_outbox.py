"""The outbox under thousands of seeds: workers share it, die, are slow, lose their commits, and meet events that never work.

Each event's effect stands exactly once, or the event waits, or it was set aside after its last attempt: never two of these.
What a handler does elsewhere is repeated with the same key, and never left out.
"""

import asyncio
import random
import types
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from helhed.foundation import outbox
from tests.faults.simulated_outbox import Connection, Event, Pool
from tests.faults.simulation import broken, caught, passes, simulate
from tests.support.world import NOW

SEEDS, MANY_SEEDS = 150, 10_000
MOST_ATTEMPTS = 8
ENOUGH = 600  #: simulated seconds: all waits between attempts together are 510
SILENT = SimpleNamespace(warning=lambda *_, **__: None)
PLANTED = {
    "forgotten before it was handled": ("            async with connection.transaction():\n                await self._handlers", "            await connection.execute('delete', row['id'])\n            async with connection.transaction():\n                await self._handlers"),
    "handled and not forgotten": ('await connection.execute("delete from foundation.outbox where id = $1", row["id"])', "pass"),
    "a handler's half stays": ("            async with connection.transaction():\n                await self._handlers", "            if True:\n                await self._handlers"),
    "never set aside": ("failed = attempts >= _MOST_ATTEMPTS", "failed = False"),
    "set aside too soon": ("failed = attempts >= _MOST_ATTEMPTS", "failed = attempts >= 2"),
    "tried again at once": ("timedelta(seconds=2**attempts)", "timedelta()"),
    "a round that fails ends the worker": ("except Exception as error:  # the database may be away; the next round tries again", "except ZeroDivisionError as error:"),
    "a failed event fails its page": ("        except Exception as error:\n            attempts", "        except ZeroDivisionError as error:\n            attempts"),
}  # fmt: skip


class Handlers:
    """Do something in the transaction and something elsewhere; some events never work, some work later."""

    def __init__(self, dice: random.Random, poison: set[int], late: dict[int, int]) -> None:
        self._dice, self._poison, self._late = dice, poison, late
        self.elsewhere: Counter[int] = Counter()
        self.failures: Counter[int] = Counter()
        self.keys: dict[int, set[int]] = {}
        self.tried_at: dict[int, list[float]] = {}

    async def handle(self, connection: Connection, key: int, payload: Any) -> None:
        """What an upper room does with one event."""
        self.keys.setdefault(payload, set()).add(key)
        self.elsewhere[payload] += 1
        self.tried_at.setdefault(payload, []).append(asyncio.get_running_loop().time())
        await connection.effect(key)
        await passes(self._dice.choice((0, 0.001, 5)))  # some are slow
        if payload in self._poison or self.failures[payload] < self._late.get(payload, 0):
            self.failures[payload] += 1
            raise ValueError("not this one")


def _scenario(module: types.ModuleType) -> Callable[[random.Random], Coroutine[Any, Any, None]]:
    async def scenario(dice: random.Random) -> None:
        loop, pool = asyncio.get_running_loop(), Pool(dice)
        events = range(1, dice.randint(2, 14))
        poison = {n for n in events if dice.random() < 0.15}
        handlers = Handlers(dice, poison, {n: dice.randint(1, 3) for n in events if dice.random() < 0.2})
        stopping = asyncio.Event()

        def clock() -> Any:
            return NOW + timedelta(seconds=loop.time())

        async def announce() -> None:
            for n in events:
                await passes(dice.choice((0, 0.001, 1)))
                topic = "later" if n % 7 == 0 else "news"
                pool.committed.waiting[n] = Event(n, topic, str(n), clock())

        workers = [
            module.Outbox(pool, clock, {"news": handlers.handle}, page=dice.randint(1, 4))
            for _ in range(dice.randint(1, 3))
        ]
        for worker in workers:
            worker._log = SILENT
        running = [asyncio.create_task(worker.run(stopping, pause_seconds=dice.choice((5, 30)))) for worker in workers]
        await announce()
        await passes(dice.choice((0, 1, 30)))
        pool.calm = True
        await passes(ENOUGH)
        assert not any(task.done() for task in running), "a worker gave up"
        stopping.set()
        await asyncio.gather(*running)
        _hold(pool, handlers, [n for n in events if n % 7], poison)
        assert all(pool.committed.waiting[n].attempts == 0 for n in events if n % 7 == 0), (
            "another release's event was touched"
        )
        assert not pool.locked

    return scenario


def _hold(pool: Pool, handlers: Handlers, ours: list[int], poison: set[int]) -> None:
    done = Counter(pool.committed.done)
    for n in ours:
        waits = pool.committed.waiting.get(n)
        assert handlers.keys[n] == {n}, "a repeat came under another key"
        if n in poison:
            assert waits is not None
            assert waits.failed, "poison is tried for ever"
            tried = handlers.tried_at[n]
            assert tried[-1] - tried[0] >= sum(2**k for k in range(1, MOST_ATTEMPTS)), "poison is tried without a pause"
            assert (waits.attempts, done[n]) == (MOST_ATTEMPTS, 0), (
                "poison was set aside too soon, or left something behind"
            )
        else:
            assert (waits, done[n]) == (None, 1), "an effect stands exactly once"
            assert handlers.elsewhere[n] >= 1


def test_whatever_happens_each_event_is_done_once_or_waits() -> None:
    for seed in range(SEEDS):
        simulate(_scenario(outbox), seed)


@pytest.mark.long
def test_each_event_is_done_once_or_waits_in_many_more_runs() -> None:
    for seed in range(SEEDS, SEEDS + MANY_SEEDS):
        simulate(_scenario(outbox), seed)


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found(planted: str) -> None:
    assert caught(_scenario(broken(outbox, *PLANTED[planted])), SEEDS)
